//! IPNS names: the multihash of a public key.

use std::fmt;
use std::str::FromStr;

use basalt_block::{Base, Cid, Multihash, cid_text, codec, decode_digits, parse_cid, varint};
use libp2p_identity::PublicKey;

use crate::{Error, Result};

const PREFIX: &str = "/ipns/";

/// Said of what is no multihash in no particular way.
const NO_MULTIHASH: &str = "input isn't valid multihash";

/// The identity hash: a short key is its own multihash.
const IDENTITY: u64 = 0;

/// A name. As text it is a CID in base36.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Multihash);

impl Name {
    /// The name of a key.
    pub fn of(key: &PublicKey) -> Self {
        let bytes = key.to_peer_id().to_bytes();
        // A peer ID has a digest of at most 42 bytes.
        Self(Multihash::from_bytes(&bytes).unwrap_or_default())
    }

    /// Reads `/ipns/` with the multihash as bytes, under which routing systems know the name.
    ///
    /// # Errors
    /// [`Error::Name`] when it is something else.
    pub fn from_routing_key(key: &[u8]) -> Result<Self> {
        key.strip_prefix(PREFIX.as_bytes())
            .and_then(|bytes| Multihash::from_bytes(bytes).ok())
            .map(Self)
            .ok_or_else(|| Error::Name("name is invalid".to_owned()))
    }

    /// `/ipns/` with the multihash as bytes.
    pub fn routing_key(&self) -> Vec<u8> {
        [PREFIX.as_bytes(), &self.0.to_bytes()].concat()
    }

    /// The multihash of the key.
    pub fn multihash(&self) -> &Multihash {
        &self.0
    }

    /// The key, where the name is short enough to be one.
    ///
    /// # Errors
    /// [`Error::NoKey`] when the name is a hash of the key, [`Error::InvalidKey`].
    pub fn public_key(&self) -> Result<PublicKey> {
        if self.0.code() != IDENTITY {
            return Err(Error::NoKey);
        }
        PublicKey::try_decode_protobuf(self.0.digest())
            .map_err(|e| Error::InvalidKey(e.to_string()))
    }
}

impl FromStr for Name {
    type Err = Error;

    /// Reads a peer ID in base58, or a CID of a key in any base, with `/ipns/` before it or not.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        let fail = |why: String| Error::Name(format!("failed to parse peer ID: {why}"));
        if text.starts_with("Qm") || text.starts_with('1') {
            let bytes = decode_digits(Base::Base58Btc, text);
            let bytes = bytes.map_err(|_| fail(NO_MULTIHASH.to_owned()))?;
            return Multihash::from_bytes(&bytes)
                .map(Self)
                .map_err(|_| fail(what_is_wrong(&bytes)));
        }
        let (cid, _) = parse_cid(text).map_err(fail)?;
        match cid.codec() {
            codec::LIBP2P_KEY => Ok(Self(*cid.hash())),
            other => Err(Error::Name(format!(
                "can't convert CID of type {:?} to a peer ID",
                codec_text(other)
            ))),
        }
    }
}

/// What is wrong with bytes that are no multihash.
fn what_is_wrong(bytes: &[u8]) -> String {
    if bytes.len() < 2 {
        return "multihash too short. must be >= 2 bytes".to_owned();
    }
    let mut rest = bytes;
    let mut number = || varint::take(&mut rest).ok();
    let (Some(_), Some(length)) = (number(), number()) else {
        return "uvarint: buffer too small".to_owned();
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > rest.len() {
        return "length greater than remaining number of bytes in buffer".to_owned();
    }
    let whole = bytes.len() - rest.len() + length;
    match length < rest.len() {
        true => format!("multihash length inconsistent: expected {length}; got {whole}"),
        false => NO_MULTIHASH.to_owned(),
    }
}

/// Codecs as they are named in errors; those that content has.
fn codec_text(code: u64) -> String {
    match code {
        codec::RAW => "raw".to_owned(),
        codec::DAG_PB => "dag-pb".to_owned(),
        codec::DAG_CBOR => "dag-cbor".to_owned(),
        codec::DAG_JSON => "dag-json".to_owned(),
        other => format!("Code({other})"),
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cid = Cid::new_v1(codec::LIBP2P_KEY, self.0);
        f.write_str(&cid_text(&cid, Base::Base36Lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_name() {
        let k = "k51qzi5uqu5di1mdq7pkg7361avc9x1gg6t2vzyuzxfgu0s1uu53imnra4p9pj";
        let id = "12D3KooWEqzaRNANL9hKcvytGVbfmhoLAp6eyuFCHM3PkjsY7shp";
        let name: Name = k.parse().unwrap();
        assert_eq!(name.to_string(), k);
        for text in [id.to_owned(), format!("/ipns/{k}"), format!("/ipns/{id}")] {
            assert_eq!(text.parse::<Name>().unwrap(), name);
        }
        assert_eq!(Name::of(&name.public_key().unwrap()), name);
        assert_eq!(Name::from_routing_key(&name.routing_key()).unwrap(), name);
        for (text, expected) in [
            (
                "foo",
                "failed to parse peer ID: invalid cid: encoding/hex: invalid byte: U+006F 'o'",
            ),
            ("", "failed to parse peer ID: invalid cid: cid too short"),
            (
                "1",
                "failed to parse peer ID: multihash too short. must be >= 2 bytes",
            ),
            (
                "Qm",
                "failed to parse peer ID: length greater than remaining number of bytes in buffer",
            ),
            (
                "Qm0",
                "failed to parse peer ID: input isn't valid multihash",
            ),
            (
                "12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2rx",
                "failed to parse peer ID: multihash length inconsistent: expected 8; got 10",
            ),
            (
                "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
                "can't convert CID of type \"raw\" to a peer ID",
            ),
        ] {
            let error = text.parse::<Name>().unwrap_err().to_string();
            assert_eq!(error, expected);
        }
    }
}
