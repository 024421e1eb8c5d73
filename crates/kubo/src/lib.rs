//! Reads repositories that Kubo made.
//!
//! Everything is opened for reading only: no lock is taken, nothing is created, repaired or
//! compacted. A [`KuboRepo`] gives the blocks of a flatfs or leveldb datastore in parts that can be
//! read side by side, and what leveldb keeps beside them: pins, references to files, the MFS root, IPNS
//! records.
//!
//! ```no_run
//! # fn main() -> Result<(), basalt_kubo::Error> {
//! let repo = basalt_kubo::KuboRepo::open("/home/user/.ipfs".as_ref())?;
//! for pin in repo.pins()? {
//!     println!("{}", pin?.cid);
//! }
//! # Ok(())
//! # }
//! ```

mod api;
mod blocks;
mod error;
mod flatfs;
pub mod leveldb;
mod name;
mod pin;
mod reference;
mod repo;
mod spec;

pub use api::{Api, Connection};
pub use blocks::{Blocks, Found, Part};
pub use error::Error;
pub use flatfs::{Flatfs, check_shard_function};
pub use name::block_hash;
pub use pin::{Pin, decode_pin};
pub use reference::{Reference, decode_reference};
pub use repo::{KuboRepo, NEWEST, OLDEST};
pub use spec::{Kind, Mount, mounts};

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
