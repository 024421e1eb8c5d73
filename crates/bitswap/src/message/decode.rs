use basalt_block::{Cid, decode_cid};
use bytes::Bytes;

use super::fields::{self, Value};
use super::{Entry, MAX_ENTRIES, Malformed, Message, Payload, Prefix, Presence, WantType};

/// CIDs longer than this are not looked at (Kubo's `MaximumAllowedCid`).
const MAX_CID: usize = 168;
/// A block that is a smaller part of its message is copied, so that keeping it does not keep the
/// whole message in memory.
const SHARE: usize = 4;

pub(super) fn message(frame: &Bytes) -> Result<Message, Malformed> {
    let mut message = Message::default();
    fields::each(frame, |field, value| {
        match field {
            1 => wantlist(value.bytes()?, &mut message)?,
            2 => message.blocks.push(Payload {
                prefix: Prefix::V0,
                data: part(frame, value.bytes()?),
            }),
            3 => message.blocks.push(payload(frame, value.bytes()?)?),
            4 => {
                let presence = presence(value.bytes()?)?;
                if message.presences.len() < MAX_ENTRIES {
                    message.presences.extend(presence);
                }
            }
            5 => message.pending_bytes = int32(value)?,
            _ => {}
        }
        if message.blocks.len() > MAX_ENTRIES {
            return Err(Malformed(format!("more than {MAX_ENTRIES} blocks")));
        }
        Ok(())
    })?;
    Ok(message)
}

fn part(frame: &Bytes, data: &[u8]) -> Bytes {
    if data.len() * SHARE >= frame.len() {
        frame.slice_ref(data)
    } else {
        Bytes::copy_from_slice(data)
    }
}

fn wantlist(data: &[u8], message: &mut Message) -> Result<(), Malformed> {
    fields::each(data, |field, value| {
        match field {
            1 => {
                let entry = entry(value.bytes()?)?;
                if message.wants.len() < MAX_ENTRIES {
                    message.wants.extend(entry);
                }
            }
            2 => message.full = value.number()? != 0,
            _ => {}
        }
        Ok(())
    })
}

fn entry(data: &[u8]) -> Result<Option<Entry>, Malformed> {
    let mut name: &[u8] = &[];
    let mut priority = 0;
    let (mut cancel, mut send_dont_have) = (false, false);
    let mut want = WantType::Block;
    fields::each(data, |field, value| {
        match field {
            1 => name = value.bytes()?,
            2 => priority = int32(value)?,
            3 => cancel = value.number()? != 0,
            4 => {
                want = match value.number()? {
                    1 => WantType::Have,
                    _ => WantType::Block,
                }
            }
            5 => send_dont_have = value.number()? != 0,
            _ => {}
        }
        Ok(())
    })?;
    Ok(cid(name)?.map(|cid| Entry {
        cid,
        priority,
        cancel,
        want,
        send_dont_have,
    }))
}

fn payload(frame: &Bytes, data: &[u8]) -> Result<Payload, Malformed> {
    let mut prefix: &[u8] = &[];
    let mut bytes: &[u8] = &[];
    fields::each(data, |field, value| {
        match field {
            1 => prefix = value.bytes()?,
            2 => bytes = value.bytes()?,
            _ => {}
        }
        Ok(())
    })?;
    let data = if bytes.is_empty() {
        Bytes::new()
    } else {
        part(frame, bytes)
    };
    Ok(Payload {
        prefix: Prefix::read(prefix)?,
        data,
    })
}

fn presence(data: &[u8]) -> Result<Option<Presence>, Malformed> {
    let mut name: &[u8] = &[];
    let mut have = true;
    fields::each(data, |field, value| {
        match field {
            1 => name = value.bytes()?,
            2 => have = value.number()? == 0,
            _ => {}
        }
        Ok(())
    })?;
    Ok(cid(name)?.map(|cid| Presence { cid, have }))
}

/// The CID; `None` when its digest is longer than those in use.
fn cid(data: &[u8]) -> Result<Option<Cid>, Malformed> {
    if data.is_empty() {
        return Err(Malformed("missing cid".into()));
    }
    if data.len() > MAX_CID {
        return Ok(None);
    }
    match decode_cid(data) {
        Ok(cid) => Ok(Some(cid)),
        Err(_) if data.len() > basalt_block::MAX_DIGEST => Ok(None),
        Err(error) => Err(Malformed(error.to_string())),
    }
}

/// Negative numbers are written with ten bytes.
fn int32(value: Value<'_>) -> Result<i32, Malformed> {
    Ok(value.number()? as i32)
}
