//! The command table as a whole, and commands on a node in memory.
#![allow(clippy::unwrap_used, reason = "tests")]

mod ask;
mod facts;
mod listings;
mod nodes;
mod parity;
mod pins;
mod refs;
mod repo;
mod settings;
