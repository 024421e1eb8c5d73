use basalt_block::Cid;

/// Why the tree could not do what it was asked. Where Kubo has a text for it, it is that.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed, is full or damaged.
    #[error(transparent)]
    Store(#[from] basalt_blockstore::Error),
    /// A file or directory cannot be read or changed.
    #[error(transparent)]
    UnixFs(#[from] basalt_unixfs::Error),
    /// Nothing of that name.
    #[error("file does not exist")]
    NotExist,
    /// A directory is to be made where something is.
    #[error("file already exists")]
    Exists,
    /// Something is to be put where something is.
    #[error("directory already has entry by that name")]
    HasEntry,
    /// The root is always there.
    #[error("cannot create directory '/': Already exists")]
    RootExists,
    /// The root stays.
    #[error("cannot delete root")]
    RemovesRoot,
    /// A path goes on below a file.
    #[error("cannot access {0}: Not a directory")]
    BelowFile(String),
    /// A path of a directory to be made goes on below a file.
    #[error("{0} was not a directory")]
    WasNotDirectory(String),
    /// A directory is needed.
    #[error("{0} is not a directory")]
    NotDirectory(String),
    /// A directory is needed where an entry is looked for.
    #[error("expected *mfs.Directory, didn't get it. This is likely a race condition")]
    ParentNotDirectory,
    /// A directory is needed where something is to be replaced.
    #[error("not a directory: {0}")]
    NotADirectory(String),
    /// Only files are replaced.
    #[error("not a file: {0}")]
    NotAFile(String),
    /// A file is needed.
    #[error("{0} was not a file")]
    WasNotFile(String),
    /// Directories go with what is in them, or not at all.
    #[error("path is a directory, use -r to remove directories")]
    IsDirectory,
    /// Only an empty directory is removed or replaced so.
    #[error("directory not empty")]
    NotEmpty,
    /// Only directories have a CID format of their own.
    #[error("can only update directories")]
    OnlyDirectories,
    /// An entry needs a name.
    #[error("cannot create file with empty name")]
    EmptyName,
    /// A path without anything in it.
    #[error("no path given to Mkdir")]
    NoPath,
    /// A directory would lie in itself.
    #[error("cannot move {0} into itself")]
    IntoItself(String),
    /// Symlinks are neither read nor written.
    #[error("symlinks not yet supported")]
    Symlink,
    /// UnixFS of a kind that is not used any more.
    #[error("not yet implemented")]
    Metadata,
    /// A block that is no part of a tree of files.
    #[error("unrecognized node type in cache node")]
    NotUnixFs,
    /// More names in one path than any tree has that is used.
    #[error("a path has at most {max} names", max = crate::MAX_DEPTH)]
    TooDeep,
    /// A file's offset is behind its end.
    #[error("offset was past end of file ({offset} > {size})")]
    PastEnd {
        /// Where reading was to begin.
        offset: u64,
        /// The bytes of the file.
        size: u64,
    },
    /// Too much is only in memory.
    #[error(
        "reached limit of {0} unflushed MFS operations. To resolve: 1) run 'ipfs files flush' to persist changes, 2) use --flush=true (default), or 3) increase Internal.MFSNoFlushLimit in config"
    )]
    Unflushed(u64),
    /// A block did not come in time.
    #[error("context deadline exceeded")]
    Deadline,
    /// The block that the tree begins with cannot be used.
    #[error(
        "the root of the file tree, {cid}, cannot be used: {reason}. Put another in its place with 'ipfs files chroot' while the daemon is stopped (see --help)"
    )]
    Root {
        /// The root.
        cid: Box<Cid>,
        /// What is wrong.
        reason: String,
    },
    /// What is kept in place of the root is no CID.
    #[error(
        "the record of the root of the file tree is damaged: {0}. Put another root in its place with 'ipfs files chroot' while the daemon is stopped (see --help)"
    )]
    RootRecord(String),
    /// The root is changed only before anything has been read of the tree.
    #[error("the file tree is in use; its root is replaced while the daemon is stopped")]
    InUse,
    /// A new root that is not here.
    #[error("new root {0} does not exist locally; fetch it first with 'ipfs block get'")]
    NewRootAbsent(String),
    /// A new root that is no directory; the text says why.
    #[error("{0}")]
    NewRoot(String),
    /// The work was cut off.
    #[error("the change was cut off: {0}")]
    Task(#[from] tokio::task::JoinError),
}
