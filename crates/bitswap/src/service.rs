//! The client and the engine at work: one task that connects them with a store and a network.

mod control;
mod handle;
mod jobs;
mod link;
mod meter;
mod outbound;
mod rooms;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use basalt_blockstore::Blockstore;
use basalt_exchange::{Event, Sought, Waiting};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p_identity::PeerId;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, ClientOptions, Output, RequestId, SessionId};
use crate::engine::{Engine, EngineOptions};
use crate::message::Payload;
use crate::{NoProviders, Providers};
use control::{Control, Shared};
use jobs::{Done, Job};

pub use handle::{Figures, Handle, Stat};
pub use link::{Incoming, Inlet, Link, Outgoing, Port};
pub use meter::{ANSWER_SIZES, Meter, Spread, WANTLIST_TIMES};
use outbound::Connection;
pub use rooms::Room;

/// Messages that came and wait to be looked at, of all peers.
const INCOMING: usize = 64;
/// Messages looked at before anything is said.
const AT_ONCE: usize = 32;

/// How Bitswap runs.
#[derive(Clone)]
pub struct Options {
    /// The side that gets blocks.
    pub client: ClientOptions,
    /// The side that gives blocks.
    pub engine: EngineOptions,
    /// Who knows which peers have a block.
    pub providers: Arc<dyn Providers>,
    /// How many of those are asked for at a time
    /// (`Internal.Bitswap.ProviderSearchMaxResults`).
    pub max_providers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client: ClientOptions::default(),
            engine: EngineOptions::default(),
            providers: Arc::new(NoProviders),
            max_providers: 10,
        }
    }
}

/// Bitswap, ready to [run](Service::run).
pub struct Service {
    store: Arc<dyn Blockstore>,
    providers: Arc<dyn Providers>,
    max_providers: usize,
    client: Client,
    engine: Engine,
    shared: Arc<Shared>,
    incoming: mpsc::Receiver<Incoming>,
    connections: BTreeMap<u64, Connection>,
    /// The connections of each peer, the oldest first.
    peers: BTreeMap<PeerId, Vec<u64>>,
    requests: HashMap<u64, RequestId>,
    answers: HashMap<RequestId, (u64, mpsc::Sender<Event>)>,
    sessions: HashMap<u64, SessionId>,
    jobs: FuturesUnordered<Job>,
    meter: Meter,
    start: Instant,
}

