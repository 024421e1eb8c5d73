//! `ipfs pin remote service`: the services that are known.

pub(crate) mod add;
pub(crate) mod ls;
pub(crate) mod rm;
