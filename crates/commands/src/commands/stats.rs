//! `ipfs stats`: figures of the node.

pub(crate) mod bw;
