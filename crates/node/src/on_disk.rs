//! For tests: stores on a disk that fills up, or whose process dies.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use basalt_blockstore::{Batch, Datastore, Error, MemoryStore, Records, Result};
use basalt_blockstore_rocks::{Options, RocksStore};
use bytes::Bytes;

/// A store in a folder.
pub(crate) fn store(path: &Path) -> Arc<dyn Datastore> {
    let mut options = Options::new(path);
    options.memory_budget = 16 << 20;
    Arc::new(RocksStore::open(options).unwrap())
}

/// What a crash would leave of the store in `first`: a copy, for which nothing was closed or synced. The lock
/// of the folder is the first store's.
pub(crate) fn crashed(first: &Path, second: &Path) -> Arc<dyn Datastore> {
    let copied = Command::new("cp").arg("-r").args([first, second]).status();
    assert!(copied.unwrap().success());
    store(second)
}

/// Takes no writes while it is full.
#[derive(Default)]
pub(crate) struct Full {
    store: MemoryStore,
    pub(crate) is: AtomicBool,
}

#[async_trait]
impl Datastore for Full {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Datastore::get(&self.store, key).await
    }

    async fn get_many(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
        Datastore::get_many(&self.store, keys).await
    }

    async fn write(&self, batch: Batch) -> Result<()> {
        match self.is.load(Ordering::Relaxed) {
            true => Err(Error::Full("no space left on device".to_owned())),
            false => self.store.write(batch).await,
        }
    }

    fn scan(&self, prefix: &[u8], from: Option<&[u8]>) -> Records {
        self.store.scan(prefix, from)
    }
}
