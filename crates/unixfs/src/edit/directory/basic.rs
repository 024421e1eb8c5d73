//! A directory in one block.

use basalt_block::Block;
use basalt_ipld::dag_pb::{Link, Node};
use bytes::Bytes;

use crate::{
    BlockSink, CidFormat, Data, DirectoryNode, DirectoryOptions, Entry, Error, Result,
    SizeEstimation, Stat,
};

pub(super) struct Basic {
    /// What the block has beside its links, byte for byte: nobody knows all that others put there.
    data: Bytes,
    stat: Stat,
    cids: CidFormat,
    /// By name; stored ones may have some names twice.
    links: Vec<Entry>,
    /// By the way that was asked for, and as Kubo counts: of equal names only one goes.
    size: usize,
    len: usize,
    stored: Option<DirectoryNode>,
}

impl Basic {
    pub(super) fn new(stat: Stat, cids: CidFormat, by: SizeEstimation) -> Self {
        let mut data = Data::directory(stat);
        data.mode = data.mode.filter(|mode| *mode != 0);
        Self {
            stat: data.stat(),
            data: data.encode().into(),
            cids,
            links: Vec::new(),
            size: by.empty(stat),
            len: 0,
            stored: None,
        }
    }

    /// Opens a directory. One that would not be written as it was found counts as changed, as in
    /// Kubo.
    pub(super) fn open(block: &Block, node: Node, data: &Data, by: SizeEstimation) -> Result<Self> {
        let mut links: Vec<Entry> = node.links.into_iter().map(Entry::from).collect();
        links.sort_by(|a, b| a.name.cmp(&b.name));
        let mut basic = Self {
            data: node.data.unwrap_or_default(),
            stat: data.stat(),
            cids: CidFormat::of(block.cid()),
            links,
            size: 0,
            len: 0,
            stored: None,
        };
        basic.measure(by);
        let (same, stored) = basic.encode()?;
        if same.data() == block.data() {
            basic.stored = Some(stored);
        }
        Ok(basic)
    }

    /// A directory with these entries, of which the last one of a name counts.
    pub(super) fn of(entries: Vec<Entry>, stat: Stat, cids: CidFormat, by: SizeEstimation) -> Self {
        let mut basic = Self::new(stat, cids, by);
        basic.links = entries;
        basic.links.sort_by(|a, b| a.name.cmp(&b.name));
        basic.links.reverse();
        basic.links.dedup_by(|a, b| a.name == b.name);
        basic.links.reverse();
        basic.measure(by);
        basic
    }

    fn measure(&mut self, by: SizeEstimation) {
        let entries = self.links.iter().map(|entry| entry_size(by, entry));
        self.size = by.empty(self.stat) + entries.sum::<usize>();
        self.len = self.links.len();
    }

    pub(super) fn cids(&self) -> CidFormat {
        self.cids
    }

    pub(super) fn set_cids(&mut self, cids: CidFormat) {
        self.cids = cids;
        self.stored = None;
    }

    pub(super) fn stat(&self) -> Stat {
        self.stat
    }

    pub(super) fn set_stat(&mut self, stat: Stat, by: SizeEstimation) -> Result<()> {
        // It was decoded when it was opened.
        let mut data = Data::decode(&self.data).unwrap_or(Data::directory(self.stat));
        data.set_stat(stat);
        self.stat = data.stat();
        self.data = data.encode().into();
        self.stored = None;
        self.measure(by);
        Ok(())
    }

    fn range(&self, name: &[u8]) -> std::ops::Range<usize> {
        let from = self.links.partition_point(|entry| entry.name[..] < *name);
        let same = self.links[from..]
            .iter()
            .take_while(|e| e.name[..] == *name);
        from..from + same.count()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<Entry> {
        self.links[self.range(name)].first().cloned()
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.links.clone()
    }

    /// Whether the entry is one too many, or makes the directory too large.
    pub(super) fn outgrown_by(&self, entry: &Entry, options: &DirectoryOptions) -> bool {
        if options.sharding_size == 0 {
            return false;
        }
        let by = options.estimation;
        let old = self.get(&entry.name);
        let freed = old.as_ref().map_or(0, |old| entry_size(by, old));
        let size = (self.size + entry_size(by, entry)).saturating_sub(freed);
        let too_large = by != SizeEstimation::Disabled && size as u64 > options.sharding_size;
        too_large || old.is_none() && self.is_full(options)
    }

    fn is_full(&self, options: &DirectoryOptions) -> bool {
        options.max_links > 0 && self.len + 1 > options.max_links
    }

    pub(super) fn put(
        &mut self,
        entry: Entry,
        options: &DirectoryOptions,
    ) -> Result<Option<Entry>> {
        let range = self.range(&entry.name);
        if range.is_empty() && self.is_full(options) {
            return Err(Error::MaxLinks);
        }
        let old = self.remove(&entry.name, options.estimation);
        self.size += entry_size(options.estimation, &entry);
        self.len += 1;
        self.links.insert(range.start, entry);
        self.stored = None;
        Ok(old)
    }

    pub(super) fn remove(&mut self, name: &[u8], by: SizeEstimation) -> Option<Entry> {
        let range = self.range(name);
        let old = self.links.drain(range).next()?;
        self.size = self.size.saturating_sub(entry_size(by, &old));
        self.len = self.len.saturating_sub(1);
        self.stored = None;
        Some(old)
    }

    fn encode(&self) -> Result<(Block, DirectoryNode)> {
        let link = |entry: &Entry| Link::new(entry.cid, entry.name.clone(), entry.dag_size);
        let node = Node {
            links: self.links.iter().map(link).collect(),
            data: Some(self.data.clone()),
        };
        let block = self
            .cids
            .block(basalt_block::codec::DAG_PB, node.encode().into())?;
        let below = self
            .links
            .iter()
            .fold(0u64, |sum, e| sum.wrapping_add(e.dag_size));
        let node = DirectoryNode {
            cid: *block.cid(),
            dag_size: below.wrapping_add(block.data().len() as u64),
            sharded: false,
        };
        Ok((block, node))
    }

    pub(super) async fn flush(&mut self, sink: &dyn BlockSink) -> Result<DirectoryNode> {
        if let Some(stored) = self.stored {
            return Ok(stored);
        }
        let (block, node) = self.encode()?;
        if Block::from_identity(block.cid()).is_none() {
            sink.put(vec![block]).await?;
        }
        self.stored = Some(node);
        Ok(node)
    }
}

pub(super) fn entry_size(by: SizeEstimation, entry: &Entry) -> usize {
    by.entry(entry.name.len(), &entry.cid, entry.dag_size)
}
