use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use basalt_block::Cid;
use basalt_exchange::{Event, Exchange};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use libp2p_identity::PeerId;
use tokio::sync::{mpsc, oneshot};

use super::control::{Control, Shared};
use super::{Meter, Service};
use crate::client::Counters;
use crate::engine::Receipt;

/// Room for what a request may have come before some of it is taken, and for news of waiting.
const ANSWERS: usize = 1024;
/// What was taken is told when it is so much.
const TOLD_BLOCKS: usize = 16;
const TOLD_BYTES: usize = 2 << 20;

/// Figures of Bitswap.
#[derive(Debug, Clone, Default)]
pub struct Stat {
    /// What is waited for.
    pub wantlist: Vec<Cid>,
    /// Peers that want something.
    pub partners: Vec<PeerId>,
    /// What came.
    pub received: Counters,
    /// Blocks that were sent.
    pub blocks_sent: u64,
    /// Bytes of those.
    pub data_sent: u64,
}

/// Figures for those who watch.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Blocks, messages and times since the start.
    pub meter: Meter,
    /// What came since the start.
    pub received: Counters,
    /// Blocks that are in work.
    pub wants: usize,
    /// Those of them that peers are asked for.
    pub want_blocks: usize,
    /// Peers that wait for their turn to get blocks.
    pub turns: usize,
    /// Peers that wait until others have taken theirs.
    pub starved: usize,
    /// Visits to the store.
    pub store_visits: usize,
    /// Messages that have not left.
    pub messages_under_way: usize,
}

/// Bitswap, as the node sees it: where blocks come from. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    next: Arc<AtomicU64>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            next: Arc::default(),
        }
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Figures since the start. `None` when Bitswap has stopped, here as below.
    pub async fn stat(&self) -> Option<Stat> {
        self.ask(|service| {
            let (client, engine) = (&service.client, &service.engine);
            let (blocks_sent, data_sent) = engine.totals();
            Stat {
                wantlist: client.wantlist(),
                partners: engine.partners().copied().collect(),
                received: client.counters(),
                blocks_sent,
                data_sent,
            }
        })
        .await
    }

    /// Figures for those who watch.
    pub async fn figures(&self) -> Option<Figures> {
        self.ask(|service| {
            let (wants, want_blocks) = service.client.in_work();
            let (turns, store_visits, starved) = service.engine.at_work();
            Figures {
                meter: service.meter.clone(),
                received: service.client.counters(),
                wants,
                want_blocks,
                turns,
                starved,
                store_visits,
                messages_under_way: service.messages_under_way(),
            }
        })
        .await
    }

    /// What this node waits for.
    pub async fn wantlist(&self) -> Option<Vec<Cid>> {
        self.ask(|service| service.client.wantlist()).await
    }

    /// What a peer waits for, as far as this node was told.
    pub async fn wantlist_of(&self, peer: PeerId) -> Option<Vec<Cid>> {
        self.ask(move |service| service.engine.wantlist(&peer))
            .await
    }

    /// What passed between this node and a peer.
    pub async fn receipt(&self, peer: PeerId) -> Option<Receipt> {
        self.ask(move |service| service.engine.receipt(&peer)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Service) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.shared.tell(Control::Ask(Box::new(move |service| {
            let _ = sender.send(question(service));
        })));
        answer.await.ok()
    }

    fn fetch_in(&self, session: u64, cids: Vec<Cid>) -> BoxStream<'static, Event> {
        let id = self.number();
        let (sender, answers) = mpsc::channel(ANSWERS);
        let left = cids.len();
        self.shared.tell(Control::Fetch {
            id,
            session,
            cids,
            answers: sender,
        });
        Fetch {
            id,
            shared: self.shared.clone(),
            answers,
            left,
            blocks: 0,
            bytes: 0,
        }
        .boxed()
    }
}

#[async_trait]
impl Exchange for Handle {
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event> {
        let session = Session::new(self);
        let events = session.fetch(cids);
        // The session lives as long as its only request.
        events
            .map(move |event| {
                let _alive = &session;
                event
            })
            .boxed()
    }

    async fn notify(&self, cids: &[Cid]) {
        if self.shared.interested.load(Ordering::Relaxed) && !cids.is_empty() {
            self.shared.caught_up().await;
            self.shared.tell(Control::Notify(cids.to_vec()));
        }
    }

    fn session(&self) -> Option<Arc<dyn Exchange>> {
        Some(Arc::new(Session::new(self)))
    }

    fn verifies(&self) -> bool {
        true
    }
}

/// Requests that belong together.
struct Session {
    id: u64,
    handle: Handle,
}

impl Session {
    fn new(handle: &Handle) -> Self {
        Self {
            id: handle.number(),
            handle: handle.clone(),
        }
    }
}

#[async_trait]
impl Exchange for Session {
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event> {
        self.handle.fetch_in(self.id, cids)
    }

    async fn notify(&self, cids: &[Cid]) {
        self.handle.notify(cids).await;
    }

    fn verifies(&self) -> bool {
        true
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.handle.shared.tell(Control::SessionEnded(self.id));
    }
}

/// The blocks of a request, as they come.
struct Fetch {
    id: u64,
    shared: Arc<Shared>,
    answers: mpsc::Receiver<Event>,
    left: usize,
    /// Taken, and not told yet.
    blocks: usize,
    bytes: usize,
}

impl Stream for Fetch {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let event = ready!(self.answers.poll_recv(cx));
        if let Some(Event::Block(block)) = &event {
            self.left -= 1;
            self.blocks += 1;
            self.bytes += block.data().len();
            let told = self.blocks >= TOLD_BLOCKS || self.bytes >= TOLD_BYTES;
            if told || self.answers.is_empty() {
                let (blocks, bytes) = (self.blocks, self.bytes);
                (self.blocks, self.bytes) = (0, 0);
                let id = self.id;
                self.shared.tell(Control::Taken { id, blocks, bytes });
            }
        }
        Poll::Ready(event)
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.shared.tell(Control::Ended(self.id));
    }
}
