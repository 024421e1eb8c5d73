//! `ipfs stats`: figures of the node.

pub(crate) mod bw;
pub(crate) mod dht;
