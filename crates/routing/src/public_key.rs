use libp2p_identity::{PeerId, PublicKey};

use crate::{Error, Result, Validator};

/// The rules of `/pk/`: the value is the public key whose hash is the key.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublicKeys;

impl Validator for PublicKeys {
    fn validate(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let hash = key.strip_prefix(b"/pk/").unwrap_or_default();
        let peer = PeerId::from_bytes(hash)
            .map_err(|_| Error::Invalid("key did not contain valid multihash".to_owned()))?;
        let public = PublicKey::try_decode_protobuf(value)
            .map_err(|e| Error::Invalid(format!("public key does not parse: {e}")))?;
        match public.to_peer_id() == peer {
            true => Ok(()),
            false => Err(Error::Invalid(
                "public key does not match storage key".to_owned(),
            )),
        }
    }

    /// All valid values are the same key.
    fn is_better(&self, _: &[u8], _: &[u8], _: &[u8]) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_stored_under_its_hash_alone() {
        let pair = libp2p_identity::Keypair::generate_ed25519();
        let bytes = pair.public().encode_protobuf();
        let key = |peer: PeerId| [b"/pk/".as_slice(), &peer.to_bytes()].concat();
        let own = key(pair.public().to_peer_id());
        assert!(PublicKeys.validate(&own, &bytes).is_ok());
        assert!(PublicKeys.validate(&own, b"no key").is_err());
        assert!(PublicKeys.validate(&key(PeerId::random()), &bytes).is_err());
        assert!(PublicKeys.validate(b"/pk/x", &bytes).is_err());
    }
}
