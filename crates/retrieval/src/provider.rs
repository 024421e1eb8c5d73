//! A peer of Bitswap whose blocks are asked of HTTP servers.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use basalt_bitswap::message::{MAX_MESSAGE, Message, Presence, WantType};
use basalt_bitswap::{Inlet, Link};
use basalt_block::{Cid, Multihash};
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::FuturesUnordered;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::ask::Said;
use crate::site::{AT_ONCE, Shared, Site};

/// How often is looked whether anything was wanted.
const LOOK: Duration = Duration::from_secs(30);
/// Nothing was wanted at so many looks in a row: the peer is let go.
const IDLE: u32 = 8;
/// So many blocks in a row may a peer lack before it is let go, as with Kubo.
const LACKS: u32 = 100;

type Asked = BoxFuture<'static, (Cid, WantType, Said)>;

pub(crate) struct Provider {
    pub(crate) sites: Arc<[Arc<Site>]>,
    /// Whether servers say without sending it whether they have a block.
    pub(crate) heads: bool,
    pub(crate) link: Link,
    pub(crate) shared: Arc<Shared>,
    /// What is wanted and not asked yet. It is as long as Bitswap's list of wants of one peer.
    queue: VecDeque<Multihash>,
    wants: HashMap<Multihash, (Cid, WantType)>,
    running: FuturesUnordered<Asked>,
    lacks: u32,
}

impl Provider {
    pub(crate) fn new(sites: Vec<Arc<Site>>, heads: bool, link: Link, shared: Arc<Shared>) -> Self {
        Self {
            sites: sites.into(),
            heads,
            link,
            shared,
            queue: VecDeque::new(),
            wants: HashMap::new(),
            running: FuturesUnordered::new(),
            lacks: 0,
        }
    }

    /// Asks what is wanted, until nothing has been for long, the servers do not work, or `cancel`.
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle = 0;
        loop {
            self.start();
            tokio::select! {
                () = cancel.cancelled() => return,
                outgoing = poll_fn(|cx| self.link.poll_outgoing(cx)) => match outgoing {
                    Some(outgoing) => {
                        idle = 0;
                        self.take(&outgoing.message);
                        self.link.sent();
                    }
                    None => return,
                },
                Some((cid, want, said)) = self.running.next(), if !self.running.is_empty() => {
                    if !self.tell(cid, want, said).await || self.is_done() {
                        return;
                    }
                }
                _ = look.tick() => {
                    idle += 1;
                    for site in self.sites.iter() {
                        site.tidy();
                    }
                    if idle > IDLE && self.running.is_empty() {
                        return;
                    }
                }
            }
        }
    }

    fn take(&mut self, message: &Message) {
        if message.full {
            self.queue.clear();
            self.wants.clear();
        }
        let mut new = 0;
        for entry in &message.wants {
            let hash = *entry.cid.hash();
            if entry.cancel {
                self.wants.remove(&hash);
            } else {
                new += 1;
                if self.wants.insert(hash, (entry.cid, entry.want)).is_none() {
                    self.queue.push_back(hash);
                }
            }
        }
        // What was withdrawn stays in the queue until it is come to.
        if self.queue.len() > 2 * self.wants.len() + 64 {
            self.queue.retain(|hash| self.wants.contains_key(hash));
        }
        if new > 0 {
            let mut totals = self.shared.totals();
            totals.wantlists += 1;
            totals.wants += new;
        }
    }

    /// Asks as much as may be asked at a time.
    fn start(&mut self) {
        while self.running.len() < AT_ONCE
            && let Some(hash) = self.queue.pop_front()
        {
            if let Some((cid, want)) = self.wants.remove(&hash) {
                let (sites, shared) = (self.sites.clone(), self.shared.clone());
                let (inlet, head) = (
                    self.link.inlet().clone(),
                    self.heads && want == WantType::Have,
                );
                let asked =
                    async move { (cid, want, ask(&sites, &shared, head, &cid, &inlet).await) };
                self.running.push(asked.boxed());
            }
        }
    }

    /// Tells Bitswap what came of a request; says whether it listens.
    async fn tell(&mut self, cid: Cid, want: WantType, said: Said) -> bool {
        let mut blocks = Vec::new();
        let mut presences = Vec::new();
        match said {
            Said::Block(block) => {
                self.lacks = 0;
                blocks.push(block);
            }
            Said::Has => {
                self.lacks = 0;
                presences.push(Presence { cid, have: true });
            }
            said => {
                if said == Said::Lacks && want == WantType::Block {
                    self.lacks += 1;
                }
                presences.push(Presence { cid, have: false });
            }
        }
        let bytes: usize = blocks.iter().map(|block| block.data().len()).sum();
        let inlet = self.link.inlet();
        match inlet.room(bytes.min(MAX_MESSAGE)).await {
            Some(room) => inlet.give(blocks, presences, room).await,
            None => false,
        }
    }

    /// Whether asking on is of no use.
    fn is_done(&self) -> bool {
        self.lacks > LACKS
            || self
                .sites
                .iter()
                .all(|site| site.resting().is_some_and(is_long))
    }
}

/// Whether others should be asked in the meantime.
fn is_long(rest: Duration) -> bool {
    rest > Duration::from_secs(5)
}

/// Asks one server after the other, those that work before others.
async fn ask(sites: &[Arc<Site>], shared: &Shared, head: bool, cid: &Cid, inlet: &Inlet) -> Said {
    let mut order: Vec<&Arc<Site>> = sites.iter().collect();
    order.sort_by_key(|site| (site.resting(), site.failures()));
    let mut last = Said::Lacks;
    for site in order {
        match site.ask(shared, head, cid, &|| inlet.heard()).await {
            said @ (Said::Block(_) | Said::Has) => return said,
            said => {
                if let Said::Failed(reason) = &said {
                    let url = site.server();
                    tracing::debug!(target: "basalt::retrieval", %url, %cid, reason, "a server failed");
                }
                last = said;
            }
        }
    }
    last
}
