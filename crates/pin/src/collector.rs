//! Garbage collection that runs beside readers, writers and pinners.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use basalt_block::Cid;
use basalt_blockstore::Blockstore;

use crate::guard::{Gate, Guard};
use crate::table::Table;
use crate::walk::Options;
use crate::{Local, Result, Source, Walk};

mod run;

pub use run::{Collect, Collection, Event, Summary};

/// Something beside the pins that keeps DAGs, such as the MFS.
#[async_trait]
pub trait Roots: Send + Sync + 'static {
    /// The roots as of now, unflushed ones too. What is missing under them does not matter; that
    /// they cannot be had, or that something under them cannot be read, ends a collection before
    /// it deletes anything.
    ///
    /// Whoever changes its roots beside a collection writes the new blocks under a lease, and holds
    /// a [`Guard`] of what else they link to until the change shows here.
    async fn roots(&self) -> Result<Vec<Cid>>;

    /// Whether it will never keep anything again; then it is forgotten.
    fn is_gone(&self) -> bool {
        false
    }
}

/// Finds what nothing keeps, and deletes it, without stopping anybody.
///
/// Kept is what was there under the pins, under other [`Roots`] and under every [`Guard`], and
/// what was written since the collection began or under a lease that was alive then. The order of
/// things makes it safe: the horizon is drawn first, then guards are taken in, then the pins are
/// listed. A pinner holds its guard until the pin is written, so that one of the three has it.
pub struct Collector {
    store: Arc<dyn Blockstore>,
    pub(crate) table: Arc<Table>,
    roots: Mutex<Vec<Arc<dyn Roots>>>,
    pub(crate) gate: Arc<Gate>,
    turn: tokio::sync::Mutex<()>,
}

impl Collector {
    pub(crate) fn new(store: Arc<dyn Blockstore>, table: Arc<Table>) -> Self {
        Self {
            store,
            table,
            roots: Mutex::default(),
            gate: Arc::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Adds something that keeps DAGs.
    pub fn add_roots(&self, roots: Arc<dyn Roots>) {
        let mut all = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|roots| !roots.is_gone());
        all.push(roots);
    }

    /// The store that is collected.
    pub fn store(&self) -> &Arc<dyn Blockstore> {
        &self.store
    }

    /// Keeps the DAG under `root`, as far as it is there, until the guard is dropped: for whoever
    /// reads or links to something that may not be pinned.
    ///
    /// Returns at once but during a sweep, when it walks what of the DAG is not known to be live.
    pub async fn protect(&self, root: Cid) -> Guard {
        let guard = self.gate.register(vec![root]);
        guard.cover(&[root]).await;
        let Some(live) = self.gate.sweeping().filter(|live| !live.has_visited(&root)) else {
            return guard;
        };
        let source: Arc<dyn Source> = Arc::new(Local(self.store.clone()));
        let found = Arc::new(live.fork());
        let options = Options {
            raw: false,
            beyond: Some(live.clone()),
            ..Options::default()
        };
        let mut walk = Walk::within(source, found.clone(), root, options);
        while let Some(Ok(batch)) = walk.next().await {
            for reached in batch.iter().filter(|r| r.found.is_err()) {
                found.unvisit(&reached.cid);
            }
        }
        self.gate.add(&found, &live).await;
        guard
    }

    /// Keeps single blocks, and what is under them as the caller covers it.
    pub(crate) async fn guard(&self, roots: Vec<Cid>) -> Guard {
        self.gate.guard(roots).await
    }

    /// Whether a collection is under way.
    pub fn is_running(&self) -> bool {
        self.turn.try_lock().is_err()
    }
}
