//! libp2p's protobuf message of a private key, with the errors of Go's reader.

use libp2p_identity::{KeyType, Keypair};

/// The field of the type, a varint, and that of the data, bytes.
const TYPE: u64 = 1 << 3;
const DATA: u64 = 2 << 3 | 2;

const WIRE: &str = "proto: cannot parse invalid wire-format data";
pub(super) const BAD_TYPE: &str = "invalid or unsupported key type";

/// The message of a key of type `kind`.
pub(super) fn write(kind: KeyType, data: &[u8]) -> Vec<u8> {
    let number = match kind {
        KeyType::RSA => 0,
        KeyType::Ed25519 => 1,
        KeyType::Secp256k1 => 2,
        KeyType::Ecdsa => 3,
    };
    let mut message = Vec::with_capacity(data.len() + 8);
    message.extend([TYPE as u8, number, DATA as u8]);
    push_varint(&mut message, data.len());
    message.extend(data);
    message
}

/// The type and the data in a message. Other fields are passed over; of several, the last counts.
pub(super) fn read(mut message: &[u8]) -> Result<(KeyType, &[u8]), String> {
    let (mut kind, mut data) = (None, None);
    while !message.is_empty() {
        match take_varint(&mut message)? {
            TYPE => kind = Some(take_varint(&mut message)?),
            DATA => data = Some(take_bytes(&mut message)?),
            tag => skip(tag, &mut message)?,
        }
    }
    let missing = |field| format!("proto: required field crypto.pb.PrivateKey.{field} not set");
    let kind = kind.ok_or_else(|| missing("Type"))?;
    let data = data.ok_or_else(|| missing("Data"))?;
    // An enum has 32 bits.
    let kind = match kind as u32 {
        0 => KeyType::RSA,
        1 => KeyType::Ed25519,
        2 => KeyType::Secp256k1,
        3 => KeyType::Ecdsa,
        _ => return Err(BAD_TYPE.to_owned()),
    };
    Ok((kind, data))
}

/// Reads what is in a message of a key that is not RSA.
pub(super) fn pair(kind: KeyType, data: &[u8]) -> Result<Keypair, String> {
    let mut data = data;
    match kind {
        KeyType::Ed25519 => {
            // An old form repeats the public key.
            if data.len() == 96 {
                if data[32..64] != data[64..] {
                    return Err("expected redundant ed25519 public key to be redundant".to_owned());
                }
                data = &data[..64];
            }
            if data.len() != 64 {
                let got = data.len();
                return Err(format!(
                    "expected ed25519 data size to be 64 or 96, got {got}"
                ));
            }
        }
        KeyType::Secp256k1 if data.len() != 32 => {
            return Err("expected secp256k1 data size to be 32".to_owned());
        }
        _ => {}
    }
    Keypair::from_protobuf_encoding(&write(kind, data)).map_err(reason)
}

/// An error with what caused it.
pub(super) fn reason(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn push_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(input: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0_u64;
    for at in 0..10 {
        let byte = *input.get(at).ok_or(WIRE)?;
        if at == 9 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *input = &input[at + 1..];
            return Ok(value);
        }
    }
    Err(WIRE.to_owned())
}

fn take_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let length = usize::try_from(take_varint(input)?).map_err(|_| WIRE)?;
    take(input, length)
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (taken, rest) = input.split_at_checked(length).ok_or(WIRE)?;
    *input = rest;
    Ok(taken)
}

/// Passes over a field that nobody knows. Groups are not followed: no writer of keys makes any.
fn skip(tag: u64, input: &mut &[u8]) -> Result<(), String> {
    // Field numbers have 29 bits and begin at 1.
    if tag >> 3 == 0 || tag >> 3 >= 1 << 29 {
        return Err(WIRE.to_owned());
    }
    match tag & 7 {
        0 => take_varint(input).map(drop),
        1 => take(input, 8).map(drop),
        2 => take_bytes(input).map(drop),
        5 => take(input, 4).map(drop),
        _ => Err(WIRE.to_owned()),
    }
}
