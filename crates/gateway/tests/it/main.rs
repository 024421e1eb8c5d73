//! The gateway over a real socket.
#![allow(clippy::unwrap_used)]

mod limits;
mod served;
mod slow;
mod trustless;
mod websites;
