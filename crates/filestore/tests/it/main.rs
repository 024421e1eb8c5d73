//! The store around another one.

#![allow(clippy::unwrap_used)]

mod conformance;
mod references;
