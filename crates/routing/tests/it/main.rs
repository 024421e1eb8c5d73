//! DHTs of many nodes in one process.

#![allow(clippy::unwrap_used, reason = "tests")]

mod churn;
mod net;
mod values;
mod whole;
