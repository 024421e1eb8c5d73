//! The node's key pair and the peer ID that follows from it.

mod rsa_key;

use std::fmt;
use std::str::FromStr;

use libp2p_identity::{KeyType, Keypair, PeerId};

use crate::Error;

/// The sizes in bits that an RSA key may have.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;
const RSA_DEFAULT_BITS: u32 = 2048;

/// The multicodec of a public key in a CID.
const LIBP2P_KEY: u8 = 0x72;

/// A type of key, as `--algorithm` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// Ed25519, the default.
    #[default]
    Ed25519,
    /// RSA, which is slow to make.
    Rsa,
    /// The curve of Bitcoin.
    Secp256k1,
}

impl FromStr for KeyAlgorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "ed25519" => Ok(Self::Ed25519),
            "rsa" => Ok(Self::Rsa),
            "secp256k1" => Ok(Self::Secp256k1),
            _ => Err(Error::KeyType(name.to_owned())),
        }
    }
}

/// A private key, with its encoding as libp2p's protobuf message `PrivateKey`.
#[derive(Clone)]
pub struct PrivateKey {
    pair: Keypair,
    encoded: Vec<u8>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.peer_id())
    }
}

impl PrivateKey {
    /// Makes a new key; `bits` is its size where the algorithm leaves a choice. An RSA key takes
    /// up to seconds: call it on a blocking thread.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`] when the size does not suit the algorithm.
    pub fn generate(algorithm: KeyAlgorithm, bits: Option<u32>) -> Result<Self, Error> {
        check_size(algorithm, bits)?;
        match algorithm {
            KeyAlgorithm::Ed25519 => Self::from_pair(Keypair::generate_ed25519()),
            KeyAlgorithm::Secp256k1 => Self::from_pair(Keypair::generate_secp256k1()),
            KeyAlgorithm::Rsa => {
                Self::decode(&rsa_key::generate(bits.unwrap_or(RSA_DEFAULT_BITS))?)
            }
        }
    }

    fn from_pair(pair: Keypair) -> Result<Self, Error> {
        let encoded = pair.to_protobuf_encoding().map_err(private_key)?;
        Ok(Self { pair, encoded })
    }

    /// Reads a key from libp2p's protobuf message.
    ///
    /// # Errors
    ///
    /// [`Error::PrivateKey`] when the bytes are not such a message.
    pub fn decode(encoded: &[u8]) -> Result<Self, Error> {
        let pair = Keypair::from_protobuf_encoding(encoded).map_err(private_key)?;
        Ok(Self {
            pair,
            encoded: encoded.to_owned(),
        })
    }

    /// Reads a key as the config file has it: the message in base64.
    ///
    /// # Errors
    ///
    /// As [`PrivateKey::decode`].
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let encoded = multibase::Base::Base64Pad
            .decode(text)
            .map_err(private_key)?;
        Self::decode(&encoded)
    }

    /// The key as the config file has it.
    pub fn to_base64(&self) -> String {
        multibase::Base::Base64Pad.encode(&self.encoded)
    }

    /// The key as a file of the keystore has it: libp2p's protobuf message.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The key pair, for signing.
    pub fn keypair(&self) -> &Keypair {
        &self.pair
    }

    /// The peer ID of the key.
    pub fn peer_id(&self) -> PeerId {
        self.pair.public().to_peer_id()
    }

    /// The name of the key's algorithm.
    pub fn algorithm(&self) -> &'static str {
        match self.pair.key_type() {
            KeyType::Ed25519 => "ed25519",
            KeyType::RSA => "rsa",
            KeyType::Secp256k1 => "secp256k1",
            KeyType::Ecdsa => "ecdsa",
        }
    }
}

fn private_key(reason: impl fmt::Display) -> Error {
    Error::PrivateKey(reason.to_string())
}

fn check_size(algorithm: KeyAlgorithm, bits: Option<u32>) -> Result<(), Error> {
    let Some(bits) = bits else { return Ok(()) };
    let problem = match algorithm {
        KeyAlgorithm::Rsa if RSA_BITS.contains(&bits) => return Ok(()),
        KeyAlgorithm::Rsa if bits < *RSA_BITS.start() => {
            format!("rsa keys must be >= {} bits to be useful", RSA_BITS.start())
        }
        KeyAlgorithm::Rsa => format!("rsa keys must be <= {} bits", RSA_BITS.end()),
        KeyAlgorithm::Ed25519 | KeyAlgorithm::Secp256k1 if bits == 256 => return Ok(()),
        KeyAlgorithm::Ed25519 => {
            format!("invalid key size {bits}: ed25519 keys are always 256 bits")
        }
        KeyAlgorithm::Secp256k1 => {
            format!("invalid key size {bits}: secp256k1 keys are always 256 bits")
        }
    };
    Err(Error::KeySize(problem))
}

