//! Collections of random DAGs under random pins, against a model.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use basalt_block::{Block, Cid, codec};
use basalt_blockstore::{Blockstore, MemoryStore};
use basalt_pin::{Collect, Error, Event, Pin, Roots};
use futures::StreamExt;
use proptest::prelude::*;

use crate::dag::{node_v, pins_on, raw, stored};

#[derive(Debug, Clone)]
struct Shape {
    /// The links of each block, to blocks before it, and whether as CIDv0.
    links: Vec<Vec<(prop::sample::Index, bool)>>,
    raw: Vec<bool>,
    absent: BTreeSet<usize>,
    recursive: BTreeSet<usize>,
    direct: BTreeSet<usize>,
    others: BTreeSet<usize>,
    guarded: BTreeSet<usize>,
}

fn shape() -> impl Strategy<Value = Shape> {
    (4..40usize).prop_flat_map(|n| {
        let some = |most: usize| prop::collection::btree_set(0..n, 0..most.min(n));
        let link = (any::<prop::sample::Index>(), any::<bool>());
        (
            prop::collection::vec(prop::collection::vec(link, 0..4), n),
            prop::collection::vec(prop::bool::weighted(0.2), n),
            some(3),
            some(4),
            some(3),
            some(3),
            some(2),
        )
            .prop_map(
                |(links, raw, absent, recursive, direct, others, guarded)| Shape {
                    links,
                    raw,
                    absent,
                    recursive,
                    direct,
                    others,
                    guarded,
                },
            )
    })
}

struct Other(Vec<Cid>);

#[async_trait]
impl Roots for Other {
    async fn roots(&self) -> basalt_pin::Result<Vec<Cid>> {
        Ok(self.0.clone())
    }
}

/// The blocks at and under `roots` as far as they are there, and whether a block with links is
/// missing.
fn under(
    shape: &Shape,
    children: &[Vec<usize>],
    roots: &BTreeSet<usize>,
) -> (BTreeSet<usize>, bool) {
    let (mut seen, mut broken) = (BTreeSet::new(), false);
    let mut stack: Vec<usize> = roots.iter().copied().collect();
    while let Some(at) = stack.pop() {
        if !seen.insert(at) {
            continue;
        }
        if shape.absent.contains(&at) {
            broken |= !shape.raw[at];
        } else {
            stack.extend(&children[at]);
        }
    }
    (seen, broken)
}

async fn check(shape: Shape) -> Result<(), TestCaseError> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut children: Vec<Vec<usize>> = Vec::new();
    for (at, links) in shape.links.iter().enumerate() {
        if shape.raw[at] {
            blocks.push(raw(&format!("{at}")));
            children.push(Vec::new());
            continue;
        }
        let mut cids = Vec::new();
        let mut under = Vec::new();
        for (index, v0) in links.iter().filter(|_| at > 0) {
            let to = index.index(at);
            let cid = *blocks[to].cid();
            let as_v0 = *v0 && cid.codec() == codec::DAG_PB;
            cids.push(if as_v0 {
                Cid::new_v0(*cid.hash()).unwrap()
            } else {
                cid
            });
            under.push(to);
        }
        blocks.push(node_v(1, &format!("{at}"), &cids));
        children.push(under);
    }
    let store = MemoryStore::default();
    let there: BTreeSet<usize> = (0..blocks.len())
        .filter(|i| !shape.absent.contains(i))
        .collect();
    store
        .put_many(there.iter().map(|i| blocks[*i].clone()).collect())
        .await
        .unwrap();
    let pins = pins_on(&store);
    let mut all: Vec<Pin> = Vec::new();
    for i in shape.direct.difference(&shape.recursive) {
        all.push(Pin::direct(*blocks[*i].cid()));
    }
    all.extend(
        shape
            .recursive
            .iter()
            .map(|i| Pin::recursive(*blocks[*i].cid())),
    );
    pins.put_many(&all).await.unwrap();
    let others = shape.others.iter().map(|i| *blocks[*i].cid()).collect();
    pins.collector().add_roots(Arc::new(Other(others)));
    let mut guards = Vec::new();
    for i in &shape.guarded {
        guards.push(pins.collector().protect(*blocks[*i].cid()).await);
    }

    let (mut live, broken) = under(&shape, &children, &shape.recursive);
    live.extend(&shape.direct);
    live.extend(under(&shape, &children, &shape.others).0);
    live.extend(under(&shape, &children, &shape.guarded).0);
    let events: Vec<Event> = pins.collector().collect(Collect::default()).collect().await;
    let aborted = events
        .iter()
        .any(|e| matches!(e, Event::Failed(Error::Aborted)));
    prop_assert_eq!(aborted, broken);
    let kept: HashSet<_> = there
        .iter()
        .filter(|i| broken || live.contains(i))
        .map(|i| *blocks[*i].multihash())
        .collect();
    prop_assert_eq!(stored(&store).await, kept);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn exactly_what_is_dead_goes(shape in shape()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(check(shape))?;
    }
}
