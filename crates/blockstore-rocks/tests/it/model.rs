//! Any sequence of calls does to the store what it does to a store in memory, closing and opening
//! included.

use basalt_block::Block;
use basalt_blockstore::{Batch, Blockstore, Datastore, MemoryStore, Op};
use basalt_blockstore_rocks::{Options, RocksStore};
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{block, cids, hashes, node};

#[derive(Debug, Clone)]
enum Call {
    Put(Vec<u8>),
    Delete(Vec<u8>),
    /// Sweeps all but what is put after the sweep began.
    Sweep(Vec<u8>),
    Write(Vec<(u8, Option<u8>)>),
    Sync,
    Compact,
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    let some = || prop::collection::vec(0..60u8, 1..12);
    let write = prop::collection::vec((0..20u8, prop::option::of(any::<u8>())), 0..6);
    prop_oneof![
        8 => some().prop_map(Call::Put),
        3 => some().prop_map(Call::Delete),
        2 => some().prop_map(Call::Sweep),
        3 => write.prop_map(Call::Write),
        2 => Just(Call::Sync),
        1 => Just(Call::Compact),
        1 => Just(Call::Reopen),
    ]
}

/// Small and large blocks and nodes, so that every family and both ways of writing are met.
fn universe() -> Vec<Block> {
    let mut blocks: Vec<Block> = (0..30).map(|n| block(n, 100 + n as usize)).collect();
    blocks.extend((30..50).map(|n| block(n, 700_000)));
    let nodes: Vec<Block> = blocks.chunks(5).map(node).collect();
    blocks.extend(nodes);
    blocks
}

async fn apply<S: Blockstore + Datastore>(store: &S, call: &Call, all: &[Block]) -> String {
    let pick = |picked: &[u8]| -> Vec<Block> {
        let nth = |n: &u8| all[usize::from(*n) % all.len()].clone();
        picked.iter().map(nth).collect()
    };
    match call {
        Call::Put(picked) => format!("{:?}", store.put_many(pick(picked)).await),
        Call::Delete(picked) => {
            let deleted = store.delete_many(&hashes(&pick(picked))).await;
            format!("{deleted:?}")
        }
        Call::Sweep(renewed) => {
            let horizon = store.begin_sweep();
            store.put_many(pick(renewed)).await.unwrap();
            format!("{:?}", store.sweep(&hashes(all), horizon).await)
        }
        Call::Write(ops) => {
            let key = |k: &u8| Bytes::from(format!("t/{k:02}"));
            let op = |(k, v): &(u8, Option<u8>)| match v {
                Some(v) => Op::Put(key(k), vec![*v; usize::from(*v)].into()),
                None => Op::Delete(key(k)),
            };
            let batch = Batch(ops.iter().map(op).collect());
            format!("{:?}", Datastore::write(store, batch).await)
        }
        Call::Sync => format!("{:?}", store.sync().await),
        Call::Compact => format!("{:?}", store.compact().await),
        Call::Reopen => String::new(),
    }
}

/// All that can be seen of a store.
async fn view<S: Blockstore + Datastore>(store: &S, all: &[Block]) -> String {
    let usage = store.usage();
    let stats = store.stat_many(&cids(all)).await.unwrap();
    let blocks = Blockstore::get_many(store, &cids(all)).await.unwrap();
    let whole = blocks
        .iter()
        .zip(all)
        .all(|(b, a)| b.as_ref().is_none_or(|b| b == a));
    let mut keys: Vec<_> = store.keys().try_collect().await.unwrap();
    keys.sort_unstable_by_key(|(hash, _)| *hash);
    let records: Vec<_> = store.scan(b"t/", None).try_collect().await.unwrap();
    let there: Vec<bool> = blocks.iter().map(Option::is_some).collect();
    let (n, bytes) = (usage.blocks, usage.block_bytes);
    format!("{n} {bytes} {whole} {there:?} {stats:?} {keys:?} {records:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 200, ..Default::default() })]

    #[test]
    fn does_what_a_store_in_memory_does(calls in prop::collection::vec(call(), 1..40)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let dir = TempDir::new().unwrap();
            let mut options = Options::new(dir.path());
            options.memory_budget = 8 << 20;
            options.compact_threshold = 0.0;
            let mut store = RocksStore::open(options.clone()).unwrap();
            let model = MemoryStore::default();
            let all = universe();
            for call in &calls {
                if matches!(call, Call::Reopen) {
                    store.close().await;
                    store = RocksStore::open(options.clone()).unwrap();
                }
                let (did, should) = (apply(&store, call, &all).await, apply(&model, call, &all).await);
                prop_assert_eq!(did, should, "{:?}", call);
            }
            prop_assert_eq!(view(&store, &all).await, view(&model, &all).await);
            Ok(())
        })?;
    }
}
