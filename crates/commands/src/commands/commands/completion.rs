//! `ipfs commands completion`: scripts for shells.

pub(crate) mod bash;
pub(crate) mod fish;
pub(crate) mod zsh;
