//! The options of `add`, and what they come to with the settings under `Import`.

use basalt::block::{
    Cid, Hasher, MAX_IDENTITY_DIGEST, Version, codec, hash_code, hash_codes, validate,
};
use basalt::chunker::Chunker;
use basalt::unixfs::{CidFormat, DirectoryOptions, FileOptions, Layout, Mtime, Stat};
use basalt::{ImportOptions, Node, pin, repo::config};

use crate::commands::support::hashing_failed;
use crate::files::{self, FileMode};
use crate::{Call, Error, Result};

crate::options! {
    /// Options of `add`. Which files are taken in is decided where they are: on the command line.
    /// Announcing waits for the routing system.
    #[allow(dead_code)]
    pub(crate) struct Options {
        /// Add directories with everything below them
        recursive: bool = ["recursive", "r"],
        /// Deprecated: follow symlinks that are named; use --dereference-symlinks
        dereference_args: bool = ["dereference-args"],
        /// The name of what comes from standard input
        stdin_name: Option<String> = ["stdin-name"],
        /// Take hidden files of directories in
        hidden: bool = ["hidden", "H"],
        /// A rule, as in .gitignore, for names of directories' entries to leave out
        ignore: Vec<String> = ["ignore"],
        /// A file of such rules
        ignore_rules_path: Option<String> = ["ignore-rules-path"],
        /// Keep empty directories
        empty_dirs: bool = ["empty-dirs", "E"] default "true",
        /// Add what symlinks lead to instead of the links
        dereference_symlinks: bool = ["dereference-symlinks"],
        /// Write only CIDs
        quiet: bool = ["quiet", "q"],
        /// Write only the last CID
        quieter: bool = ["quieter", "Q"],
        /// Write nothing
        silent: bool = ["silent"],
        /// Show progress; the default on a terminal
        progress: Option<bool> = ["progress", "p"],
        /// Only compute CIDs, store nothing
        only_hash: bool = ["only-hash", "n"],
        /// Put everything into a directory
        wrap: bool = ["wrap-with-directory", "w"],
        /// Pin what is added
        pin: bool = ["pin"] default "true",
        /// A name for the pin
        pin_name: Option<String> = ["pin-name"],
        /// Link what is added into this folder of MFS
        to_files: Option<String> = ["to-files"],
        /// CID version: 0 or 1. Version 1 comes with raw leaves
        cid_version: Option<i32> = ["cid-version"],
        /// The hash function; another than sha2-256 means CID version 1
        hash: Option<String> = ["hash"],
        /// Store leaves as bare bytes
        raw_leaves: Option<bool> = ["raw-leaves"],
        /// How files are cut: size-N, rabin-MIN-AVG-MAX or buzhash
        chunker: Option<String> = ["chunker", "s"],
        /// Arrange files as trickle DAGs
        trickle: Option<bool> = ["trickle", "t"],
        /// The most links of a file's node
        max_file_links: Option<i32> = ["max-file-links"],
        /// The most links of a directory that is not sharded
        max_directory_links: Option<i32> = ["max-directory-links"],
        /// The slots of a HAMT shard
        max_hamt_fanout: Option<i32> = ["max-hamt-fanout"],
        /// Put small blocks into their CIDs
        inline: bool = ["inline"],
        /// The largest block that is put into its CID, in bytes
        inline_limit: i32 = ["inline-limit"] default "32",
        /// Refer to the files instead of copying them
        nocopy: bool = ["nocopy"],
        /// Look for blocks among files that are referred to
        fscache: bool = ["fscache"],
        /// Keep permissions
        preserve_mode: bool = ["preserve-mode"],
        /// Keep modification times
        preserve_mtime: bool = ["preserve-mtime"],
        /// Permissions to store, in place of the files' own
        mode: u32 = ["mode"],
        /// Modification time to store, in seconds since 1970
        mtime: i64 = ["mtime"],
        /// Nanoseconds on top of --mtime
        mtime_nsecs: u32 = ["mtime-nsecs"],
        /// Announce the root at once
        fast_provide_root: Option<bool> = ["fast-provide-root"],
        /// Announce the whole DAG at once
        fast_provide_dag: Option<bool> = ["fast-provide-dag"],
        /// Wait for the announcement
        fast_provide_wait: Option<bool> = ["fast-provide-wait"],
    }
}

