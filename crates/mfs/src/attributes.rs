//! Mode, modification time, and how CIDs are made.

use basalt_block::{Block, codec};
use basalt_ipld::dag_pb;
use basalt_unixfs::{CidFormat, Data, Kind as UnixFsKind, Mtime};

use crate::lookup::{Found, FoundFile};
use crate::mfs::{Mfs, entry};
use crate::node::parts;
use crate::{Error, Result};

/// A change of what is kept beside the content.
#[derive(Clone, Copy)]
enum Change {
    Mode(u32),
    Mtime(Mtime),
}

impl Mfs {
    /// Sets the twelve permission bits; zero forgets them. Durable when it returns.
    pub async fn chmod(&self, at: &str, mode: u32) -> Result<()> {
        self.change(at, Change::Mode(mode)).await
    }

    /// Sets the modification time. Durable when it returns.
    pub async fn set_mtime(&self, at: &str, mtime: Mtime) -> Result<()> {
        self.change(at, Change::Mtime(mtime)).await
    }

    async fn change(&self, at: &str, change: Change) -> Result<()> {
        let (this, at) = (self.clone(), at.to_owned());
        Self::to_its_end(async move {
            match this.find(&at).await? {
                Found::Dir(dir) => {
                    let mut state = dir.state.write().await;
                    match change {
                        Change::Mode(mode) => state.edit.set_mode(Some(mode))?,
                        Change::Mtime(mtime) => state.edit.set_mtime(Some(mtime))?,
                    }
                    drop(state);
                    dir.touch();
                }
                Found::File(file) => this.change_file(&file, change).await?,
            }
            this.commit().await
        })
        .await
    }

    async fn change_file(&self, file: &FoundFile, change: Change) -> Result<()> {
        let block = changed(&file.node.block, change)?;
        let entry = entry(&file.name, &block)?;
        let _kept = self.store().lease();
        if Block::from_identity(block.cid()).is_none() {
            self.store().put_many(vec![block]).await?;
        }
        let mut state = file.dir.state.write().await;
        // What was replaced meanwhile has its own mode and time.
        let now = state.edit.get(&file.name).await?.map(|e| e.cid);
        if now == Some(*file.node.block.cid()) {
            state.edit.put(entry).await?;
            drop(state);
            file.dir.touch();
        }
        Ok(())
    }

    /// Sets how the CID of a directory, and of what is made in it, is made. Durable after a flush.
    pub async fn set_cids(&self, at: &str, cids: CidFormat) -> Result<()> {
        match self.find(at).await? {
            Found::Dir(dir) => {
                dir.state.write().await.edit.set_cids(cids);
                dir.touch();
                Ok(())
            }
            Found::File(_) => Err(Error::OnlyDirectories),
        }
    }
}

/// The root block of a file with another mode or time. A raw block has no place for them, and is
/// put into one that has.
fn changed(block: &Block, change: Change) -> Result<Block> {
    let (node, mut data, cids) = if block.cid().codec() == codec::RAW {
        let mut data = Data::new(UnixFsKind::File);
        data.file_size = Some(block.data().len() as u64);
        data.data = Some(block.data().clone());
        (dag_pb::Node::default(), data, CidFormat::default())
    } else {
        let (node, data) = parts(block)?;
        (node, data, CidFormat::of(block.cid()))
    };
    match change {
        Change::Mode(mode) => {
            // The upper bits are not ours.
            let mode = data.mode.unwrap_or(0) & !0xfff | mode & 0xfff;
            data.mode = (mode != 0).then_some(mode);
        }
        Change::Mtime(mtime) => data.mtime = Some(mtime),
    }
    let node = dag_pb::Node {
        links: node.links,
        data: Some(data.encode().into()),
    };
    Ok(cids.block(codec::DAG_PB, node.encode().into())?)
}
