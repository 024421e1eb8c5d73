//! What peers of a DHT tell each other.

use bytes::Bytes;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::wire::{self, Field, Fields};
use crate::{Error, PeerInfo, Result};

/// Bytes of a message, at most.
pub(crate) const MOST: usize = 4 << 20;
/// Peers that are read from a message.
const PEERS: usize = 512;
/// Addresses of a peer that are read from a message.
const ADDRESSES: usize = 64;

/// What is asked or answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Keep this value.
    PutValue,
    /// Which value has this key?
    GetValue,
    /// I have this.
    AddProvider,
    /// Who has this?
    GetProviders,
    /// Who is near to this?
    FindNode,
    /// Are you there?
    Ping,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::PutValue,
        Self::GetValue,
        Self::AddProvider,
        Self::GetProviders,
        Self::FindNode,
        Self::Ping,
    ];
}

/// A value and its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WireRecord {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Bytes,
    /// When it was received, as text.
    pub received: String,
}

/// A question or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub kind: Kind,
    /// Which key it is about.
    pub key: Vec<u8>,
    /// A value.
    pub record: Option<WireRecord>,
    /// Peers that are nearer to the key.
    pub closer: Vec<PeerInfo>,
    /// Peers that have what the key stands for.
    pub providers: Vec<PeerInfo>,
}

impl Message {
    /// A message of which the rest is empty.
    pub fn new(kind: Kind, key: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            key: key.into(),
            record: None,
            closer: Vec::new(),
            providers: Vec::new(),
        }
    }

    /// Who is near to this?
    pub fn find_node(key: &[u8]) -> Self {
        Self::new(Kind::FindNode, key)
    }

    /// Keep this value.
    pub fn put_value(key: &[u8], value: Bytes) -> Self {
        let record = WireRecord {
            key: key.to_vec(),
            value,
            received: String::new(),
        };
        Self {
            record: Some(record),
            ..Self::new(Kind::PutValue, key)
        }
    }

    /// I have this, and am here.
    pub fn add_provider(key: &[u8], provider: PeerInfo) -> Self {
        Self {
            providers: vec![provider],
            ..Self::new(Kind::AddProvider, key)
        }
    }

    /// What a message of [`Message::add_provider`] has behind its key: the same for all keys of a provider.
    pub(super) fn provider_tail(provider: &PeerInfo) -> Vec<u8> {
        let mut tail = Vec::new();
        write_peer(&mut tail, 9, provider);
        tail
    }

    /// [`Message::add_provider`] as it is sent.
    pub(super) fn add_provider_with(key: &[u8], tail: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(key.len() + tail.len() + 8);
        wire::number(&mut out, 1, Kind::AddProvider as u64);
        wire::bytes(&mut out, 2, key);
        out.extend_from_slice(tail);
        out
    }

    /// Reads a message. Peers and addresses that make no sense are passed over, as everyone does.
    ///
    /// # Errors
    /// It is none.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MOST {
            return Err(Error::TooLarge(bytes.len()));
        }
        let mut message = Self::new(Kind::PutValue, Vec::new());
        let mut fields = Fields(bytes);
        while let Some((number, field)) = fields.take()? {
            match (number, field) {
                (1, Field::Number(kind)) => {
                    let kind = usize::try_from(kind).ok();
                    let kind = kind.and_then(|kind| Kind::ALL.get(kind));
                    message.kind = *kind.ok_or(Error::Malformed("unknown type of message"))?;
                }
                (2, Field::Bytes(key)) => message.key = key.to_vec(),
                (3, Field::Bytes(record)) => message.record = Some(read_record(record)?),
                (8, Field::Bytes(peer)) => keep(&mut message.closer, read_peer(peer)?),
                (9, Field::Bytes(peer)) => keep(&mut message.providers, read_peer(peer)?),
                _ => {}
            }
        }
        Ok(message)
    }

    /// Writes the message.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        wire::number(&mut out, 1, self.kind as u64);
        wire::bytes(&mut out, 2, &self.key);
        if let Some(record) = &self.record {
            let mut inner = Vec::new();
            wire::bytes(&mut inner, 1, &record.key);
            wire::bytes(&mut inner, 2, &record.value);
            wire::bytes(&mut inner, 5, record.received.as_bytes());
            wire::message(&mut out, 3, &inner);
        }
        for (field, peers) in [(8, &self.closer), (9, &self.providers)] {
            for peer in peers {
                write_peer(&mut out, field, peer);
            }
        }
        out
    }
}

