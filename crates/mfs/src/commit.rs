//! Making the tree durable: one write of the root for all who wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex as SyncMutex, PoisonError};

use basalt_block::Cid;
use tokio::sync::Mutex;

use crate::dir::Dir;
use crate::mfs::Mfs;
use crate::{Result, root};

/// Who waits for the root to be written, and how far it is.
#[derive(Default)]
pub(crate) struct Commits {
    /// One for each who asked. A commit covers all who asked before it began.
    asked: AtomicU64,
    /// The last who is covered. Held while a commit goes on.
    covered: Mutex<u64>,
    published: SyncMutex<Option<Cid>>,
}

impl Commits {
    /// The root as recorded.
    pub(crate) fn published(&self) -> Option<Cid> {
        *self.lock()
    }

    pub(crate) fn starts_at(&self, recorded: Option<Cid>) {
        *self.lock() = recorded;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Cid>> {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mfs {
    /// Makes all changes that were made before the call durable. Those who call at a time share
    /// one write.
    pub async fn commit(&self) -> Result<()> {
        let root = self.root().await?.clone();
        let commits = &self.0.commits;
        let mine = commits.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut covered = commits.covered.lock().await;
        if *covered >= mine {
            return Ok(());
        }
        let upto = commits.asked.load(Ordering::SeqCst);
        // The blocks are in nobody's tree until they are all written.
        let _kept = self.store().lease();
        let claim = Claim::of(&root);
        let cid = root.write(self.store()).await?.cid;
        if commits.published() != Some(cid) {
            root::write_record(&*self.0.parts.records, &cid).await?;
            *commits.lock() = Some(cid);
        }
        claim.done();
        *covered = upto;
        Ok(())
    }

    /// Makes durable what was not flushed, if there is anything.
    pub async fn close(&self) -> Result<()> {
        match self.0.root.get() {
            Some(root) if root.is_unrecorded() => self.commit().await,
            _ => Ok(()),
        }
    }
}

/// A claim that all changes of a root are recorded now; given back if that fails.
struct Claim<'a>(Option<&'a Dir>);

impl<'a> Claim<'a> {
    fn of(root: &'a Dir) -> Self {
        root.take_unrecorded();
        Self(Some(root))
    }

    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(root) = self.0 {
            root.put_unrecorded();
        }
    }
}
