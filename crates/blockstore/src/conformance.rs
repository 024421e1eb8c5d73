//! The suite that every store must pass: each promise of the traits, as a test that can fail.
//!
//! ```text
//! basalt_blockstore::conformance::check(async || MyStore::open(fresh_directory()).await).await;
//! ```
#![allow(
    clippy::unwrap_used,
    reason = "a suite of tests: a panic is its verdict"
)]

mod blocks;
mod concurrency;
mod records;
mod sweep;

use std::sync::Arc;

use basalt_block::{Block, Cid, Hasher, Multihash, codec};
use bytes::Bytes;

use crate::{Blockstore, Datastore, Usage};

/// Runs the whole suite. `open` gives a new, empty store each time. Needs a multi-threaded Tokio
/// runtime.
///
/// # Panics
/// At the first broken promise.
pub async fn check<S: Blockstore + Datastore>(open: impl AsyncFn() -> S) {
    blocks::check(&open).await;
    sweep::check(&open).await;
    records::check(&open).await;
    concurrency::check(&open).await;
}

fn raw(data: impl Into<Bytes>) -> Block {
    Block::hash(1, codec::RAW, Hasher::SHA2_256, data.into()).unwrap()
}

/// The `n`th of a family of different blocks; sizes from a few bytes to tens of KiB.
fn nth(n: u32) -> Block {
    let mut data = n.to_le_bytes().to_vec();
    let len = 4 + (n as usize * 7919) % if n.is_multiple_of(16) { 40_000 } else { 300 };
    data.resize(len, n as u8);
    raw(data)
}

fn hashes(blocks: &[Block]) -> Vec<Multihash> {
    blocks.iter().map(|b| *b.multihash()).collect()
}

fn cids(blocks: &[Block]) -> Vec<Cid> {
    blocks.iter().map(|b| *b.cid()).collect()
}

fn totals(usage: Usage) -> (u64, u64) {
    (usage.blocks, usage.block_bytes)
}

fn totals_of(blocks: &[Block]) -> (u64, u64) {
    let bytes = blocks.iter().map(|b| b.data().len() as u64).sum();
    (blocks.len() as u64, bytes)
}

/// Counts what the listing names, to hold it against the totals.
async fn recount(store: &impl Blockstore) -> (u64, u64) {
    use futures::TryStreamExt;
    store
        .keys()
        .try_fold((0, 0), async |(n, bytes), (_, stat)| {
            Ok((n + 1, bytes + stat.size))
        })
        .await
        .unwrap()
}

async fn fresh<S>(open: &impl AsyncFn() -> S) -> Arc<S> {
    Arc::new(open().await)
}
