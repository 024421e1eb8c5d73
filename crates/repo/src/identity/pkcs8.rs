//! Private keys in PKCS #8, which other programs exchange.

use libp2p_identity::{KeyType, Keypair, ecdsa, secp256k1};
use rsa::pkcs8::der::asn1::{AnyRef, OctetStringRef};
use rsa::pkcs8::der::{self, Encode as _, Reader as _, SliceReader};
use rsa::pkcs8::spki::AlgorithmIdentifierRef;
use rsa::pkcs8::{ObjectIdentifier as Oid, PrivateKeyInfo};

use super::message::{self, BAD_TYPE};
use super::{PrivateKey, Secret};

const RSA: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: Oid = Oid::new_unwrap("1.3.101.112");
const X25519: Oid = Oid::new_unwrap("1.3.101.110");
const EC: Oid = Oid::new_unwrap("1.2.840.10045.2.1");
const P256: Oid = Oid::new_unwrap("1.2.840.10045.3.1.7");
const SECP256K1: Oid = Oid::new_unwrap("1.3.132.0.10");
/// Curves that Go knows and libp2p for Rust does not.
const OTHER_CURVES: [(Oid, &str); 3] = [
    (Oid::new_unwrap("1.3.132.0.33"), "P-224"),
    (Oid::new_unwrap("1.3.132.0.34"), "P-384"),
    (Oid::new_unwrap("1.3.132.0.35"), "P-521"),
];

