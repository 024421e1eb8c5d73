//! Other versions of the program: which there are, and putting one in the place of this one.
//!
//! A [`Server`] has releases, in the form of GitHub's API; each has an archive for every platform, and
//! beside it a file with the archive's SHA-512. What was in a program's place before goes into a
//! [`Stash`].
//!
//! ```no_run
//! use basalt_update::{Platform, Server, Stash, replace};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new("https://releases.example/basalt")?;
//! let platform = Platform { os: "linux", arch: "amd64" };
//! let latest = server.latest(platform, false).await?;
//! let program = server.program(&latest.tag, platform).await?;
//! Stash::new("/home/u/.ipfs".as_ref()).add("/usr/bin/basalt".as_ref(), "0.1.0")?;
//! replace("/usr/bin/basalt".as_ref(), program.path())?;
//! # Ok(()) }
//! ```

mod archive;
mod error;
mod place;
mod release;
mod server;
mod stash;
mod version;

pub use error::Error;
pub use place::{beside, replace};
pub use release::{Asset, Platform, Release};
pub use server::{SERVER_VARIABLE, Server};
pub use stash::{STASH, Stash, Stashed};
pub use version::Version;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;
