//! A directory in many blocks.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use basalt_block::{Block, Cid};
use futures::{TryStreamExt, stream::BoxStream};

use super::basic::{Basic, entry_size};
use crate::{
    BlockSink, BlockSource, CidFormat, DirectoryNode, DirectoryOptions, Entry, Error, Result,
    SizeEstimation, Stat,
    directory::{
        hamt::{self, Shape, Slot},
        listing,
    },
    edit::Shard,
    source,
};

/// After a flush, the shards below the root leave memory when they have more slots than this.
const KEEP_SLOTS: usize = 1 << 16;
/// How many bytes of entries are counted beyond what has to be known, so that not every change
/// has to count again.
const COUNT_AHEAD: i64 = 64 << 10;
/// A shard below the root has at least two entries, of five bytes each: a name of one, and the CID
/// of an empty block inside its CID.
const SHARD_BYTES: i64 = 10;
/// Shards that are fetched at once to count.
const COUNT_BATCH: usize = 64;

pub(super) struct Sharded {
    root: Arc<Shard>,
    /// What was opened.
    cid: Option<Cid>,
    stat: Stat,
    by: SizeEstimation,
    /// The bytes of names and CIDs won since it was opened or became a HAMT.
    growth: i64,
    /// The number of entries as Kubo has it: when opened, the links of the root.
    len: usize,
    /// Entries have at least so many bytes in sum, by the way that was asked for.
    at_least: Option<i64>,
}

impl Sharded {
    pub(super) fn open(block: &Block, stat: Stat, by: SizeEstimation) -> Result<Self> {
        let root = Shard::decode(block, stat, None)?;
        Ok(Self {
            len: root.len(),
            root: Arc::new(root),
            cid: Some(*block.cid()),
            stat,
            by,
            growth: 0,
            at_least: None,
        })
    }

    /// A directory in one block as it is with the next entry.
    pub(super) fn from_basic(basic: &Basic, options: &DirectoryOptions) -> Result<Self> {
        let shape = Shape::new(options.fanout).ok_or(Error::Fanout(options.fanout))?;
        let mut root = Shard::new(shape, basic.cids());
        let mut len = 0;
        let mut size = 0;
        for entry in basic.entries() {
            size += entry_size(options.estimation, &entry) as i64;
            len += 1;
            if let Some(twice) = root.put(entry)? {
                size -= entry_size(options.estimation, &twice) as i64;
            }
        }
        Ok(Self {
            root: Arc::new(root),
            cid: None,
            stat: basic.stat(),
            by: options.estimation,
            growth: 0,
            len,
            at_least: Some(size),
        })
    }

    pub(super) fn cids(&self) -> CidFormat {
        self.root.cids()
    }

    pub(super) fn set_cids(&mut self, cids: CidFormat) {
        Arc::make_mut(&mut self.root).set_cids(cids);
    }

    pub(super) fn stat(&self) -> Stat {
        self.stat
    }

    /// Kubo opens the directory again for this.
    pub(super) fn set_stat(&mut self, stat: Stat) {
        self.stat = Stat {
            mode: stat.mode.map(|mode| mode & 0xfff).filter(|mode| *mode != 0),
            ..stat
        };
        Arc::make_mut(&mut self.root).touch();
        self.growth = 0;
        self.len = self.root.len();
    }

    pub(super) async fn get(&self, source: &dyn BlockSource, name: &[u8]) -> Result<Option<Entry>> {
        self.root.get(source, name).await
    }

    /// Loads the shards that the name's entry is put into or removed from.
    pub(super) async fn load(&mut self, source: &dyn BlockSource, name: &[u8]) -> Result<()> {
        Arc::make_mut(&mut self.root).load(source, name).await
    }

    pub(super) fn put(&mut self, entry: Entry) -> Result<Option<Entry>> {
        let root = Arc::make_mut(&mut self.root);
        let (names, won) = (link_size(&entry), entry_size(self.by, &entry));
        let old = root.put(entry)?;
        match &old {
            Some(old) => self.lost(old),
            None => self.len += 1,
        }
        self.growth += names;
        self.at_least = self.at_least.map(|size| size + won as i64);
        Ok(old)
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Result<Option<Entry>> {
        let old = Arc::make_mut(&mut self.root).remove(name)?;
        if let Some(old) = &old {
            self.lost(old);
            self.len = self.len.saturating_sub(1);
        }
        Ok(old)
    }

    fn lost(&mut self, old: &Entry) {
        self.growth -= self.root.pad() as i64 + link_size(old);
        let size = entry_size(self.by, old) as i64;
        self.at_least = self.at_least.map(|before| before - size);
    }

    pub(super) fn entries(
        &self,
        source: Arc<dyn BlockSource>,
    ) -> BoxStream<'static, Result<Entry>> {
        listing::below(source, self.root.slots())
    }

