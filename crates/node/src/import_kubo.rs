//! Bringing a repository of Kubo's over, with all that is in it.
//!
//! The store is the journal: blocks become visible in the order in which they were written, also
//! after a crash, so whatever the store has is there and was checked when it was read. A run that
//! goes on after another was cut off asks the store first and reads from Kubo only what is missing.
//! Pins follow the blocks, and the config follows everything: before it there is no repo.

mod blocks;
mod pins;
mod references;
mod space;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use basalt_blockstore::{Batch, Blockstore, Datastore};
use basalt_blockstore_rocks::{Options, RocksStore};
use basalt_ipns::{BEST, PUBLISHED};
use basalt_kubo::{Api, KuboRepo};
use basalt_mfs::{ROOT_RECORD, empty_root};
use basalt_pin::Pins;
use basalt_repo::{Config, Keystore, RepoLock};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::builder::STORE_DIR;
use crate::{Error, Node, Result};
use target::Target;

/// Between two reports of progress.
const TELL: Duration = Duration::from_millis(200);

/// What is to be imported, and where to.
#[derive(Debug, Clone)]
pub struct KuboImport {
    /// The directory of Kubo's repo; nothing is ever written there.
    pub source: PathBuf,
    /// The multiaddr of the RPC of the Kubo that runs on it, to get blocks and pins from; without
    /// it, they are read from its files and no Kubo may run.
    pub api: Option<String>,
    /// The directory of the repo that is to be made or added to.
    pub target: PathBuf,
}

/// What is told while an import runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum KuboImportEvent {
    /// Something that a user should know.
    Note(String),
    /// How far the blocks are.
    Progress(KuboImportProgress),
    /// Something that is damaged and was left out.
    Damaged {
        /// The file or record.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// How far the blocks are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KuboImportProgress {
    /// Blocks gone through.
    pub blocks: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// About how many bytes there are.
    pub total_bytes: u64,
}

/// What was brought over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KuboImported {
    /// Blocks that are new.
    pub blocks: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Blocks that were there already.
    pub present: u64,
    /// Blocks and records that were left out.
    pub damaged: u64,
    /// References of the filestore and urlstore.
    pub references: u64,
    /// Pins.
    pub pins: u64,
    /// Keys of IPNS names.
    pub keys: u64,
    /// IPNS records that the node has published.
    pub names: u64,
    /// The root of `ipfs files`, in its text.
    pub files_root: Option<String>,
}

type Events = mpsc::Sender<KuboImportEvent>;

impl Node {
    /// Brings over what is in a repository of Kubo's: blocks, pins, files, keys, identity and
    /// config. May be cut off at any point and called again.
    ///
    /// # Errors
    /// Kubo's repo cannot be read or is in use, the target belongs to another node, or there is no
    /// room.
    pub async fn import_kubo(import: KuboImport, events: Events) -> Result<KuboImported> {
        let opened = tokio::task::spawn_blocking({
            let import = import.clone();
            move || open(&import)
        });
        let Opened {
            source,
            api,
            config,
            target,
            store,
            total,
        } = opened.await??;
        let store = Arc::new(store);
        let target_dir = absolute(&import.target)?;
        let _lease = store.lease();
        let mut done = KuboImported::default();
        if source.version() < basalt_kubo::NEWEST {
            let text = format!(
                "the config is of version {}; it is brought to version {}",
                source.version(),
                basalt_kubo::NEWEST
            );
            note(&events, text).await;
        }

        let feed = tokio::task::spawn_blocking({
            let (source, api) = (source.clone(), api.clone());
            move || blocks::Feed::open(&source, api)
        });
        blocks::bring(store.clone(), feed.await??, total, &events, &mut done).await?;
        match api {
            // It hands such blocks over as it does all others.
            Some(_) => {}
            None => {
                references::bring(&source, &store, &target_dir, &events, &mut done).await?;
            }
        }
        // Pins are records: writing the first makes every block before it durable.
        pins::bring(&source, api.as_ref(), &store, &events, &mut done).await?;
        files_root(&source, api.as_ref(), &store, &target, &events, &mut done).await?;
        names(&source, api.is_some(), &store, &events, &mut done).await?;
        store.sync().await?;
        if api.is_none() {
            check_not_running(source.path())?;
        }
        if let Some(store) = Arc::into_inner(store) {
            store.close().await;
        }
        let keys = tokio::task::spawn_blocking(move || finish(&source, &config, target));
        let (keys, notes) = keys.await??;
        done.keys = keys;
        for text in notes {
            note(&events, text).await;
        }
        Ok(done)
    }
}

struct Opened {
    source: Arc<KuboRepo>,
    api: Option<Api>,
    config: Config,
    target: Target,
    store: RocksStore,
    /// About how many bytes of blocks there are.
    total: u64,
}

