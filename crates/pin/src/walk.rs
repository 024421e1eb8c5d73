//! Walking DAGs, in whatever order is fastest.

use std::collections::HashMap;
use std::sync::Arc;

use basalt_block::{Block, Cid, codec};
use futures::stream::{BoxStream, SelectAll};
use futures::{StreamExt, stream};
use tokio::task::JoinSet;

use crate::guard::Guard;
use crate::links::links_of;
use crate::{Error, Result, Source, Visited};

/// CIDs looked up in one visit to the store.
const LOOK: usize = 256;
/// Blocks read in one visit: as many, or as many bytes.
const READ: usize = 16;
const READ_BYTES: u64 = 4 << 20;
/// Blocks are asked for so many at a time, or all that there are, and gone on with so many at a time.
const FETCH: usize = 64;
/// Roots taken in at once.
const ROOTS: usize = 256;

/// Where a walk came from and how far it goes.
#[derive(Clone)]
pub struct Options {
    /// Whether blocks that are missing are fetched; otherwise they are reported as missing.
    pub fetch: bool,
    /// Whether raw blocks are looked up too. They have no links, so that a walk which only wants
    /// to know what is reachable need not.
    pub raw: bool,
    /// How many visits to the store are made side by side.
    pub width: usize,
    /// How many blocks may be asked for and not here yet.
    pub fetches: usize,
    /// A guard of the roots: it [covers](Guard::cover) everything that the walk comes to, so that
    /// all that is found stays.
    pub guard: Option<Arc<Guard>>,
    /// Blocks that are not gone to, because this has visited them.
    pub beyond: Option<Arc<Visited>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fetch: false,
            raw: true,
            width: 4,
            fetches: 256,
            guard: None,
            beyond: None,
        }
    }
}

impl Options {
    fn is_new(&self, visited: &Visited, cid: &Cid) -> bool {
        let beyond = self.beyond.as_ref().is_some_and(|b| b.has_visited(cid));
        !beyond && visited.visit(cid)
    }
}

/// A block that a walk has come to, once for each CID that leads to it.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The block, as the link to it names it.
    pub cid: Cid,
    /// One of the roots that it was reached from.
    pub via: Arc<Cid>,
    /// The size of its data in bytes, or why the walk could not go on here. A raw block that was
    /// not looked up has size 0.
    pub found: Result<u64>,
}

/// A walk over the DAGs under some roots: every block that is reachable, in no particular order.
///
/// Leaves are never read if the store knows that they are leaves. Memory is that of the set of
/// what was visited and of the links not followed yet, which grow with the depth of the DAG and not
/// with its size. Dropping the walk ends it.
pub struct Walk {
    source: Arc<dyn Source>,
    visited: Arc<Visited>,
    options: Options,
    roots: Option<stream::ReadyChunks<BoxStream<'static, Result<Cid>>>>,
    look: Vec<Step>,
    read: Vec<(Step, u64)>,
    fetch: Vec<Step>,
    running: JoinSet<Outcome>,
    arriving: SelectAll<Arriving>,
    /// What was asked for and is not here yet.
    awaited: HashMap<Cid, Step>,
}

/// Blocks that are fetched.
type Arriving = stream::ReadyChunks<BoxStream<'static, (Cid, Result<Block>)>>;

/// A block to go to.
#[derive(Clone)]
struct Step {
    cid: Cid,
    via: Arc<Cid>,
}

#[derive(Default)]
struct Outcome {
    reached: Vec<Reached>,
    look: Vec<Step>,
    read: Vec<(Step, u64)>,
    fetch: Vec<Step>,
}

/// What the tasks of a walk share.
#[derive(Clone)]
struct Way {
    source: Arc<dyn Source>,
    visited: Arc<Visited>,
    options: Options,
}

impl Walk {
    /// A walk from `roots`, which are taken in as the walk goes on. Blocks that `visited` has are
    /// not gone to again.
    pub fn new(
        source: Arc<dyn Source>,
        visited: Arc<Visited>,
        roots: BoxStream<'static, Result<Cid>>,
        options: Options,
    ) -> Self {
        Self {
            source,
            visited,
            options,
            roots: Some(roots.ready_chunks(ROOTS)),
            look: Vec::new(),
            read: Vec::new(),
            fetch: Vec::new(),
            running: JoinSet::new(),
            arriving: SelectAll::new(),
            awaited: HashMap::new(),
        }
    }

    /// A walk from one root.
    pub fn of(source: Arc<dyn Source>, root: Cid, options: Options) -> Self {
        Self::within(source, Arc::default(), root, options)
    }