/// How many bytes of a file come in at least between two events of progress.
const PROGRESS: u64 = 256 << 10;

/// What the options come to.
pub(super) struct Plan {
    pub(super) import: ImportOptions,
    pub(super) wrap: bool,
    pub(super) silent: bool,
    /// Whether the root is announced at once, the whole DAG is, and that is waited for.
    pub(super) fast_provide: [Option<bool>; 3],
    /// How many bytes come in between two events of progress, if they are wanted.
    pub(super) progress: Option<u64>,
    preserve_mode: bool,
    preserve_mtime: bool,
    stat: Stat,
}

impl Plan {
    /// What is kept of an entry's attributes. What an option sets is stored, whatever the entry has.
    pub(super) fn stat(&self, mode: Option<FileMode>, mtime: Option<files::Mtime>) -> Stat {
        let own_mode = mode.filter(|_| self.preserve_mode);
        let own_mtime = mtime.filter(|_| self.preserve_mtime).map(|m| Mtime {
            seconds: m.secs,
            nanos: m.nanos,
        });
        Stat {
            mode: self.stat.mode.or(own_mode.and_then(FileMode::stored)),
            mtime: self.stat.mtime.or(own_mtime),
        }
    }
}

/// Works the options out, with the checks and in the order of Kubo.
pub(super) fn plan(call: &Call<Options>, node: &Node) -> Result<Plan> {
    let options = &call.options;
    let settings = match node.repo() {
        Some(repo) => repo.config().import(),
        None => config::Config::parse(b"{}")
            .map_err(|e| Error::new(e.to_string()))?
            .import(),
    };
    let limit = usize::try_from(options.inline_limit).unwrap_or(0);
    if options.inline && limit > MAX_IDENTITY_DIGEST {
        return Err(Error::new(format!(
            "inline-limit {limit} exceeds maximum allowed size of {MAX_IDENTITY_DIGEST} bytes"
        )));
    }
    if let Some(name) = &options.pin_name {
        pin::check_name(name).map_err(|e| Error::new(e.to_string()))?;
    }
    let has_stat =
        options.preserve_mode || options.preserve_mtime || options.mode != 0 || options.mtime != 0;
    let mut raw_leaves = options.raw_leaves.or(settings.raw_leaves);
    if has_stat {
        if raw_leaves == Some(true) {
            return Err(Error::new(
                "raw-leaves can't be used with UnixFS metadata like mode or modification time",
            ));
        }
        raw_leaves = Some(false);
    }
    contradictions(options)?;
    let cids = cid_format(options, &settings, limit)?;
    if options.mtime == 0 && options.mtime_nsecs != 0 {
        return Err(Error::new(
            "option \"mtime-nsecs\" requires \"mtime\" to be provided as well",
        ));
    }
    if options.nocopy && raw_leaves == Some(false) {
        return Err(Error::new(
            "nocopy option requires '--raw-leaves' to be enabled as well",
        ));
    }
    if options.nocopy && node.filestore().is_err() {
        return Err(basalt::Error::NothingToReferWith.into());
    }
    let directory = directory(options, &settings, cids);
    if !directory.fanout.is_power_of_two() || !(8..=1024).contains(&directory.fanout) {
        let fanout = directory.fanout;
        return Err(Error::new(format!(
            "HAMT fanout must be a power of 2, between 8 and 1024 (got {fanout})"
        )));
    }
    if options.mtime_nsecs > 999_999_999 {
        return Err(Error::new(
            "mtime nanoseconds must be in range [1, 999999999]",
        ));
    }
    let stat = Stat {
        mode: FileMode(options.mode).stored(),
        mtime: (options.mtime != 0).then_some(Mtime {
            seconds: options.mtime,
            nanos: options.mtime_nsecs,
        }),
    };
    let file = FileOptions {
        chunker: chunker(options, &settings)?,
        layout: layout(options, &settings),
        raw_leaves: raw_leaves
            .unwrap_or(options.nocopy || cids.version == Version::V1 && !has_stat),
        max_links: positive(options.max_file_links, settings.file_max_links_or_default()),
        cids,
        stat,
        ..FileOptions::default()
    };
    // Kubo looks after each read of a chunk whether enough has come.
    let read = match &file.chunker {
        Chunker::Size(size) => (*size as u64).min(PROGRESS),
        _ => PROGRESS,
    };
    let step = PROGRESS.div_ceil(read) * read;
    let import = ImportOptions {
        file,
        directory,
        empty_directories: options.empty_dirs,
        only_hash: options.only_hash,
        nocopy: options.nocopy,
        fscache: options.fscache,
        pin: options.pin && !options.only_hash,
        pin_name: options.pin_name.clone().unwrap_or_default(),
    };
    Ok(Plan {
        import,
        wrap: options.wrap,
        silent: options.silent,
        fast_provide: [
            options.fast_provide_root,
            options.fast_provide_dag,
            options.fast_provide_wait,
        ],
        progress: options.progress.unwrap_or(false).then_some(step),
        preserve_mode: options.preserve_mode && options.mode == 0,
        preserve_mtime: options.preserve_mtime,
        stat,
    })
}

