use std::path::PathBuf;

use basalt_block::Cid;

/// Why a file or directory could not be built or read. Where Kubo has a text for it, it is that.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused what was built.
    #[error(transparent)]
    Store(#[from] basalt_blockstore::Error),
    /// The hash function is unknown, or cannot be used.
    #[error(transparent)]
    Block(#[from] basalt_block::Error),
    /// Whoever gives the blocks could not give one; the text is theirs.
    #[error(transparent)]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// The input could not be read, or the output not be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A file or directory on disk could not be made; said as Go's `os` package does.
    #[error("{doing} {}: {}", .path.display(), os_text(.source))]
    Disk {
        /// The system call.
        doing: &'static str,
        /// What it was called on.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The store has no such block.
    #[error("ipld: could not find {0}")]
    NotFound(Cid),
    /// The block is not what its CID says, or is no UnixFS.
    #[error("{cid}: {reason}")]
    Malformed {
        /// The block at fault.
        cid: Box<Cid>,
        /// What is wrong with it.
        reason: String,
    },
    /// The block's codec is not one of UnixFS.
    #[error("unknown node type")]
    NotUnixFs(Box<Cid>),
    /// The file's blocks are not as long as the nodes above them say.
    #[error("{cid}: the block holds {found} bytes of the file where its parent says {expected}")]
    SizeMismatch {
        /// The block at fault.
        cid: Box<Cid>,
        /// What the parent says.
        expected: u64,
        /// What the block says or holds.
        found: u64,
    },
    /// The DAG is deeper or wider than any honest one.
    #[error("{0}: the DAG is too deep or too wide to be read; it was not written by UnixFS")]
    TooDeep(Box<Cid>),
    /// The path leads to a directory where a file is needed.
    #[error("this dag node is a directory")]
    IsDirectory,
    /// The path leads to a symlink where a file is needed.
    #[error("cannot currently read symlinks")]
    IsSymlink,
    /// The path leads to something else where a directory is needed.
    #[error("merkledag node was not a directory or shard")]
    NotDirectory,
    /// Nothing of that name in the directory.
    #[error("no link named {} under {node}", quoted(.name))]
    NoLink {
        /// The name.
        name: Vec<u8>,
        /// The directory.
        node: Box<Cid>,
    },
    /// Two entries of one name.
    #[error("directory already has entry by that name")]
    Exists,
    /// An entry without a name.
    #[error("cannot create file with empty name")]
    EmptyName,
    /// More bytes than a file's size can say.
    #[error("a file cannot be so large")]
    FileTooLarge,
    /// A chunk over 2 MiB.
    #[error("object size limit exceeded")]
    ChunkTooLarge,
    /// The fanout of HAMT directories that was asked for.
    #[error("HAMT fanout must be a power of 2, between 8 and 1024 (got {0})")]
    Fanout(usize),
    /// More than 64 bits of hash would be needed to tell two names apart.
    #[error("sharded directory too deep")]
    ShardTooDeep,
    /// The limit on a directory's links is met, and HAMT directories are disabled.
    #[error("BasicDirectory: cannot add child: maxLinks reached")]
    MaxLinks,
    /// A balanced DAG needs two links a node.
    #[error("a balanced file needs at least 2 links per node, not {0}; use the trickle layout")]
    FileLinks(usize),
    /// A path in a tree that leads out of it.
    #[error("relative UnixFS paths outside the root are not allowed, use CAR instead")]
    OutsideRoot,
    /// A tar entry that must not be extracted.
    #[error("{0}")]
    Unsafe(String),
    /// A value that a tar header cannot hold.
    #[error("archive/tar: cannot encode header: {0}")]
    TarHeader(String),
    /// The work was given up while it ran in the background.
    #[error("the import was cancelled")]
    Cancelled,
}

impl Error {
    pub(crate) fn malformed(cid: &Cid, reason: impl ToString) -> Self {
        Self::Malformed {
            cid: Box::new(*cid),
            reason: reason.to_string(),
        }
    }
}

/// The system's words without Rust's "(os error 2)", in lower case.
fn os_text(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => error.to_string(),
    }
}

fn quoted(name: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(name))
}
