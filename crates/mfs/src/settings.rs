use std::time::Duration;

use basalt_chunker::Chunker;
use basalt_unixfs::DirectoryOptions;

/// What decides how new parts of the tree are made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How directories are made; the root takes its CID format from here whenever it is opened.
    pub directory: DirectoryOptions,
    /// How what is written is cut.
    pub chunker: Chunker,
    /// How many changes may be left without a flush; none is no limit.
    pub unflushed: Option<u64>,
    /// How long a block of a directory may take to come from elsewhere.
    pub fetch_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: DirectoryOptions::default(),
            chunker: Chunker::default(),
            unflushed: None,
            fetch_timeout: Duration::from_secs(60),
        }
    }
}