/// What a PKCS #8 structure holds.
pub(super) enum Read {
    /// A key.
    Key(Box<PrivateKey>),
    /// A key on a curve that is known and not supported.
    OtherCurve(&'static str),
}

/// Reads a key; the error is a whole sentence in Kubo's words.
pub(super) fn read(bytes: &[u8]) -> Result<Read, String> {
    let parsing = |reason: String| format!("parsing PKCS8 format: {reason}");
    if bytes.len() < 3 {
        return Err(parsing("asn1: syntax error: sequence truncated".to_owned()));
    }
    let info = PrivateKeyInfo::try_from(bytes)
        .map_err(|e| parsing(format!("asn1: structure error: {e}")))?;
    let secret = info.private_key;
    let algorithm = info.algorithm;
    let key = match algorithm.oid {
        RSA => PrivateKey::from_data(KeyType::RSA, secret).map_err(parsing)?,
        ED25519 => from_pair(ed25519(secret).map_err(parsing)?)?,
        X25519 => {
            return Err(format!("converting std Go key to libp2p key: {BAD_TYPE}"));
        }
        EC => {
            let curve: Oid = algorithm
                .parameters
                .and_then(|any| any.try_into().ok())
                .ok_or_else(|| parsing("x509: unknown elliptic curve".to_owned()))?;
            if let Some((_, name)) = OTHER_CURVES.iter().find(|(oid, _)| *oid == curve) {
                return Ok(Read::OtherCurve(name));
            }
            from_pair(on_curve(curve, secret).map_err(parsing)?)?
        }
        other => {
            return Err(parsing(format!(
                "x509: PKCS#8 wrapping contained private key with unknown algorithm: {other}"
            )));
        }
    };
    Ok(Read::Key(Box::new(key)))
}

fn from_pair(pair: Keypair) -> Result<PrivateKey, String> {
    PrivateKey::from_pair(pair).map_err(|e| e.to_string())
}

fn ed25519(inner: &[u8]) -> Result<Keypair, String> {
    let bad = || "x509: invalid Ed25519 private key".to_owned();
    let [4, 32, seed @ ..] = inner else {
        return Err(bad());
    };
    let mut seed: [u8; 32] = seed.try_into().map_err(|_| bad())?;
    Keypair::ed25519_from_bytes(&mut seed).map_err(|_| bad())
}

fn on_curve(curve: Oid, inner: &[u8]) -> Result<Keypair, String> {
    if curve != P256 && curve != SECP256K1 {
        return Err("x509: unknown elliptic curve".to_owned());
    }
    let number = ec_number(inner).map_err(|e| format!("invalid EC private key: asn1: {e}"))?;
    let number = match number.len().checked_sub(32) {
        Some(over) if number[..over].iter().any(|byte| *byte != 0) => {
            return Err("invalid EC private key length".to_owned());
        }
        Some(over) => &number[over..],
        None => number,
    };
    let mut scalar = [0; 32];
    scalar[32 - number.len()..].copy_from_slice(number);
    if curve == P256 {
        return ecdsa::SecretKey::try_from_bytes(scalar)
            .map(|secret| ecdsa::Keypair::from(secret).into())
            .map_err(|_| "x509: invalid elliptic curve private key value".to_owned());
    }
    secp256k1::SecretKey::try_from_bytes(&mut scalar)
        .map(|secret| secp256k1::Keypair::from(secret).into())
        .map_err(|_| "EC private key not in the valid range for secp256k1".to_owned())
}

/// The secret number in an `ECPrivateKey` of RFC 5915.
fn ec_number(inner: &[u8]) -> der::Result<&[u8]> {
    SliceReader::new(inner)?.sequence(|fields| {
        let _version: u8 = fields.decode()?;
        let number: OctetStringRef<'_> = fields.decode()?;
        fields.read_slice(fields.remaining_len())?;
        Ok(number.as_bytes())
    })
}

/// Writes a key as Go does.
pub(super) fn write(key: &PrivateKey) -> Result<Vec<u8>, String> {
    let (oid, parameters, inner) = match key.kind() {
        KeyType::RSA => {
            let (_, inner) = message::read(key.encoded())?;
            (RSA, Some(AnyRef::NULL), inner.to_owned())
        }
        KeyType::Ed25519 => {
            let (_, pair) = message::read(key.encoded())?;
            let seed = pair.get(..32).ok_or("no seed")?;
            (ED25519, None, [&[4, 32], seed].concat())
        }
        KeyType::Secp256k1 => (EC, Some(AnyRef::from(&SECP256K1)), ec_key(key, None)?),
        KeyType::Ecdsa => (EC, Some(AnyRef::from(&P256)), ec_key(key, None)?),
    };
    let algorithm = AlgorithmIdentifierRef { oid, parameters };
    PrivateKeyInfo::new(algorithm, &inner)
        .to_der()
        .map_err(|e| e.to_string())
}

/// The data of a P-256 key in libp2p's message: an `ECPrivateKey` that names its curve.
pub(super) fn ecdsa_data(pair: &ecdsa::Keypair) -> Vec<u8> {
    let curve = [0xa0, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    ec_structure(&pair.secret().to_bytes(), &curve, &pair.public().to_bytes())
}

fn ec_key(key: &PrivateKey, curve: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let Secret::Pair(pair) = &key.secret else {
        return Err(BAD_TYPE.to_owned());
    };
    let curve = curve.unwrap_or_default();
    if let Ok(pair) = Keypair::clone(pair).try_into_secp256k1() {
        let public = pair.public().to_bytes_uncompressed();
        return Ok(ec_structure(&pair.secret().to_bytes(), curve, &public));
    }
    let pair = Keypair::clone(pair)
        .try_into_ecdsa()
        .map_err(|e| e.to_string())?;
    Ok(ec_structure(
        &pair.secret().to_bytes(),
        curve,
        &pair.public().to_bytes(),
    ))
}

/// An `ECPrivateKey` of 256 bits: version, number, curve, public point. Every length in it is
/// below 128.
fn ec_structure(number: &[u8], curve: &[u8], point: &[u8]) -> Vec<u8> {
    let mut inner = vec![2, 1, 1, 4, number.len() as u8];
    inner.extend(number);
    inner.extend(curve);
    inner.extend([0xa1, point.len() as u8 + 3, 3, point.len() as u8 + 1, 0]);
    inner.extend(point);
    [&[0x30, inner.len() as u8], inner.as_slice()].concat()
}
