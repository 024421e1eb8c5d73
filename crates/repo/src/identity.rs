//! The node's key pair and the peer ID that follows from it.

mod exchange;
mod message;
mod pem;
mod pkcs8;
mod rsa_key;

use std::fmt;
use std::str::FromStr;

use libp2p_identity::{KeyType, Keypair, PeerId, PublicKey};
use rsa::RsaPrivateKey;

use crate::Error;
pub use exchange::KeyFormat;

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
    secret: Secret,
    public: PublicKey,
    encoded: Vec<u8>,
}

#[derive(Clone)]
enum Secret {
    Pair(Box<Keypair>),
    /// An RSA key larger than a [`Keypair`] takes.
    LargeRsa(Box<RsaPrivateKey>),
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
        if let Some(bits) = bits {
            algorithm.check_size(bits.into())?;
        }
        match algorithm {
            KeyAlgorithm::Ed25519 => Self::from_pair(Keypair::generate_ed25519()),
            KeyAlgorithm::Secp256k1 => Self::from_pair(Keypair::generate_secp256k1()),
            KeyAlgorithm::Rsa => rsa_key::generate(bits.unwrap_or(RSA_DEFAULT_BITS))
                .and_then(|der| Self::from_data(KeyType::RSA, &der))
                .map_err(Error::PrivateKey),
        }
    }

    /// A key that is not RSA.
    fn from_pair(pair: Keypair) -> Result<Self, Error> {
        let encoded = match pair.clone().try_into_ecdsa() {
            Ok(pair) => message::write(KeyType::Ecdsa, &pkcs8::ecdsa_data(&pair)),
            Err(_) => pair.to_protobuf_encoding().map_err(private_key)?,
        };
        Ok(Self {
            public: pair.public(),
            secret: Secret::Pair(Box::new(pair)),
            encoded,
        })
    }

    /// Reads a key from libp2p's protobuf message.
    ///
    /// # Errors
    ///
    /// [`Error::PrivateKey`] when the bytes are not such a message.
    pub fn decode(encoded: &[u8]) -> Result<Self, Error> {
        Self::read(encoded).map_err(Error::PrivateKey)
    }

    /// As [`PrivateKey::decode`]; the error is the bare reason.
    pub(crate) fn read(encoded: &[u8]) -> Result<Self, String> {
        let (kind, data) = message::read(encoded)?;
        Self::from_data(kind, data)
    }

    /// Reads what libp2p's message has as the data of a key. However it is written, the key is
    /// kept in the one form that Kubo writes.
    fn from_data(kind: KeyType, data: &[u8]) -> Result<Self, String> {
        if kind != KeyType::RSA {
            let pair = message::pair(kind, data)?;
            return Self::from_pair(pair).map_err(|e| e.to_string());
        }
        let (key, der) = rsa_key::read(data)?;
        let encoded = message::write(KeyType::RSA, &der);
        let public = rsa_key::public(&key)?;
        let secret = match Keypair::from_protobuf_encoding(&encoded) {
            Ok(pair) => Secret::Pair(Box::new(pair)),
            Err(_) => Secret::LargeRsa(Box::new(key)),
        };
        Ok(Self {
            secret,
            public,
            encoded,
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

    /// The key pair as libp2p takes it; `None` for RSA keys over 4096 bits, with which it can do
    /// nothing.
    pub fn keypair(&self) -> Option<&Keypair> {
        match &self.secret {
            Secret::Pair(pair) => Some(pair),
            Secret::LargeRsa(_) => None,
        }
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs as libp2p does with keys of this type.
    ///
    /// # Errors
    ///
    /// [`Error::Signing`] when the key is broken in a way that only shows now.
    pub fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.secret {
            Secret::Pair(pair) => pair.sign(data).map_err(message::reason),
            Secret::LargeRsa(key) => rsa_key::sign(key, data),
        }
        .map_err(Error::Signing)
    }

    /// The peer ID of the key.
    pub fn peer_id(&self) -> PeerId {
        self.public.to_peer_id()
    }

    fn kind(&self) -> KeyType {
        self.public.key_type()
    }

    /// The name of the key's algorithm.
    pub fn algorithm(&self) -> &'static str {
        match self.kind() {
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

impl KeyAlgorithm {
    /// Checks that keys of this algorithm have sizes such as `bits`.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`] when they do not.
    pub fn check_size(self, bits: i64) -> Result<(), Error> {
        let problem = match self {
            Self::Rsa => rsa_size_problem(u32::try_from(bits.max(0)).unwrap_or(u32::MAX)),
            Self::Ed25519 | Self::Secp256k1 if bits == 256 => None,
            Self::Ed25519 => Some(format!(
                "invalid key size {bits}: ed25519 keys are always 256 bits"
            )),
            Self::Secp256k1 => Some(format!(
                "invalid key size {bits}: secp256k1 keys are always 256 bits"
            )),
        };
        problem.map_or(Ok(()), |problem| Err(Error::KeySize(problem)))
    }
}

/// What is wrong with an RSA key of so many bits, if anything.
fn rsa_size_problem(bits: u32) -> Option<String> {
    if bits < *RSA_BITS.start() {
        return Some(format!(
            "rsa keys must be >= {} bits to be useful",
            RSA_BITS.start()
        ));
    }
    (bits > *RSA_BITS.end()).then(|| format!("rsa keys must be <= {} bits", RSA_BITS.end()))
}

/// What is said before a key is made, without a newline: `generating ED25519 keypair...`.
fn generating_text(algorithm: KeyAlgorithm, bits: Option<u32>) -> String {
    match algorithm {
        KeyAlgorithm::Ed25519 => "generating ED25519 keypair...".to_owned(),
        KeyAlgorithm::Secp256k1 => "generating secp256k1 keypair...".to_owned(),
        KeyAlgorithm::Rsa => {
            let bits = bits.unwrap_or(RSA_DEFAULT_BITS);
            format!("generating {bits}-bit RSA keypair...")
        }
    }
}

/// Makes the key of a node, telling `say` as Kubo tells it on standard output.
pub(crate) fn make_identity(
    algorithm: KeyAlgorithm,
    bits: Option<u32>,
    say: &mut dyn FnMut(&str),
) -> Result<PrivateKey, Error> {
    // Sizes that do not suit are refused before anything is said, but for RSA.
    if algorithm == KeyAlgorithm::Rsa || bits.is_none() {
        say(&generating_text(algorithm, bits));
    }
    let key = PrivateKey::generate(algorithm, bits)?;
    if algorithm != KeyAlgorithm::Rsa && bits.is_some() {
        say(&generating_text(algorithm, bits));
    }
    say("done\n");
    say(&format!("peer identity: {}\n", key.peer_id()));
    Ok(key)
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
    let (_, bytes) = multibase::decode(text).map_err(|e| match e {
        multibase::Error::UnknownBase(_) => invalid("invalid cid: selected encoding not supported"),
        other => Error::PeerId(format!("invalid cid: {other}")),
    })?;
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
            let signature = again.sign(b"data").unwrap();
            assert!(key.public().verify(b"data", &signature));
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
