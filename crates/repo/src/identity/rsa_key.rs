//! RSA keys, which libp2p-identity reads up to 4096 bits and does not make.

use libp2p_identity::{KeyType, PublicKey};
use rsa::pkcs1::{self, EncodeRsaPrivateKey as _};
use rsa::pkcs8::EncodePublicKey as _;
use rsa::rand_core::OsRng;
use rsa::sha2::{Digest as _, Sha256};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};

use super::message;
use super::{RSA_BITS, rsa_size_problem};

/// A new key in PKCS #1.
pub(super) fn generate(bits: u32) -> Result<Vec<u8>, String> {
    let key = RsaPrivateKey::new(&mut OsRng, bits as usize).map_err(message::reason)?;
    encode(&key)
}

/// Reads a key in PKCS #1; answers it with its one encoding.
pub(super) fn read(der: &[u8]) -> Result<(RsaPrivateKey, Vec<u8>), String> {
    if der.is_empty() {
        return Err("asn1: syntax error: sequence truncated".to_owned());
    }
    let malformed = |e: &dyn std::fmt::Display| format!("asn1: structure error: {e}");
    let parts = pkcs1::RsaPrivateKey::try_from(der).map_err(|e| malformed(&e))?;
    // What is too large is refused before anything is computed with it.
    let most = (RSA_BITS.end() / 8) as usize;
    let numbers = [
        &parts.modulus,
        &parts.public_exponent,
        &parts.private_exponent,
        &parts.prime1,
        &parts.prime2,
    ];
    if numbers.iter().any(|n| n.as_bytes().len() > most) {
        return Err(rsa_size_problem(u32::MAX).unwrap_or_default());
    }
    let bits = bit_length(parts.modulus.as_bytes());
    if let Some(problem) = rsa_size_problem(bits) {
        return Err(problem);
    }
    let key = <RsaPrivateKey as pkcs1::DecodeRsaPrivateKey>::from_pkcs1_der(der)
        .map_err(|_| "x509: invalid RSA private key".to_owned())?;
    let encoded = encode(&key)?;
    Ok((key, encoded))
}

fn bit_length(number: &[u8]) -> u32 {
    let number = match number.iter().position(|byte| *byte != 0) {
        Some(at) => &number[at..],
        None => return 0,
    };
    number.len() as u32 * 8 - number[0].leading_zeros()
}

fn encode(key: &RsaPrivateKey) -> Result<Vec<u8>, String> {
    let der = key.to_pkcs1_der().map_err(|e| e.to_string())?;
    Ok(der.as_bytes().to_owned())
}

/// The public half.
pub(super) fn public(key: &RsaPrivateKey) -> Result<PublicKey, String> {
    let der = key
        .to_public_key()
        .to_public_key_der()
        .map_err(|e| e.to_string())?;
    let message = message::write(KeyType::RSA, der.as_bytes());
    PublicKey::try_decode_protobuf(&message).map_err(message::reason)
}

/// Signs as libp2p does: PKCS #1 v1.5 over SHA-256. Blinded, against those who measure time.
pub(super) fn sign(key: &RsaPrivateKey, data: &[u8]) -> Result<Vec<u8>, String> {
    key.sign_with_rng(
        &mut OsRng,
        Pkcs1v15Sign::new::<Sha256>(),
        &Sha256::digest(data),
    )
    .map_err(message::reason)
}