    /// Whether Kubo makes one block of the directory before it puts `new` in place of `old`.
    ///
    /// It counts as it goes: of `old`, the digits before the name in the shard too; of `new`, no
    /// name at all.
    pub(super) async fn shrinks(
        &mut self,
        source: &Arc<dyn BlockSource>,
        options: &DirectoryOptions,
        old: Option<&Entry>,
        new: Option<&Entry>,
    ) -> Result<bool> {
        if options.sharding_size == 0 {
            return Ok(false);
        }
        let by = self.by;
        let len = self.len + usize::from(new.is_some());
        let len = len.saturating_sub(usize::from(old.is_some()));
        let fits = options.max_links == 0 || len <= options.max_links;
        if by == SizeEstimation::Disabled {
            return Ok(fits && options.max_links > 0);
        }
        let pad = self.root.pad();
        let size = |name: usize, entry: &Entry| by.entry(name, &entry.cid, entry.dag_size) as i64;
        let change = new.map_or(0, |new| size(0, new))
            - old.map_or(0, |old| size(pad + old.name.len(), old));
        if self.growth + change >= 0 {
            return Ok(false);
        }
        let room = i64::try_from(options.sharding_size).unwrap_or(i64::MAX);
        let room = room.saturating_sub(by.empty(self.stat) as i64 + change);
        Ok(fits && !self.has_more_than(room, source).await?)
    }

    /// Whether the entries have more bytes in sum, without counting much further.
    async fn has_more_than(&mut self, room: i64, source: &Arc<dyn BlockSource>) -> Result<bool> {
        if self.at_least.is_some_and(|size| size > 0 && size > room) {
            return Ok(true);
        }
        let enough = room.saturating_add(COUNT_AHEAD);
        let mut size = 0;
        // Kubo counts a shard once, wherever it is linked from.
        let mut seen = HashSet::new();
        let most = usize::try_from(enough / 4)
            .unwrap_or(0)
            .saturating_add(1 << 16);
        let mut open = vec![self.root.clone()];
        // By rows, so that soon there are many that need not be fetched to know enough.
        let mut stored: VecDeque<Cid> = VecDeque::new();
        while size + stored.len() as i64 * SHARD_BYTES <= enough {
            let slots = if let Some(shard) = open.pop() {
                shard.slots()
            } else if !stored.is_empty() {
                let batch = ..stored.len().min(COUNT_BATCH);
                let mut cids: Vec<Cid> = stored.drain(batch).collect();
                cids.retain(|cid| seen.insert(*cid));
                if let Some(cid) = cids.first().filter(|_| seen.len() > most) {
                    return Err(Error::TooDeep(Box::new(*cid)));
                }
                let mut slots = Vec::new();
                for block in source::get_many(&**source, &cids).await? {
                    slots.extend(hamt::Shard::decode(&block)?.into_slots());
                }
                slots
            } else {
                break;
            };
            for slot in slots {
                match slot {
                    Slot::Entry(entry) => size += entry_size(self.by, &entry) as i64,
                    Slot::Open(shard) => open.push(shard),
                    Slot::Shard(link) => stored.push_back(link.cid),
                }
            }
        }
        size += stored.len() as i64 * SHARD_BYTES;
        self.at_least = Some(size);
        Ok(size > 0 && size > room)
    }

    /// All entries in one block; `None` if they are too many for it, by at least `spare`.
    ///
    /// Kubo, which counts the links of a stored root as entries, fails where it finds too many.
    pub(super) async fn to_basic(
        &self,
        source: &Arc<dyn BlockSource>,
        options: &DirectoryOptions,
        spare: usize,
    ) -> Result<Option<Basic>> {
        let most = match options.max_links {
            0 => usize::MAX,
            most => most.saturating_add(spare),
        };
        let mut found = Vec::new();
        let mut entries = self.entries(source.clone());
        let mut size = 0;
        while let Some(entry) = entries.try_next().await? {
            size += entry_size(self.by, &entry) as i64;
            // Counted were fewer: some shards are linked from many places.
            if let (Some(counted), Some(cid)) = (self.at_least, &self.cid)
                && size > counted
                && self.by != SizeEstimation::Disabled
            {
                return Err(Error::TooDeep(Box::new(*cid)));
            }
            found.push(entry);
            if found.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(Basic::of(found, self.stat, self.cids(), self.by)))
    }

    pub(super) async fn flush(&mut self, sink: &dyn BlockSink) -> Result<DirectoryNode> {
        let (root, link) = self.root.write(self.stat, sink).await?;
        self.root = root;
        if self.root.loaded() > KEEP_SLOTS {
            Arc::make_mut(&mut self.root).unload();
        }
        Ok(DirectoryNode {
            dag_size: link.tsize(),
            cid: link.cid,
            sharded: true,
        })
    }
}

/// What Kubo counts of an entry that comes or goes, whichever way it is asked to tell sizes.
fn link_size(entry: &Entry) -> i64 {
    SizeEstimation::Links.entry(entry.name.len(), &entry.cid, 0) as i64
}