    pub(crate) fn within(
        source: Arc<dyn Source>,
        visited: Arc<Visited>,
        root: Cid,
        options: Options,
    ) -> Self {
        let roots = stream::once(std::future::ready(Ok(root))).boxed();
        Self::new(source, visited, roots, options)
    }

    /// The next blocks, or `None` at the end. An error means that a root could not be had; what is
    /// wrong with a block is said in [`Reached::found`].
    ///
    /// May be cancelled; nothing is lost.
    pub async fn next(&mut self) -> Option<Result<Vec<Reached>>> {
        loop {
            self.start();
            let free = self.running.len() < self.options.width;
            let hungry = free && self.look.is_empty() && self.read.is_empty();
            let hungry = hungry && self.roots.is_some();
            let more = async {
                match &mut self.roots {
                    Some(roots) => roots.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(done) = self.running.join_next() => match done {
                    Ok(outcome) => {
                        let reached = self.take(outcome);
                        if !reached.is_empty() {
                            return Some(Ok(reached));
                        }
                    }
                    Err(error) if error.is_panic() => {
                        std::panic::resume_unwind(error.into_panic());
                    }
                    // The runtime shuts down.
                    Err(_) => return Some(Err(basalt_blockstore::Error::Closed.into())),
                },
                Some(came) = self.arriving.next(), if free && !self.arriving.is_empty() => {
                    self.arrived(came);
                }
                chunk = more, if hungry => match chunk {
                    Some(roots) => if let Some(error) = self.begin(roots) {
                        return Some(Err(error));
                    },
                    None => self.roots = None,
                },
                else => return self.unanswered(),
            }
        }
    }

    /// The blocks that a source was asked for and never spoke of; none with one that does as it should.
    fn unanswered(&mut self) -> Option<Result<Vec<Reached>>> {
        if !self.arriving.is_empty() || self.awaited.is_empty() {
            return None;
        }
        let left = std::mem::take(&mut self.awaited).into_values();
        let left = left.map(|step| step.reached(Err(Error::Missing(step.cid))));
        Some(Ok(left.collect()))
    }

    /// Goes on with blocks that have come.
    fn arrived(&mut self, came: Vec<(Cid, Result<Block>)>) {
        let steps = came.into_iter().filter_map(|(cid, block)| {
            let step = self.awaited.remove(&cid)?;
            Some((step, block))
        });
        let steps: Vec<_> = steps.collect();
        if !steps.is_empty() {
            let way = self.way();
            self.running.spawn(way.arrived(steps));
        }
    }

    fn way(&self) -> Way {
        Way {
            source: self.source.clone(),
            visited: self.visited.clone(),
            options: self.options.clone(),
        }
    }

    /// The blocks one by one; an error of a root ends the stream.
    pub fn stream(self) -> BoxStream<'static, Result<Reached>> {
        stream::unfold(Some(self), async |walk| {
            let mut walk = walk?;
            match walk.next().await? {
                Ok(batch) => {
                    let batch: Vec<Result<Reached>> = batch.into_iter().map(Ok).collect();
                    Some((stream::iter(batch), Some(walk)))
                }
                Err(error) => Some((stream::iter(vec![Err(error)]), None)),
            }
        })
        .flatten()
        .boxed()
    }

