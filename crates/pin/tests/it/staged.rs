//! A store that can be held at a point of the test's choosing, or that dawdles at random.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use basalt_block::{Block, Cid, Multihash};
use basalt_blockstore::{
    BlockStat, Blockstore, Deleted, Error, Findings, Horizon, Lease, MemoryStore, Result,
    StatStream, Usage,
};
use futures::StreamExt;
use tokio::sync::Notify;

/// What a store is asked.
pub(crate) enum Call<'a> {
    Get(&'a [Cid]),
    Keys,
    Sweep,
}

type Test = Box<dyn Fn(&Call<'_>) -> bool + Send>;
type Stops = Vec<(Test, Arc<Stop>)>;

/// Holds the first call that fits.
#[derive(Default)]
pub(crate) struct Stop {
    reached: Notify,
    go: Notify,
}

impl Stop {
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(crate) fn go(&self) {
        self.go.notify_one();
    }
}

#[derive(Clone, Default)]
pub(crate) struct Staged {
    pub(crate) inner: MemoryStore,
    stops: Arc<Mutex<Stops>>,
    dawdle: bool,
    corrupt: Arc<Mutex<Vec<Multihash>>>,
}

impl Staged {
    /// From now on this block cannot be read.
    pub(crate) fn corrupt(&self, hash: &Multihash) {
        self.corrupt.lock().unwrap().push(*hash);
    }

    fn refuse_corrupt(&self, cids: &[Cid]) -> Result<()> {
        let corrupt = self.corrupt.lock().unwrap();
        match cids.iter().find(|cid| corrupt.contains(cid.hash())) {
            Some(cid) => Err(Error::corrupt(*cid.hash(), "a bit is wrong")),
            None => Ok(()),
        }
    }

    pub(crate) fn dawdling() -> Self {
        Self {
            dawdle: true,
            ..Self::default()
        }
    }

    pub(crate) fn stop(&self, at: impl Fn(&Call<'_>) -> bool + Send + 'static) -> Arc<Stop> {
        let stop = Arc::new(Stop::default());
        self.stops
            .lock()
            .unwrap()
            .push((Box::new(at), stop.clone()));
        stop
    }

    async fn pass(&self, call: Call<'_>) {
        let stop = {
            let mut stops = self.stops.lock().unwrap();
            let at = stops.iter().position(|(fits, _)| fits(&call));
            at.map(|at| stops.remove(at).1)
        };
        if let Some(stop) = stop {
            stop.reached.notify_one();
            stop.go.notified().await;
        }
        self.pause().await;
    }

    async fn pause(&self) {
        if self.dawdle {
            for _ in 0..rand::random_range(0..4) {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[async_trait]
impl Blockstore for Staged {
    async fn get(&self, cid: &Cid) -> Result<Option<Block>> {
        self.pass(Call::Get(std::slice::from_ref(cid))).await;
        self.refuse_corrupt(std::slice::from_ref(cid))?;
        self.inner.get(cid).await
    }

    async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        self.pass(Call::Get(cids)).await;
        self.refuse_corrupt(cids)?;
        self.inner.get_many(cids).await
    }

    async fn stat_many(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        self.pause().await;
        let found = self.inner.stat_many(cids).await;
        self.pause().await;
        found
    }

    async fn put_many(&self, blocks: Vec<Block>) -> Result<()> {
        self.pause().await;
        self.inner.put_many(blocks).await
    }

    async fn sync(&self) -> Result<()> {
        self.inner.sync().await
    }

    async fn delete_many(&self, hashes: &[Multihash]) -> Result<Vec<Deleted>> {
        self.inner.delete_many(hashes).await
    }

    async fn sweep(&self, hashes: &[Multihash], horizon: Horizon) -> Result<Vec<Deleted>> {
        self.pass(Call::Sweep).await;
        // One by one, so that others see every state between.
        let mut deleted = Vec::new();
        for hash in hashes {
            deleted.extend(
                self.inner
                    .sweep(std::slice::from_ref(hash), horizon)
                    .await?,
            );
            self.pause().await;
        }
        Ok(deleted)
    }

    async fn compact(&self) -> Result<()> {
        self.inner.compact().await
    }

    fn lease(&self) -> Lease {
        self.inner.lease()
    }

    fn begin_sweep(&self) -> Horizon {
        self.inner.begin_sweep()
    }

    fn keys(&self) -> StatStream {
        let this = self.clone();
        futures::stream::once(async move {
            this.pass(Call::Keys).await;
            let dawdling = this.clone();
            this.inner.keys().then(move |row| {
                let dawdling = dawdling.clone();
                async move {
                    dawdling.pause().await;
                    row
                }
            })
        })
        .flatten()
        .boxed()
    }

    fn scrub(&self) -> Findings {
        self.inner.scrub()
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }
}
