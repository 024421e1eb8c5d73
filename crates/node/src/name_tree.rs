//! A file tree whose root is what a name means.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use basalt_block::{Cid, cid_of_bytes};
use basalt_blockstore::{Batch, Datastore, Op, Records};
use basalt_ipld::Path;
use basalt_ipns::{Find, Name, Publication};
use basalt_mfs::{Mfs, Parts, ROOT_RECORD};
use basalt_pin::Roots;
use basalt_repo::{GoDuration, PrivateKey};
use bytes::Bytes;
use futures::StreamExt;

use crate::files::{Guards, settings};
use crate::source::Blocks;
use crate::{Error, Node, Result};

/// How long changes are gathered before other nodes are told of them.
const QUIET: Duration = Duration::from_secs(3);
const LIFETIME: GoDuration = GoDuration::from_secs(48 * 60 * 60);
const TTL: GoDuration = GoDuration::from_secs(5 * 60);

/// A file tree whose root is published under the name of a key of this node whenever it changes.
///
/// As long as it is there, garbage collection keeps its content.
pub struct NameTree {
    files: Mfs,
    name: Name,
    _kept: Arc<()>,
}

impl NameTree {
    /// The tree.
    pub fn files(&self) -> &Mfs {
        &self.files
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

impl Node {
    /// The tree under the name of `key`; empty if nothing was published under it yet.
    ///
    /// # Errors
    /// The name means something that is no directory, or that cannot be had.
    pub async fn name_tree(&self, key: PrivateKey) -> Result<NameTree> {
        let name = Name::of(key.public());
        let settings = match self.repo() {
            Some(repo) => settings(&repo.config()).map_err(Error::FilesSettings)?,
            None => basalt_mfs::Settings::default(),
        };
        let collector = self.pins().collector();
        let files = Mfs::new(Parts {
            store: self.blocks().store().clone(),
            records: Arc::new(Published {
                node: self.clone(),
                key,
                name,
                telling: Arc::default(),
            }),
            source: Arc::new(Blocks(self.blocks().clone())),
            keep: Arc::new(Guards(Arc::downgrade(collector))),
            settings,
        });
        // Read now, so that whoever asks for the tree learns what is wrong with it.
        files.glance("/").await?;
        let kept = Arc::new(());
        collector.add_roots(Arc::new(Kept {
            files: files.clone(),
            alive: Arc::downgrade(&kept),
        }));
        Ok(NameTree {
            files,
            name,
            _kept: kept,
        })
    }
}

/// What a name means, as the record of a tree's root.
struct Published {
    node: Node,
    key: PrivateKey,
    name: Name,
    /// Others are going to be told.
    telling: Arc<AtomicBool>,
}

impl Published {
    async fn root(&self) -> Result<Option<Cid>> {
        let path = Path::parse(format!("/ipns/{}", self.name))?;
        // What others know of the own name is not waited for.
        let find = Find::offline();
        let path = match self.node.names().resolve_all(&path, &find).await {
            Ok(path) => path,
            Err(basalt_ipns::Error::NoRecord) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let cid = self.node.resolve(&path, false).await?.cid;
        // The tree wants its root to be here.
        self.node.blocks().get(&cid).await?;
        Ok(Some(cid))
    }

    async fn publish(&self, cid: &Cid) -> Result<()> {
        let publication = Publication {
            value: Path::parse(format!("/ipfs/{cid}"))?,
            lifetime: LIFETIME.as_nanos(),
            ttl: TTL.as_nanos(),
            sequence: None,
            v1: true,
        };
        self.node.publish_locally(&self.key, publication).await?;
        if self.node.is_online() && !self.telling.swap(true, Ordering::SeqCst) {
            let (node, name, telling) = (self.node.clone(), self.name, self.telling.clone());
            tokio::spawn(async move {
                tokio::time::sleep(QUIET).await;
                telling.store(false, Ordering::SeqCst);
                node.tell_record_soon(&name).await;
            });
        }
        Ok(())
    }
}

fn failed(error: Error) -> basalt_blockstore::Error {
    basalt_blockstore::Error::Io(error.to_string())
}

#[async_trait]
impl Datastore for Published {
    async fn get(&self, key: &[u8]) -> basalt_blockstore::Result<Option<Bytes>> {
        if key != ROOT_RECORD {
            return Ok(None);
        }
        let root = self.root().await.map_err(failed)?;
        Ok(root.map(|cid| cid.to_bytes().into()))
    }

    async fn get_many(&self, keys: &[Bytes]) -> basalt_blockstore::Result<Vec<Option<Bytes>>> {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            values.push(self.get(key).await?);
        }
        Ok(values)
    }

    async fn write(&self, batch: Batch) -> basalt_blockstore::Result<()> {
        for op in batch.0 {
            if let Op::Put(key, value) = op
                && key == ROOT_RECORD
            {
                let cid = cid_of_bytes(&value)
                    .map_err(|e| basalt_blockstore::Error::Io(e.to_string()))?;
                self.publish(&cid).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    fn scan(&self, _: &[u8], _: Option<&[u8]>) -> Records {
        futures::stream::empty().boxed()
    }
}

/// Keeps the content of a tree that is in use.
struct Kept {
    files: Mfs,
    alive: Weak<()>,
}

#[async_trait]
impl Roots for Kept {
    async fn roots(&self) -> basalt_pin::Result<Vec<Cid>> {
        if self.is_gone() {
            return Ok(Vec::new());
        }
        self.files.roots().await.map_err(basalt_pin::Error::source)
    }

    fn is_gone(&self) -> bool {
        self.alive.strong_count() == 0
    }
}
