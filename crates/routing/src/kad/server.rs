//! What a server answers.

use bytes::Bytes;
use libp2p_identity::PeerId;

use super::message::{Kind, Message, WireRecord};
use super::{Dht, Key, providers};
use crate::{Error, K, PeerInfo, Result};

/// Bytes of an answer that provider records may fill it up to.
const FULL: usize = 3 << 20;

impl Dht {
    /// Answers a message; those that need no answer have `None`.
    ///
    /// # Errors
    /// The message is refused; the stream ends then.
    pub async fn answer(&self, from: PeerId, bytes: &[u8]) -> Result<Option<Bytes>> {
        let message = Message::decode(bytes)?;
        let answer = match message.kind {
            Kind::Ping => Some(Message::new(Kind::Ping, message.key)),
            Kind::FindNode => Some(self.on_find_node(from, message).await?),
            Kind::GetProviders => Some(self.on_get_providers(from, message).await?),
            Kind::AddProvider => {
                self.on_add_provider(from, &message)?;
                None
            }
            Kind::GetValue => Some(self.on_get_value(from, message).await?),
            Kind::PutValue => Some(self.on_put_value(message).await?),
        };
        Ok(answer.map(|answer| answer.encode().into()))
    }

    async fn on_find_node(&self, from: PeerId, message: Message) -> Result<Message> {
        if message.key.is_empty() {
            return Err(Error::Refused("no key"));
        }
        let mut answer = Message::new(Kind::FindNode, Vec::new());
        answer.closer = self.nearer(from, &message.key).await;
        // Whoever is asked for is told even if it serves nothing.
        if let Ok(target) = PeerId::from_bytes(&message.key)
            && answer.closer.first().is_none_or(|first| first.id != target)
        {
            answer.closer.retain(|peer| peer.id != target);
            let found = match target == self.host().local_peer() {
                true => vec![self.own().await],
                false => self.locate(vec![target]).await,
            };
            answer.closer.splice(0..0, found);
        }
        answer.closer.retain(|peer| !peer.addresses.is_empty());
        Ok(answer)
    }

    async fn on_get_providers(&self, from: PeerId, message: Message) -> Result<Message> {
        check_key(&message.key)?;
        let providers = self.providers().get(&message.key).await?;
        let closer = self.nearer(from, &message.key).await;
        let mut answer = Message::new(Kind::GetProviders, message.key);
        answer.closer = closer;
        let own = self.host().local_peer();
        let mut size = 0;
        for mut provider in providers {
            if provider.id == own {
                provider = self.own().await;
            } else if provider.addresses.is_empty() {
                let located = self.locate(vec![provider.id]).await;
                provider = located.into_iter().next().unwrap_or(provider);
            }
            provider.addresses.retain(|address| self.keeps(address));
            let addresses = provider.addresses.iter();
            size += 64 + addresses.map(|a| a.len() + 4).sum::<usize>();
            if size > FULL {
                break;
            }
            answer.providers.push(provider);
        }
        Ok(answer)
    }

    fn on_add_provider(&self, from: PeerId, message: &Message) -> Result<()> {
        check_key(&message.key)?;
        let mut kept = false;
        for provider in &message.providers {
            // Nobody can speak for others.
            if provider.id != from || provider.addresses.is_empty() {
                continue;
            }
            let mut provider = provider.clone();
            provider.addresses.retain(|address| self.keeps(address));
            kept |= self.providers().add(&message.key, &provider);
        }
        match kept {
            true => Ok(()),
            false => Err(Error::Refused("no valid provider")),
        }
    }

    async fn on_get_value(&self, from: PeerId, message: Message) -> Result<Message> {
        if message.key.is_empty() {
            return Err(Error::Refused("no key"));
        }
        let stored = self.values().get(&message.key).await?;
        let closer = self.nearer(from, &message.key).await;
        let mut answer = Message::new(Kind::GetValue, message.key);
        answer.record = stored.map(|(_, value)| WireRecord {
            key: answer.key.clone(),
            value,
            received: String::new(),
        });
        answer.closer = closer;
        Ok(answer)
    }

    async fn on_put_value(&self, message: Message) -> Result<Message> {
        let Some(record) = &message.record else {
            return Err(Error::Refused("no record"));
        };
        if message.key.is_empty() || record.key != message.key {
            return Err(Error::Refused("the record is of another key"));
        }
        self.values().put(&message.key, &record.value).await?;
        Ok(Message {
            closer: Vec::new(),
            providers: Vec::new(),
            ..message
        })
    }

    /// The peers of the table that are nearest to a key, without who asks.
    async fn nearer(&self, from: PeerId, key: &[u8]) -> Vec<PeerInfo> {
        let mut nearest = self.nearest(&Key::of(key), K + 1);
        nearest.retain(|peer| *peer != from);
        nearest.truncate(K);
        self.locate(nearest).await
    }

    /// Where peers are, as far as this DHT may know it; in the same order.
    pub async fn locate(&self, peers: Vec<PeerId>) -> Vec<PeerInfo> {
        let mut located = self.host().locate(peers).await;
        for peer in &mut located {
            peer.addresses.retain(|address| self.keeps(address));
        }
        located
    }
}

fn check_key(key: &[u8]) -> Result<()> {
    match key.len() {
        0 => Err(Error::Refused("no key")),
        1..=providers::KEY => Ok(()),
        _ => Err(Error::Refused("the key is too long")),
    }
}
