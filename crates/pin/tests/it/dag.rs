//! Small DAGs, and a source with a far side.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use basalt_block::{Block, Cid, Hasher, codec};
use basalt_blockstore::{BlockStat, Blockstore, MemoryStore};
use basalt_pin::{Error, Local, Pins, Result, Source};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

/// A dag-pb node with this text and these links.
pub(crate) fn node(text: &str, links: &[Cid]) -> Block {
    node_v(1, text, links)
}

pub(crate) fn node_v(version: u64, text: &str, links: &[Cid]) -> Block {
    fn field(out: &mut Vec<u8>, tag: u8, data: &[u8]) {
        out.push(tag);
        assert!(data.len() < 1 << 14);
        if data.len() < 128 {
            out.push(data.len() as u8);
        } else {
            out.extend([(data.len() as u8) | 128, (data.len() >> 7) as u8]);
        }
        out.extend(data);
    }
    let mut data = Vec::new();
    for cid in links {
        let mut link = Vec::new();
        field(&mut link, 0x0a, &cid.to_bytes());
        field(&mut link, 0x12, b"");
        field(&mut data, 0x12, &link);
    }
    field(&mut data, 0x0a, text.as_bytes());
    Block::hash(version, codec::DAG_PB, Hasher::SHA2_256, data.into()).unwrap()
}

pub(crate) fn raw(text: &str) -> Block {
    let data = text.as_bytes().to_vec().into();
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap()
}

/// A root over `width` nodes, each over `width` raw leaves and one node without links.
pub(crate) fn tree(name: &str, width: usize) -> (Cid, Vec<Block>) {
    let mut blocks = Vec::new();
    let mut mids = Vec::new();
    for i in 0..width {
        let mut leaves = vec![node(&format!("{name}/{i}/leaf"), &[])];
        leaves.extend((0..width).map(|j| raw(&format!("{name}/{i}/{j}"))));
        let links: Vec<Cid> = leaves.iter().map(|b| *b.cid()).collect();
        let mid = node(&format!("{name}/{i}"), &links);
        mids.push(*mid.cid());
        blocks.extend(leaves);
        blocks.push(mid);
    }
    let root = node(name, &mids);
    let cid = *root.cid();
    blocks.push(root);
    (cid, blocks)
}

pub(crate) fn pins_on(store: &MemoryStore) -> Pins {
    Pins::new(Arc::new(store.clone()), Arc::new(store.clone()))
}

pub(crate) fn local(store: &MemoryStore) -> Arc<dyn Source> {
    Arc::new(Local(Arc::new(store.clone())))
}

pub(crate) async fn missing(store: &dyn Blockstore, blocks: &[Block]) -> Vec<Cid> {
    let mut missing = Vec::new();
    for block in blocks {
        if !store.has(block.cid()).await.unwrap() {
            missing.push(*block.cid());
        }
    }
    missing
}

/// The blocks in a store.
pub(crate) async fn stored(store: &dyn Blockstore) -> HashSet<basalt_block::Multihash> {
    use futures::TryStreamExt;
    let keys: Vec<_> = store.keys().try_collect().await.unwrap();
    keys.into_iter().map(|(hash, _)| hash).collect()
}

/// A store, and blocks that can be fetched into it.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) near: Local,
    pub(crate) far: Arc<HashMap<Cid, Block>>,
    pub(crate) fetched: Arc<AtomicUsize>,
}

impl Remote {
    pub(crate) fn new(store: Arc<dyn Blockstore>, far: &[Block]) -> Arc<Self> {
        Arc::new(Self {
            near: Local(store),
            far: Arc::new(far.iter().map(|b| (*b.cid(), b.clone())).collect()),
            fetched: Arc::default(),
        })
    }
}

#[async_trait]
impl Source for Remote {
    async fn stat_local(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        self.near.stat_local(cids).await
    }

    async fn get_local(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        self.near.get_local(cids).await
    }

    async fn get(&self, cid: &Cid) -> Result<Block> {
        if let Ok(block) = self.near.get(cid).await {
            return Ok(block);
        }
        let block = self.far.get(cid).cloned().ok_or(Error::Missing(*cid))?;
        tokio::task::yield_now().await;
        self.fetched.fetch_add(1, Ordering::Relaxed);
        self.near.0.put_many(vec![block.clone()]).await?;
        Ok(block)
    }

    fn each(&self, cids: Vec<Cid>) -> BoxStream<'static, (Cid, Result<Block>)> {
        let remote = self.clone();
        stream::iter(cids)
            .map(move |cid| {
                let remote = remote.clone();
                async move { (cid, remote.get(&cid).await) }
            })
            .buffer_unordered(8)
            .boxed()
    }
}
