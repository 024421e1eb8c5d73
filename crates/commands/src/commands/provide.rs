//! `ipfs provide`.

pub(crate) mod clear;
pub(crate) mod human;
pub(crate) mod once;
pub(crate) mod report;
pub(crate) mod stat;
pub(crate) mod sweep;
