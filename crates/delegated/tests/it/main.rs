//! The server and the client of routing over HTTP, against each other.

#![allow(clippy::unwrap_used, reason = "tests")]

mod answers;
mod names;
mod world;
