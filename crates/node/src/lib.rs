//! A content-addressed storage node to embed.
//!
//! A [`Node`] puts a store, pins, garbage collection and a block service together over a repo, or
//! in memory. Everything the command line and the RPC do is done through it.
//!
//! ```
//! use basalt::{Node, Pin};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let node = Node::builder().open().await?; // in memory; `.repo(path)` keeps it on disk
//! let block = basalt::block::Block::hash(1, 0x55, basalt::block::Hasher::SHA2_256, "hi".into())?;
//! node.blocks().put_many(vec![block.clone()]).await?;
//! node.pin(Pin::recursive(*block.cid())).await?;
//! assert_eq!(node.collect_garbage().await?.removed, 0);
//! assert_eq!(node.blocks().get(block.cid()).await?, block);
//! # node.close().await;
//! # Ok(()) })
//! # }
//! ```

mod agent;
mod auto_conf;
mod auto_gc;
mod builder;
mod car_export;
mod car_import;
mod check;
mod dag_blocks;
mod dns;
mod error;
mod fetching;
mod files;
mod import;
mod import_kubo;
mod init;
mod name_tree;
mod names;
mod node;
mod object;
#[cfg(test)]
mod on_disk;
mod online;
mod over_http;
mod provide;
mod pubsub;
mod remote_pins;
mod resolve;
mod route;
mod source;
mod verify;
mod waits;

pub use agent::{agent_version, printable};
pub use builder::NodeBuilder;
pub use car_export::{CarExport, ExportOptions};
pub use car_import::{CarImport, CarImportOptions, CarImportStats, CarImported, PinnedRoot};
pub use dag_blocks::{DagBlock, DagBlocks};
pub use error::Error;
pub use files::directory_options;
pub use import::{FileImport, Import, ImportOptions};
pub use import_kubo::{KuboImport, KuboImportEvent, KuboImportProgress, KuboImported};
pub use name_tree::NameTree;
pub use names::{Awaited, NameGossip};
pub use node::{Node, StorageStat};
pub use object::{NodeChange, PatchOptions};
pub use provide::{
    FastProvide, KeptBy, ProvideSettings, ProvideStats, Provider, Strategy, WorkerStats,
};
pub use remote_pins::{pinning_client, pinning_service};
pub use resolve::Resolved;
pub use route::Routing;
pub use verify::{Outcome, Rebuilt, Remedy, Verified};
pub use waits::{Waits, Why};

pub use basalt_bitswap as bitswap;
pub use basalt_block as block;
pub use basalt_blockstore as blockstore;
pub use basalt_car as car;
pub use basalt_chunker as chunker;
pub use basalt_delegated as delegated;
pub use basalt_denylist as denylist;
pub use basalt_exchange as exchange;
pub use basalt_filestore as filestore;
pub use basalt_ipld as ipld;
pub use basalt_ipns as ipns;
pub use basalt_mfs as mfs;
pub use basalt_network as network;
pub use basalt_pin as pin;
pub use basalt_pinning as pinning;
pub use basalt_repo as repo;
pub use basalt_retrieval as retrieval;
pub use basalt_routing as routing;
pub use basalt_unixfs as unixfs;

pub use basalt_block::Cid;
pub use basalt_pin::Pin;

/// The version of Kubo whose interfaces this node has.
pub const KUBO_VERSION: &str = "0.43.0";
/// The version of Basalt.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version of the repository's layout, in Kubo's counting.
pub const REPO_VERSION: u32 = 18;
/// The Rust that the build asks for.
pub const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// Blocks over [`basalt_block::MAX_BLOCK_SIZE`] are refused with these words, unless allowed.
pub const TOO_BIG: &str = "produced block is over 2MiB: big blocks can't be exchanged with other peers. consider using UnixFS for automatic chunking of bigger files, or pass --allow-big-block to override";

/// The result of every call on a node.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The README's example is one of the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
