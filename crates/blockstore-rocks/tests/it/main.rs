//! The store as its users see it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conformance;
mod crash;
mod damage;
mod full_disk;
mod life;
mod model;
mod power;
mod support;
