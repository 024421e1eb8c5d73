//! Routing over HTTP: who has what, where peers are, and what names mean, asked of others and told to
//! others. <https://specs.ipfs.tech/routing/http-routing-v1/>
//!
//! ```
//! use basalt_delegated::{Endpoint, Filters, PeerRecord};
//!
//! // A server that is asked for everything, and one that is asked for providers alone.
//! let all = Endpoint::parse("https://routing.example")?;
//! let one = Endpoint::parse("https://routing.example/routing/v1/providers")?;
//! assert!(all.knows_peers() && !one.knows_peers());
//!
//! let answer = br#"{"Providers":[{"Schema":"peer","ID":"12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r"}]}"#;
//! let found = PeerRecord::read(answer, false)?;
//! assert_eq!(found.len(), 1);
//! // It has no address of the kind that is wanted.
//! assert!(Filters::new("quic-v1", "").apply(found[0].clone()).is_none());
//! # Ok::<(), basalt_delegated::Error>(())
//! ```

mod announcement;
mod client;
mod endpoint;
mod error;
mod filters;
mod records;
mod server;

pub use announcement::{Announcement, Given};
pub use client::Client;
pub use endpoint::Endpoint;
pub use error::Error;
pub use filters::Filters;
pub use records::{Listing, PeerRecord};
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use server::fuzzing;
pub use server::{PREFIX, Router, Server};

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
