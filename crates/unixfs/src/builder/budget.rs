use std::sync::{Arc, LazyLock};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Memory that all imports share, in bytes, for what they read ahead.
///
/// What an import holds it takes from here while there is some, and otherwise it works one chunk at
/// a time; so no import ever waits for another.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Semaphore>);

impl Budget {
    /// A budget of this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    pub(super) fn try_take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        self.0.clone().try_acquire_many_owned(bytes).ok()
    }
}

impl Default for Budget {
    /// A budget of 16 MiB, the same for all who ask.
    fn default() -> Self {
        static SHARED: LazyLock<Budget> = LazyLock::new(|| Budget::new(16 << 20));
        SHARED.clone()
    }
}

/// Leave to occupy one of as many threads as there are cores.
pub(crate) async fn hashing_turn() -> Result<OwnedSemaphorePermit, AcquireError> {
    static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get());
        Arc::new(Semaphore::new(cores.max(2)))
    });
    TURNS.clone().acquire_owned().await
}
