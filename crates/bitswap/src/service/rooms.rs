//! Memory for messages on their way in, of all connections together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Bytes of messages that all connections may have in memory on their way in.
const ALL: usize = 12 << 20;
/// When there is no room for so long, one that comes slowly makes some.
const PATIENCE: Duration = Duration::from_millis(500);
/// A message that has not come whole after so long is slow.
const SLOW: Duration = Duration::from_secs(3);

/// The memory, and the messages that have it and have not come whole.
pub(super) struct Rooms {
    free: Arc<Semaphore>,
    patience: Duration,
    slow: Duration,
    coming: Mutex<Coming>,
}

#[derive(Default)]
struct Coming {
    next: u64,
    messages: BTreeMap<u64, (Instant, CancellationToken)>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(ALL)),
            patience: PATIENCE,
            slow: SLOW,
            coming: Mutex::default(),
        }
    }
}

impl Rooms {
    fn coming(&self) -> MutexGuard<'_, Coming> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes room for a message.
    pub(super) async fn take(
        self: &Arc<Self>,
        len: u32,
        own: OwnedSemaphorePermit,
    ) -> Option<Room> {
        let mut free = Box::pin(self.free.clone().acquire_many_owned(len));
        let all = loop {
            match timeout(self.patience, &mut free).await {
                Ok(permit) => break permit.ok()?,
                Err(_) => self.take_from_slow(),
            }
        };
        let taken = CancellationToken::new();
        let mut coming = self.coming();
        coming.next += 1;
        let id = coming.next;
        coming.messages.insert(id, (Instant::now(), taken.clone()));
        drop(coming);
        Some(Room {
            rooms: self.clone(),
            id,
            taken,
            _permits: (own, all),
        })
    }

    /// Takes the room of the message that has been coming for the longest, if that is long.
    fn take_from_slow(&self) {
        let mut coming = self.coming();
        if let Some(first) = coming.messages.first_entry()
            && first.get().0.elapsed() >= self.slow
        {
            let (_, taken) = first.remove();
            taken.cancel();
        }
    }
}

/// The room that a message has until it was looked at.
pub struct Room {
    rooms: Arc<Rooms>,
    id: u64,
    taken: CancellationToken,
    _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Room {
    /// Ends when others need the room and the message has not come whole: it is to be given up.
    pub async fn taken(&self) {
        self.taken.cancelled().await;
    }

    /// The message has come whole.
    pub(super) fn filled(&self) {
        self.rooms.coming().messages.remove(&self.id);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.filled();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> OwnedSemaphorePermit {
        let semaphore = Arc::new(Semaphore::new(1));
        semaphore.try_acquire_owned().unwrap()
    }

    #[tokio::test]
    async fn who_comes_slowly_makes_room() {
        let rooms = Arc::new(Rooms {
            patience: Duration::from_millis(5),
            slow: Duration::from_millis(50),
            ..Rooms::default()
        });
        let len = 4 << 20;
        let mut slow = Vec::new();
        for _ in 0..ALL / len {
            slow.push(rooms.take(len as u32, own()).await.unwrap());
        }
        // One is whole and only waits to be looked at.
        slow[0].filled();
        let next = tokio::spawn({
            let rooms = rooms.clone();
            async move { rooms.take(1000, own()).await }
        });
        slow[1].taken().await;
        assert!(!next.is_finished());
        slow.remove(1);
        assert!(next.await.unwrap().is_some());
        assert!(!slow[0].taken.is_cancelled() && !slow[1].taken.is_cancelled());
    }
}
