//! What a node finds and tells with lookups.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use libp2p_identity::PeerId;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::lookup::TOLD;
use super::{Dht, Key, Kind, Message};
use crate::{Error, Event, EventKind, Events, K, PeerInfo, Result};

/// How long a peer may take to keep a value, being reached included.
const PUT: Duration = Duration::from_secs(30);

impl Dht {
    /// The peers that are nearest to a key. After a crawl, nobody is asked for them.
    ///
    /// # Errors
    /// [`Error::NobodyToAsk`].
    pub async fn closest_peers(&self, key: &[u8], events: &Events) -> Result<Vec<PeerId>> {
        if let Some(nearest) = self.nearest_of_all(&Key::of(key), K).await {
            return Ok(nearest);
        }
        self.look_for_closest(key, events).await
    }

    /// The peers that are nearest to a key, as they are found by asking.
    ///
    /// # Errors
    /// [`Error::NobodyToAsk`].
    pub(super) async fn look_for_closest(
        &self,
        key: &[u8],
        events: &Events,
    ) -> Result<Vec<PeerId>> {
        let question = Message::find_node(key);
        let ask = async |peer| {
            let answer = self.ask_about(peer, &question, events).await;
            if let Err(error) = &answer {
                events.tell(|| Event::error(Some(peer), error)).await;
            }
            Ok(self.told(peer, answer?, events).await.closer)
        };
        let found = self.lookup(key, events, ask, || false).await?;
        self.table().refreshed(&Key::of(key));
        Ok(found.nearest)
    }

    /// Where a peer is.
    ///
    /// # Errors
    /// [`Error::NobodyToAsk`], [`Error::NotFound`].
    pub async fn find_peer(&self, wanted: PeerId, events: &Events) -> Result<PeerInfo> {
        if !self.host().is_connected(wanted).await {
            let question = Message::find_node(&wanted.to_bytes());
            let reached = AtomicBool::new(false);
            let ask = async |peer| {
                if peer == wanted {
                    // It was dialled.
                    reached.store(true, Ordering::Relaxed);
                    return Ok(Vec::new());
                }
                let answer = self.ask_about(peer, &question, events).await?;
                Ok(self.told(peer, answer, events).await.closer)
            };
            let stop = || reached.load(Ordering::Relaxed);
            let found = self.lookup(&wanted.to_bytes(), events, ask, stop).await?;
            if !found.tried_target && !self.host().is_connected(wanted).await {
                return Err(Error::NotFound);
            }
        }
        let mut located = self.host().locate(vec![wanted]).await;
        located.pop().ok_or(Error::NotFound)
    }

    /// Who has something: gives each as it is found, until there are `most`, where 0 is all.
    ///
    /// # Errors
    /// [`Error::NobodyToAsk`], or the store fails.
    pub async fn find_providers(
        &self,
        key: &[u8],
        most: usize,
        events: &Events,
        out: mpsc::Sender<PeerInfo>,
    ) -> Result<()> {
        let given = Mutex::new((HashSet::new(), HashSet::new()));
        let enough = || {
            let given = given.lock().unwrap_or_else(PoisonError::into_inner);
            out.is_closed() || (most > 0 && given.0.len() >= most)
        };
        // One that was given without addresses is given again with some.
        let is_new = |peer: &PeerInfo| {
            let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
            let (all, located) = &mut *given;
            let more = !peer.addresses.is_empty() && !located.contains(&peer.id);
            let known = all.contains(&peer.id);
            if known && !more || !known && most > 0 && all.len() >= most {
                return false;
            }
            all.insert(peer.id);
            if !peer.addresses.is_empty() {
                located.insert(peer.id);
            }
            true
        };
        for mut provider in self.providers().get(key).await? {
            if provider.id == self.host().local_peer() {
                provider = self.own().await;
            }
            if is_new(&provider) {
                let _ = out.send(provider).await;
            }
        }
        if enough() {
            return Ok(());
        }
        let question = Message::new(Kind::GetProviders, key);
        let ask = async |peer| {
            let mut answer = self.ask_about(peer, &question, events).await?;
            let mut providers = std::mem::take(&mut answer.providers);
            for provider in &mut providers {
                provider.addresses.retain(|address| self.keeps(address));
            }
            self.host().remember(providers.clone(), TOLD).await;
            for provider in providers.into_iter().filter(|p| is_new(p)) {
                let _ = out.send(provider).await;
            }
            if enough() {
                return Ok(Vec::new());
            }
            Ok(self.told(peer, answer, events).await.closer)
        };
        self.lookup(key, events, ask, enough).await?;
        Ok(())
    }

