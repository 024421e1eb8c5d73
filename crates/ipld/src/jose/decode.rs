use basalt_block::decode_cid;

use super::{JWE_FIELDS, RECIPIENT_FIELDS, SIGNATURE_FIELDS, Schema, check_any, map, wrong_kind};
use crate::{Error, Value, base64, cbor};

const JWE: Schema = Schema {
    name: "dagjose.DecodedJWE.Repr",
    fields: JWE_FIELDS,
};
const RECIPIENT: Schema = Schema {
    name: "dagjose.DecodedRecipient.Repr",
    fields: RECIPIENT_FIELDS,
};
const JWS: Schema = Schema {
    name: "dagjose.DecodedJWS.Repr",
    fields: &[("link", false), ("payload", true), ("signatures", false)],
};
const SIGNATURE: Schema = Schema {
    name: "dagjose.DecodedSignature.Repr",
    fields: SIGNATURE_FIELDS,
};

/// Reads a block.
pub(crate) fn decode(data: &[u8]) -> Result<Value, Error> {
    let value = cbor::decode(data, cbor::Dialect::DagCbor)?;
    jwe(&value).or_else(|_| jws(&value))
}

fn jwe(value: &Value) -> Result<Value, Error> {
    let [aad, ciphertext, iv, protected, recipients, tag, unprotected] = JWE.read(value)?;
    let values = [
        aad.map(text).transpose()?,
        ciphertext.map(text).transpose()?,
        iv.map(text).transpose()?,
        protected.map(text).transpose()?,
        recipients.map(|all| list(all, recipient)).transpose()?,
        tag.map(text).transpose()?,
        unprotected.map(any).transpose()?,
    ];
    Ok(map(&JWE, values))
}

fn recipient(value: &Value) -> Result<Value, Error> {
    let [header, key] = RECIPIENT.read(value)?;
    let values = [header.map(any).transpose()?, key.map(text).transpose()?];
    Ok(map(&RECIPIENT, values))
}

fn jws(value: &Value) -> Result<Value, Error> {
    let [link, payload, signatures] = JWS.read(value)?;
    let payload = payload.map(bytes).transpose()?.unwrap_or_default();
    let link = match link {
        Some(link @ Value::Link(_)) => link.clone(),
        Some(other) => return Err(wrong_kind(other, "dagjose.Link", "link")),
        None => Value::Link(decode_cid(&payload)?.into()),
    };
    let values = [
        Some(link),
        Some(base64_text(&payload)),
        signatures.map(|all| list(all, signature)).transpose()?,
    ];
    Ok(map(&JWS, values))
}

fn signature(value: &Value) -> Result<Value, Error> {
    let [header, protected, signature] = SIGNATURE.read(value)?;
    let values = [
        header.map(any).transpose()?,
        protected.map(text).transpose()?,
        signature.map(text).transpose()?,
    ];
    Ok(map(&SIGNATURE, values))
}

fn list(value: &Value, entry: fn(&Value) -> Result<Value, Error>) -> Result<Value, Error> {
    match value {
        Value::List(entries) => entries
            .iter()
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Value::List),
        other => Err(wrong_kind(other, "dagjose.List", "list")),
    }
}

fn any(value: &Value) -> Result<Value, Error> {
    check_any(value)?;
    Ok(value.clone())
}

fn text(value: &Value) -> Result<Value, Error> {
    Ok(base64_text(&bytes(value)?))
}

fn base64_text(bytes: &[u8]) -> Value {
    Value::String(base64::encode_url(bytes).into())
}

/// Bytes, or the text of bytes: Kubo reads both.
fn bytes(value: &Value) -> Result<Vec<u8>, Error> {
    match value {
        Value::Bytes(bytes) => Ok(bytes.clone()),
        Value::String(text) => base64::decode_url(text.as_bytes()).map_err(Error::Misshapen),
        other => Err(wrong_kind(other, "dagjose.Base64Url", "string")),
    }
}
