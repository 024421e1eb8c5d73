//! The mutable file tree: one directory whose content changes while its CID follows.
//!
//! [`Mfs`] holds the tree of a node. Its root is a record of the [`Datastore`]; what is under it
//! are blocks like any other, read as they are needed. A change is made in memory, in the
//! directory it concerns; *flushing* writes what was changed, children before parents, up to the
//! root, and then the record. When a flushing call has answered, a crash loses nothing of it.
//!
//! CIDs, errors and their order are those of Kubo 0.43.
//!
//! [`Datastore`]: basalt_blockstore::Datastore
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use basalt_blockstore::MemoryStore;
//! use basalt_mfs::{MkdirOptions, Mfs, Parts, Settings};
//! use std::sync::Arc;
//!
//! let store = Arc::new(MemoryStore::default());
//! let parts = || Parts::local(store.clone(), store.clone(), Settings::default());
//! let files = Mfs::new(parts());
//! files.mkdir("/a/b", MkdirOptions { parents: true, ..MkdirOptions::default() }).await?;
//! let root = files.flush("/").await?;
//!
//! let again = Mfs::new(parts());
//! assert_eq!(again.node("/").await?.block.cid(), &root);
//! # Ok::<(), basalt_mfs::Error>(())
//! # }).unwrap();
//! ```

mod attributes;
mod commit;
mod content;
mod copy;
mod dir;
mod error;
mod glance;
mod keep;
mod known;
mod list;
mod lookup;
mod mfs;
mod mkdir;
mod mv;
mod node;
pub mod path;
mod remove;
mod replace;
mod root;
mod settings;
mod write;

pub use error::Error;
pub use glance::{Glance, GlanceKind};
pub use keep::{Keep, KeepNothing, Kept};
pub use list::{ListStream, Listed};
pub use mfs::{Mfs, Parts};
pub use mkdir::MkdirOptions;
pub use node::{Kind, Node};
pub use path::MAX_DEPTH;
pub use root::{KEY as ROOT_RECORD, empty_root};
pub use settings::Settings;
pub use write::{WriteOptions, Writer};

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
