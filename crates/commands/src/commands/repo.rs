//! `ipfs repo`: the repository as a whole.

pub(crate) mod gc;
pub(crate) mod import_kubo;
pub(crate) mod migrate;
pub(crate) mod stat;
pub(crate) mod verify;
pub(crate) mod version;
