//! Epochs: a sweep deletes what is old, and never what was written since or is leased.

use basalt_block::Block;

use super::{fresh, hashes, nth, recount, totals, totals_of};
use crate::{Blockstore, Datastore, Deleted};

pub(super) async fn check<S: Blockstore + Datastore>(open: &impl AsyncFn() -> S) {
    a_sweep_spares_what_is_new(&*fresh(open).await).await;
    writing_again_renews(&*fresh(open).await).await;
    a_lease_keeps(&*fresh(open).await).await;
    deleting_respects_leases(&*fresh(open).await).await;
}

async fn a_sweep_spares_what_is_new(store: &(impl Blockstore + Datastore)) {
    let old: Vec<Block> = (0..20).map(nth).collect();
    store.put_many(old.clone()).await.unwrap();
    let horizon = store.begin_sweep();
    let new: Vec<Block> = (20..30).map(nth).collect();
    store.put_many(new.clone()).await.unwrap();
    let swept = store.sweep(&hashes(&new), horizon).await.unwrap();
    assert!(swept.iter().all(|d| *d == Deleted::Spared), "{swept:?}");
    let swept = store.sweep(&hashes(&old), horizon).await.unwrap();
    assert!(swept.iter().all(|d| matches!(d, Deleted::Gone(_))));
    let swept = store.sweep(&hashes(&old), horizon).await.unwrap();
    assert!(swept.iter().all(|d| *d == Deleted::Absent));
    assert_eq!(totals(store.usage()), totals_of(&new));
    assert_eq!(recount(store).await, totals_of(&new));
}

async fn writing_again_renews(store: &(impl Blockstore + Datastore)) {
    let blocks: Vec<Block> = (0..20).map(nth).collect();
    store.put_many(blocks.clone()).await.unwrap();
    store.sync().await.unwrap();
    let horizon = store.begin_sweep();
    store.put_many(blocks[..5].to_vec()).await.unwrap();
    let swept = store.sweep(&hashes(&blocks), horizon).await.unwrap();
    assert!(swept[..5].iter().all(|d| *d == Deleted::Spared));
    assert!(swept[5..].iter().all(|d| matches!(d, Deleted::Gone(_))));
    assert!(store.has(blocks[0].cid()).await.unwrap());
    // Spared once is not spared for ever.
    let horizon = store.begin_sweep();
    let swept = store.sweep(&hashes(&blocks[..5]), horizon).await.unwrap();
    assert!(swept.iter().all(|d| matches!(d, Deleted::Gone(_))));
    assert_eq!(totals(store.usage()), (0, 0));
}

async fn a_lease_keeps(store: &(impl Blockstore + Datastore)) {
    let before: Vec<Block> = (0..3).map(nth).collect();
    store.put_many(before.clone()).await.unwrap();
    // A sweep moves the clock on, so that the lease begins after the first blocks.
    store.begin_sweep();
    let lease = store.lease();
    let leased: Vec<Block> = (10..13).map(nth).collect();
    store.put_many(leased.clone()).await.unwrap();
    let horizon = store.begin_sweep();
    let swept = store.sweep(&hashes(&leased), horizon).await.unwrap();
    assert!(swept.iter().all(|d| *d == Deleted::Spared));
    let swept = store.sweep(&hashes(&before), horizon).await.unwrap();
    assert!(swept.iter().all(|d| matches!(d, Deleted::Gone(_))));
    drop(lease);
    let horizon = store.begin_sweep();
    let swept = store.sweep(&hashes(&leased), horizon).await.unwrap();
    assert!(swept.iter().all(|d| matches!(d, Deleted::Gone(_))));
}

async fn deleting_respects_leases(store: &(impl Blockstore + Datastore)) {
    let old = nth(1);
    store.put_many(vec![old.clone()]).await.unwrap();
    store.begin_sweep();
    let lease = store.lease();
    let new = nth(2);
    store.put_many(vec![new.clone()]).await.unwrap();
    let both = hashes(&[old.clone(), new.clone()]);
    let gone = |b: &Block| Deleted::Gone(b.data().len() as u64);
    assert_eq!(
        store.delete_many(&both).await.unwrap(),
        [gone(&old), Deleted::Spared]
    );
    drop(lease);
    assert_eq!(
        store.delete_many(&both).await.unwrap(),
        [Deleted::Absent, gone(&new)]
    );
}
