//! CARs of real Kubo, and any CAR at all.

#![allow(clippy::unwrap_used)]

mod any;
mod kubo;
mod reading;
