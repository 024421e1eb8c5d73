//! A HAMT in memory, of which only the shards on the way to what was changed are loaded.

use std::sync::Arc;

use basalt_block::Block;
use basalt_ipld::dag_pb::Link;
use futures::{FutureExt, future::BoxFuture};

use crate::{
    BlockSink, BlockSource, CidFormat, Entry, Error, Result, Stat,
    directory::{
        hamt::{self, Shape, Slot},
        listing::MAX_DEPTH,
    },
    murmur3,
    sink::Outbox,
    source,
};

/// A shard that is being edited. What is shared with a listing is copied before it is changed.
#[derive(Debug, Clone)]
pub(crate) struct Shard {
    shape: Shape,
    cids: CidFormat,
    /// By the number of the slot.
    slots: Vec<(u16, Slot)>,
    /// Where it is stored, unless it was changed since.
    stored: Option<Link>,
}

impl Shard {
    pub(super) fn new(shape: Shape, cids: CidFormat) -> Self {
        Self {
            shape,
            cids,
            slots: Vec::new(),
            stored: None,
        }
    }

    /// A stored shard, with what a root keeps beside its entries. One that would not be written
    /// as it was found counts as changed, as in Kubo.
    pub(super) fn decode(block: &Block, stat: Stat, tsize: Option<u64>) -> Result<Self> {
        let shard = hamt::Shard::decode(block)?;
        let numbers: Vec<u16> = shard.numbers().map(|at| at as u16).collect();
        let mut shard = Self {
            shape: shard.shape,
            cids: CidFormat::of(block.cid()),
            slots: numbers.into_iter().zip(shard.into_slots()).collect(),
            stored: None,
        };
        let (data, size) = shard.encode(stat)?;
        if data.data() == block.data() && tsize.is_none_or(|tsize| tsize == size) {
            shard.stored = Some(Link::new(*block.cid(), "", size));
        }
        Ok(shard)
    }