/// What `init` says before it makes a key, without a newline: `generating ED25519 keypair...`.
pub fn generating_text(algorithm: KeyAlgorithm, bits: Option<u32>) -> String {
    match algorithm {
        KeyAlgorithm::Ed25519 => "generating ED25519 keypair...".to_owned(),
        KeyAlgorithm::Secp256k1 => "generating secp256k1 keypair...".to_owned(),
        KeyAlgorithm::Rsa => {
            let bits = bits.unwrap_or(RSA_DEFAULT_BITS);
            format!("generating {bits}-bit RSA keypair...")
        }
    }
}

/// Reads a peer ID in base58 (`12D3KooW…`, `Qm…`) or as a CID with the libp2p-key codec.
///
/// # Errors
///
/// [`Error::PeerId`] when it is neither.
pub fn parse_peer_id(text: &str) -> Result<PeerId, Error> {
    let invalid = |reason: &str| Error::PeerId(reason.to_owned());
    if text.starts_with("Qm") || text.starts_with('1') {
        return text
            .parse()
            .map_err(|e: libp2p_identity::ParseError| Error::PeerId(e.to_string()));
    }
    if text.len() < 2 {
        return Err(invalid("invalid cid: cid too short"));
    }
    let (_, bytes) =
        multibase::decode(text).map_err(|e| Error::PeerId(format!("invalid cid: {e}")))?;
    match bytes.as_slice() {
        [1, LIBP2P_KEY, multihash @ ..] => PeerId::from_bytes(multihash)
            .map_err(|_| invalid("invalid cid: not a peer ID's multihash")),
        _ => Err(invalid(
            "invalid cid: not a CIDv1 with the libp2p-key codec",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_makes_keys_that_read_back() {
        for name in ["ed25519", "secp256k1", "rsa"] {
            let key = PrivateKey::generate(name.parse().unwrap(), None).unwrap();
            assert_eq!(key.algorithm(), name);
            let again = PrivateKey::from_base64(&key.to_base64()).unwrap();
            assert_eq!(again.peer_id(), key.peer_id());
            let signature = again.keypair().sign(b"data").unwrap();
            assert!(key.keypair().public().verify(b"data", &signature));
        }
    }

    /// Made by `ipfs init` of Kubo 0.43.0.
    #[test]
    fn kubo_key_has_kubo_peer_id() {
        let key = PrivateKey::from_base64("CAESQP83CZxAieLRzn+oAD9sOGXLx/bjJVAkerSajwYm6fcZUFFqoDJdyzfI+vakQQ+ktAbZVYDy1R3yL5ANfA4ai6M=").unwrap();
        let id = "12D3KooWFDtnm9e3wC3kCvF9tTrf4iNd8J2sfHZP88meoWBerofQ";
        assert_eq!(key.peer_id().to_string(), id);
        assert_eq!(parse_peer_id(id).unwrap(), key.peer_id());
        let mut cid = vec![1, LIBP2P_KEY];
        cid.extend(key.peer_id().to_bytes());
        let cid = multibase::encode(multibase::Base::Base36Lower, cid);
        assert_eq!(parse_peer_id(&cid).unwrap(), key.peer_id());
    }

    #[test]
    fn sizes_that_do_not_suit() {
        let error =
            |a: KeyAlgorithm, bits| PrivateKey::generate(a, Some(bits)).unwrap_err().to_string();
        assert_eq!(
            error(KeyAlgorithm::Rsa, 512),
            "rsa keys must be >= 2048 bits to be useful"
        );
        assert_eq!(
            error(KeyAlgorithm::Ed25519, 2048),
            "invalid key size 2048: ed25519 keys are always 256 bits"
        );
        let error = "foo".parse::<KeyAlgorithm>().unwrap_err();
        assert_eq!(error.to_string(), "unrecognized key type: foo");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text: String, bytes: Vec<u8>) {
            let _ = parse_peer_id(&text);
            let _ = PrivateKey::from_base64(&text);
            let _ = PrivateKey::decode(&bytes);
        }
    }
}
