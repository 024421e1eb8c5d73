//! All entries of a directory, one after the other.

use std::{sync::Arc, vec};

use basalt_block::Block;
use basalt_ipld::dag_pb::Node;
use futures::{StreamExt, stream, stream::BoxStream};

use super::{
    Entry, SHARDS_AHEAD,
    hamt::{Shard, Slot},
};
use crate::{BlockSource, Data, Error, Kind, Result, source::fetch_ahead};

/// 64 bits of hash, three at a time, tell any names apart.
pub(crate) const MAX_DEPTH: usize = 22;
/// Shards in a row without an entry. Honest ones are no more than the depth; shards that lead to
/// one another many times would be as good as endless.
const MAX_BARREN: usize = 1024;

pub(super) fn entries(
    source: Arc<dyn BlockSource>,
    root: Block,
    node: Node,
    data: Data,
) -> BoxStream<'static, Result<Entry>> {
    if data.kind != Kind::HamtShard {
        return stream::iter(node.links).map(|link| Ok(link.into())).boxed();
    }
    match Shard::from_parts(&root, node, data) {
        Ok(shard) => below(source, shard.into_slots()),
        Err(error) => stream::iter([Err(error)]).boxed(),
    }
}

/// All entries of a HAMT, whose root has these slots.
pub(crate) fn below(
    source: Arc<dyn BlockSource>,
    root: Vec<Slot>,
) -> BoxStream<'static, Result<Entry>> {
    let mut walk = Walk {
        source,
        levels: Vec::new(),
        barren: 0,
    };
    walk.descend(root);
    let next = |walk: Option<Walk>| async {
        let mut walk = walk?;
        match walk.next().await {
            Ok(entry) => entry.map(|entry| (Ok(entry), Some(walk))),
            Err(error) => Some((Err(error), None)),
        }
    };
    stream::unfold(Some(walk), next).boxed()
}

struct Walk {
    source: Arc<dyn BlockSource>,
    levels: Vec<Level>,
    barren: usize,
}

/// What remains of a shard: its slots, and the shards that some of them lead to.
struct Level {
    slots: vec::IntoIter<Slot>,
    shards: BoxStream<'static, Result<Block>>,
}

impl Walk {
    fn descend(&mut self, slots: Vec<Slot>) {
        let below = slots.iter().filter_map(|slot| match slot {
            Slot::Shard(link) => Some(link.cid),
            Slot::Entry(_) | Slot::Open(_) => None,
        });
        let below: Vec<_> = below.collect();
        let groups = below.chunks(SHARDS_AHEAD).map(<[_]>::to_vec).collect();
        let shards = fetch_ahead(self.source.clone(), groups);
        self.levels.push(Level {
            slots: slots.into_iter(),
            shards,
        });
    }

    async fn next(&mut self) -> Result<Option<Entry>> {
        while let Some(level) = self.levels.last_mut() {
            match level.slots.next() {
                None => drop(self.levels.pop()),
                Some(Slot::Entry(entry)) => {
                    self.barren = 0;
                    return Ok(Some(entry));
                }
                Some(Slot::Shard(link)) => {
                    let Some(block) = level.shards.next().await.transpose()? else {
                        return Err(Error::Cancelled);
                    };
                    self.barren += 1;
                    if self.levels.len() >= MAX_DEPTH || self.barren > MAX_BARREN {
                        return Err(Error::TooDeep(Box::new(link.cid)));
                    }
                    self.descend(Shard::decode(&block)?.into_slots());
                }
                Some(Slot::Open(shard)) => self.descend(shard.slots()),
            }
        }
        Ok(None)
    }
}
