use std::collections::VecDeque;

use basalt_block::varint;
use bytes::Bytes;

use super::{Entry, Message, Payload, Presence, Version, WantType};

/// Blocks shorter than this are copied into the bytes around them: a write of their own would cost
/// more.
const COPY: usize = 4 << 10;

/// A message as bytes, in pieces so that blocks need not be copied.
#[derive(Debug, Clone, Default)]
pub struct Encoded {
    pub(super) pieces: VecDeque<Bytes>,
    open: Vec<u8>,
    len: usize,
}

impl Encoded {
    /// The next piece to write.
    pub fn front(&self) -> Option<&Bytes> {
        self.pieces.front()
    }

    /// Says that `count` bytes of [`Encoded::front`] were written.
    pub fn advance(&mut self, count: usize) {
        if let Some(front) = self.pieces.front_mut() {
            let _ = front.split_to(count.min(front.len()));
            if front.is_empty() {
                self.pieces.pop_front();
            }
        }
    }

    /// Bytes of the whole message, before any was written.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether all is written.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// All that is left to write, in one piece.
    pub fn concat(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len);
        for piece in &self.pieces {
            out.extend_from_slice(piece);
        }
        out
    }

    fn bytes(&mut self, data: &Bytes) {
        if data.len() < COPY {
            self.open.extend_from_slice(data);
        } else {
            self.close();
            self.pieces.push_back(data.clone());
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let open = std::mem::take(&mut self.open);
            self.pieces.push_back(open.into());
        }
    }
}

pub(super) fn message(message: &Message, version: Version) -> Encoded {
    let old = version <= Version::V1_0;
    let mut wantlist = Vec::new();
    for entry in &message.wants {
        field(1, &entry_bytes(entry), &mut wantlist);
    }
    number(2, u64::from(message.full), &mut wantlist);
    let presences: Vec<Vec<u8>> = if version.has_presence() {
        message.presences.iter().map(presence_bytes).collect()
    } else {
        Vec::new()
    };
    let heads: Vec<Vec<u8>> = message.blocks.iter().map(|b| block_head(b, old)).collect();

    let mut total = nested(wantlist.len());
    total += presences.iter().map(|p| nested(p.len())).sum::<usize>();
    let blocks = message.blocks.iter().zip(&heads);
    total += blocks.map(|(b, h)| h.len() + b.data.len()).sum::<usize>();
    let mut tail = Vec::new();
    if !old {
        number(5, message.pending_bytes as i64 as u64, &mut tail);
    }
    total += tail.len();

    let mut out = Encoded::default();
    varint::write(total as u64, &mut out.open);
    out.len = out.open.len() + total;
    field(1, &wantlist, &mut out.open);
    for (block, head) in message.blocks.iter().zip(heads) {
        out.open.extend_from_slice(&head);
        out.bytes(&block.data);
    }
    for presence in &presences {
        field(4, presence, &mut out.open);
    }
    out.open.extend_from_slice(&tail);
    out.close();
    out
}

/// Bytes of a nested field with a tag of one byte.
fn nested(len: usize) -> usize {
    1 + varint::len(len as u64) + len
}

/// What stands in front of a block's bytes.
fn block_head(block: &Payload, old: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    if !old {
        let prefix = block.prefix.write();
        let inner = nested(prefix.len()) + nested(block.data.len());
        tag(3, 2, &mut out);
        varint::write(inner as u64, &mut out);
        field(1, &prefix, &mut out);
    }
    tag(2, 2, &mut out);
    varint::write(block.data.len() as u64, &mut out);
    out
}

fn entry_bytes(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::with_capacity(52);
    field(1, &entry.cid.to_bytes(), &mut out);
    number(2, entry.priority as i64 as u64, &mut out);
    number(3, u64::from(entry.cancel), &mut out);
    number(4, u64::from(entry.want == WantType::Have), &mut out);
    number(5, u64::from(entry.send_dont_have), &mut out);
    out
}

fn presence_bytes(presence: &Presence) -> Vec<u8> {
    let mut out = Vec::with_capacity(44);
    field(1, &presence.cid.to_bytes(), &mut out);
    number(2, u64::from(!presence.have), &mut out);
    out
}

fn tag(field: u64, kind: u64, out: &mut Vec<u8>) {
    varint::write(field << 3 | kind, out);
}

fn field(number: u64, data: &[u8], out: &mut Vec<u8>) {
    tag(number, 2, out);
    varint::write(data.len() as u64, out);
    out.extend_from_slice(data);
}

/// Zero is what an absent field means.
fn number(field: u64, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        tag(field, 0, out);
        varint::write(value, out);
    }
}
