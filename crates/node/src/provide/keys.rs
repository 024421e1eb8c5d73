//! What the node has that is to be announced.

use basalt_block::{Cid, codec};
use basalt_ipld::dag_pb::Node as Pb;
use basalt_pin::{Kind, Mode, Visited, Walk, WalkOptions};
use basalt_routing::Key;
use basalt_unixfs::{Data, Kind as Unix};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::Strategy;
use crate::{Node, Result};

/// A key and the first bits of its place.
pub(super) type Placed = (u64, Bytes);

/// Blocks that are named by a walk of entities before it forgets some of them.
const STACK: usize = 1 << 20;

/// Part `part` of `parts` of what the strategy names, sorted by place, and how much it names in all.
pub(super) async fn of_part(
    node: &Node,
    strategy: &Strategy,
    part: u64,
    parts: u64,
) -> Result<(Vec<Placed>, u64)> {
    let (mut found, mut all) = (Vec::new(), 0);
    // The number of parts is a power of two.
    let shift = 64 - parts.trailing_zeros();
    let mut keys = named(node, strategy).await?;
    while let Some(key) = keys.try_next().await? {
        all += 1;
        let place = Key::of(&key).head();
        if parts == 1 || place >> shift == part {
            found.push((place, key));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok((found, all))
}

/// The multihashes of everything that the strategy names; some of them may come twice.
async fn named(node: &Node, strategy: &Strategy) -> Result<BoxStream<'static, Result<Bytes>>> {
    if strategy.all {
        let keys = node.blocks().store().keys();
        let keys = keys.map(|found| Ok(found?.0.to_bytes().into()));
        return Ok(keys.boxed());
    }
    let mut streams: Vec<BoxStream<'static, Result<Cid>>> = Vec::new();
    let pins = node.pins();
    let roots = || {
        let roots = pins.pins(Mode::Recursive).chain(pins.pins(Mode::Direct));
        roots.map(|pin| Ok(pin?.cid))
    };
    if strategy.pinned && strategy.entities {
        let node = node.clone();
        let below = move |root: Result<Cid>| match root {
            Ok(root) => entities(&node, root),
            Err(error) => stream::iter([Err(error)]).boxed(),
        };
        streams.push(roots().flat_map(below).boxed());
    } else if strategy.pinned {
        let all = pins.list(Kind::All);
        streams.push(all.map(|row| Ok(row?.0)).boxed());
    } else if strategy.roots {
        streams.push(roots().boxed());
    }
    if strategy.files {
        for root in node.files()?.roots().await? {
            streams.push(match strategy.entities {
                true => entities(node, root),
                false => below(node, root),
            });
        }
    }
    let keys = stream::iter(streams).flatten();
    let keys = keys.try_filter(|cid| std::future::ready(cid.hash().code() != 0));
    Ok(keys.map_ok(|cid| cid.hash().to_bytes().into()).boxed())
}

/// Everything below a root that is here.
pub(super) fn below(node: &Node, root: Cid) -> BoxStream<'static, Result<Cid>> {
    let walk = Walk::of(node.source(true), root, WalkOptions::default());
    let here = walk.stream().try_filter_map(|reached| {
        // What is missing is not announced.
        std::future::ready(Ok(reached.found.is_ok().then_some(reached.cid)))
    });
    here.map_err(Into::into).boxed()
}

/// The files and directories below a root, without the blocks that large ones are made of.
pub(super) fn entities(node: &Node, root: Cid) -> BoxStream<'static, Result<Cid>> {
    let state = (node.clone(), Visited::default(), vec![(root, true)]);
    stream::unfold(state, async |(node, visited, mut stack)| {
        while let Some((cid, named)) = stack.pop() {
            if !visited.visit(&cid) {
                continue;
            }
            let links = match cid.codec() {
                codec::RAW => Some(Vec::new()),
                _ => links(&node, &cid).await,
            };
            let Some(links) = links else {
                continue;
            };
            stack.extend(links.into_iter().take(STACK.saturating_sub(stack.len())));
            if named {
                return Some((Ok(cid), (node, visited, stack)));
            }
        }
        None
    })
    .boxed()
}

/// Where a walk of entities goes from a block, and whether each of these is an entity; `None` where the
/// block is not here or cannot be read.
async fn links(node: &Node, cid: &Cid) -> Option<Vec<(Cid, bool)>> {
    let block = node.blocks().offline().get(cid).await.ok()?;
    if cid.codec() != codec::DAG_PB {
        let links = basalt_ipld::links(cid.codec(), block.data()).ok()?;
        return Some(links.into_iter().map(|cid| (cid, true)).collect());
    }
    let pb = Pb::decode(block.data()).ok()?;
    let data = pb.data.as_ref().and_then(|data| Data::decode(data).ok());
    let kind = data.map(|data| data.kind);
    if matches!(kind, Some(Unix::File | Unix::Raw | Unix::Symlink)) {
        return Some(Vec::new());
    }
    let shard = kind == Some(Unix::HamtShard);
    let links = pb.links.into_iter();
    // In a shard, a name of two digits alone leads to a shard below it.
    Some(
        links
            .map(|link| {
                (
                    link.cid,
                    !shard || link.name.as_ref().is_some_and(|name| name.len() > 2),
                )
            })
            .collect(),
    )
}
