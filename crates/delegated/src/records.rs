//! The records that servers answer with.

use basalt_routing::PeerInfo;
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use serde::{Deserialize, Serialize};

use crate::Result;

/// Records of one answer that are read.
const MOST: usize = 1000;
/// Addresses of one record that are read.
const ADDRESSES: usize = 64;
/// Protocols of one record that are read, and the bytes of one.
const PROTOCOLS: (usize, usize) = (32, 256);

/// The schema of what is told of a peer.
const PEER: &str = "peer";
/// An older one, which says the protocol in another field.
const BITSWAP: &str = "bitswap";

/// What is told of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRecord {
    /// The peer.
    pub id: PeerId,
    /// Where it may be.
    pub addresses: Vec<Multiaddr>,
    /// How it gives what it has; nothing where nobody said.
    pub protocols: Vec<String>,
}

impl From<PeerInfo> for PeerRecord {
    fn from(peer: PeerInfo) -> Self {
        Self {
            id: peer.id,
            addresses: peer.addresses,
            protocols: Vec::new(),
        }
    }
}

impl From<PeerRecord> for PeerInfo {
    fn from(record: PeerRecord) -> Self {
        Self::new(record.id, record.addresses)
    }
}

/// What an answer lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Who has something.
    Providers,
    /// Where a peer is.
    Peers,
    /// The peers that are nearest to a key. These have a list of addresses even if it is empty.
    Closest,
}

/// A record as it comes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Read {
    #[serde(default)]
    schema: String,
    #[serde(default, rename = "ID")]
    id: Option<String>,
    #[serde(default)]
    addrs: Option<Vec<Option<String>>>,
    #[serde(default)]
    protocols: Option<Vec<String>>,
    #[serde(default)]
    protocol: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default, alias = "Peers")]
    providers: Option<Vec<Read>>,
}

/// A record as it goes.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    addrs: Option<Vec<String>>,
    #[serde(rename = "ID")]
    id: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    protocols: &'a [String],
    schema: &'static str,
}

impl PeerRecord {
    /// Reads the records of an answer: one of JSON, or one with a record a line. Records of which nothing
    /// can be made are passed over.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(answer: &[u8], lines: bool) -> Result<Vec<Self>> {
        let records = match lines {
            true => {
                let lines = answer.split(|byte| *byte == b'\n');
                let lines = lines.filter(|line| !line.trim_ascii().is_empty());
                lines
                    .take(MOST)
                    .map(serde_json::from_slice)
                    .collect::<Result<Vec<Read>, _>>()?
            }
            false => {
                let answer: Answer = serde_json::from_slice(answer)?;
                answer.providers.unwrap_or_default()
            }
        };
        Ok(records
            .into_iter()
            .take(MOST)
            .filter_map(Self::of)
            .collect())
    }

    fn of(record: Read) -> Option<Self> {
        if !record.schema.is_empty() && ![PEER, BITSWAP].contains(&record.schema.as_str()) {
            return None;
        }
        let addresses = record.addrs.into_iter().flatten().flatten().take(ADDRESSES);
        let addresses = addresses.filter_map(|text| text.parse::<Multiaddr>().ok());
        let protocols = record.protocols.into_iter().flatten();
        let protocols = protocols.chain(record.protocol);
        let protocols = protocols.filter(|name| name.len() <= PROTOCOLS.1);
        Some(Self {
            id: record.id?.parse().ok()?,
            addresses: addresses.collect(),
            protocols: protocols.take(PROTOCOLS.0).collect(),
        })
    }

    fn written(&self, listing: Listing) -> Written<'_> {
        let listed = listing == Listing::Closest || !self.addresses.is_empty();
        Written {
            addrs: listed.then(|| self.addresses.iter().map(ToString::to_string).collect()),
            id: self.id.to_string(),
            protocols: &self.protocols,
            schema: PEER,
        }
    }

    /// The record as a line of its own.
    ///
    /// # Errors
    /// Never, as far as is known: everything in it is text.
    pub fn line(&self, listing: Listing) -> Result<Vec<u8>> {
        let mut line = serde_json::to_vec(&self.written(listing))?;
        line.push(b'\n');
        Ok(line)
    }
}

