//! Blocks to values and back, by codec.

use crate::{Error, Value, cbor, codec, dag_pb, git, jose, json};

/// Reads `data` as a value of the data model.
///
/// Depth is limited to 1024, and what is held in memory to a small multiple of `data`. Fails for
/// codecs that are not [decodable](codec::is_decodable) here.
pub fn decode(code: u64, data: &[u8]) -> Result<Value, Error> {
    match code {
        codec::RAW => Ok(Value::Bytes(data.to_vec())),
        codec::DAG_PB => dag_pb::value::decode(data),
        codec::DAG_CBOR => cbor::decode(data, cbor::Dialect::DagCbor),
        codec::CBOR => cbor::decode(data, cbor::Dialect::Cbor),
        codec::DAG_JSON => json::decode(data, json::Dialect::DagJson),
        codec::JSON => json::decode(data, json::Dialect::Json),
        codec::GIT_RAW => git::decode(data),
        codec::GIT_RAW_ZLIB => git::decode_zlib(data),
        codec::DAG_JOSE => jose::decode(data),
        _ => Err(Error::NoDecoder(code)),
    }
}

/// Reads a block as a value, the way paths lead through it and `dag get` shows it.
///
/// This is [`decode`], except that dag-pb follows its schema: `Links` before `Data`, and what is
/// absent is null.
pub fn decode_block(code: u64, block: &[u8]) -> Result<Value, Error> {
    match code {
        codec::DAG_PB => dag_pb::value::decode_by_schema(block),
        _ if codec::is_decodable(code) => decode(code, block),
        _ => Err(Error::UnknownBlock(code)),
    }
}

/// Writes a value in the codec's one form. Fails for values that the codec cannot express.
pub fn encode(code: u64, value: &Value) -> Result<Vec<u8>, Error> {
    match code {
        codec::RAW => match value {
            Value::Bytes(bytes) => Ok(bytes.clone()),
            value => Err(Error::WrongKind {
                method: "AsBytes",
                node: value.kind().to_owned(),
                kind: value.kind(),
                wanted: "bytes",
            }),
        },
        codec::DAG_PB => dag_pb::value::encode(value),
        codec::DAG_CBOR => cbor::encode(value, cbor::Dialect::DagCbor),
        codec::CBOR => cbor::encode(value, cbor::Dialect::Cbor),
        codec::DAG_JSON => json::encode(value, json::Dialect::DagJson),
        codec::JSON => json::encode(value, json::Dialect::Json),
        codec::GIT_RAW => git::encode(value),
        codec::DAG_JOSE => jose::encode(value),
        _ => Err(Error::NoEncoder(code)),
    }
}
