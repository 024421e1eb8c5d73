//! Whose questions are answered: some of all peers, and few of one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use libp2p::PeerId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions of all peers that are read, answered or whose answers are sent, at a time. Each takes some ten
/// kilobytes.
const ALL: usize = 256;
/// Those of one peer.
const OF_ONE: usize = 16;

pub(super) struct Turns {
    all: Arc<Semaphore>,
    peers: Mutex<HashMap<PeerId, Weak<Semaphore>>>,
}

/// A question's turn.
pub(super) struct Turn {
    _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            peers: Mutex::default(),
        }
    }
}

impl Turns {
    /// The turns of one peer, for as long as it asks.
    pub(super) fn of(&self, peer: PeerId) -> Arc<Semaphore> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = peers.get(&peer).and_then(Weak::upgrade) {
            return own;
        }
        if peers.len() == peers.capacity() {
            peers.retain(|_, own| own.strong_count() > 0);
        }
        let own = Arc::new(Semaphore::new(OF_ONE));
        peers.insert(peer, Arc::downgrade(&own));
        own
    }

    /// Waits for a turn; `None` never happens, as nothing closes them.
    pub(super) async fn next(&self, own: &Arc<Semaphore>) -> Option<Turn> {
        let own = own.clone().acquire_owned().await.ok()?;
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(Turn {
            _permits: (own, all),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn one_peer_has_few_turns_and_all_have_some() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for _ in 0..ALL / OF_ONE {
            let own = turns.of(PeerId::random());
            for _ in 0..OF_ONE {
                taken.push(turns.next(&own).await.unwrap());
            }
            assert!(turns.next(&own).now_or_never().is_none());
        }
        let other = turns.of(PeerId::random());
        assert!(turns.next(&other).now_or_never().is_none());
        taken.clear();
        // The runtime lets a task do so much at once and no more.
        tokio::task::yield_now().await;
        assert!(turns.next(&other).now_or_never().is_some());
        for _ in 0..1000 {
            turns.of(PeerId::random());
        }
        assert!(turns.peers.lock().unwrap().len() < 500);
    }
}
