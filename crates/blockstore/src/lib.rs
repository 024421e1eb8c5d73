//! Where blocks are kept: the [`Blockstore`] and [`Datastore`] traits, a store in memory, and the
//! conformance suite that every store passes.
//!
//! Blocks are kept by multihash. A block is written once, whoever names it and in whatever CID
//! version; small facts about it ([`BlockStat`]) are answered without reading its bytes.
//!
//! Durability: [`Blockstore::put_many`] makes blocks visible, [`Blockstore::sync`] and
//! [`Datastore::write`] make everything written before them durable. Nothing is acknowledged to a
//! user before one of the two has returned, and so no record is ever durable before the blocks it
//! names.

mod error;
mod lease;
mod measured;
mod memory;
mod traits;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use error::Error;
pub use lease::{Epochs, Horizon, Lease};
pub use measured::{Asked, Count, Measured, Meter};
pub use memory::MemoryStore;
pub use traits::{
    Batch, BlockStat, Blockstore, Datastore, Deleted, Findings, Op, Records, ScrubEvent,
    StatStream, Usage,
};

/// The result of every call on a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;
