//! `ipfs diag`: what the node is doing, and on what.

pub(crate) mod cmds;
pub(crate) mod datastore;
pub(crate) mod healthy;
pub(crate) mod profile;
pub(crate) mod retrieval;
pub(crate) mod sys;

mod system;