    /// The number of slots that hold something.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn cids(&self) -> CidFormat {
        self.cids
    }

    /// Names this shard, but none that is below it, in another way.
    pub(super) fn set_cids(&mut self, cids: CidFormat) {
        self.cids = cids;
        self.stored = None;
    }

    /// Says that the block of this shard must be written again.
    pub(super) fn touch(&mut self) {
        self.stored = None;
    }

    pub(super) fn pad(&self) -> usize {
        self.shape.pad
    }

    /// What the slots hold.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.slots.iter().map(|(_, slot)| slot.clone()).collect()
    }

    fn find(&self, hash: u64, used_bits: u32) -> Result<Result<usize, (usize, u16)>> {
        let number = self.shape.slot(hash, used_bits)? as u16;
        let at = self.slots.binary_search_by_key(&number, |(at, _)| *at);
        Ok(at.map_err(|at| (at, number)))
    }

    /// The entry of this name. What has to be fetched for it is not kept.
    pub(super) async fn get(&self, source: &dyn BlockSource, name: &[u8]) -> Result<Option<Entry>> {
        let hash = murmur3::hash64(name);
        let (mut shard, mut used_bits) = (self, 0);
        loop {
            let Ok(at) = shard.find(hash, used_bits)? else {
                return Ok(None);
            };
            used_bits += shard.shape.digit_bits;
            match &shard.slots[at].1 {
                Slot::Entry(entry) => return Ok((entry.name == name).then(|| entry.clone())),
                Slot::Open(below) => shard = below,
                Slot::Shard(link) => {
                    let block = source::get(source, &link.cid).await?;
                    let below = hamt::Shard::decode(&block)?;
                    return hamt::lookup_below(source, below, used_bits, name).await;
                }
            }
        }
    }

    /// Loads the shards on the way to a name.
    pub(super) async fn load(&mut self, source: &dyn BlockSource, name: &[u8]) -> Result<()> {
        let hash = murmur3::hash64(name);
        let (mut shard, mut used_bits) = (self, 0);
        loop {
            let Ok(at) = shard.find(hash, used_bits)? else {
                return Ok(());
            };
            used_bits += shard.shape.digit_bits;
            let slot = &mut shard.slots[at].1;
            if let Slot::Shard(link) = slot {
                let block = source::get(source, &link.cid).await?;
                let below = Self::decode(&block, Stat::default(), Some(link.tsize()))?;
                *slot = Slot::Open(Arc::new(below));
            }
            match slot {
                Slot::Open(below) => shard = Arc::make_mut(below),
                _ => return Ok(()),
            }
        }
    }

    /// Puts an entry where only loaded shards are on the way, and gives the one it replaces.
    pub(super) fn put(&mut self, entry: Entry) -> Result<Option<Entry>> {
        let hash = murmur3::hash64(&entry.name);
        self.check_put(hash, &entry.name)?;
        self.put_at(entry, hash, 0)
    }

    /// Finds out whether there is place for an entry, so that nothing is changed if not.
    fn check_put(&self, hash: u64, name: &[u8]) -> Result<()> {
        let (mut shard, mut used_bits) = (self, 0);
        while let Ok(at) = shard.find(hash, used_bits)? {
            used_bits += shard.shape.digit_bits;
            match &shard.slots[at].1 {
                Slot::Open(below) => shard = below,
                Slot::Shard(link) => return Err(not_loaded(link)),
                Slot::Entry(there) if there.name == name => break,
                Slot::Entry(there) => {
                    let same = (murmur3::hash64(&there.name) ^ hash).leading_zeros();
                    let below = shard.shape.digit_bits;
                    // The first digit in which they differ has to be a whole one.
                    let digits = same.saturating_sub(used_bits) / below + 1;
                    if used_bits + digits * below > 64 {
                        return Err(Error::ShardTooDeep);
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    fn put_at(&mut self, entry: Entry, hash: u64, used_bits: u32) -> Result<Option<Entry>> {
        let at = match self.find(hash, used_bits)? {
            Ok(at) => at,
            Err((at, number)) => {
                self.stored = None;
                self.slots.insert(at, (number, Slot::Entry(entry)));
                return Ok(None);
            }
        };
        let used_bits = used_bits + self.shape.digit_bits;
        let (shape, cids) = (self.shape, self.cids);
        let old = match &mut self.slots[at].1 {
            Slot::Shard(link) => return Err(not_loaded(link)),
            Slot::Open(below) => Arc::make_mut(below).put_at(entry, hash, used_bits)?,
            Slot::Entry(there) if there.name == entry.name => Some(std::mem::replace(there, entry)),
            slot => {
                let mut below = Self::new(shape, cids);
                if let Slot::Entry(there) = slot {
                    let hash = murmur3::hash64(&there.name);
                    below.put_at(there.clone(), hash, used_bits)?;
                }
                below.put_at(entry, hash, used_bits)?;
                *slot = Slot::Open(Arc::new(below));
                None
            }
        };
        self.stored = None;
        Ok(old)
    }

    /// Removes an entry to which only loaded shards are on the way.
    pub(super) fn remove(&mut self, name: &[u8]) -> Result<Option<Entry>> {
        self.remove_at(name, murmur3::hash64(name), 0)
    }

    fn remove_at(&mut self, name: &[u8], hash: u64, used_bits: u32) -> Result<Option<Entry>> {
        let Ok(at) = self.find(hash, used_bits)? else {
            return Ok(None);
        };
        let used_bits = used_bits + self.shape.digit_bits;
        let removed = match &mut self.slots[at].1 {
            Slot::Shard(link) => return Err(not_loaded(link)),
            Slot::Entry(there) if there.name == name => {
                let there = there.clone();
                self.slots.remove(at);
                Some(there)
            }
            Slot::Entry(_) => None,
            Slot::Open(below) => {
                let below = Arc::make_mut(below);
                let removed = below.remove_at(name, hash, used_bits)?;
                if removed.is_some() {
                    // An entry that remains alone moves up.
                    match below.slots.as_slice() {
                        [] => drop(self.slots.remove(at)),
                        [(_, Slot::Entry(last))] => self.slots[at].1 = Slot::Entry(last.clone()),
                        _ => {}
                    }
                }
                removed
            }
        };
        if removed.is_some() {
            self.stored = None;
        }
        Ok(removed)
    }

    /// The block, when all shards below are stored.
    fn encode(&self, stat: Stat) -> Result<(Block, u64)> {
        let mut slots = self.shape.slots();
        for (number, slot) in &self.slots {
            let number = usize::from(*number);
            let mut name = self.shape.prefix(number).into_bytes();
            let link = match slot {
                Slot::Entry(entry) => {
                    name.extend_from_slice(&entry.name);
                    Link::new(entry.cid, name, entry.dag_size)
                }
                Slot::Shard(link) => Link::new(link.cid, name, link.tsize()),
                Slot::Open(below) => match &below.stored {
                    Some(link) => Link::new(link.cid, name, link.tsize()),
                    // Unreachable: they are written before the shards above them.
                    None => return Err(Error::Cancelled),
                },
            };
            slots.push(number, link);
        }
        self.shape.block(slots, stat, self.cids)
    }

    /// Writes what was changed, and gives the tree as it then is, and where its root is stored.
    pub(super) async fn write(
        self: &Arc<Self>,
        stat: Stat,
        sink: &dyn BlockSink,
    ) -> Result<(Arc<Self>, Link)> {
        let mut out = Outbox::default();
        let (tree, link) = self.write_into(stat, &mut out, sink).await?;
        out.send(sink).await?;
        Ok((tree, link))
    }

    fn write_into<'a>(
        self: &'a Arc<Self>,
        stat: Stat,
        out: &'a mut Outbox,
        sink: &'a dyn BlockSink,
    ) -> BoxFuture<'a, Result<(Arc<Self>, Link)>> {
        async move {
            if let Some(link) = &self.stored {
                return Ok((self.clone(), link.clone()));
            }
            let mut tree = (**self).clone();
            for (_, slot) in &mut tree.slots {
                if let Slot::Open(below) = slot {
                    *below = below.write_into(Stat::default(), out, sink).await?.0;
                }
            }
            let (block, size) = tree.encode(stat)?;
            let link = Link::new(*block.cid(), "", size);
            tree.stored = Some(link.clone());
            out.push(block);
            out.send_if_full(sink).await?;
            Ok((Arc::new(tree), link))
        }
        .boxed()
    }

    /// How many slots are in memory.
    pub(super) fn loaded(&self) -> usize {
        let below = self.slots.iter().map(|(_, slot)| match slot {
            Slot::Open(below) => below.loaded(),
            _ => 0,
        });
        self.slots.len() + below.sum::<usize>()
    }

    /// Lets go of what is below and stored.
    pub(super) fn unload(&mut self) {
        for (_, slot) in &mut self.slots {
            let Slot::Open(below) = slot else { continue };
            match &below.stored {
                Some(link) => *slot = Slot::Shard(link.clone()),
                None => Arc::make_mut(below).unload(),
            }
        }
    }
}

/// The recursion over shards in memory ends with the bits of a hash.
const _: () = assert!(MAX_DEPTH <= 22);

fn not_loaded(link: &Link) -> Error {
    Error::NotFound(link.cid)
}
