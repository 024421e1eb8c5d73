//! The record of the root, and what stands there.

use std::sync::Arc;

use basalt_block::{Block, Cid, cid_of_bytes, codec};
use basalt_blockstore::{Batch, Datastore};
use basalt_unixfs::DirectoryEdit;

use crate::dir::Dir;
use crate::mfs::Mfs;
use crate::{Error, Result};

/// The record of the root: the bytes of its CID.
pub const KEY: &[u8] = b"local/filesroot";

impl Mfs {
    /// The root as recorded; `None` before anything was flushed.
    pub async fn recorded(&self) -> Result<Option<Cid>> {
        let record = self.0.parts.records.get(KEY).await?;
        let read = |bytes: bytes::Bytes| cid_of_bytes(&bytes).map_err(Error::RootRecord);
        record.map(read).transpose()
    }

    pub(crate) async fn root(&self) -> Result<&Arc<Dir>> {
        self.0.root.get_or_try_init(|| self.open_root()).await
    }

    async fn open_root(&self) -> Result<Arc<Dir>> {
        let recorded = self.recorded().await?;
        self.0.commits.starts_at(recorded);
        let options = self.settings().directory.clone();
        let cids = options.cids;
        let mut edit = match recorded {
            None => DirectoryEdit::new(self.0.source.clone(), options)?,
            Some(cid) => self.read_root(cid).await?,
        };
        edit.set_cids(cids);
        Ok(Dir::new(None, edit))
    }

    async fn read_root(&self, cid: Cid) -> Result<DirectoryEdit> {
        let bad = |reason: String| Error::Root {
            cid: Box::new(cid),
            reason,
        };
        // Nobody else is asked for it: a node does not wait for its own root.
        if Block::from_identity(&cid).is_none() && !self.store().has(&cid).await? {
            return Err(bad(format!(
                "block was not found locally (offline): ipld: could not find {cid}"
            )));
        }
        self.open_edit(&cid).await.map_err(|e| bad(e.to_string()))
    }

    /// What garbage collection must keep: the root as recorded, and as it is now. What was not
    /// flushed is written for it.
    pub async fn roots(&self) -> Result<Vec<Cid>> {
        let mut roots: Vec<Cid> = match self.0.root.get() {
            None => self.recorded().await?.into_iter().collect(),
            Some(_) => self.0.commits.published().into_iter().collect(),
        };
        if let Some(root) = self.0.root.get() {
            let now = root.write(&self.0.parts.store.clone()).await?.cid;
            if !roots.contains(&now) {
                roots.push(now);
            }
        }
        Ok(roots)
    }

    /// Puts another root in place of the recorded one, which is given back where it could be read.
    /// It must be a directory that is here; none is the empty directory.
    ///
    /// # Errors
    /// Something was read of the tree already; the new root is not here or no directory.
    pub async fn replace_root(
        &self,
        new: Cid,
        shown: impl Fn(&Cid) -> String,
    ) -> Result<Option<Cid>> {
        if self.0.root.initialized() {
            return Err(Error::InUse);
        }
        match self.0.parts.store.get(&new).await? {
            Some(block) => check_root(&block)?,
            None if new == empty_root() => {}
            None => return Err(Error::NewRootAbsent(shown(&new))),
        }
        let old = self.recorded().await.unwrap_or(None);
        write_record(&*self.0.parts.records, &new).await?;
        Ok(old)
    }
}

/// The CID of the empty directory.
pub fn empty_root() -> Cid {
    Block::hash(
        0,
        codec::DAG_PB,
        basalt_block::Hasher::SHA2_256,
        bytes::Bytes::from_static(b"\x0a\x02\x08\x01"),
    )
    .map(|block| *block.cid())
    .unwrap_or_default()
}

/// Whether a block may be the root.
fn check_root(block: &Block) -> Result<()> {
    let node = basalt_ipld::dag_pb::Node::decode(block.data()).map_err(|e| {
        Error::NewRoot(format!(
            "new root is not a valid dag-pb node: incorrectly formatted merkledag node: {e}"
        ))
    })?;
    let data = basalt_unixfs::Data::decode(node.data.as_ref().unwrap_or(&bytes::Bytes::new()))
        .map_err(|e| Error::NewRoot(format!("new root is not a valid UnixFS node: {e}")))?;
    if data.kind.is_directory() {
        return Ok(());
    }
    let kind = data.kind.name();
    Err(Error::NewRoot(format!(
        "new root must be a directory, got {kind}"
    )))
}

/// Records a root; durable with everything written before when it returns.
pub(crate) async fn write_record(records: &dyn Datastore, cid: &Cid) -> Result<()> {
    let mut batch = Batch::default();
    batch.put(KEY, cid.to_bytes());
    Ok(records.write(batch).await?)
}
