//! Records as they are read.

use std::time::Duration;

use basalt_block::cid_of_bytes;
use basalt_ipld::{Path, Value, codec, decode};
use bytes::Bytes;

use crate::wire::Fields;
use crate::{Error, MAX_RECORD_SIZE, Moment, Result};

pub(crate) const VALUE: &str = "Value";
pub(crate) const VALIDITY: &str = "Validity";
pub(crate) const VALIDITY_TYPE: &str = "ValidityType";
pub(crate) const SEQUENCE: &str = "Sequence";
pub(crate) const TTL: &str = "TTL";

/// The only known way of being valid: until a moment.
const UNTIL: i64 = 0;

/// The path of nothing, for records whose value is empty.
const NOTHING: &[u8] = b"/ipfs/bafkqaaa";

/// What a record is signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureType {
    /// Readers of today, and those before 2021.
    V1AndV2,
    /// Readers of today.
    V2,
}

impl SignatureType {
    /// How it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1AndV2 => "V1+V2",
            Self::V2 => "V2",
        }
    }
}

/// A record that could be read. Whether it is valid is another question:
/// [`Record::validate`].
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub(crate) fields: Fields,
    pub(crate) data: Value,
    bytes: Bytes,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::RecordSize`], [`Error::Malformed`].
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self> {
        let bytes = bytes.into();
        if bytes.len() > MAX_RECORD_SIZE {
            return Err(Error::RecordSize);
        }
        let fields = Fields::decode(&bytes)?;
        let Some(data) = fields.data.as_deref().filter(|data| !data.is_empty()) else {
            return Err(Error::Malformed(
                "record is missing the dag-cbor data field".to_owned(),
            ));
        };
        let data = decode(codec::DAG_CBOR, data).map_err(|e| Error::Malformed(e.to_string()))?;
        if !matches!(data, Value::Map(_)) {
            return Err(Error::Malformed(format!(
                "the data is a {} and not a map",
                data.kind()
            )));
        }
        Ok(Self {
            fields,
            data,
            bytes,
        })
    }

    /// The record as it was read or made.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many bytes the record has when it is written in the usual way.
    pub fn size(&self) -> usize {
        self.fields.encode().len()
    }

    /// What the record is signed for.
    pub fn signature_type(&self) -> SignatureType {
        let present = |field: &Option<Vec<u8>>| field.as_ref().is_some_and(|f| !f.is_empty());
        match present(&self.fields.signature_v1) || present(&self.fields.value) {
            true => SignatureType::V1AndV2,
            false => SignatureType::V2,
        }
    }

    /// What the name means.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] when the value is neither a path nor a CID; [`Error::Malformed`].
    pub fn value(&self) -> Result<Path> {
        let value = match self.bytes_of(VALUE)? {
            [] => NOTHING,
            value => value,
        };
        if value[0] == b'/' {
            return Path::parse(value).map_err(|e| Error::InvalidPath(e.to_string()));
        }
        // Some writers save the bytes of the text.
        cid_of_bytes(value)
            .map(Path::from_cid)
            .map_err(Error::InvalidPath)
    }

    /// In which way the record is valid; 0 is "until a moment".
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn validity_type(&self) -> Result<i64> {
        self.int_of(VALIDITY_TYPE)
    }

    /// Until when the record is valid.
    ///
    /// # Errors
    /// [`Error::UnrecognizedValidity`], [`Error::InvalidValidity`], [`Error::Malformed`].
    pub fn validity(&self) -> Result<Moment> {
        if self.validity_type()? != UNTIL {
            return Err(Error::UnrecognizedValidity);
        }
        let text = self.bytes_of(VALIDITY)?;
        String::from_utf8_lossy(text)
            .parse()
            .map_err(Error::InvalidValidity)
    }

    /// Counts the changes of the name's value.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn sequence(&self) -> Result<u64> {
        // Large numbers are written as if they were signed.
        self.int_of(SEQUENCE).map(|number| number as u64)
    }

    /// For how many nanoseconds the record may be taken from a cache.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn ttl(&self) -> Result<i64> {
        self.int_of(TTL)
    }

    /// For how long an answer made of the record may be kept: what it says, but not past its end,
    /// and a minute where it says nothing.
    pub fn kept_for(&self) -> Duration {
        const UNSAID: Duration = Duration::from_secs(60);
        let said = self.ttl().map(|nanos| u64::try_from(nanos).unwrap_or(0));
        let ttl = said.map_or(UNSAID, Duration::from_nanos);
        match self.validity() {
            Ok(end) => ttl.min(end.since(Moment::now())),
            Err(_) => ttl,
        }
    }

    pub(crate) fn bytes_of(&self, name: &'static str) -> Result<&[u8]> {
        self.bytes_field(name).map_err(Error::Malformed)
    }

    fn int_of(&self, name: &'static str) -> Result<i64> {
        self.int_field(name).map_err(Error::Malformed)
    }

    pub(crate) fn bytes_field(&self, name: &'static str) -> Result<&[u8], String> {
        match self.field(name)? {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(wrong_kind("AsBytes", other, "bytes")),
        }
    }

    pub(crate) fn int_field(&self, name: &'static str) -> Result<i64, String> {
        match self.field(name)? {
            Value::Int(number) => i64::try_from(*number)
                .map_err(|_| "unsigned integer out of range of int64 type".to_owned()),
            other => Err(wrong_kind("AsInt", other, "int")),
        }
    }

    fn field(&self, name: &'static str) -> Result<&Value, String> {
        self.data
            .get(name)
            .ok_or_else(|| format!("key not found: {name:?}"))
    }
}

fn wrong_kind(method: &str, value: &Value, wanted: &str) -> String {
    let kind = value.kind();
    format!(
        "func called on wrong kind: {method:?} called on a {kind} node (kind: {kind}), but only \
         makes sense on {wanted}"
    )
}
