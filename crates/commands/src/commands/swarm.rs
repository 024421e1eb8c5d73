//! `ipfs swarm`: connections to other nodes.

pub(crate) mod addrs;
pub(crate) mod connect;
pub(crate) mod disconnect;
pub(crate) mod peers;
