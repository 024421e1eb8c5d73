//! A JOSE object, in its general or its flattened form, as a block.

use basalt_block::parse_cid;

use super::{JWE_FIELDS, RECIPIENT_FIELDS, SIGNATURE_FIELDS, Schema, check_any, map, wrong_kind};
use crate::{Error, Text, Value, base64, cbor};

const JWE: Schema = Schema {
    name: "dagjose.EncodedJWE.Repr",
    fields: JWE_FIELDS,
};
const RECIPIENT: Schema = Schema {
    name: "dagjose.EncodedRecipient.Repr",
    fields: RECIPIENT_FIELDS,
};
const JWS: Schema = Schema {
    name: "dagjose.EncodedJWS.Repr",
    fields: &[("payload", true), ("signatures", false)],
};
const SIGNATURE: Schema = Schema {
    name: "dagjose.EncodedSignature.Repr",
    fields: SIGNATURE_FIELDS,
};

/// Writes an object. Fields that JOSE does not have are dropped at the top, `link` among them, and
/// refused below it.
pub(crate) fn encode(value: &Value) -> Result<Vec<u8>, Error> {
    if !matches!(value, Value::Map(_)) {
        return Err(wrong_use(value, "LookupByString", "map"));
    }
    let object = if let Some(ciphertext) = value.get("ciphertext") {
        jwe(value, ciphertext)?
    } else if let Some(payload) = value.get("payload") {
        jws(value, payload)?
    } else {
        return Err(Error::Unencodable("invalid JOSE object"));
    };
    cbor::encode(&object, cbor::Dialect::DagCbor)
}

fn jwe(value: &Value, ciphertext: &Value) -> Result<Value, Error> {
    string(ciphertext)?;
    let recipients = match value.get("recipients") {
        None => {
            let mut entry = Vec::new();
            if let Some(key) = value.get("encrypted_key") {
                string(key)?;
                entry.push(("encrypted_key".into(), key.clone()));
            }
            if let Some(header) = value.get("header") {
                entry.push(("header".into(), header_map(header)?));
            }
            vec![Value::Map(entry)]
        }
        Some(recipients) => {
            if value.get("encrypted_key").or(value.get("header")).is_some() {
                return Err(Error::Unencodable("invalid JWE serialization"));
            }
            list_of_maps(recipients)?
        }
    };
    // Nothing in the first one is taken for no recipients, as in Kubo.
    let recipients = match recipients.first() {
        None => {
            return Err(Error::Unencodable(
                "invalid JWE serialization: no recipients",
            ));
        }
        Some(Value::Map(first)) if first.is_empty() => None,
        Some(_) => Some(recipients.iter().map(recipient).collect::<Result<_, _>>()?),
    };
    let binary = |name: &str| -> Result<Option<Value>, Error> {
        value.get(name).map(|text| bytes(string(text)?)).transpose()
    };
    let unprotected = value.get("unprotected").map(header_map).transpose()?;
    if let Some(unprotected) = &unprotected {
        check_any(unprotected)?;
    }
    let values = [
        binary("aad")?,
        binary("ciphertext")?,
        binary("iv")?,
        binary("protected")?,
        recipients.map(Value::List),
        binary("tag")?,
        unprotected,
    ];
    Ok(map(&JWE, values))
}

fn recipient(value: &Value) -> Result<Value, Error> {
    let [header, key] = RECIPIENT.read(value)?;
    let values = [header.map(any).transpose()?, key.map(raw).transpose()?];
    Ok(map(&RECIPIENT, values))
}

fn jws(value: &Value, payload: &Value) -> Result<Value, Error> {
    let text = string(payload)?;
    let multibase = format!("u{}", String::from_utf8_lossy(text));
    parse_cid(&multibase)
        .map_err(|e| Error::Misshapen(format!("payload is not a valid CID: {e}")))?;
    const OF_ONE: [&str; 3] = ["header", "protected", "signature"];
    let signatures = match value.get("signatures") {
        None => {
            let mut entry = Vec::new();
            for name in OF_ONE {
                let Some(part) = value.get(name) else {
                    continue;
                };
                let part = match name {
                    "header" => header_map(part)?,
                    _ => string(part).map(|_| part.clone())?,
                };
                entry.push((Text::from(name), part));
            }
            vec![Value::Map(entry)]
        }
        Some(signatures) => {
            if OF_ONE.iter().any(|name| value.get(name).is_some()) {
                return Err(Error::Unencodable("invalid JWS serialization"));
            }
            list_of_maps(signatures)?
        }
    };
    let signatures = signatures.iter().map(signature).collect::<Result<_, _>>()?;
    Ok(map(
        &JWS,
        [Some(bytes(text)?), Some(Value::List(signatures))],
    ))
}

