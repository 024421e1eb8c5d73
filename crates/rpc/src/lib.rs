//! The /api/v0 face of the command table, over HTTP.
//!
//! [`http`] is the HTTP/1.1 under it: responses that begin while the request is still coming,
//! trailers for clients that do not ask for them (Go's reads `X-Stream-Error` there), and little
//! work for a small answer.

mod access;
mod answer;
mod error;
mod face;
pub mod http;
mod metrics;
mod pages;
mod remote;
mod upload;

pub use access::Access;
pub use error::Error;
pub use face::Face;
pub use metrics::Metrics;
pub use pages::Pages;
pub use remote::Daemon;

/// The result of everything that reads or writes HTTP.
pub type Result<T, E = Error> = std::result::Result<T, E>;
