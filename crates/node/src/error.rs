use basalt_block::Cid;

/// Why a node could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed, is full or damaged.
    #[error(transparent)]
    Store(#[from] basalt_blockstore::Error),
    /// What was asked for is on a list of what is not given out.
    #[error(transparent)]
    Blocked(#[from] basalt_denylist::Blocked),
    /// A block cannot be had.
    #[error(transparent)]
    Block(#[from] basalt_exchange::Error),
    /// A pin cannot be made or removed.
    #[error(transparent)]
    Pin(#[from] basalt_pin::Error),
    /// The repo is missing, locked or wrong.
    #[error(transparent)]
    Repo(#[from] basalt_repo::Error),
    /// What `auto` stands for cannot be fetched.
    #[error("autoconf: {url}: {reason}")]
    AutoConf {
        /// The server's URL.
        url: String,
        /// Why.
        reason: String,
    },
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
    /// The mutable file tree cannot do what it was asked.
    #[error(transparent)]
    Files(#[from] basalt_mfs::Error),
    /// The settings do not allow a mutable file tree.
    #[error("failed to build MFS options from Import config: {0}")]
    FilesSettings(String),
    /// A file or directory cannot be built or read.
    #[error(transparent)]
    UnixFs(#[from] basalt_unixfs::Error),
    /// A path cannot be read or followed, or a block's bytes do not follow its codec.
    #[error(transparent)]
    Ipld(#[from] basalt_ipld::Error),
    /// What should be a CAR does not begin like one.
    #[error("{}", .0.reason)]
    CarHeader(basalt_car::Error),
    /// A CAR is torn or lies.
    #[error("import failed{}: {}", after(.0), .0.reason)]
    Car(basalt_car::Error),
    /// A block of a CAR is not to be stored.
    #[error("import failed at block \"{cid}\": {reason}")]
    CarBlock {
        /// The block.
        cid: Cid,
        /// What is wrong with it.
        reason: String,
    },
    /// A block's bytes do not follow its codec; the words are what is wrong, without the place.
    #[error("{}", reason(.0))]
    Undecodable(basalt_ipld::Error),
    /// The root of a DAG that is exported cannot be had or decoded.
    #[error("root blk load failed: {0}")]
    ExportRoot(Box<Error>),
    /// A block of a DAG that is exported cannot be had or decoded.
    #[error(
        "walk failed: error traversing node at {}: could not load link \"{cid}\": {error}",
        basalt_ipld::go_quote(.path)
    )]
    Export {
        /// Where the link is, from the root on.
        path: Vec<u8>,
        /// The link.
        cid: Cid,
        /// What is wrong.
        error: Box<Error>,
    },
    /// A name means nothing, or cannot be given a meaning.
    #[error(transparent)]
    Ipns(#[from] basalt_ipns::Error),
    /// Files are to be referred to, and the settings do not allow it.
    #[error(
        "either the filestore or the urlstore must be enabled to use nocopy, see: https://github.com/ipfs/kubo/blob/master/docs/experimental-features.md#ipfs-filestore"
    )]
    NothingToReferWith,
    /// It is not known where the file is that is to be referred to.
    #[error("missing file path or URL, can't create filestore reference")]
    NowhereToReferTo,
    /// The settings do not allow references to files, and none are looked at.
    #[error("filestore is not enabled, see https://git.io/vNItf")]
    NoFilestore,
    /// A node of another codec where a dag-pb node is needed.
    #[error("expected protobuf dag node")]
    NotDagPb,
    /// A node has no link of the name.
    #[error("no link by that name")]
    NoSuchLink,
    /// A link cannot be made without a name.
    #[error("cannot create link with no name")]
    NamelessLink,
    /// A node's links are not to be changed.
    #[error("{0}")]
    Unpatchable(String),
    /// The result is over [`basalt_block::MAX_BLOCK_SIZE`].
    #[error("{}", crate::TOO_BIG)]
    TooBig,
    /// Peers cannot be reached, or not as asked.
    #[error(transparent)]
    Network(#[from] basalt_network::Error),
    /// A pinning service refuses, or does not answer as one.
    #[error(transparent)]
    PinningService(#[from] basalt_pinning::Error),
    /// A pinning service is none that could be asked.
    #[error(transparent)]
    PinningEndpoint(#[from] basalt_pinning::NotAnEndpoint),
    /// An address that leads to nobody in particular.
    #[error("invalid p2p multiaddr")]
    DelegateWithoutPeer,
    /// Other nodes do not know, or cannot be told.
    #[error(transparent)]
    Routing(#[from] basalt_routing::Error),
    /// The routers of the config cannot be put together.
    #[error("{0}")]
    RoutingSettings(String),
    /// A setting of the network means nothing.
    #[error("{key}: {reason}")]
    NetworkSetting {
        /// The key in the config.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A task of the node has ended early.
    #[error("the node's work was cut off: {0}")]
    Task(#[from] tokio::task::JoinError),
}

pub(crate) fn reason(error: &basalt_ipld::Error) -> String {
    match error {
        basalt_ipld::Error::Malformed { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

fn after(error: &basalt_car::Error) -> String {
    match &error.after {
        Some(cid) => format!(" after block \"{cid}\""),
        None => String::new(),
    }
}

impl Error {
    /// Whether a block could not be had because nobody was asked, or nobody had it.
    pub fn is_missing(&self) -> bool {
        use basalt_exchange::Error::{NotFound, NotFoundOffline};
        match self {
            Self::Block(NotFound(_) | NotFoundOffline(_)) => true,
            Self::Pin(basalt_pin::Error::Missing(_)) => true,
            Self::ExportRoot(error) | Self::Export { error, .. } => error.is_missing(),
            _ => false,
        }
    }
}
