//! The node in the file system: `/ipfs`, `/ipns` and `/mfs`, by FUSE.
//!
//! [`Mounts`] mounts the three on folders and unmounts them. `/ipfs` has everything under its CID
//! and cannot be changed; `/mfs` is the file tree of `ipfs files`; `/ipns` has a tree that is
//! published under the node's own name, and links for all other names.
//!
//! One thread a mount reads requests from the kernel; the work is done by tasks, of which only so
//! many run at a time, and each of which ends after a while though a block may never come. Modes,
//! sizes, error numbers and attributes are those of Kubo 0.43 but where docs/mount.md says so.

mod attributes;
mod errno;
mod error;
mod files;
mod ipfs;
mod listing;
mod mount;
mod mounts;
mod names;
mod points;
mod reader;
mod server;
mod table;
mod tree;

pub use error::Error;
pub use mounts::Mounts;
pub use points::Points;

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
