use std::path::{Path, PathBuf};

/// How a store is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The store's directory; made when it is not there.
    pub path: PathBuf,
    /// Bytes of memory that the store may fill under full load with blocks not yet in files and
    /// with its cache. An idle store uses a small part of it. At least 8 MiB are taken.
    pub memory_budget: usize,
    /// How fast [`compact`](basalt_blockstore::Blockstore::compact) may write, in bytes a second;
    /// it also reads about as much. `None` is as fast as the disk.
    pub compact_rate: Option<u64>,
    /// The part of the space that deleted blocks must hold before `compact` rewrites the files
    /// they share with living ones; files without any living block are deleted whatever this is.
    pub compact_threshold: f64,
    /// Whether files are written around the page cache where the file system can.
    pub direct_io: bool,
}

impl Options {
    /// The defaults, for a store in the directory `path`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            memory_budget: 64 << 20,
            compact_rate: None,
            compact_threshold: 0.1,
            direct_io: true,
        }
    }

    /// How much a memtable of blocks may hold: two may be full while a third fills.
    pub(crate) fn write_buffer(&self) -> usize {
        self.budget() / 4
    }

    /// How long the log may become before memtables are flushed to shorten it.
    pub(crate) fn max_log(&self) -> usize {
        2 * self.write_buffer()
    }

    /// Recently read rows of the index, small blocks and nodes.
    pub(crate) fn cache(&self) -> usize {
        self.budget() / 6
    }

    /// Bytes of blocks that wait for the committer.
    pub(crate) fn in_flight(&self) -> usize {
        (self.budget() / 6).max(2 << 20)
    }

    fn budget(&self) -> usize {
        self.memory_budget.max(8 << 20)
    }
}
