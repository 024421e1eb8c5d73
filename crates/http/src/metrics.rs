//! What Prometheus reads: its text format, and values that are spread over bounds.

mod exposition;
mod requests;
mod spread;

pub use exposition::Exposition;
pub use requests::{Requests, Running, Series};
pub use spread::{Histogram, Summary};
