//! `ipfs log`: what the daemon logs.

pub(crate) mod level;
pub(crate) mod ls;
pub(crate) mod tail;
