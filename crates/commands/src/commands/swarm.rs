//! `ipfs swarm`: connections to other nodes.

pub(crate) mod addrs;
pub(crate) mod connect;
pub(crate) mod disconnect;
pub(crate) mod filters;
pub(crate) mod peering;
pub(crate) mod peers;
pub(crate) mod resources;
