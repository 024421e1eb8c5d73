//! The RocksDB store: block metadata apart from block data, every byte written once in bulk
//! imports, totals that are exact after a crash.
//!
//! ```
//! use basalt_block::{Block, Hasher, codec};
//! use basalt_blockstore::Blockstore;
//! use basalt_blockstore_rocks::{Options, RocksStore};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let store = RocksStore::open(Options::new(dir.path()))?;
//! let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, "hello".into())?;
//! store.put_many(vec![block.clone()]).await?;
//! store.sync().await?; // from here on no crash loses it
//! assert_eq!(store.get(block.cid()).await?, Some(block));
//! # Ok(()) })
//! # }
//! ```
//!
//! What is where on the disk is written down in `docs/store.md`.

mod ballast;
mod cf;
mod codec;
mod commit;
mod compact;
mod current;
mod db;
mod disk;
mod error;
mod flush;
mod list;
mod mended;
mod open;
mod options;
mod pool;
mod read;
mod rescue;
mod scrub;
mod space;
mod store;
mod swift;
mod warm;

pub use options::Options;
pub use rescue::Rescued;
pub use store::RocksStore;