fn contradictions(options: &Options) -> Result<()> {
    let to_files = options.to_files.is_some();
    if options.only_hash && to_files {
        return Err(Error::new(
            "only-hash and to-files options are not compatible",
        ));
    }
    let pins = options.pin && !options.only_hash;
    if !pins && options.pin_name.is_some() {
        return Err(Error::new("pin-name option requires pin to be set"));
    }
    if options.wrap && to_files {
        return Err(Error::new(
            "wrap-with-directory and to-files options are not compatible",
        ));
    }
    Ok(())
}

fn cid_format(options: &Options, settings: &config::Import, limit: usize) -> Result<CidFormat> {
    let named = options
        .hash
        .clone()
        .filter(|h| !h.is_empty())
        .or_else(|| settings.hash_function.clone());
    let name = named
        .unwrap_or_else(|| "sha2-256".to_owned())
        .to_lowercase();
    let code = hash_code(&name)
        .ok_or_else(|| Error::new(format!("unrecognized hash function: {name:?}")))?;
    let version = options.cid_version.map(i64::from).or(settings.cid_version);
    let version = match version {
        None | Some(..=0) if code == hash_codes::SHA2_256 => Version::V0,
        None | Some(1 | -1) => Version::V1,
        Some(0) => return Err(Error::new("CIDv0 only supports sha2-256")),
        Some(other) => return Err(Error::new(format!("unknown CID version: {other}"))),
    };
    // Functions that have a name but cannot be computed, or are refused, are found out here.
    let hash = Hasher::new(code).digest(b"").map_err(hashing_failed)?;
    validate(&Cid::new_v1(codec::RAW, hash)).map_err(|e| Error::new(e.to_string()))?;
    let inline = options.inline.then_some(limit);
    Ok(CidFormat {
        version,
        hasher: Hasher::new(code),
        inline,
    })
}

fn chunker(options: &Options, settings: &config::Import) -> Result<Chunker> {
    let named = options.chunker.clone().filter(|c| !c.is_empty());
    let text = named.unwrap_or_else(|| settings.chunker_or_default().to_owned());
    text.parse()
        .map_err(|e: basalt::chunker::Error| Error::new(e.to_string()))
}

fn layout(options: &Options, settings: &config::Import) -> Layout {
    let trickle = options
        .trickle
        .unwrap_or_else(|| settings.trickle.unwrap_or(false));
    if trickle {
        Layout::Trickle
    } else {
        Layout::Balanced
    }
}

fn directory(options: &Options, settings: &config::Import, cids: CidFormat) -> DirectoryOptions {
    let usual = basalt::directory_options(settings, cids);
    DirectoryOptions {
        max_links: positive(options.max_directory_links, usual.max_links),
        fanout: positive(options.max_hamt_fanout, usual.fanout),
        ..usual
    }
}

fn positive(given: Option<i32>, default: impl TryInto<usize>) -> usize {
    let given = given.and_then(|n| usize::try_from(n).ok());
    given.unwrap_or_else(|| default.try_into().unwrap_or(0))
}
