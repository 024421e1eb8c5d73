/// Why a node could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed, is full or damaged.
    #[error(transparent)]
    Store(#[from] basalt_blockstore::Error),
    /// A block cannot be had.
    #[error(transparent)]
    Block(#[from] basalt_exchange::Error),
    /// A pin cannot be made or removed.
    #[error(transparent)]
    Pin(#[from] basalt_pin::Error),
    /// The repo is missing, locked or wrong.
    #[error(transparent)]
    Repo(#[from] basalt_repo::Error),
    /// A repo of Kubo's cannot be read.
    #[error(transparent)]
    Kubo(#[from] basalt_kubo::Error),
    /// A Kubo has the repo open that is to be imported.
    #[error(
        "a Kubo is using the repo in {} ({holder}). Stop it (ipfs shutdown), then import; or import from its RPC with --from-api",
        path.display()
    )]
    KuboRunning {
        /// Kubo's repo.
        path: std::path::PathBuf,
        /// Who has it open.
        holder: String,
    },
    /// The Kubo that answers is that of another repo.
    #[error("the Kubo that answers is peer {theirs}, the repo is that of peer {ours}")]
    OtherKubo {
        /// Who answers.
        theirs: String,
        /// Whose repo is to be imported.
        ours: String,
    },
    /// There is no room for what is to be imported.
    #[error(
        "the import takes about {} MB in {}, where {} MB are free. Free some space, or name a directory on another disk with IPFS_PATH",
        needed.div_ceil(1_000_000),
        path.display(),
        free / 1_000_000
    )]
    NoRoomForImport {
        /// Where the blocks would go.
        path: std::path::PathBuf,
        /// About how many bytes they take.
        needed: u64,
        /// How many there are.
        free: u64,
    },
    /// A file or directory cannot be built or read.
    #[error(transparent)]
    UnixFs(#[from] basalt_unixfs::Error),
    /// A path cannot be read or followed, or a block's bytes do not follow its codec.
    #[error(transparent)]
    Ipld(#[from] basalt_ipld::Error),
    /// Nobody is known to have published a record of this key.
    #[error("could not resolve name")]
    NoRecord,
    /// A path of `/ipns` begins with a domain.
    #[error(
        "DNSLink lookup for \"{0}.\" failed: could not resolve name: this node does not look up DNSLink names yet"
    )]
    NoDnsLink(String),
    /// A path of `/ipns` begins with a CID that is not a key's; the CID that would be.
    #[error("peer ID represented as CIDv1 require libp2p-key multicodec: retry with /ipns/{0}")]
    NotAKey(String),
    /// A path of `/ipns` begins with neither a key nor a domain.
    #[error("cannot resolve: \"/ipns/{0}\"")]
    NotAName(String),
    /// A task of the node has ended early.
    #[error("the node's work was cut off: {0}")]
    Task(#[from] tokio::task::JoinError),
}
