use super::{Dialect, LINK_TAG};
use crate::{
    Error, Value,
    value::{Event, Order, visit},
};

const UINT: u8 = 0;
const NINT: u8 = 1 << 5;
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const LIST: u8 = 4 << 5;
const MAP: u8 = 5 << 5;
const TAG: u8 = 6 << 5;

pub(crate) fn encode(value: &Value, dialect: Dialect) -> Result<Vec<u8>, Error> {
    let order = match dialect {
        Dialect::DagCbor => Order::ByLengthThenName,
        Dialect::Cbor => Order::AsIs,
    };
    let mut out = Vec::new();
    visit(value, order, |event| {
        match event {
            Event::Scalar(value) => scalar(value, dialect, &mut out)?,
            Event::Open(Value::List(list)) => head(LIST, list.len() as u64, &mut out),
            Event::Open(Value::Map(map)) => head(MAP, map.len() as u64, &mut out),
            Event::Entry {
                name: Some(name), ..
            } => string(TEXT, name.as_bytes(), &mut out),
            Event::Open(_) | Event::Entry { .. } | Event::Close(_) => {}
        }
        Ok::<(), Error>(())
    })?;
    Ok(out)
}

fn scalar(value: &Value, dialect: Dialect, out: &mut Vec<u8>) -> Result<(), Error> {
    match value {
        Value::Bool(value) => out.push(0xf4 + u8::from(*value)),
        Value::Int(value) => {
            if let Ok(value) = u64::try_from(*value) {
                head(UINT, value, out);
            } else if let Ok(value) = i64::try_from(*value) {
                head(NINT, !value as u64, out);
            } else {
                return Err(Error::IntOutOfRange(*value));
            }
        }
        Value::Float(value) => {
            out.push(0xfb);
            out.extend_from_slice(&value.to_be_bytes());
        }
        Value::String(text) => string(TEXT, text.as_bytes(), out),
        Value::Bytes(bytes) => string(BYTES, bytes, out),
        Value::Link(_) if dialect == Dialect::Cbor => {
            return Err(Error::Unencodable("cannot Marshal ipld links to CBOR"));
        }
        Value::Link(cid) => {
            head(TAG, LINK_TAG, out);
            head(BYTES, cid.encoded_len() as u64 + 1, out);
            out.push(0);
            out.extend_from_slice(&cid.to_bytes());
        }
        Value::Null | Value::List(_) | Value::Map(_) => out.push(0xf6),
    }
    Ok(())
}

fn string(major: u8, bytes: &[u8], out: &mut Vec<u8>) {
    head(major, bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn head(major: u8, value: u64, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let (minor, from) = match value {
        ..24 => {
            out.push(major | value as u8);
            return;
        }
        24..0x100 => (24, 7),
        0x100..0x1_0000 => (25, 6),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 0),
    };
    out.push(major | minor);
    out.extend_from_slice(&bytes[from..]);
}
