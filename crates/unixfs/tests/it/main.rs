//! Kubo's recorded answers, round trips, and hostile DAGs.

#![allow(clippy::unwrap_used)]

mod edit_directory;
mod edit_file;
mod edit_kubo;
mod hostile;
mod kubo;
mod round_trip;
mod unpack;

use std::sync::Arc;

use basalt_blockstore::MemoryStore;
use basalt_unixfs::{BlockSink, BlockSource};
use bytes::Bytes;
use proptest::prelude::ProptestConfig;
use proptest::test_runner::FileFailurePersistence;

/// What fails is kept in `tests/proptest-regressions`.
fn kept() -> ProptestConfig {
    let kept = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(kept)),
        ..ProptestConfig::default()
    }
}

/// A store, as a sink and as a source.
fn store() -> (Arc<dyn BlockSink>, Arc<dyn BlockSource>, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    (Arc::new(store.clone()), Arc::new(store.clone()), store)
}

/// The first bytes of the multiples of the golden ratio, as `tests/data/record.py` makes them.
fn content(len: usize) -> Bytes {
    let words = (1u64..).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    words
        .take(len.div_ceil(8))
        .flat_map(u64::to_le_bytes)
        .take(len)
        .collect()
}
