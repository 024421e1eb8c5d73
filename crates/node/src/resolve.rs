//! Following paths.

use basalt_block::{Block, Cid};
use basalt_ipld::dag_pb::Node as Pb;
use basalt_ipld::{LinkSource, Lookup, Namespace, Path};
use basalt_ipns::Find;
use basalt_unixfs::{Data, Kind, resolve_name};
use bytes::Bytes;

use crate::source::Blocks;
use crate::{Error, Node, Result};

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// How the segments of the path were read.
    pub namespace: Namespace,
    /// The last block on the way.
    pub cid: Cid,
    /// What is left of the path inside that block.
    pub rest: Vec<Vec<u8>>,
}

impl Node {
    /// Follows a path to its last block, fetching what is missing unless `offline`. A path of `/ipns`
    /// leads through the records of its names first.
    ///
    /// In `/ipfs`, the segments are names in UnixFS directories, sharded ones too; in `/ipld`, and
    /// in blocks of other codecs than dag-pb, they are names and numbers of the data model. The last
    /// block is not loaded if nothing of the path is left for it.
    ///
    /// # Errors
    /// A block cannot be had or read, a name is not there, or a name of `/ipns` means nothing.
    pub async fn resolve(&self, path: &Path, offline: bool) -> Result<Resolved> {
        let path = &self.names().resolve_all(path, &find(offline)).await?;
        self.denylists().check_path(path)?;
        let blocks = self.blocks_for(offline);
        let found = basalt_ipld::resolve(&Links(Blocks(blocks)), path).await?;
        Ok(Resolved {
            namespace: path.namespace(),
            cid: found.cid,
            rest: found.remainder,
        })
    }
}

/// How the names of a path are looked for.
fn find(offline: bool) -> Find {
    match offline {
        true => Find::offline(),
        false => Find::default(),
    }
}

struct Links(Blocks);

impl LinkSource for Links {
    type Error = Error;

    async fn block(&self, cid: &Cid) -> Result<Bytes> {
        Ok(self.0.0.get(cid).await?.into_data())
    }

    async fn lookup(&self, cid: &Cid, block: Bytes, name: &[u8]) -> Result<Lookup> {
        let node = Pb::decode(&block)?;
        let data = node.data.as_ref().and_then(|data| Data::decode(data).ok());
        match data.map(|data| data.kind) {
            Some(Kind::File | Kind::Raw) => Ok(Lookup::NotADirectory),
            Some(Kind::HamtShard) => {
                let block = Block::unchecked(*cid, block);
                match resolve_name(&self.0, &block, name).await {
                    Ok(entry) => Ok(Lookup::Link(entry.cid)),
                    Err(basalt_unixfs::Error::NoLink { .. }) => Ok(Lookup::Missing),
                    Err(error) => Err(error.into()),
                }
            }
            // What is no UnixFS has names all the same.
            _ => Ok(node
                .link(name)
                .map_or(Lookup::Missing, |link| Lookup::Link(link.cid))),
        }
    }
}
