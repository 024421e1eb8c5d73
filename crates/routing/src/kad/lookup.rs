//! From peer to peer towards a key.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p_identity::PeerId;
use tokio::time::timeout;

use super::peers::{Heard, State};
use super::{Dht, Key};
use crate::{ALPHA, BETA, Error, Event, EventKind, Events, K, PeerInfo, Result};

/// How long a peer may take to be reached.
const DIAL: Duration = Duration::from_secs(10);
/// How long addresses are remembered that a peer told.
pub(super) const TOLD: Duration = Duration::from_secs(10 * 60);

/// What a lookup has come to.
pub(super) struct Found {
    /// The nearest peers that have not failed.
    pub(super) nearest: Vec<PeerId>,
    /// Whether a peer that is the target itself was heard of and tried.
    pub(super) tried_target: bool,
}

impl Dht {
    /// Asks peers that are nearer and nearer to `target`, until the nearest have answered or `stop`
    /// says that it is enough. Then asks those of the nearest that were not asked.
    pub(super) async fn lookup<F>(
        &self,
        target: &[u8],
        events: &Events,
        ask: impl Fn(PeerId) -> F,
        stop: impl Fn() -> bool,
    ) -> Result<Found>
    where
        F: Future<Output = Result<Vec<PeerInfo>>>,
    {
        let key = Key::of(target);
        let seeds = match self.nearest_of_all(&key, K).await {
            Some(nearest) => nearest,
            None => self.nearest(&key, K),
        };
        if seeds.is_empty() {
            events.tell(|| Event::error(None, Error::NobodyToAsk)).await;
            return Err(Error::NobodyToAsk);
        }
        let mut heard = Heard::new(key);
        for peer in &seeds {
            heard.add(*peer);
        }
        let mut tried_target = false;
        let mut quickest = Vec::new();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < ALPHA
                && let Some(peer) = heard.next()
            {
                heard.set(&peer, State::Asked);
                tried_target |= peer.to_bytes() == target;
                running.push(self.visit(peer, events, &ask));
            }
            let Some((peer, outcome, time)) = running.next().await else {
                break;
            };
            match outcome {
                Ok(closer) => {
                    heard.set(&peer, State::Answered);
                    quickest.push((time, peer));
                    for peer in self.worth_asking(target, closer).await {
                        heard.add(peer);
                    }
                }
                Err(_) => heard.set(&peer, State::Failed),
            }
            let ended = heard.nearest(BETA).all(|(_, s)| s == State::Answered);
            if stop() || ended {
                break;
            }
        }
        self.note_useful(&seeds, quickest);
        if !stop() {
            let nearest = heard.nearest(K);
            let mut left: Vec<PeerId> = nearest
                .filter(|(_, state)| *state != State::Answered)
                .map(|(peer, _)| peer)
                .collect();
            for (peer, _) in heard.nearest(K).filter(|(_, s)| *s == State::Heard) {
                tried_target |= peer.to_bytes() == target;
                running.push(self.visit(peer, events, &ask));
            }
            while !left.is_empty()
                && !stop()
                && let Some((peer, outcome, _)) = running.next().await
            {
                left.retain(|other| *other != peer);
                let state = match outcome {
                    Ok(_) => State::Answered,
                    Err(_) => State::Failed,
                };
                heard.set(&peer, state);
            }
        }
        Ok(Found {
            nearest: heard.nearest(K).map(|(peer, _)| peer).collect(),
            tried_target,
        })
    }

    /// Reaches a peer and asks it.
    async fn visit<F>(
        &self,
        peer: PeerId,
        events: &Events,
        ask: &impl Fn(PeerId) -> F,
    ) -> (PeerId, Result<Vec<PeerInfo>>, Duration)
    where
        F: Future<Output = Result<Vec<PeerInfo>>>,
    {
        let began = Instant::now();
        let outcome = async {
            self.reach(peer, events).await?;
            ask(peer).await
        }
        .await;
        match &outcome {
            Ok(_) => self.table().answered(&peer),
            Err(_) => drop(self.table().remove(&peer)),
        }
        (peer, outcome, began.elapsed())
    }

    /// Connects to a peer unless it is connected.
    pub(super) async fn reach(&self, peer: PeerId, events: &Events) -> Result<()> {
        let host = self.host();
        if host.is_connected(peer).await {
            return Ok(());
        }
        events
            .tell(|| Event::of(EventKind::DialingPeer, peer))
            .await;
        let dialled = timeout(DIAL, host.connect(peer)).await;
        let dialled = dialled.unwrap_or(Err(Error::Timeout));
        if let Err(error) = &dialled {
            events.tell(|| Event::error(Some(peer), error)).await;
        }
        dialled
    }

    /// Remembers where the peers are that were told, and gives those that are worth asking.
    pub(super) async fn worth_asking(&self, target: &[u8], mut told: Vec<PeerInfo>) -> Vec<PeerId> {
        let (own, scope) = (self.host().local_peer(), self.scope());
        // An honest answer has no more than K.
        told.truncate(2 * K);
        told.retain(|peer| {
            let wanted = peer.id.to_bytes() == target;
            peer.id != own && (wanted || scope.asks(&peer.addresses))
        });
        let peers = told.iter().map(|peer| peer.id).collect();
        for peer in &mut told {
            peer.addresses.retain(|address| self.keeps(address));
        }
        self.host().remember(told, TOLD).await;
        peers
    }

    /// Notes which of the peers in the table helped quickly.
    fn note_useful(&self, seeds: &[PeerId], mut answered: Vec<(Duration, PeerId)>) {
        answered.retain(|(_, peer)| seeds.contains(peer));
        let Some(best) = answered.iter().map(|(time, _)| *time).min() else {
            return;
        };
        let mut table = self.table();
        for (time, peer) in answered {
            if time <= best * 2 {
                table.useful(&peer);
            }
        }
    }
}
