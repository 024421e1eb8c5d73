//! Where calls wait for the disk: a bounded share of the runtime's threads for blocking work.

use std::sync::Arc;

use basalt_blockstore::{Error, Result};
use tokio::sync::Semaphore;

/// Reads beyond this many wait; a disk answers no faster for a longer queue.
const READERS: usize = 32;

#[derive(Debug, Clone)]
pub(crate) struct Pool(Arc<Semaphore>);

impl Pool {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(READERS)))
    }

    /// Runs `work` on a thread that may block.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let permit = self.0.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Error::Closed)?;
        let work = move || {
            let answer = work();
            drop(permit);
            answer
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(answer) => Ok(answer),
            Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
            Err(_) => Err(Error::Closed),
        }
    }
}
