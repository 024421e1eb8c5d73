use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use basalt_block::{Cid, Multihash, codec};
use basalt_blockstore::{Deleted, Horizon};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::guard::Run;
use crate::walk::Options;
use crate::{Collector, Error, Local, Mode, Result, Source, Visited, Walk};

/// Blocks chosen and deleted at once. Whoever needs one of them waits that long.
const BATCH: usize = 512;
/// Events that wait for the reader.
const EVENTS: usize = 4 * BATCH;
/// The most broken blocks that are named.
const NAMED: usize = 1000;

/// How many milliseconds writers that were there before are waited for, in turns. Each keeps what others wrote
/// since it began, to the minute, so that without this a collection beside small adds would spare
/// all garbage of the last minute.
const WRITERS: [u64; 6] = [1, 4, 20, 75, 150, 250];

/// How to collect.
#[derive(Debug, Clone, Default)]
pub struct Collect {
    /// The most blocks to look at in a second when sweeping; `None` is as fast as it goes.
    pub rate: Option<NonZeroU32>,
    /// Whether to leave the space of deleted blocks to the store's own housekeeping, instead of
    /// giving it back at the end.
    pub skip_compaction: bool,
}

/// What happens in a collection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A block was deleted: its CID as CIDv1 and raw, since stores do not know what else it was
    /// called, and its size in bytes.
    Removed(Cid, u64),
    /// Something went wrong. After [`Error::Aborted`] and [`Error::Incomplete`], nothing follows
    /// but [`Event::Done`].
    Failed(Error),
    /// The end.
    Done(Summary),
}

/// What a collection did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Blocks found to be live by marking.
    pub live: u64,
    /// Blocks that are not known to be live but were written too lately to be deleted.
    pub spared: u64,
    /// Blocks deleted.
    pub removed: u64,
    /// Bytes of the blocks deleted.
    pub bytes: u64,
    /// Whether something went wrong.
    pub failed: bool,
}

/// A collection under way, as the stream of its events. Dropping it ends the collection within a
/// batch; what is deleted by then is deleted.
pub struct Collection {
    events: mpsc::Receiver<Event>,
}

impl Stream for Collection {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_recv(cx)
    }
}

impl Collection {
    /// Goes to the end and says what was done, or the first thing that went wrong.
    pub async fn finish(mut self) -> Result<Summary> {
        let mut failure = None;
        while let Some(event) = self.next().await {
            match event {
                Event::Removed(..) => {}
                Event::Failed(error) => failure = failure.or(Some(error)),
                Event::Done(summary) => return failure.map_or(Ok(summary), Err),
            }
        }
        Err(failure.unwrap_or(Error::Incomplete))
    }
}

impl Collector {
    /// Begins a sweep, and begins it anew while writers from before may be about to end.
    async fn horizon(&self) -> Horizon {
        let mut horizon = self.store.begin_sweep();
        for wait in WRITERS {
            if !horizon.held_back {
                break;
            }
            tokio::time::sleep(Duration::from_millis(wait)).await;
            horizon = self.store.begin_sweep();
        }
        horizon
    }

    /// Collects garbage. One collection runs at a time: another waits for its turn.
    pub fn collect(self: &Arc<Self>, options: Collect) -> Collection {
        let (sender, events) = mpsc::channel(EVENTS);
        let task = Task {
            collector: self.clone(),
            options,
            events: sender,
            summary: Summary::default(),
        };
        // The task ends when nobody reads its events any more. It is not aborted, since a deletion
        // that is under way in the store would outlive it and its precautions.
        tokio::spawn(task.run());
        Collection { events }
    }
}

struct Task {
    collector: Arc<Collector>,
    options: Collect,
    events: mpsc::Sender<Event>,
    summary: Summary,
}

/// Nobody reads the events any more.
struct Cancelled;

impl Task {
    async fn run(mut self) {
        let collector = self.collector.clone();
        let _turn = tokio::select! {
            turn = collector.turn.lock() => turn,
            () = self.events.closed() => return,
        };
        let started = Instant::now();
        // First of all: whatever is written from now on is spared.
        let horizon = collector.horizon().await;
        let live = Arc::new(Visited::default());
        let run = collector.gate.begin(live.clone());
        let events = self.events.clone();
        let marked = tokio::select! {
            marked = self.mark(&run, &live) => marked,
            () = events.closed() => return,
        };
        self.summary.live = live.len() as u64;
        tracing::debug!(live = live.len(), took = ?started.elapsed(), "marked");
        let swept = match marked {
            Ok(()) => self.sweep(&run, horizon).await,
            Err(errors) => {
                let errors = errors.into_iter().chain([Error::Aborted]);
                self.fail(errors).await
            }
        };
        drop(run);
        drop(live);
        if swept.is_err() {
            return;
        }
        if self.summary.removed > 0 && !self.options.skip_compaction {
            let compacted = tokio::select! {
                done = collector.store.compact() => done,
                () = events.closed() => return,
            };
            if let Err(error) = compacted
                && self.fail([error.into()]).await.is_err()
            {
                return;
            }
        }
        tracing::info!(summary = ?self.summary, took = ?started.elapsed(), "collected");
        // That nobody reads it is no matter: it is over.
        let _ = self.events.send(Event::Done(self.summary)).await;
    }

    async fn fail(&mut self, errors: impl IntoIterator<Item = Error>) -> Result<(), Cancelled> {
        self.summary.failed = true;
        for error in errors {
            self.send(Event::Failed(error)).await?;
        }
        Ok(())
    }

    async fn send(&self, event: Event) -> Result<(), Cancelled> {
        self.events.send(event).await.map_err(|_| Cancelled)
    }