impl Listing {
    /// A whole answer.
    ///
    /// # Errors
    /// As [`PeerRecord::line`].
    pub fn document(self, records: &[PeerRecord]) -> Result<Vec<u8>> {
        let key = match self {
            Self::Providers => "Providers",
            Self::Peers | Self::Closest => "Peers",
        };
        let records: Vec<_> = records.iter().map(|r| r.written(self)).collect();
        // Kubo's list of none is none at all here.
        let records = Some(records).filter(|r| !(r.is_empty() && self == Self::Closest));
        Ok(serde_json::to_vec(&std::collections::BTreeMap::from([(
            key, records,
        )]))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r";

    fn record() -> PeerRecord {
        PeerRecord {
            id: ID.parse().unwrap(),
            addresses: vec!["/ip4/1.2.3.4/tcp/1".parse().unwrap()],
            protocols: vec!["transport-bitswap".to_owned()],
        }
    }

    #[test]
    fn answers_are_read() {
        let text = format!(
            r#"{{"Schema":"peer","ID":"{ID}","Addrs":["/ip4/1.2.3.4/tcp/1",null,"nonsense"],"Protocols":["transport-bitswap"]}}"#
        );
        let older = text
            .replace(r#""peer""#, r#""bitswap""#)
            .replace(r#"s":["transport-bitswap"]"#, r#"":"transport-bitswap""#);
        let other = r#"{"Schema":"other","X":1}"#;
        let lines = format!("{text}\n{other}\n\n{older}\n");
        let found = PeerRecord::read(lines.as_bytes(), true).unwrap();
        assert_eq!(found, [record(), record()]);
        let json = format!(r#"{{"Providers":[{text},{other}]}}"#);
        let found = PeerRecord::read(json.as_bytes(), false).unwrap();
        assert_eq!(found, [record()]);
        let json = format!(r#"{{"Peers":[{text}]}}"#);
        let found = PeerRecord::read(json.as_bytes(), false).unwrap();
        assert_eq!(found, [record()]);
        let none = PeerRecord::read(br#"{"Providers":null}"#, false);
        assert!(none.unwrap().is_empty());
        for wrong in [&b""[..], b"[1]", b"{", b"\xff"] {
            assert!(PeerRecord::read(wrong, false).is_err());
        }
        assert!(PeerRecord::read(b"{}\nx\n", true).is_err());
    }

    #[test]
    fn answers_are_written_as_kubo_writes_them() {
        let line = record().line(Listing::Providers).unwrap();
        let text = String::from_utf8(line.clone()).unwrap();
        assert_eq!(
            text,
            format!(
                "{{\"Addrs\":[\"/ip4/1.2.3.4/tcp/1\"],\"ID\":\"{ID}\",\"Protocols\":[\"transport-bitswap\"],\"Schema\":\"peer\"}}\n"
            )
        );
        assert_eq!(PeerRecord::read(&line, true).unwrap(), [record()]);
        let mut bare = record();
        bare.addresses.clear();
        bare.protocols.clear();
        let document = |listing: Listing, records: &[PeerRecord]| {
            String::from_utf8(listing.document(records).unwrap()).unwrap()
        };
        let bare = &[bare];
        assert_eq!(
            document(Listing::Peers, bare),
            format!(r#"{{"Peers":[{{"ID":"{ID}","Schema":"peer"}}]}}"#)
        );
        assert_eq!(
            document(Listing::Closest, bare),
            format!(r#"{{"Peers":[{{"Addrs":[],"ID":"{ID}","Schema":"peer"}}]}}"#)
        );
        assert_eq!(document(Listing::Providers, &[]), r#"{"Providers":[]}"#);
        assert_eq!(document(Listing::Closest, &[]), r#"{"Peers":null}"#);
    }
}
