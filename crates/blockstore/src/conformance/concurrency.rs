//! Many tasks at once: the totals stay exact, and no sweep takes what a writer was promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use basalt_block::Block;
use tokio::task::JoinSet;

use super::{fresh, hashes, nth, recount, totals};
use crate::{Batch, Blockstore, Datastore};

pub(super) async fn check<S: Blockstore + Datastore>(open: &impl AsyncFn() -> S) {
    totals_stay_exact(fresh(open).await).await;
    a_sweep_never_takes_a_promised_block(fresh(open).await).await;
    large_blocks_from_many_writers(fresh(open).await).await;
    calls_may_be_given_up(fresh(open).await).await;
}

async fn totals_stay_exact<S: Blockstore + Datastore>(store: Arc<S>) {
    let mut tasks = JoinSet::new();
    for task in 0..8u32 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0..40u32 {
                // Families overlap, so that tasks put and delete the same blocks at once.
                let first = (task * 3 + round * 7) % 50;
                let blocks: Vec<Block> = (first..first + 10).map(nth).collect();
                if (task + round) % 3 == 0 {
                    store.delete_many(&hashes(&blocks)).await.unwrap();
                } else {
                    store.put_many(blocks).await.unwrap();
                }
                if round % 10 == task {
                    let mut batch = Batch::default();
                    batch.put(format!("task/{task}"), round.to_string());
                    Datastore::write(&*store, batch).await.unwrap();
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(totals(store.usage()), recount(&*store).await);
}

async fn a_sweep_never_takes_a_promised_block<S: Blockstore + Datastore>(store: Arc<S>) {
    let done = Arc::new(AtomicBool::new(false));
    let blocks: Vec<Block> = (0..40).map(nth).collect();
    store.put_many(blocks.clone()).await.unwrap();
    let mut sweeps = JoinSet::new();
    for _ in 0..2 {
        let (store, done, doomed) = (store.clone(), done.clone(), hashes(&blocks));
        sweeps.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let horizon = store.begin_sweep();
                tokio::task::yield_now().await;
                store.sweep(&doomed, horizon).await.unwrap();
                store.delete_many(&doomed).await.unwrap();
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..4usize {
        let (store, blocks) = (store.clone(), blocks.clone());
        writers.spawn(async move {
            for round in 0..60 {
                let first = (writer * 5 + round) % 35;
                let mine = &blocks[first..first + 5];
                let lease = store.lease();
                store.put_many(mine.to_vec()).await.unwrap();
                tokio::task::yield_now().await;
                for block in mine {
                    let got = Blockstore::get(&*store, block.cid()).await.unwrap();
                    assert_eq!(got.as_ref(), Some(block), "a leased block was taken");
                }
                drop(lease);
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    while let Some(ended) = sweeps.join_next().await {
        ended.unwrap();
    }
    assert_eq!(totals(store.usage()), recount(&*store).await);
}

async fn large_blocks_from_many_writers<S: Blockstore + Datastore>(store: Arc<S>) {
    let mut tasks = JoinSet::new();
    for task in 0..4u8 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0..8u8 {
                let large =
                    |n: u8| super::raw([[task, round, n].as_slice(), &[9; 200_000]].concat());
                let blocks: Vec<Block> = (0..8).map(large).collect();
                store.put_many(blocks.clone()).await.unwrap();
                if round % 4 == 3 {
                    store.sync().await.unwrap();
                }
                let got = Blockstore::get(&*store, blocks[3].cid()).await.unwrap();
                assert_eq!(got.as_ref(), Some(&blocks[3]));
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(totals(store.usage()), (256, 256 * 200_003));
    assert_eq!(recount(&*store).await, totals(store.usage()));
}

async fn calls_may_be_given_up<S: Blockstore + Datastore>(store: Arc<S>) {
    for round in 0..60u32 {
        let blocks: Vec<Block> = (round..round + 20).map(nth).collect();
        let doomed = hashes(&blocks[..10]);
        let mut calls = JoinSet::new();
        let put = store.clone();
        calls.spawn(async move { drop(put.put_many(blocks).await) });
        let delete = store.clone();
        calls.spawn(async move { drop(delete.delete_many(&doomed).await) });
        let sync = store.clone();
        calls.spawn(async move { drop(sync.sync().await) });
        if round % 3 > 0 {
            tokio::task::yield_now().await;
        }
        calls.shutdown().await;
    }
    // What was given up may have been done or not, but not by half.
    store.sync().await.unwrap();
    assert_eq!(totals(store.usage()), recount(&*store).await);
    let last = nth(1_000);
    store.put_many(vec![last.clone()]).await.unwrap();
    let got = Blockstore::get(&*store, last.cid()).await.unwrap();
    assert_eq!(got, Some(last));
}