    /// Tells the peers that are nearest to a key that the node has it; returns how many were told.
    ///
    /// # Errors
    /// [`Error::NobodyToAsk`], [`Error::NoAddresses`].
    pub async fn provide(&self, key: &[u8], events: &Events) -> Result<usize> {
        let own = self.own().await;
        self.providers().add_own(key, &own);
        let nearest = self.closest_peers(key, events).await?;
        let told = join_all(nearest.into_iter().map(async |peer| {
            events.tell(|| Event::of(EventKind::FinalPeer, peer)).await;
            self.announce_to(peer, key).await
        }))
        .await;
        Ok(told.iter().filter(|outcome| outcome.is_ok()).count())
    }

    /// Gives a value to the peers that are nearest to its key.
    ///
    /// # Errors
    /// It is not valid, a better one is known, [`Error::NobodyToAsk`].
    pub async fn put_value(&self, key: &[u8], value: &Bytes, events: &Events) -> Result<()> {
        self.values().put(key, value).await?;
        let nearest = self.closest_peers(key, events).await?;
        join_all(nearest.into_iter().map(async |peer| {
            events.tell(|| Event::of(EventKind::Value, peer)).await;
            self.give_value(peer, key, value).await;
        }))
        .await;
        Ok(())
    }

    async fn give_value(&self, peer: PeerId, key: &[u8], value: &Bytes) {
        let message = Message::put_value(key, value.clone());
        let given = timeout(PUT, async {
            self.reach(peer, &Events::default()).await?;
            self.ask(peer, &message).await
        });
        if let Ok(Err(error)) = given.await {
            tracing::debug!(target: "basalt::routing", %peer, %error, "a value was not taken");
        }
    }

    /// The values of a key: gives each that is better than the one before. Ends after `quorum` answers
    /// with a value, where 0 asks everyone. Peers with a worse value are given the best.
    ///
    /// # Errors
    /// [`Error::UnknownNamespace`], [`Error::NobodyToAsk`].
    pub async fn search_value(
        &self,
        key: &[u8],
        quorum: usize,
        events: &Events,
        out: mpsc::Sender<Bytes>,
    ) -> Result<()> {
        let rules = self.values().validators();
        let state = Mutex::new(Search::default());
        // Gives the value on if it is the best.
        let take = async |from: Option<PeerId>, value: Bytes| {
            if rules.validate(key, &value).is_err() {
                return;
            }
            {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.answers += 1;
                match &state.best {
                    Some(best) if *best == value => {
                        state.with_best.extend(from);
                        return;
                    }
                    Some(best) if !rules.is_better(key, &value, best) => return,
                    _ => {}
                }
                state.best = Some(value.clone());
                state.with_best = from.into_iter().collect();
            }
            let _ = out.send(value).await;
        };
        if let Some((_, value)) = self.values().get(key).await? {
            take(None, value).await;
        }
        let question = Message::new(Kind::GetValue, key);
        let ask = async |peer| {
            let mut answer = self.ask_about(peer, &question, events).await?;
            if let Some(record) = answer.record.take()
                && record.key == key
            {
                take(Some(peer), record.value).await;
            }
            Ok(self.told(peer, answer, events).await.closer)
        };
        let enough = || {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            out.is_closed() || (quorum > 0 && state.answers >= quorum)
        };
        let found = self.lookup(key, events, ask, enough).await?;
        let Search {
            best: Some(best),
            with_best,
            ..
        } = state.into_inner().unwrap_or_else(PoisonError::into_inner)
        else {
            return Ok(());
        };
        let mut behind = found.nearest;
        behind.retain(|peer| !with_best.contains(peer));
        let (dht, key) = (self.clone(), key.to_vec());
        // Not waited for: bounded by the number of the nearest and by their time.
        tokio::spawn(async move {
            join_all(
                behind
                    .into_iter()
                    .map(|peer| dht.give_value(peer, &key, &best)),
            )
            .await;
        });
        Ok(())
    }

    /// Asks a peer, telling so.
    async fn ask_about(
        &self,
        peer: PeerId,
        question: &Message,
        events: &Events,
    ) -> Result<Message> {
        events
            .tell(|| Event::of(EventKind::SendingQuery, peer))
            .await;
        self.ask(peer, question).await
    }

    /// Tells what a peer answered.
    async fn told(&self, peer: PeerId, answer: Message, events: &Events) -> Message {
        events
            .tell(|| Event {
                responses: answer.closer.clone(),
                ..Event::of(EventKind::PeerResponse, peer)
            })
            .await;
        answer
    }
}

#[derive(Default)]
struct Search {
    answers: usize,
    best: Option<Bytes>,
    with_best: HashSet<PeerId>,
}
