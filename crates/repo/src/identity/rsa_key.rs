use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::rand_core::OsRng;

use crate::Error;

/// A new RSA key as libp2p's protobuf message: type RSA (0), and the key in PKCS #1.
/// libp2p-identity reads such keys but does not make them.
pub(super) fn generate(bits: u32) -> Result<Vec<u8>, Error> {
    let failed = |reason: String| Error::PrivateKey(reason);
    let key = RsaPrivateKey::new(&mut OsRng, bits as usize).map_err(|e| failed(e.to_string()))?;
    let der = key.to_pkcs1_der().map_err(|e| failed(e.to_string()))?;
    let der = der.as_bytes();
    let mut message = Vec::with_capacity(der.len() + 8);
    message.extend([0x08, 0, 0x12]);
    push_varint(&mut message, der.len());
    message.extend(der);
    Ok(message)
}

fn push_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