    /// Fills the live set; fails if what is live cannot be known.
    async fn mark(&self, run: &Run, live: &Arc<Visited>) -> Result<(), Vec<Error>> {
        let table = &self.collector.table;
        let pins = table.list(Mode::Recursive).map_ok(|pin| pin.cid);
        let mut errors = self.descend(live, pins.boxed()).await;
        let mut direct = table.list(Mode::Direct);
        while let Some(pin) = direct.next().await {
            match pin {
                Ok(pin) => _ = live.insert(pin.cid.hash()),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for roots in self.other_roots().await.map_err(|error| vec![error])? {
            let mut errors = self.descend(live, some(roots)).await;
            errors.retain(|error| !is_absence(error));
            if !errors.is_empty() {
                return Err(errors);
            }
        }
        // Guards ask for no more than what is there and can be read.
        while !run.end_marking() {
            self.descend(live, some(run.more())).await;
        }
        Ok(())
    }

    async fn other_roots(&self) -> Result<Vec<Vec<Cid>>> {
        let others = {
            let others = self.collector.roots.lock();
            others
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .clone()
        };
        let mut all = Vec::with_capacity(others.len());
        for roots in others {
            all.push(roots.roots().await?);
        }
        Ok(all)
    }

    /// Marks what is under `roots`. Says where it could not go on, and takes these blocks as not
    /// visited, so that whoever comes to them when they have arrived goes on from there.
    async fn descend(
        &self,
        live: &Arc<Visited>,
        roots: stream::BoxStream<'static, Result<Cid>>,
    ) -> Vec<Error> {
        let source: Arc<dyn Source> = Arc::new(Local(self.collector.store.clone()));
        let options = Options {
            raw: false,
            ..Options::default()
        };
        let mut walk = Walk::new(source, live.clone(), roots, options);
        let mut errors = Vec::new();
        while let Some(batch) = walk.next().await {
            match batch {
                Ok(batch) => {
                    for reached in batch {
                        if let Err(error) = reached.found {
                            live.unvisit(&reached.cid);
                            if errors.len() < NAMED {
                                errors.push(Error::Links {
                                    cid: Box::new(reached.cid),
                                    reason: Arc::new(error),
                                });
                            }
                        }
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        errors
    }

    async fn sweep(&mut self, run: &Run, horizon: Horizon) -> Result<(), Cancelled> {
        let Some(live) = self.collector.gate.sweeping() else {
            return Ok(());
        };
        let mut keys = self.collector.store.keys().ready_chunks(BATCH);
        let mut pace = self.options.rate.map(Pace::new);
        let mut dead = Vec::with_capacity(BATCH);
        let mut incomplete = false;
        while let Some(chunk) = keys.next().await {
            if let Some(pace) = &mut pace {
                tokio::select! {
                    () = pace.wait(chunk.len()) => {}
                    () = self.events.closed() => return Err(Cancelled),
                }
            }
            for key in chunk {
                match key {
                    Ok((hash, _)) if live.contains(&hash) => {}
                    Ok((hash, _)) => dead.push(hash),
                    Err(error) => self.fail([error.into()]).await?,
                }
            }
            if dead.len() >= BATCH {
                incomplete |= !self.delete(run, std::mem::take(&mut dead), horizon).await?;
            }
        }
        incomplete |= !self.delete(run, dead, horizon).await?;
        if incomplete {
            self.fail([Error::Incomplete]).await?;
        }
        Ok(())
    }

    /// Deletes those of `hashes` that are still not live. `false` if some could not be deleted.
    async fn delete(
        &mut self,
        run: &Run,
        hashes: Vec<Multihash>,
        horizon: Horizon,
    ) -> Result<bool, Cancelled> {
        if self.events.is_closed() {
            return Err(Cancelled);
        }
        let (dead, batch) = run.dead(hashes).await;
        let Some(first) = dead.first() else {
            return Ok(true);
        };
        let deleted = self.collector.store.sweep(&dead, horizon).await;
        drop(batch);
        match deleted {
            Ok(deleted) => {
                for (hash, deleted) in dead.iter().zip(deleted) {
                    match deleted {
                        Deleted::Gone(size) => {
                            self.summary.removed += 1;
                            self.summary.bytes += size;
                            let cid = Cid::new_v1(codec::RAW, *hash);
                            self.send(Event::Removed(cid, size)).await?;
                        }
                        Deleted::Spared => self.summary.spared += 1,
                        Deleted::Absent => {}
                    }
                }
                Ok(true)
            }
            Err(reason) => {
                let cid = Box::new(Cid::new_v1(codec::RAW, *first));
                self.fail([Error::Removal { cid, reason }]).await?;
                Ok(false)
            }
        }
    }
}

fn some(roots: Vec<Cid>) -> stream::BoxStream<'static, Result<Cid>> {
    stream::iter(roots.into_iter().map(Ok)).boxed()
}

fn is_absence(error: &Error) -> bool {
    match error {
        Error::Links { reason, .. } => is_absence(reason),
        Error::Missing(_) => true,
        _ => false,
    }
}

/// So many a second, on average from the start.
struct Pace {
    rate: NonZeroU32,
    started: Instant,
    done: u64,
}

impl Pace {
    fn new(rate: NonZeroU32) -> Self {
        Self {
            rate,
            started: Instant::now(),
            done: 0,
        }
    }

    async fn wait(&mut self, more: usize) {
        self.done += more as u64;
        let due = self.done as f64 / f64::from(self.rate.get());
        tokio::time::sleep_until(self.started + Duration::from_secs_f64(due)).await;
    }
}
