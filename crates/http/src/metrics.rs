//! What Prometheus reads: its text format, and values that are spread over bounds.

mod exposition;
mod spread;

pub use exposition::Exposition;
pub use spread::{Histogram, Summary};
