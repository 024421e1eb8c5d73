//! Where blocks come from: the local store first, then an exchange with other nodes.
//!
//! [`Exchange`] is the seam for Bitswap and for blocks over HTTP; [`Offline`] is the exchange of a
//! node that talks to nobody. [`BlockService`] puts a store in front of one: it answers identity
//! CIDs itself, refuses CIDs that are too weak to be trusted, and checks and keeps what it fetches.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use basalt_block::{Block, Hasher, codec};
//! use basalt_blockstore::MemoryStore;
//! use basalt_exchange::{BlockService, Error};
//! use std::sync::Arc;
//!
//! let blocks = BlockService::local(Arc::new(MemoryStore::default()));
//! let hello = Block::hash(1, codec::RAW, Hasher::SHA2_256, "hello".into()).unwrap();
//! let missing = blocks.get(hello.cid()).await;
//! assert!(matches!(missing, Err(Error::NotFoundOffline(cid)) if cid == *hello.cid()));
//!
//! let _kept_from_garbage_collection = blocks.lease();
//! blocks.put_many(vec![hello.clone()]).await.unwrap();
//! assert_eq!(blocks.get(hello.cid()).await.unwrap(), hello);
//! # });
//! ```

mod announced;
mod error;
mod late;
mod offline;
mod service;
mod traits;

pub use announced::Announced;
pub use error::{Error, Refusal};
pub use late::Late;
pub use offline::Offline;
pub use service::{BlockService, Prefetch};
pub use traits::{Event, Exchange, Gate, Observer, Sought, Waiting};

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
