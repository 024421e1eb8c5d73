//! `ipfs config profile`: named sets of changes.

pub(crate) mod apply;