    fn begin(&mut self, roots: Vec<Result<Cid>>) -> Option<Error> {
        let mut failed = None;
        for root in roots {
            match root {
                Ok(cid) if self.options.is_new(&self.visited, &cid) => {
                    let via = Arc::new(cid);
                    self.look.push(Step { cid, via });
                }
                Ok(_) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed
    }

    /// Starts as much as may run side by side: first what needs no reading, then what lies deepest,
    /// so that little piles up.
    fn start(&mut self) {
        let way = self.way();
        // Few requests for many blocks: those who have them are asked, and they are stored, together.
        let room = self.options.fetches.saturating_sub(self.awaited.len());
        if room.min(self.fetch.len()) >= self.fetch.len().clamp(1, FETCH) {
            let rest = self.fetch.len() - room.min(self.fetch.len());
            let steps = self.fetch.split_off(rest);
            let cids = steps.iter().map(|step| step.cid).collect();
            self.awaited
                .extend(steps.into_iter().map(|step| (step.cid, step)));
            let each = self.source.each(cids).ready_chunks(FETCH);
            self.arriving.push(each);
        }
        while self.running.len() < self.options.width {
            if !self.look.is_empty() {
                let rest = self.look.len().saturating_sub(LOOK);
                let steps = self.look.split_off(rest);
                self.running.spawn(way.clone().look(steps));
            } else if !self.read.is_empty() {
                let mut bytes = 0;
                let mut steps = Vec::new();
                while steps.len() < READ
                    && bytes < READ_BYTES
                    && let Some((step, size)) = self.read.pop()
                {
                    bytes += size;
                    steps.push((step, size));
                }
                self.running.spawn(way.clone().read(steps));
            } else {
                break;
            }
        }
    }

    fn take(&mut self, outcome: Outcome) -> Vec<Reached> {
        self.look.extend(outcome.look);
        self.read.extend(outcome.read);
        self.fetch.extend(outcome.fetch);
        outcome.reached
    }
}

impl Way {
    /// Finds out which blocks are here, and which of them have to be read.
    async fn look(self, mut steps: Vec<Step>) -> Outcome {
        let mut outcome = Outcome::default();
        steps.retain(|step| match basalt_block::validate(&step.cid) {
            Ok(()) if !self.options.raw && step.cid.codec() == codec::RAW => {
                outcome.reached.push(step.reached(Ok(0)));
                false
            }
            Ok(()) => true,
            Err(error) => {
                outcome.reached.push(step.reached(Err(error.into())));
                false
            }
        });
        let cids: Vec<Cid> = steps.iter().map(|step| step.cid).collect();
        let stats = match self.source.stat_local(&cids).await {
            Ok(stats) => stats,
            Err(error) => {
                let broken = steps.iter().map(|step| step.reached(Err(error.clone())));
                outcome.reached.extend(broken);
                return outcome;
            }
        };
        for (step, stat) in steps.into_iter().zip(stats) {
            match stat {
                Some(stat) if stat.leaf || step.cid.codec() == codec::RAW => {
                    outcome.reached.push(step.reached(Ok(stat.size)));
                }
                Some(stat) => outcome.read.push((step, stat.size)),
                None if self.options.fetch => outcome.fetch.push(step),
                None => outcome
                    .reached
                    .push(step.reached(Err(Error::Missing(step.cid)))),
            }
        }
        outcome
    }

    /// Reads blocks and finds their links.
    async fn read(self, steps: Vec<(Step, u64)>) -> Outcome {
        let mut outcome = Outcome::default();
        let cids: Vec<Cid> = steps.iter().map(|(step, _)| step.cid).collect();
        let blocks: Vec<Result<Option<Block>>> = match self.source.get_local(&cids).await {
            Ok(blocks) => blocks.into_iter().map(Ok).collect(),
            // One of them is corrupt: the others need not suffer from it.
            Err(_) => {
                let mut blocks = Vec::with_capacity(cids.len());
                for cid in &cids {
                    let block = self.source.get_local(std::slice::from_ref(cid)).await;
                    blocks.push(block.map(|mut b| b.pop().flatten()));
                }
                blocks
            }
        };
        for ((step, _), block) in steps.into_iter().zip(blocks) {
            match block {
                Ok(Some(block)) => self.expand(&mut outcome, &step, &block).await,
                // It went away since it was looked up.
                Ok(None) if self.options.fetch => outcome.fetch.push(step),
                Ok(None) => outcome
                    .reached
                    .push(step.reached(Err(Error::Missing(step.cid)))),
                Err(error) => outcome.reached.push(step.reached(Err(error))),
            }
        }
        outcome
    }

    /// Finds the links of blocks that have come.
    async fn arrived(self, came: Vec<(Step, Result<Block>)>) -> Outcome {
        let mut outcome = Outcome::default();
        for (step, block) in came {
            match block {
                Ok(block) => self.expand(&mut outcome, &step, &block).await,
                Err(error) => outcome.reached.push(step.reached(Err(error))),
            }
        }
        outcome
    }

    async fn expand(&self, outcome: &mut Outcome, step: &Step, block: &Block) {
        let links = match links_of(block) {
            Ok(links) => links,
            Err(error) => return outcome.reached.push(step.reached(Err(error))),
        };
        // Before anybody looks whether they are here, so that what is found stays.
        if let Some(guard) = &self.options.guard {
            guard.cover(&links).await;
        }
        let size = block.data().len() as u64;
        outcome.reached.push(step.reached(Ok(size)));
        let new = links
            .into_iter()
            .filter(|cid| self.options.is_new(&self.visited, cid));
        outcome.look.extend(new.map(|cid| Step {
            cid,
            via: step.via.clone(),
        }));
    }
}

impl Step {
    fn reached(&self, found: Result<u64>) -> Reached {
        Reached {
            cid: self.cid,
            via: self.via.clone(),
            found,
        }
    }
}