fn open(import: &KuboImport) -> Result<Opened> {
    let source_dir = absolute(&import.source)?;
    let source = KuboRepo::open(&source_dir)?;
    let api = import.api.as_deref().map(Api::new).transpose()?;
    let config = Config::from_kubo(source.config(), source.version())?;
    let peer = config.private_key()?.peer_id().to_string();
    match &api {
        None => check_not_running(&source_dir)?,
        Some(api) => {
            let (theirs, _) = api.identity()?;
            if theirs != peer {
                return Err(Error::OtherKubo { theirs, ours: peer });
            }
        }
    }
    let target_dir = absolute(&import.target)?;
    if target_dir == source_dir {
        return Err(basalt_repo::Error::ImportIntoItself(source_dir).into());
    }
    // What cannot be read is told before anything is made.
    let parts = match &api {
        None => {
            drop(source.pins()?);
            Some(source.blocks()?)
        }
        Some(_) => None,
    };
    let total = match (&parts, &api) {
        (Some(blocks), _) => space::size(blocks)?,
        (None, Some(api)) => api.size()?,
        (None, None) => 0,
    };
    let target = Target::open(&target_dir, &source_dir, &config)?;
    let store_dir = target.data_dir().join(STORE_DIR);
    let store = RocksStore::open(Options::new(store_dir))?;
    let there = store.usage().block_bytes;
    if let Err(error) = space::check(&target.data_dir(), total.saturating_sub(there)) {
        if there == 0 {
            drop(store);
            target.abandon();
        }
        return Err(error);
    }
    Ok(Opened {
        source: Arc::new(source),
        api,
        config,
        target,
        store,
        total,
    })
}

/// Refuses while a Kubo has the repo open.
fn check_not_running(source: &Path) -> Result<()> {
    match RepoLock::holder(source)? {
        Some(holder) => Err(Error::KuboRunning {
            path: source.to_owned(),
            holder: holder.to_string(),
        }),
        None => Ok(()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let absolute = std::path::absolute(path);
    Ok(absolute.map_err(|e| basalt_blockstore::Error::Io(e.to_string()))?)
}

async fn note(events: &Events, text: String) {
    // A reader that has gone misses nothing that matters.
    let _ = events.send(KuboImportEvent::Note(text)).await;
}

async fn damaged(events: &Events, done: &mut KuboImported, what: String, reason: String) {
    done.damaged += 1;
    let _ = events.send(KuboImportEvent::Damaged { what, reason }).await;
}

/// Takes over the root of the files.
async fn files_root(
    source: &Arc<KuboRepo>,
    api: Option<&Api>,
    store: &Arc<RocksStore>,
    target: &Target,
    events: &Events,
    done: &mut KuboImported,
) -> Result<()> {
    let (source, api) = (source.clone(), api.cloned());
    let root = tokio::task::spawn_blocking(move || match api {
        Some(api) => api.files_root(),
        None => source.files_root(),
    });
    let Some(root) = root.await?? else {
        return Ok(());
    };
    let bytes = root.to_bytes();
    let there = Datastore::get(&**store, ROOT_RECORD).await?;
    match there {
        Some(there) if target.is_old() && there != bytes && there != empty_root().to_bytes() => {
            let text = format!(
                "the files of 'ipfs files' stay as they are in the repo; Kubo's are under /ipfs/{root}"
            );
            note(events, text).await;
        }
        _ => {
            let mut batch = Batch::default();
            batch.put(ROOT_RECORD, bytes);
            store.write(batch).await?;
            done.files_root = Some(root.to_string());
        }
    }
    Ok(())
}

/// Takes over the IPNS records that the node has published, so that their sequence numbers go on.
async fn names(
    source: &Arc<KuboRepo>,
    through_api: bool,
    store: &Arc<RocksStore>,
    events: &Events,
    done: &mut KuboImported,
) -> Result<()> {
    if through_api {
        let text =
            "IPNS records are not handed over by the RPC; publish again with 'ipfs name publish'";
        note(events, text.to_owned()).await;
        return Ok(());
    }
    let source = source.clone();
    // As many as the node has keys.
    let records = tokio::task::spawn_blocking(move || -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(source.ipns_records()?.collect::<Result<_, _>>()?)
    });
    for (peer, record) in records.await?? {
        let keys = [PUBLISHED, BEST].map(|table| Bytes::from([table, &peer].concat()));
        let there = Datastore::get_many(&**store, &keys).await?;
        let mut batch = Batch::default();
        for (key, there) in keys.into_iter().zip(there) {
            // What the repo has published since is newer.
            if there.is_none() {
                batch.put(key, record.clone());
            }
        }
        store.write(batch).await?;
        done.names += 1;
    }
    Ok(())
}

/// Copies the keys and makes the target a repo.
fn finish(source: &KuboRepo, config: &Config, target: Target) -> Result<(u64, Vec<String>)> {
    let (mut keys, mut notes) = (0, Vec::new());
    if source.keystore().is_dir() {
        let theirs = Keystore::existing(&source.keystore());
        for name in theirs.list()? {
            match theirs.get(&name) {
                Ok(key) => match target.put_key(&name, &key)? {
                    true => keys += 1,
                    false => notes.push(format!(
                        "the key '{name}' is another one in the repo, which stays as it is"
                    )),
                },
                Err(error) => notes.push(format!("the key '{name}' was left out: {error}")),
            }
        }
    }
    target.commit(source, config)?;
    Ok((keys, notes))
}

/// Pins over a store that no node has opened.
fn pins_of(store: &Arc<RocksStore>) -> Pins {
    Pins::new(store.clone(), store.clone())
}
