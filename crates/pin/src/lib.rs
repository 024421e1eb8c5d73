//! Pins, the live set, and garbage collection that stops nobody.
//!
//! [`Pins`] records which blocks and DAGs the user keeps; its [`Collector`] deletes what neither a
//! pin nor anything else keeps. [`Walk`] goes through DAGs for both of them, and for everybody
//! else.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use basalt_block::{Block, Hasher, codec};
//! use basalt_blockstore::{Blockstore, MemoryStore};
//! use basalt_pin::{Collect, Local, Pin, Pins, Progress};
//! use std::sync::Arc;
//!
//! let store = Arc::new(MemoryStore::default());
//! let block = |text: &'static str| {
//!     Block::hash(1, codec::RAW, Hasher::SHA2_256, text.into()).unwrap()
//! };
//! let (kept, lost) = (block("kept"), block("lost"));
//! store.put_many(vec![kept.clone(), lost.clone()]).await.unwrap();
//!
//! let pins = Pins::new(store.clone(), store.clone());
//! let local = Arc::new(Local(store.clone()));
//! pins.add(local, Pin::recursive(*kept.cid()), &Progress::default()).await.unwrap();
//!
//! let summary = pins.collector().collect(Collect::default()).finish().await.unwrap();
//! assert_eq!((summary.live, summary.removed), (1, 1));
//! assert!(store.has(kept.cid()).await.unwrap());
//! assert!(!store.has(lost.cid()).await.unwrap());
//! # });
//! ```

mod collector;
mod error;
mod guard;
mod links;
mod listing;
mod local;
mod pins;
mod record;
mod refs;
mod source;
mod table;
mod verify;
mod visited;
mod walk;
mod watermark;

pub use collector::{Collect, Collection, Collector, Event, Roots, Summary};
pub use error::Error;
pub use guard::Guard;
pub use listing::{Kind, Pinned, Row};
pub use pins::{Pins, Progress};
pub use record::{MAX_NAME, Mode, Pin, check_name};
pub use refs::{Edge, Refs};
pub use source::{Local, Source};
pub use verify::Verified;
pub use visited::Visited;
pub use walk::{Options as WalkOptions, Reached, Walk};
pub use watermark::{Action, Watermark};

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
