//! Whether a record is what it claims to be.

use libp2p_identity::PublicKey;

use crate::record::{SEQUENCE, TTL, VALIDITY, VALIDITY_TYPE, VALUE};
use crate::{Error, MAX_RECORD_SIZE, Moment, Name, Record, Result, SignatureType};

/// What is signed of a record.
pub(crate) fn signed_data(data: &[u8]) -> Vec<u8> {
    [b"ipns-signature:", data].concat()
}

impl Record {
    /// Checks that the record is one of the name's and valid at the moment `now`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(&self, name: &Name, now: Moment) -> Result<()> {
        let key = self.key_of(name)?;
        if self.size() > MAX_RECORD_SIZE {
            return Err(Error::RecordSize);
        }
        let signature = self.fields.signature_v2.as_deref().unwrap_or_default();
        let data = self.fields.data.as_deref().unwrap_or_default();
        if signature.is_empty() || !key.verify(&signed_data(data), signature) {
            return Err(Error::Signature);
        }
        if self.signature_type() == SignatureType::V1AndV2 {
            self.check_agreement()?;
        }
        if now > self.validity()? {
            return Err(Error::Expired);
        }
        match self.ttl() {
            Ok(ttl) if ttl < 0 => Err(Error::NegativeTtl),
            _ => Ok(()),
        }
    }

    /// The public key in the record or else in the name.
    fn key_of(&self, name: &Name) -> Result<PublicKey> {
        let embedded = self.fields.public_key.as_deref().unwrap_or_default();
        if embedded.is_empty() {
            return name.public_key();
        }
        let key = PublicKey::try_decode_protobuf(embedded)
            .map_err(|e| Error::InvalidKey(e.to_string()))?;
        match Name::of(&key) == *name {
            true => Ok(key),
            false => Err(Error::KeyMismatch),
        }
    }

    /// Only the newer version is signed well, so that the older one must say the same.
    fn check_agreement(&self) -> Result<()> {
        let fields = &self.fields;
        let bytes = |name, field: &Option<Vec<u8>>| {
            let signed = self.bytes_field(name).map_err(Error::Field)?;
            agree(name, field.as_deref().unwrap_or_default() == signed)
        };
        let number = |name, field: u64| {
            let signed = self.int_field(name).map_err(Error::Field)?;
            agree(name, field == signed as u64)
        };
        bytes(VALUE, &fields.value)?;
        bytes(VALIDITY, &fields.validity)?;
        let validity_type = i64::from(fields.validity_type.unwrap_or_default());
        number(VALIDITY_TYPE, validity_type as u64)?;
        number(SEQUENCE, fields.sequence.unwrap_or_default())?;
        number(TTL, fields.ttl.unwrap_or_default())
    }
}

fn agree(name: &'static str, same: bool) -> Result<()> {
    same.then_some(()).ok_or(Error::Mismatch(name))
}
