//! UnixFS: files and directories as DAGs, and back.
//!
//! What is built has the CIDs that Kubo 0.43 gives. [`FileBuilder`] and [`TreeBuilder`] make DAGs
//! and hand the blocks to a [`BlockSink`]; [`File`] and [`Directory`] read them from a
//! [`BlockSource`], and [`DirectoryEdit`] and
//! [`FileEdit`] change what is stored.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use basalt_blockstore::MemoryStore;
//! use basalt_unixfs::{File, FileBuilder, FileOptions};
//! use futures::TryStreamExt;
//! use std::sync::Arc;
//!
//! let store = Arc::new(MemoryStore::default());
//! let mut builder = FileBuilder::new(FileOptions::default(), Arc::new(store.clone()))?;
//! builder.write("hello ".into()).await?;
//! builder.write("world\n".into()).await?;
//! let node = builder.finish().await?;
//! assert_eq!(node.cid.to_string(), "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o");
//!
//! let file = File::open(Arc::new(store), &node.cid).await?;
//! let bytes: Vec<bytes::Bytes> = file.range(6, Some(5)).try_collect().await?;
//! assert_eq!(bytes.concat(), b"world");
//! # Ok::<(), basalt_unixfs::Error>(())
//! # }).unwrap();
//! ```

mod builder;
mod directory;
mod edit;
mod error;
mod format;
mod murmur3;
mod proto;
mod reader;
mod sink;
mod source;
mod stat;
pub mod tar;

pub use builder::{
    Added, Budget, DirectoryBuilder, DirectoryNode, DirectoryOptions, FileBuilder, FileNode,
    FileOptions, Layout, SizeEstimation, Tree, TreeBuilder, TreeOptions, symlink_block,
};
pub use directory::names::{Found, Names};
pub use directory::{Directory, Entry, resolve_name};
pub use edit::{DirectoryEdit, FileEdit, FileEditOptions};
pub use error::Error;
pub use format::CidFormat;
pub use proto::{Data, DecodeError, Kind};
pub use reader::{File, FileStream, Inode, Symlink};
pub use sink::{BatchedSink, BlockSink, LeafSink, OnlyHash};
pub use source::BlockSource;
pub use stat::{Mtime, Stat};

/// The most links that a node of a file has where nothing else is asked for.
pub const DEFAULT_FILE_LINKS: usize = 174;
/// The slots of a HAMT shard where nothing else is asked for.
pub const DEFAULT_FANOUT: usize = 256;
/// The estimated size in bytes above which a directory becomes a HAMT.
pub const DEFAULT_SHARDING_SIZE: u64 = 256 << 10;

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
