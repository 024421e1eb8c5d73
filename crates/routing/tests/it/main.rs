//! DHTs of many nodes in one process.

mod churn;
mod net;
mod values;
