//! Blocks that are not kept themselves: only where in a file, or behind which URL, their bytes are.
//!
//! A [`Filestore`] is a [`basalt_blockstore::Blockstore`] around another one. What that has is
//! answered from there; for the rest the references are looked up, and the bytes read from where they
//! point and checked against their hash. References are made by [`Filestore::refer`] alone: a block
//! that is put is kept itself, whether there is a reference or not, so that what was promised to be
//! kept does not depend on somebody else's file.
//!
//! References are records of the node's [`basalt_blockstore::Datastore`]; `docs/filestore.md` tells
//! what is in them.

mod list;
mod read;
mod row;
mod status;
mod store;
mod totals;
mod write;

pub use list::{Found, Order, Rows};
pub use row::{Reference, Row, is_url};
pub use status::{Broken, Status};
pub use store::{Filestore, Options};
