//! The /api/v0 face of the command table, over HTTP.

mod access;
mod answer;
mod face;
mod metrics;
mod pages;
mod remote;
mod rows;
mod upload;

pub use access::Access;
pub use face::Face;
pub use metrics::More;
pub use pages::{Content, Pages};
pub use remote::Daemon;