fn write_peer(out: &mut Vec<u8>, field: u64, peer: &PeerInfo) {
    let mut inner = Vec::new();
    wire::bytes(&mut inner, 1, &peer.id.to_bytes());
    for address in &peer.addresses {
        wire::message(&mut inner, 2, address.as_ref());
    }
    wire::message(out, field, &inner);
}

fn keep(peers: &mut Vec<PeerInfo>, peer: Option<PeerInfo>) {
    if peers.len() < PEERS {
        peers.extend(peer);
    }
}

fn read_record(bytes: &[u8]) -> Result<WireRecord> {
    let mut record = WireRecord::default();
    let mut fields = Fields(bytes);
    while let Some((number, field)) = fields.take()? {
        match (number, field) {
            (1, Field::Bytes(key)) => record.key = key.to_vec(),
            (2, Field::Bytes(value)) => record.value = Bytes::copy_from_slice(value),
            (5, Field::Bytes(time)) => {
                record.received = String::from_utf8_lossy(time).into_owned();
            }
            _ => {}
        }
    }
    Ok(record)
}

fn read_peer(bytes: &[u8]) -> Result<Option<PeerInfo>> {
    let (mut id, mut addresses) = (None, Vec::new());
    let mut fields = Fields(bytes);
    while let Some((number, field)) = fields.take()? {
        match (number, field) {
            (1, Field::Bytes(bytes)) => id = PeerId::from_bytes(bytes).ok(),
            (2, Field::Bytes(bytes)) if addresses.len() < ADDRESSES && bytes.len() <= 512 => {
                addresses.extend(Multiaddr::try_from(bytes.to_vec()));
            }
            _ => {}
        }
    }
    Ok(id.map(|id| PeerInfo { id, addresses }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_read_as_written() {
        let peer = |port: u16| {
            let address = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
            PeerInfo::new(PeerId::random(), vec![address])
        };
        let mut message = Message::put_value(b"/ipns/x", Bytes::from_static(b"value"));
        message.closer = vec![peer(1), peer(2)];
        message.providers = vec![PeerInfo::new(PeerId::random(), Vec::new())];
        assert_eq!(Message::decode(&message.encode()).unwrap(), message);
        let ping = Message::new(Kind::Ping, Vec::new());
        assert_eq!(ping.encode(), [8, 5]);
        assert_eq!(Message::decode(&[8, 5]).unwrap(), ping);
    }

    #[test]
    fn announcements_are_the_same_however_they_are_made() {
        let address = "/ip4/1.2.3.4/tcp/4001".parse().unwrap();
        let own = PeerInfo::new(PeerId::random(), vec![address]);
        let tail = Message::provider_tail(&own);
        let made = Message::add_provider_with(b"key", &tail);
        assert_eq!(made, Message::add_provider(b"key", own).encode());
    }

    #[test]
    fn nonsense_is_refused_or_passed_over() {
        assert!(Message::decode(&[8, 6]).is_err());
        assert!(Message::decode(&[0x12, 5, 1]).is_err());
        // A peer whose ID is none.
        let message = Message::decode(&[8, 4, 0x42, 3, 0x0a, 1, 7]).unwrap();
        assert_eq!(message, Message::find_node(b""));
        // Fields that nobody knows.
        assert_eq!(
            Message::decode(&[8, 4, 0x50, 9]).unwrap(),
            Message::find_node(b"")
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(Message::decode(&message.encode()).unwrap(), message);
            }
        }
    }
}
