//! Records of Kubo's, and which of several records counts.

#![allow(clippy::unwrap_used)]

mod kubo;
mod selection;
mod store;
