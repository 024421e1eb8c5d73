//! The blocks of a DAG and their sizes.

use std::sync::Arc;
use std::vec::IntoIter;

use basalt_block::{Block, Cid, codec};
use basalt_blockstore::BlockStat;
use basalt_pin::{Source, Visited};

use crate::{Error, Node, Result};

/// Links looked up in one visit to the store.
const LOOK: usize = 256;

/// A block of a DAG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DagBlock {
    /// Its CID.
    pub cid: Cid,
    /// Its length in bytes.
    pub size: u64,
}

/// The blocks of a DAG, each once, depth first and every block before those it links to.
///
/// Leaves that are in the store are not read: their size is known without. Takes about 29 bytes of
/// memory a block.
pub struct DagBlocks {
    source: Arc<dyn Source>,
    root: Option<Cid>,
    visited: Visited,
    stack: Vec<Frame>,
}

/// A block whose links are being followed.
struct Frame {
    links: IntoIter<Cid>,
    /// What is known of the next links.
    known: IntoIter<Option<BlockStat>>,
}

impl Node {
    /// The blocks of the DAG under `root`, fetching what is missing unless `offline`.
    pub fn dag_blocks(&self, root: Cid, offline: bool) -> DagBlocks {
        DagBlocks {
            source: self.source(offline),
            root: Some(root),
            visited: Visited::default(),
            stack: Vec::new(),
        }
    }
}

impl DagBlocks {
    /// The next block; `None` after the last.
    ///
    /// # Errors
    /// A block cannot be had or its links cannot be read; nothing comes after that.
    pub async fn next(&mut self) -> Result<Option<DagBlock>> {
        let next = self.step().await;
        if next.is_err() {
            self.stack.clear();
        }
        next
    }

    async fn step(&mut self) -> Result<Option<DagBlock>> {
        if let Some(root) = self.root.take() {
            self.visited.visit(&root);
            return self.enter(&root).await.map(Some);
        }
        while let Some(frame) = self.stack.last_mut() {
            let known = match frame.known.next() {
                Some(known) => known,
                None if frame.links.len() == 0 => {
                    self.stack.pop();
                    continue;
                }
                None => {
                    let next = frame.links.as_slice();
                    let next = &next[..next.len().min(LOOK)];
                    frame.known = self.source.stat_local(next).await?.into_iter();
                    continue;
                }
            };
            let Some(cid) = frame.links.next() else {
                continue;
            };
            if !self.visited.visit(&cid) {
                continue;
            }
            return match known {
                Some(stat) if stat.leaf || cid.codec() == codec::RAW => Ok(Some(DagBlock {
                    cid,
                    size: stat.size,
                })),
                _ => self.enter(&cid).await.map(Some),
            };
        }
        Ok(None)
    }

    async fn enter(&mut self, cid: &Cid) -> Result<DagBlock> {
        let block = self.source.get(cid).await?;
        let links = links(&block)?;
        if !links.is_empty() {
            self.stack.push(Frame {
                links: links.into_iter(),
                known: Vec::new().into_iter(),
            });
        }
        Ok(DagBlock {
            cid: *cid,
            size: block.data().len() as u64,
        })
    }
}

fn links(block: &Block) -> Result<Vec<Cid>> {
    basalt_ipld::links(block.cid().codec(), block.data()).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_block::Hasher;

    async fn put(node: &Node, codec: u64, data: Vec<u8>) -> Cid {
        let block = Block::hash(1, codec, Hasher::SHA2_256, data.into()).unwrap();
        let cid = *block.cid();
        node.blocks().put_many(vec![block]).await.unwrap();
        cid
    }

    async fn list(node: &Node, links: &[Cid]) -> Cid {
        use basalt_ipld::{Value, encode};
        let list = links
            .iter()
            .map(|cid| Value::Link(Box::new(*cid)))
            .collect();
        put(
            node,
            codec::DAG_CBOR,
            encode(codec::DAG_CBOR, &Value::List(list)).unwrap(),
        )
        .await
    }

    #[tokio::test]
    async fn every_block_comes_once_and_before_those_below_it() {
        let node = Node::builder().open().await.unwrap();
        let leaves: Vec<Cid> = {
            let mut leaves = Vec::new();
            for n in 0..600u32 {
                leaves.push(put(&node, codec::RAW, n.to_be_bytes().to_vec()).await);
            }
            leaves
        };
        let low = list(&node, &leaves).await;
        let empty = list(&node, &[]).await;
        let root = list(&node, &[leaves[7], low, empty, low, leaves[3]]).await;
        let mut blocks = node.dag_blocks(root, true);
        let mut found = Vec::new();
        while let Some(block) = blocks.next().await.unwrap() {
            found.push(block);
        }
        let mut expected = vec![root, leaves[7], low];
        expected.extend(leaves.iter().filter(|cid| **cid != leaves[7]));
        expected.push(empty);
        let cids: Vec<Cid> = found.iter().map(|block| block.cid).collect();
        assert_eq!(cids, expected);
        assert_eq!((found[1].size, found.last().map(|b| b.size)), (4, Some(1)));
    }

    #[tokio::test]
    async fn a_missing_block_ends_the_list() {
        let node = Node::builder().open().await.unwrap();
        let here = put(&node, codec::RAW, b"here".to_vec()).await;
        let gone = Cid::new_v1(codec::RAW, Hasher::SHA2_256.digest(b"gone").unwrap());
        let root = list(&node, &[here, gone, here]).await;
        let mut blocks = node.dag_blocks(root, true);
        assert_eq!(blocks.next().await.unwrap().unwrap().cid, root);
        assert_eq!(blocks.next().await.unwrap().unwrap().cid, here);
        let error = blocks.next().await.unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("ipld: could not find {gone}")),
            "{error}"
        );
        assert!(blocks.next().await.unwrap().is_none());
    }
}
