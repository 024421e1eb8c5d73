//! Bitswap over HTTP: gateways that work, and all the ways in which they do not.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;
mod fetch;
mod node;
mod server;
