//! The mutable file tree of the node.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use basalt_block::{Cid, Hasher, Version, hash_code};
use basalt_blockstore::Datastore;
use basalt_exchange::BlockService;
use basalt_mfs::{Keep, Kept, Mfs, Parts, Settings};
use basalt_pin::{Collector, Roots};
use basalt_repo::config::{self, Config};
use basalt_unixfs::{CidFormat, DirectoryOptions, SizeEstimation};

use crate::source::Blocks;
use crate::{Error, Node, Result};

/// What `Internal.MFSNoFlushLimit` is where it is not set.
const UNFLUSHED: i64 = 256;

/// The tree, or why the settings do not allow one: then the rest of the node works.
pub(crate) type Files = Result<Mfs, String>;

/// Makes the tree of a node, and has its content kept.
pub(crate) fn assemble(
    config: Option<&Config>,
    blocks: &BlockService,
    records: &Arc<dyn Datastore>,
    collector: &Arc<Collector>,
) -> Files {
    let settings = match config {
        Some(config) => settings(config)?,
        None => Settings::default(),
    };
    let mfs = Mfs::new(Parts {
        store: blocks.store().clone(),
        records: records.clone(),
        source: Arc::new(Blocks(blocks.clone())),
        keep: Arc::new(Guards(Arc::downgrade(collector))),
        settings,
    });
    collector.add_roots(Arc::new(Tree(mfs.clone())));
    Ok(mfs)
}

pub(crate) fn settings(config: &Config) -> Result<Settings, String> {
    let import = config.import();
    let limit = config.integer("Internal.MFSNoFlushLimit");
    Ok(Settings {
        directory: directory_options(&import, cid_format(&import)?),
        // As in Kubo, a chunker that cannot be read is the usual one.
        chunker: import.chunker_or_default().parse().unwrap_or_default(),
        unflushed: u64::try_from(limit.unwrap_or(UNFLUSHED))
            .ok()
            .filter(|most| *most > 0),
        ..Settings::default()
    })
}

/// How directories are made by the settings under `Import`.
pub fn directory_options(import: &config::Import, cids: CidFormat) -> DirectoryOptions {
    DirectoryOptions {
        cids,
        max_links: usize::try_from(import.directory_max_links.unwrap_or(0)).unwrap_or(0),
        fanout: usize::try_from(import.hamt_fanout_or_default()).unwrap_or(0),
        sharding_size: import.hamt_threshold_or_default(),
        estimation: match import.hamt_estimation {
            config::HamtEstimation::Links => SizeEstimation::Links,
            config::HamtEstimation::Block => SizeEstimation::Block,
            config::HamtEstimation::Disabled => SizeEstimation::Disabled,
        },
    }
}

/// The CID format that `Import.CidVersion` and `Import.HashFunction` say.
fn cid_format(import: &config::Import) -> Result<CidFormat, String> {
    const DEFAULT: &str = "sha2-256";
    let name = import.hash_function.as_deref().unwrap_or(DEFAULT);
    let version = match import.cid_version.unwrap_or(0) {
        0 if name != DEFAULT => Version::V1,
        0 => Version::V0,
        1 => Version::V1,
        other => return Err(format!("unknown CID version: {other}")),
    };
    let code = hash_code(&name.to_lowercase())
        .ok_or_else(|| format!("Import.HashFunction unrecognized: {name:?}"))?;
    Ok(CidFormat {
        version,
        hasher: Hasher::new(code),
        inline: None,
    })
}

impl Node {
    /// The mutable file tree.
    ///
    /// # Errors
    /// The settings under `Import` do not allow one.
    pub fn files(&self) -> Result<&Mfs> {
        self.files_or_why()
            .as_ref()
            .map_err(|why| Error::FilesSettings(why.clone()))
    }

    /// How the CIDs of what is made in the tree are made, where a command does not say.
    pub fn files_cids(&self) -> Result<CidFormat> {
        match self.repo() {
            None => Ok(CidFormat::default()),
            Some(repo) => cid_format(&repo.config().import()).map_err(Error::FilesSettings),
        }
    }
}

/// The tree as something that keeps DAGs.
struct Tree(Mfs);

#[async_trait]
impl Roots for Tree {
    async fn roots(&self) -> basalt_pin::Result<Vec<Cid>> {
        self.0.roots().await.map_err(basalt_pin::Error::source)
    }
}

/// Guards of the node's collector; which holds the tree, and is not held by it.
pub(crate) struct Guards(pub(crate) Weak<Collector>);

#[async_trait]
impl Keep for Guards {
    async fn protect(&self, root: Cid) -> Kept {
        match self.0.upgrade() {
            Some(collector) => Box::new(collector.protect(root).await),
            None => Box::new(()),
        }
    }
}
