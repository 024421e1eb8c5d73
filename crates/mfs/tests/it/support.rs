use std::sync::Arc;

use basalt_block::{Block, Hasher, codec};
use basalt_blockstore::MemoryStore;
use basalt_mfs::{Mfs, Parts, Settings};

/// A tree in memory, as small a HAMT as there can be.
pub(crate) fn settings(max_links: usize) -> Settings {
    let mut settings = Settings::default();
    settings.directory.max_links = max_links;
    settings.directory.fanout = 8;
    settings
}

pub(crate) fn open(store: &MemoryStore, settings: Settings) -> Mfs {
    let store = Arc::new(store.clone());
    Mfs::new(Parts::local(store.clone(), store, settings))
}

/// A file that is one raw block.
pub(crate) fn raw(text: &str) -> Block {
    let data = bytes::Bytes::copy_from_slice(text.as_bytes());
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap()
}