impl Service {
    /// Bitswap over a store; what a node reads through, and what a network gives connections to.
    pub fn new(store: Arc<dyn Blockstore>, options: Options) -> (Self, Handle, Port) {
        let shared = Arc::new(Shared::default());
        let (sender, incoming) = mpsc::channel(INCOMING);
        let service = Self {
            store,
            providers: options.providers,
            max_providers: options.max_providers,
            client: Client::new(options.client),
            engine: Engine::new(options.engine),
            shared: shared.clone(),
            incoming,
            connections: BTreeMap::new(),
            peers: BTreeMap::new(),
            requests: HashMap::new(),
            answers: HashMap::new(),
            sessions: HashMap::new(),
            jobs: FuturesUnordered::new(),
            meter: Meter::default(),
            start: Instant::now(),
        };
        let handle = Handle::new(shared.clone());
        (service, handle, Port::new(shared, sender))
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Works until `cancel`.
    pub async fn run(mut self, cancel: CancellationToken) {
        let shared = self.shared.clone();
        loop {
            let tick = self.client.next_tick().map(|at| self.start + at);
            tokio::select! {
                () = cancel.cancelled() => break,
                () = shared.wake.notified() => {}
                Some(incoming) = self.incoming.recv() => {
                    self.received(incoming);
                    for _ in 1..AT_ONCE {
                        let Ok(incoming) = self.incoming.try_recv() else { break };
                        self.received(incoming);
                    }
                }
                Some(done) = self.jobs.next(), if !self.jobs.is_empty() => self.done(done),
                () = tokio::time::sleep_until(tick.unwrap_or(self.start)), if tick.is_some() => {
                    self.tick();
                }
            }
            for control in shared.take() {
                self.control(control);
            }
            self.pump();
        }
        self.shared.close();
    }

    fn received(&mut self, incoming: Incoming) {
        let now = self.now();
        let Incoming {
            peer,
            mut message,
            mut blocks,
            ..
        } = incoming;
        if !message.blocks.is_empty() {
            self.meter.answers.size(message.block_bytes());
        }
        if self.client.is_idle() {
            for block in &message.blocks {
                self.meter.received.size(block.data.len());
                self.meter.duplicate.size(block.data.len());
            }
            let ignored = std::mem::take(&mut message.blocks);
            self.client.ignored(ignored.iter().map(|b| b.data.len()));
            let ignored = std::mem::take(&mut blocks);
            self.client.ignored(ignored.iter().map(|b| b.data().len()));
        }
        let sent = std::mem::take(&mut message.blocks).into_iter();
        blocks.extend(sent.filter_map(Payload::into_block));
        let wanted = self
            .client
            .received(now, &peer, &blocks, &message.presences);
        for (block, wanted) in blocks.iter().zip(wanted) {
            self.meter.received.size(block.data().len());
            if !wanted {
                self.meter.duplicate.size(block.data().len());
            }
            if wanted {
                self.engine.paid(&peer, block.data().len());
            }
        }
        if !message.wants.is_empty() || message.full {
            self.engine.received(&peer, &message);
        }
    }

    fn tick(&mut self) {
        let now = self.now();
        for connection in self.connections.values() {
            if connection.heard.swap(false, Ordering::Relaxed) {
                self.client.heard(now, &connection.peer);
            }
        }
        self.client.tick(now);
    }

    fn control(&mut self, control: Control) {
        let now = self.now();
        match control {
            Control::Opened {
                id,
                peer,
                traits,
                outgoing,
                heard,
            } => {
                let connections = self.peers.entry(peer).or_default();
                connections.push(id);
                self.connections
                    .insert(id, Connection::new(peer, outgoing, heard));
                self.engine.connected(peer);
                self.client.connected(now, peer, traits);
            }
            Control::Peered(peer, yes) => self.client.peered(now, &peer, yes),
            Control::Version(id, version) => {
                if let Some(connection) = self.connections.get(&id) {
                    self.client
                        .presence(&connection.peer, version.has_presence());
                }
            }
            Control::Sent(id) => self.sent(id),
            Control::Lost(id) => self.lost(id),
            Control::Unsupported(id) => self.unsupported(id),
            Control::Closed(id) => self.closed(id),
            Control::Fetch {
                id,
                session,
                cids,
                answers,
            } => {
                let session = *self
                    .sessions
                    .entry(session)
                    .or_insert_with(|| self.client.open_session());
                let request = self.client.fetch(now, session, cids);
                self.requests.insert(id, request);
                self.answers.insert(request, (id, answers));
            }
            Control::Taken { id, blocks, bytes } => {
                if let Some(request) = self.requests.get(&id) {
                    self.client.taken(now, *request, blocks, bytes);
                }
            }
            Control::Ended(id) => {
                if let Some(request) = self.requests.remove(&id) {
                    self.answers.remove(&request);
                    self.client.cancel(request);
                }
            }
            Control::SessionEnded(id) => {
                if let Some(session) = self.sessions.remove(&id) {
                    self.client.close_session(session);
                }
            }
            Control::Notify(cids) => {
                self.engine.notify(&cids);
                let waited = self.client.waited_for(&cids);
                if !waited.is_empty() {
                    self.jobs.push(jobs::check(self.store.clone(), waited));
                }
            }
            Control::Ask(question) => question(self),
        }
    }

    /// Gives out what the two have to give.
    fn pump(&mut self) {
        while let Some(output) = self.client.next_output() {
            self.output(output);
        }
        while let Some(job) = self.engine.next_job() {
            self.jobs.push(jobs::engine(self.store.clone(), job));
        }
        let mut dirty = self.client.take_dirty();
        dirty.extend(self.engine.take_dirty());
        for peer in dirty {
            self.say(&peer);
        }
        let idle = self.engine.is_idle() && self.client.is_idle();
        self.shared.interested.store(!idle, Ordering::Relaxed);
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Deliver(request, block) => {
                if let Some((_, answers)) = self.answers.get(&request) {
                    // There is room for all that the client lets come before some is taken.
                    let _ = answers.try_send(Event::Block(block));
                }
            }
            Output::Waiting {
                request,
                cid,
                asked,
                since,
                sought,
            } => {
                tracing::debug!(target: "basalt::bitswap", %cid, ?asked, ?since, "waiting for a block");
                if let Some((_, answers)) = self.answers.get(&request) {
                    let named = |peers: &[PeerId]| -> Vec<String> {
                        peers.iter().map(ToString::to_string).collect()
                    };
                    let peers = named(&asked);
                    let waiting = Waiting {
                        cid,
                        asked: peers.len(),
                        peers,
                        since,
                        sought: Sought {
                            searches: sought.searches,
                            found: sought.found,
                            connected: sought.connected,
                            named: named(&sought.named),
                            unreached: named(&sought.unreached),
                        },
                    };
                    let _ = answers.try_send(Event::Waiting(waiting));
                }
            }
            Output::Search(session, cid) => {
                let found = self.providers.find(cid, self.max_providers);
                self.jobs.push(jobs::search(session, found));
            }
            Output::Check(cids) => self.jobs.push(jobs::check(self.store.clone(), cids)),
        }
    }

    fn done(&mut self, done: Done) {
        let now = self.now();
        match done {
            Done::Looked(peer, found) => self.engine.looked(&peer, &found),
            Done::Loaded(peer, blocks) => self.engine.loaded(&peer, blocks),
            Done::Checked(blocks) => {
                for block in blocks {
                    self.client.supply(now, &block);
                }
            }
            Done::Found(session, provider, rest) => {
                self.client.found(now, session, provider);
                self.jobs.push(jobs::search(session, rest));
            }
            Done::Searched(session) => self.client.searched(session),
        }
    }
}

#[cfg(test)]
mod tests;
