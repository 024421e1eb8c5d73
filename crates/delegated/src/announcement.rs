//! The signed announcement of what a peer has, which some servers take by PUT.
//! <https://specs.ipfs.tech/ipips/ipip-0526/>

use basalt_block::{Base, Cid, cid_string, decode_digits, multibase_text, parse_cid};
use libp2p_identity::{PeerId, PublicKey};
use multiaddr::Multiaddr;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

const SCHEMA: &str = "bitswap";
const PROTOCOL: &str = "transport-bitswap";
/// The hash of which a peer ID is that has its key in it.
const IDENTITY: u64 = 0;

/// What a peer says that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// What.
    pub keys: Vec<Cid>,
    /// When it says so, in milliseconds since 1970.
    pub timestamp: i64,
    /// For how many nanoseconds it should be remembered.
    pub ttl: i64,
    /// Who says so.
    pub peer: PeerId,
    /// Where it is.
    pub addresses: Vec<Multiaddr>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Payload {
    #[serde(default)]
    keys: Option<Vec<String>>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default, rename = "AdvisoryTTL")]
    ttl: Option<i64>,
    #[serde(default, rename = "ID")]
    id: Option<String>,
    #[serde(default)]
    addrs: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    schema: &'static str,
    protocol: &'static str,
    signature: String,
    payload: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    providers: [Signed; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Came<'a> {
    #[serde(default)]
    signature: String,
    #[serde(borrow)]
    payload: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kind {
    #[serde(default)]
    schema: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Uploaded<'a> {
    #[serde(borrow, default)]
    providers: Option<Vec<&'a RawValue>>,
}

/// One record of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// An announcement that its peer has signed.
    Announcement(Announcement),
    /// One that nobody has signed, or another than its peer.
    Forged,
    /// Something else.
    Other,
}

impl Announcement {
    /// The body of the request, signed by `sign`.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn upload(&self, sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, String>) -> Result<Vec<u8>> {
        let payload = serde_json::to_string(&Payload {
            keys: Some(self.keys.iter().map(cid_string).collect()),
            timestamp: Some(self.timestamp),
            ttl: Some(self.ttl),
            id: Some(self.peer.to_string()),
            addrs: Some(self.addresses.iter().map(ToString::to_string).collect()),
        })?;
        let signature = sign(&Sha256::digest(&payload)).map_err(Error::Signing)?;
        Ok(serde_json::to_vec(&Upload {
            providers: [Signed {
                schema: SCHEMA,
                protocol: PROTOCOL,
                signature: multibase_text(Base::Base64, &signature),
                payload: RawValue::from_string(payload)?,
            }],
        })?)
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// It is none.
    pub fn read(upload: &[u8]) -> Result<Vec<Given>> {
        if !upload.trim_ascii_start().starts_with(b"{") {
            return Err(Error::NoObject);
        }
        let uploaded: Uploaded<'_> = serde_json::from_slice(upload)?;
        let records = uploaded.providers.unwrap_or_default();
        records.into_iter().map(given).collect()
    }

    fn of(payload: &RawValue) -> Option<Self> {
        let payload: Payload = serde_json::from_str(payload.get()).ok()?;
        let keys = payload.keys.unwrap_or_default();
        let keys: Option<_> = keys.iter().map(|k| Some(parse_cid(k).ok()?.0)).collect();
        let addresses = payload.addrs.unwrap_or_default();
        let addresses: Option<_> = addresses.iter().map(|a| a.parse().ok()).collect();
        Some(Self {
            keys: keys?,
            timestamp: payload.timestamp?,
            ttl: payload.ttl?,
            peer: payload.id?.parse().ok()?,
            addresses: addresses?,
        })
    }
}

fn given(record: &RawValue) -> Result<Given> {
    let kind: Kind = serde_json::from_str(record.get())?;
    if kind.schema != SCHEMA {
        return Ok(Given::Other);
    }
    let came: Came<'_> = serde_json::from_str(record.get())?;
    let Some(announcement) = Announcement::of(came.payload) else {
        return Ok(Given::Forged);
    };
    let signed = (|| {
        let key = key_of(&announcement.peer)?;
        let signature = came.signature.strip_prefix('m')?;
        let signature = decode_digits(Base::Base64, signature).ok()?;
        let digest = Sha256::digest(came.payload.get());
        Some(key.verify(&digest, &signature))
    })();
    Ok(match signed {
        Some(true) => Given::Announcement(announcement),
        _ => Given::Forged,
    })
}

/// The key in a peer ID, if it is short enough to be there.
fn key_of(peer: &PeerId) -> Option<PublicKey> {
    let hash = basalt_block::Multihash::from_bytes(&peer.to_bytes()).ok()?;
    let inside = hash.code() == IDENTITY;
    PublicKey::try_decode_protobuf(hash.digest())
        .ok()
        .filter(|_| inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p_identity::Keypair;

    fn announcement(peer: PeerId) -> Announcement {
        Announcement {
            keys: vec!["bafkqaaa", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"]
                .into_iter()
                .map(|text| parse_cid(text).unwrap().0)
                .collect(),
            timestamp: 1_700_000_000_000,
            ttl: 86_400_000_000_000,
            peer,
            addresses: vec!["/ip4/1.2.3.4/tcp/1".parse().unwrap()],
        }
    }

    #[test]
    fn what_is_signed_is_believed_and_nothing_else() {
        let key = Keypair::generate_ed25519();
        let own = announcement(key.public().to_peer_id());
        let sign = |bytes: &[u8]| key.sign(bytes).map_err(|e| e.to_string());
        let upload = own.upload(sign).unwrap();
        assert_eq!(
            Announcement::read(&upload).unwrap(),
            [Given::Announcement(own)]
        );
        let text = String::from_utf8(upload).unwrap();
        for (from, to) in [
            ("1700000000000", "1700000000001"),
            ("\"Signature\":\"m", "\"Signature\":\"z"),
            ("bafkqaaa", "nonsense"),
        ] {
            let forged = text.replace(from, to);
            assert_ne!(forged, text);
            let read = Announcement::read(forged.as_bytes()).unwrap();
            assert_eq!(read, [Given::Forged]);
        }
        let other = announcement(PeerId::random());
        let upload = other.upload(sign).unwrap();
        assert_eq!(Announcement::read(&upload).unwrap(), [Given::Forged]);
        let read = |text: &str| Announcement::read(text.as_bytes());
        assert_eq!(read("{}").unwrap(), []);
        assert_eq!(read(r#"{"Providers":null}"#).unwrap(), []);
        let strange = r#"{"Providers":[{"Schema":"peer"},{}]}"#;
        assert_eq!(read(strange).unwrap(), [Given::Other, Given::Other]);
        for wrong in [
            "",
            "[]",
            r#"{"Providers":[1]}"#,
            r#"{"Providers":[{"Schema":"bitswap"}]}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
