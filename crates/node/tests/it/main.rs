//! The parts of a node together.

#![allow(clippy::unwrap_used)]

mod auto_conf;
mod files_and_garbage;
mod remote_pins;