fn signature(value: &Value) -> Result<Value, Error> {
    let [header, protected, signature] = SIGNATURE.read(value)?;
    let values = [
        header.map(any).transpose()?,
        protected.map(raw).transpose()?,
        signature.map(raw).transpose()?,
    ];
    Ok(map(&SIGNATURE, values))
}

/// A header, by way of JSON.
fn header_map(value: &Value) -> Result<Value, Error> {
    match value {
        Value::Map(_) => by_json(value),
        other => Err(not_a_map(other)),
    }
}

fn list_of_maps(value: &Value) -> Result<Vec<Value>, Error> {
    let Value::List(entries) = value else {
        return Err(Error::Misshapen(format!(
            "json: cannot unmarshal {} into Go value of type []map[string]interface {{}}",
            json_kind(value)
        )));
    };
    entries.iter().map(header_map).collect()
}

fn not_a_map(value: &Value) -> Error {
    Error::Misshapen(format!(
        "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
        json_kind(value)
    ))
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Int(_) | Value::Float(_) => "number",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        other => other.kind(),
    }
}

fn any(value: &Value) -> Result<Value, Error> {
    check_any(value)?;
    Ok(value.clone())
}

fn raw(value: &Value) -> Result<Value, Error> {
    match value {
        Value::String(text) => bytes(text.as_bytes()),
        other => Err(wrong_kind(other, "dagjose.Raw", "bytes")),
    }
}

fn bytes(text: &[u8]) -> Result<Value, Error> {
    base64::decode_url(text)
        .map(Value::Bytes)
        .map_err(Error::Misshapen)
}

fn string(value: &Value) -> Result<&[u8], Error> {
    match value {
        Value::String(text) => Ok(text.as_bytes()),
        value => Err(wrong_use(value, "AsString", "string")),
    }
}

fn wrong_use(value: &Value, method: &'static str, wanted: &'static str) -> Error {
    Error::WrongKind {
        method,
        node: value.kind().to_owned(),
        kind: value.kind(),
        wanted,
    }
}

/// What becomes of a value that goes through Go's JSON, as headers do in Kubo: numbers are of 64 bits
/// with a point, and whole ones of up to six digits are integers again; what is not UTF-8 is replaced. Links and bytes do
/// not pass.
fn by_json(value: &Value) -> Result<Value, Error> {
    let mut value = value.clone();
    let mut open = vec![&mut value];
    while let Some(value) = open.pop() {
        match value {
            Value::Int(int) => *value = number(*int as f64),
            Value::Float(float) => *value = number(*float),
            Value::String(text) => *text = replaced(text),
            Value::List(list) => open.extend(list),
            Value::Map(entries) => {
                for (name, value) in entries {
                    *name = replaced(name);
                    open.push(value);
                }
            }
            Value::Null | Value::Bool(_) => {}
            Value::Link(_) => {
                return Err(Error::Unencodable(
                    "cannot marshal IPLD links to this codec",
                ));
            }
            Value::Bytes(_) => {
                return Err(Error::Unencodable(
                    "cannot marshal IPLD bytes to this codec",
                ));
            }
        }
    }
    Ok(value)
}

fn number(float: f64) -> Value {
    // Longer ones are written with an exponent.
    match float.fract() == 0.0 && float.abs() < 1e6 {
        true => Value::Int(float as i128),
        false => Value::Float(float),
    }
}

fn replaced(text: &Text) -> Text {
    let mut out = Vec::with_capacity(text.as_bytes().len());
    for chunk in text.as_bytes().utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.into()
}
