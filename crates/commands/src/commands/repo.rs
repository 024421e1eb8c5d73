//! `ipfs repo`: the repository as a whole.

pub(crate) mod gc;
pub(crate) mod stat;
pub(crate) mod verify;
pub(crate) mod version;
