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
const MAX_DEPTH: usize = 22;

pub(super) fn entries(
    source: Arc<dyn BlockSource>,
    root: Block,
    node: Node,
    data: Data,
) -> BoxStream<'static, Result<Entry>> {
    if data.kind != Kind::HamtShard {
        return stream::iter(node.links).map(|link| Ok(link.into())).boxed();
    }
    let mut walk = Walk {
        source,
        levels: Vec::new(),
    };
    if let Err(error) = Shard::from_parts(&root, node, data).map(|shard| walk.descend(shard)) {
        return stream::iter([Err(error)]).boxed();
    }
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
}

/// What remains of a shard: its slots, and the shards that some of them lead to.
struct Level {
    slots: vec::IntoIter<Slot>,
    shards: BoxStream<'static, Result<Block>>,
}

impl Walk {
    fn descend(&mut self, shard: Shard) {
        let slots = shard.into_slots();
        let below = slots.iter().filter_map(|slot| match slot {
            Slot::Shard(link) => Some(link.cid),
            Slot::Entry(_) => None,
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
                Some(Slot::Entry(entry)) => return Ok(Some(entry)),
                Some(Slot::Shard(link)) => {
                    let Some(block) = level.shards.next().await.transpose()? else {
                        return Err(Error::Cancelled);
                    };
                    if self.levels.len() >= MAX_DEPTH {
                        return Err(Error::TooDeep(Box::new(link.cid)));
                    }
                    self.descend(Shard::decode(&block)?);
                }
            }
        }
        Ok(None)
    }
}
