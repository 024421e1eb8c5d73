//! Where calls wait for the disk: a bounded share of the runtime's threads for blocking work.

use std::sync::Arc;

use basalt_blockstore::{Error, Result};
use tokio::sync::{Semaphore, oneshot};

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
        let (tx, answer) = oneshot::channel();
        let work = move || {
            // An answer that nobody waits for any more may hold the database, and is gone before the
            // permit is.
            drop(tx.send(work()));
            drop(permit);
        };
        let task = tokio::task::spawn_blocking(work);
        if let Ok(answer) = answer.await {
            return Ok(answer);
        }
        match task.await {
            Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
            _ => Err(Error::Closed),
        }
    }

    /// Waits until no work is going on, and lets none begin meanwhile.
    pub(crate) async fn settle(&self) {
        drop(self.0.acquire_many(READERS as u32).await);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    /// Says when it is dropped, some time later.
    struct Slow(Arc<AtomicBool>);

    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(20));
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn it_is_settled_when_what_nobody_waits_for_is_gone_too() {
        let (pool, gone) = (Pool::new(), Arc::new(AtomicBool::new(false)));
        let value = Slow(gone.clone());
        let mut asked = Box::pin(pool.run(move || {
            std::thread::sleep(Duration::from_millis(20));
            value
        }));
        assert!(futures::poll!(&mut asked).is_pending());
        drop(asked);
        pool.settle().await;
        assert!(gone.load(Ordering::SeqCst));
        assert_eq!(pool.run(|| 1).await.ok(), Some(1));
    }
}
