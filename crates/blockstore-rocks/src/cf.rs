//! The column families and how RocksDB keeps them.

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType,
};

use crate::Options;

/// A column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cf {
    /// The store's own rows: format and totals. RocksDB insists on a family of this name.
    Own,
    /// Multihash to size, flags and epoch.
    Meta,
    /// Blocks that may have links.
    Nodes,
    /// All other blocks.
    Data,
    /// The records of the `Datastore`.
    Records,
}

/// Every family, in the order in which they are opened and flushed.
pub(crate) const ALL: [Cf; 5] = [Cf::Own, Cf::Meta, Cf::Nodes, Cf::Data, Cf::Records];

/// Values from this size on live in blob files. RocksDB copies smaller ones at each compaction, and
/// reads each larger one from a file of its own offset.
const MIN_BLOB: u64 = 4 << 10;
/// Nodes are read much more often than written; only the largest leave the LSM.
const MIN_NODE_BLOB: u64 = 64 << 10;
/// The most that a blob file holds before the next is begun.
const BLOB_FILE: u64 = 256 << 20;
/// Size of the files of the LSM.
pub(crate) const TABLE_FILE: u64 = 16 << 20;

impl Cf {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Own => rocksdb::DEFAULT_COLUMN_FAMILY_NAME,
            Self::Meta => "meta",
            Self::Nodes => "nodes",
            Self::Data => "data",
            Self::Records => "records",
        }
    }

    /// The size in bytes from which on values are in blob files.
    pub(crate) fn blobs_from(self) -> Option<u64> {
        match self {
            Self::Data => Some(MIN_BLOB),
            Self::Nodes => Some(MIN_NODE_BLOB),
            _ => None,
        }
    }

    fn options(self, options: &Options, cache: &Cache) -> rocksdb::Options {
        let mut cf = rocksdb::Options::default();
        cf.set_write_buffer_size(options.write_buffer());
        cf.set_max_write_buffer_number(2);
        // Blocks of an arena are taken as they are needed; small ones keep an idle store small.
        cf.set_arena_block_size(64 << 10);
        cf.set_target_file_size_base(TABLE_FILE);
        cf.set_max_bytes_for_level_base(4 * TABLE_FILE);
        // Digests and blocks do not compress.
        cf.set_compression_type(match self {
            Self::Records => DBCompressionType::Lz4,
            _ => DBCompressionType::None,
        });
        if let Some(least) = self.blobs_from() {
            cf.set_enable_blob_files(true);
            cf.set_min_blob_size(least);
        }
        cf.set_blob_file_size(BLOB_FILE);
        cf.set_blob_compression_type(DBCompressionType::None);
        cf.set_enable_blob_gc(false);
        // Bytes are looked for only when `meta` has the block: the last level is nearly always it.
        cf.set_optimize_filters_for_hits(matches!(self, Self::Data | Self::Nodes));
        cf.set_block_based_table_factory(&table(cache));
        cf
    }

    /// Descriptors of all families, to open them, with their settings changed.
    pub(crate) fn descriptors_with(
        options: &Options,
        change: impl Fn(&mut rocksdb::Options),
    ) -> Vec<ColumnFamilyDescriptor> {
        let cache = Cache::new_lru_cache(options.cache());
        let descriptor = |cf: Cf| {
            let mut settings = cf.options(options, &cache);
            change(&mut settings);
            ColumnFamilyDescriptor::new(cf.name(), settings)
        };
        ALL.into_iter().map(descriptor).collect()
    }
}

fn table(cache: &Cache) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(10.0, false);
    table.set_format_version(6);
    // Index and filters count against the cache, in parts, so that an index of any size obeys the
    // memory budget.
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_top_level_index_and_filter(true);
    table.set_optimize_filters_for_memory(true);
    table
}
