//! Routing over HTTP: servers that know who has what, where peers are, and what names mean.
//! <https://specs.ipfs.tech/routing/http-routing-v1/>
//!
//! ```
//! use basalt_delegated::{Endpoint, Records};
//!
//! // One that is asked for everything, and one that is asked for providers alone.
//! let all = Endpoint::parse("https://routing.example")?;
//! let one = Endpoint::parse("https://routing.example/routing/v1/providers")?;
//! assert!(all.knows_peers() && !one.knows_peers());
//!
//! let answer = br#"{"Providers":[{"Schema":"peer","ID":"12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r"}]}"#;
//! assert_eq!(Records::read(answer, false)?.len(), 1);
//! # Ok::<(), basalt_delegated::Error>(())
//! ```

mod client;
mod endpoint;
mod error;
mod records;

pub use client::Client;
pub use endpoint::Endpoint;
pub use error::Error;
pub use records::Records;

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
