//! Keeping DAGs from a garbage collection that runs, or that begins, while they are read or pinned.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basalt_block::{Cid, Multihash};

use crate::Visited;

/// What a garbage collection and those who must not suffer from it know of one another.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    /// Held while a batch is chosen and deleted.
    batch: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    next: u64,
    guards: BTreeMap<u64, Vec<Cid>>,
    phase: Phase,
}

#[derive(Default)]
enum Phase {
    #[default]
    Idle,
    /// The live set grows. What is in `more` will be marked before anything is deleted.
    Marking { live: Arc<Visited>, more: Vec<Cid> },
    /// What is not in the live set is deleted, batch by batch. `late` says that the live set grew
    /// since the present batch was chosen.
    Sweeping { live: Arc<Visited>, late: bool },
}

/// Keeps what is under its roots from every garbage collection that begins while it lives, and
/// from the one that runs when it is made. Dropped when the root is pinned, or read to the end.
///
/// What counts is what is there when the guard is made. Whoever goes on to a block that came later
/// and relies on blocks it links to calls [`Guard::cover`] first.
pub struct Guard {
    gate: Arc<Gate>,
    id: u64,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A guard of these blocks, and of what is under them unless a sweep is under way: the caller
    /// covers that as it walks there.
    pub(crate) async fn guard(self: &Arc<Self>, roots: Vec<Cid>) -> Guard {
        let guard = self.register(roots.clone());
        guard.cover(&roots).await;
        guard
    }

    pub(crate) fn register(self: &Arc<Self>, roots: Vec<Cid>) -> Guard {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.guards.insert(id, roots);
        Guard {
            gate: self.clone(),
            id,
        }
    }

    /// Begins to mark: the roots of all guards are to be marked.
    pub(crate) fn begin(self: &Arc<Self>, live: Arc<Visited>) -> Run {
        let mut state = self.state();
        let more = state.guards.values().flatten().copied().collect();
        state.phase = Phase::Marking { live, more };
        drop(state);
        Run { gate: self.clone() }
    }

    /// The live set, while it is being swept by.
    pub(crate) fn sweeping(&self) -> Option<Arc<Visited>> {
        match &self.state().phase {
            Phase::Sweeping { live, .. } => Some(live.clone()),
            _ => None,
        }
    }

    /// Adds what a walk found to the live set `to`, and waits until no batch is being deleted that
    /// was chosen before.
    pub(crate) async fn add(&self, found: &Visited, to: &Arc<Visited>) {
        match &mut self.state().phase {
            Phase::Sweeping { live, late } if Arc::ptr_eq(live, to) => {
                live.absorb(found);
                *late = true;
            }
            // That collection is over, and the next one marks for itself.
            _ => return,
        }
        drop(self.batch.lock().await);
    }
}

impl Guard {
    /// After this, those of `cids` that are here stay here while the guard lives and something
    /// under its roots links to them. Takes no time unless a garbage collection runs.
    pub async fn cover(&self, cids: &[Cid]) {
        if cids.is_empty() {
            return;
        }
        match &mut self.gate.state().phase {
            Phase::Idle => return,
            Phase::Marking { live, more } => {
                // What was visited will be gone through before the sweep.
                more.extend(cids.iter().filter(|cid| !live.has_visited(cid)));
                return;
            }
            Phase::Sweeping { live, late } => {
                for cid in cids {
                    *late |= live.insert(cid.hash());
                }
                // All of it was in the set before the present batch was chosen.
                if !*late {
                    return;
                }
            }
        }
        drop(self.gate.batch.lock().await);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.gate.state().guards.remove(&self.id);
    }
}

/// A garbage collection under way. Dropping it ends it.
pub(crate) struct Run {
    gate: Arc<Gate>,
}

impl Run {
    /// What is to be marked beside the pins, so far.
    pub(crate) fn more(&self) -> Vec<Cid> {
        match &mut self.gate.state().phase {
            Phase::Marking { more, .. } => std::mem::take(more),
            _ => Vec::new(),
        }
    }

    /// Ends marking, unless there is more to be marked.
    pub(crate) fn end_marking(&self) -> bool {
        let mut state = self.gate.state();
        match &state.phase {
            Phase::Marking { more, .. } if !more.is_empty() => false,
            Phase::Marking { live, .. } => {
                let live = live.clone();
                state.phase = Phase::Sweeping { live, late: false };
                true
            }
            _ => true,
        }
    }

    /// Leaves those of `hashes` that are not live. While the second part of the answer is held,
    /// nobody who was covered meanwhile goes on.
    pub(crate) async fn dead(
        &self,
        mut hashes: Vec<Multihash>,
    ) -> (Vec<Multihash>, tokio::sync::MutexGuard<'_, ()>) {
        let batch = self.gate.batch.lock().await;
        if let Phase::Sweeping { live, late } = &mut self.gate.state().phase {
            *late = false;
            hashes.retain(|hash| !live.contains(hash));
        }
        (hashes, batch)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.gate.state().phase = Phase::Idle;
    }
}
