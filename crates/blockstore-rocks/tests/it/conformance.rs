use basalt_blockstore_rocks::{Options, RocksStore};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let dirs = TempDir::new().unwrap();
    let count = std::cell::Cell::new(0);
    basalt_blockstore::conformance::check(async || {
        count.set(count.get() + 1);
        let path = dirs.path().join(count.get().to_string());
        RocksStore::open(Options::new(path)).unwrap()
    })
    .await;
}
