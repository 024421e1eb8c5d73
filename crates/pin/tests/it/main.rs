//! Pins and garbage collection over the store in memory.

#![allow(clippy::unwrap_used)]

mod collect;
mod dag;
mod interleave;
mod model;
mod pins;
mod refs;
mod staged;
mod stress;
