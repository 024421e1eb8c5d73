//! `ipfs p2p stream`: the connections that tunnels carry.

pub(crate) mod close;
pub(crate) mod ls;
