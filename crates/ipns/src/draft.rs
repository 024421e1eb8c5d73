//! Records as they are made.

use basalt_ipld::{Path, Value, codec, encode};
use libp2p_identity::PublicKey;

use crate::record::{SEQUENCE, TTL, VALIDITY, VALIDITY_TYPE, VALUE};
use crate::validate::signed_data;
use crate::wire::Fields;
use crate::{Error, Moment, Name, Record, Result};

/// A record that is not signed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What the name shall mean.
    pub value: Path,
    /// Counts the changes of the value; records with higher numbers win.
    pub sequence: u64,
    /// Until when the record is valid.
    pub validity: Moment,
    /// For how many nanoseconds it may be taken from a cache.
    pub ttl: i64,
    /// Whether readers before 2021 shall understand it too.
    pub v1: bool,
}

impl Draft {
    /// Signs the record with the key whose public half is `public`. A key that signs the same in
    /// the same way each time makes the same bytes each time, and the same as Kubo.
    ///
    /// # Errors
    /// [`Error::Signing`] with the words of `sign`, [`Error::RecordSize`].
    pub fn sign(
        &self,
        public: &PublicKey,
        sign: impl Fn(&[u8]) -> Result<Vec<u8>, String>,
    ) -> Result<Record> {
        let value = self.value.as_bytes().to_vec();
        let validity = self.validity.to_string().into_bytes();
        let ttl = self.ttl.max(0);
        let data = Value::Map(vec![
            (TTL.into(), Value::Int(ttl.into())),
            (VALUE.into(), Value::Bytes(value.clone())),
            // As Kubo does: what does not fit wraps around, and back when it is read.
            (SEQUENCE.into(), Value::Int((self.sequence as i64).into())),
            (VALIDITY.into(), Value::Bytes(validity.clone())),
            (VALIDITY_TYPE.into(), Value::Int(0)),
        ]);
        let data = encode(codec::DAG_CBOR, &data).map_err(|e| Error::Malformed(e.to_string()))?;
        let sign = |data: &[u8]| sign(data).map_err(Error::Signing);
        let mut fields = Fields {
            signature_v2: Some(sign(&signed_data(&data))?),
            data: Some(data),
            ..Fields::default()
        };
        if self.v1 {
            fields.signature_v1 = Some(sign(&[&value, validity.as_slice(), b"EOL"].concat())?);
            fields.value = Some(value);
            fields.validity_type = Some(0);
            fields.validity = Some(validity);
            fields.sequence = Some(self.sequence);
            fields.ttl = Some(ttl as u64);
        }
        // A name that is only a hash of the key does not tell the key.
        if matches!(Name::of(public).public_key(), Err(Error::NoKey)) {
            fields.public_key = Some(public.encode_protobuf());
        }
        Record::decode(fields.encode())
    }
}
