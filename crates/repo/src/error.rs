use std::io;
use std::path::{Path, PathBuf};

use crate::go_text::quote;
use crate::lock::Holder;

/// What Basalt says when it is pointed at a repo of Kubo's; the command is told with the repo's
/// path.
pub const KUBO_REPO_ADVICE: &str = "\
Basalt leaves it untouched. To bring all that is in it into a new repo, stop Kubo and run";

const MIGRATION: &str = "See https://github.com/ipfs/fs-repo-migrations/blob/master/run.md\nSorry for the inconvenience. In the future, these will run automatically.";

/// What can go wrong with the repository on disk. Texts that clients of Kubo look at are Kubo's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no repo at the path.
    #[error("no IPFS repo found in {}.\nplease run: 'ipfs init'", .0.display())]
    NoRepo(PathBuf),
    /// There is a repo already, which `init` never overwrites.
    #[error("ipfs configuration file already exists!\nReinitializing would overwrite your keys\n")]
    AlreadyInitialized,
    /// The directory holds a repo that Kubo made.
    #[error("found a Kubo repo in {} ({found}).\n{KUBO_REPO_ADVICE}\n\n  {}\n", path.display(), import_command(path))]
    KuboRepo {
        /// The repo's directory.
        path: PathBuf,
        /// What tells that it is Kubo's, for people.
        found: String,
    },
    /// An import of a Kubo repo into this directory was cut off, or is under way.
    #[error(
        "the import of the Kubo repo {source_repo} into {} is not finished. Go on with\n\n  IPFS_PATH={} ipfs repo import-kubo {source_repo}\n\nor remove the directory",
        path.display(),
        path.display()
    )]
    UnfinishedImport {
        /// The directory.
        path: PathBuf,
        /// Where the Kubo repo is.
        source_repo: String,
    },
    /// The repo belongs to another node than the one that is to be imported.
    #[error(
        "the repo in {} is that of peer {theirs}, the Kubo repo that of peer {ours}. Import into a directory that does not exist yet: IPFS_PATH names it",
        path.display()
    )]
    OtherIdentity {
        /// The directory of the repo that is there.
        path: PathBuf,
        /// The peer whose repo is to be imported.
        ours: String,
        /// The peer whose repo it is.
        theirs: String,
    },
    /// The Kubo repo is to be imported into itself.
    #[error(
        "{} is the Kubo repo itself, which is left as it is. Name another directory with IPFS_PATH, for example\n\n  {}\n",
        .0.display(),
        import_command(.0)
    )]
    ImportIntoItself(PathBuf),
    /// Basalt's own data has a format that this version does not know.
    #[error(
        "the data in {} has format {found}; this version of Basalt reads format {expected}. Use the version that wrote it, or a newer one",
        path.display()
    )]
    DataFormat {
        /// Basalt's data directory.
        path: PathBuf,
        /// What its format file says.
        found: String,
        /// What this version reads.
        expected: u32,
    },
    /// There is data of Basalt's and no config that goes with it.
    #[error(
        "found Basalt's data in {} and no config. Put the config file back from a backup, or move the directory away before 'ipfs init'",
        .0.display()
    )]
    DataWithoutConfig(PathBuf),
    /// The repo's version is below the supported one.
    #[error("ipfs repo needs migration, please run migration tool.\n{MIGRATION}")]
    RepoTooOld,
    /// The repo's version is above the supported one.
    #[error(
        "Your programs version ({ours}) is lower than your repos ({theirs}).\nPlease update ipfs to a version that supports the existing repo, or run\na migration in reverse.\n\nSee https://github.com/ipfs/fs-repo-migrations/blob/master/run.md for details."
    )]
    RepoTooNew {
        /// The supported version.
        ours: u32,
        /// The repo's.
        theirs: i64,
    },
    /// The repo has no `version` file.
    #[error("no version file found, please run 0-to-1 migration tool.\n{MIGRATION}")]
    NoVersion,
    /// The repo's `version` file is not a number.
    #[error("invalid data in repo version file")]
    BadVersion,
    /// A path begins with another user's home, `~name`.
    #[error("cannot expand user-specific home dir")]
    UserSpecificHome,
    /// A path begins with `~` and `HOME` is not set.
    #[error("$HOME is not defined")]
    NoHome,
    /// The repo's directory cannot be written to.
    #[error("{} is not writeable by the current user", .0.display())]
    NotWritable(PathBuf),
    /// Another process has the repo open.
    #[error("lock {}: someone else has the lock{}", path.display(), in_brackets(holder.as_ref()))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where the system tells.
        holder: Option<Holder>,
    },
    /// This process has the repo open already.
    #[error("lock {}: lock is already held by us", .0.display())]
    LockedByUs(PathBuf),
    /// Something wrote into the lock file, which must be empty.
    #[error(
        "can't Lock file {}: has non-zero size; remove it if no ipfs process is using the repo",
        quote(.0.to_string_lossy().as_bytes())
    )]
    LockFileNotEmpty(PathBuf),
    /// The `api` file is absurdly large.
    #[error("API file too large, must be <2048 bytes long: {}", .0.display())]
    ApiFileTooLarge(PathBuf),
    /// The document that says what `auto` stands for cannot be followed.
    #[error("{0}")]
    AutoConf(String),
    /// The `api` file does not hold a multiaddr.
    #[error("failed to parse multiaddr {}: must begin with /", quote(.0))]
    ApiFileInvalid(String),

    /// The config file is not there.
    #[error("ipfs not initialized, please run 'ipfs init'")]
    NoConfig,
    /// A config is not JSON, or not of the right shape.
    #[error("failure to decode config: {0}")]
    ConfigDecode(String),
    /// The config is larger than any that is meant for a node.
    #[error("the config is too large: {size} bytes, at most {limit}")]
    ConfigTooLarge {
        /// Its size in bytes.
        size: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// There is no such key.
    #[error("{0} not found")]
    KeyNotFound(String),
    /// The path goes on below something that has no keys.
    #[error("{0} key is not a map")]
    KeyNotMap(String),
    /// A key could not be read.
    #[error("failed to get config value: {}", quote(.0.to_string()))]
    ConfigGet(#[source] Box<Error>),
    /// A key could not be set.
    #[error("failed to set config value: {0} (maybe use --json?)")]
    ConfigSet(#[source] Box<Error>),
    /// The value given for a key is not JSON.
    #[error("failed to unmarshal json. {0}")]
    ConfigValueSyntax(#[from] crate::go_json::SyntaxError),
    /// `--expand-auto` together with a value to set.
    #[error("--expand-auto can only be used for reading config values, not for setting them")]
    ExpandAutoOnSet,
    /// The private key is never shown or changed.
    #[error("cannot show or change private key through API")]
    PrivateKeyHidden,
    /// Secrets of pinning services are never shown or changed.
    #[error("cannot show or change pinning services credentials")]
    PinningServicesHidden,
    /// There is a pinning service of this name already.
    #[error("service already present")]
    ServiceExists,
    /// The peer ID follows from the private key.
    #[error(
        "cannot set Identity.PeerID to a value that does not match the node's private key; use 'ipfs key rotate' to change the node identity"
    )]
    PeerIdMismatch,
    /// The file for `config replace` is not a config.
    #[error("failed to decode file as config")]
    ReplaceDecode,
    /// The file for `config replace` has a private key.
    #[error("setting private key with API is not supported")]
    ReplacePrivateKey,
    /// The file for `config replace` has other pinning services.
    #[error("cannot add or remove remote pinning services with 'config replace'")]
    ReplaceServices,
    /// The file for `config replace` has other credentials of a pinning service.
    #[error("cannot change remote pinning services api info with `config replace`")]
    ReplaceServiceApi,
    /// The config has no private key.
    #[error("failed to get PrivKey")]
    NoPrivateKey,
    /// The name is not one of a profile.
    #[error("{0} is not a profile")]
    NotAProfile(String),
    /// The name, given to `init`, is not one of a profile.
    #[error("invalid configuration profile: {0}")]
    InvalidProfile(String),
    /// A profile that chooses a datastore was applied to a repo that has one.
    #[error(
        "profile {0} can only be applied when the repo is made ('ipfs init --profile={0}'): it would change Datastore.Spec, which does not match what is on disk"
    )]
    InitOnlyProfile(String),
    /// A setting cannot be used; the text says why and what is allowed.
    #[error("{0}")]
    Setting(String),

    /// The type of key is unknown.
    #[error("unrecognized key type: {0}")]
    KeyType(String),
    /// The size does not suit the type of key.
    #[error("{0}")]
    KeySize(String),
    /// A private key cannot be read.
    #[error("failed to decode PrivKey: {0}")]
    PrivateKey(String),
    /// A key cannot be taken from another program or given to it.
    #[error("{0}")]
    KeyExchange(String),
    /// A private key cannot sign.
    #[error("cannot sign: {0}")]
    Signing(String),
    /// A text is not a peer ID.
    #[error("{0}")]
    PeerId(String),
    /// No key has the name.
    #[error("no key by the given name was found")]
    NoSuchKey,
    /// A key of that name is there.
    #[error("key by that name already exists, refusing to overwrite")]
    KeyExists,
    /// A key of that name is there, and a new one was to be made or imported under it.
    #[error("key with name '{0}' already exists")]
    KeyNameTaken(String),
    /// No key has the name, in the words of those commands that take one.
    #[error("no key named {0} was found")]
    NoKeyNamed(String),
    /// The node's own key is not one of the keystore's.
    #[error("cannot {0} key with name 'self'")]
    OwnKey(&'static str),
    /// A key was asked for by something that is neither a name nor an ID of one.
    #[error("no key by the given name or PeerID was found")]
    NoSuchKeyOrId,
    /// A text is neither a key's name, nor its ID, nor an IPNS name.
    #[error("'{}' is not a known key, an IPNS Name, or a valid PeerID", quote(.0))]
    NotAKey(String),
    /// The key is not in its ID, which is a hash of it.
    #[error("public key is not embedded in peer ID")]
    KeyNotEmbedded,
    /// A signature is not one that this type of key makes.
    #[error("{0}")]
    BadSignature(String),
    /// The node could not be given another key.
    #[error("{doing} ({source})")]
    Rotate {
        /// What was tried: `creating identity`.
        doing: &'static str,
        /// Why it failed.
        source: Box<Error>,
    },
    /// Key names are not empty.
    #[error("key name must be at least one character")]
    EmptyKeyName,
    /// A file in the keystore is not a private key.
    #[error("cannot deserialize private key file {}: {reason}", quote(path.to_string_lossy().as_bytes()))]
    BadKeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The file system refused.
    #[error("{action} {}: {}", path.display(), os_text(source))]
    Io {
        /// What was tried, as a verb: `open`, `mkdir`, `rename`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// Names the file and the action of an I/O error.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// The command that imports the Kubo repo in `path`.
fn import_command(path: &Path) -> String {
    let path = path.display();
    format!("IPFS_PATH={path}-basalt ipfs repo import-kubo {path}")
}

fn in_brackets(holder: Option<&Holder>) -> String {
    holder.map(|h| format!(" ({h})")).unwrap_or_default()
}

/// The system's words without Rust's "(os error 2)", in lower case as Go writes them.
fn os_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => error.to_string(),
    }
}
