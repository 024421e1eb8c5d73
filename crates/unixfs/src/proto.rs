//! The protobuf message inside dag-pb nodes: <https://specs.ipfs.tech/unixfs/#data>.

mod wire;

use basalt_block::varint;
use bytes::Bytes;

use crate::{Mtime, Stat};
use wire::{Reader, Value};

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A leaf with bytes of a file.
    Raw,
    /// A directory whose entries are the node's links.
    Directory,
    /// A file, or a part of one.
    File,
    /// A MIME type beside a file; of old times.
    Metadata,
    /// A symlink, whose target is the data.
    Symlink,
    /// A directory in many blocks.
    HamtShard,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Raw,
        Self::Directory,
        Self::File,
        Self::Metadata,
        Self::Symlink,
        Self::HamtShard,
    ];

    /// The name in the specification.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "Raw",
            Self::Directory => "Directory",
            Self::File => "File",
            Self::Metadata => "Metadata",
            Self::Symlink => "Symlink",
            Self::HamtShard => "HAMTShard",
        }
    }

    /// Whether it is a directory, in one block or many.
    pub fn is_directory(self) -> bool {
        matches!(self, Self::Directory | Self::HamtShard)
    }
}

/// A message. Absent and zero are different bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// What the node is.
    pub kind: Kind,
    /// A leaf's bytes, a symlink's target, a shard's bit field.
    pub data: Option<Bytes>,
    /// How many bytes of the file the node leads to.
    pub file_size: Option<u64>,
    /// The same for each link, in their order.
    pub block_sizes: Vec<u64>,
    /// The hash function of a shard.
    pub hash_type: Option<u64>,
    /// How many slots a shard has.
    pub fanout: Option<u64>,
    /// Mode as stored: the upper 20 bits are reserved.
    pub mode: Option<u32>,
    /// Modification time.
    pub mtime: Option<Mtime>,
}

/// Why bytes are no UnixFS message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are no protobuf.
    #[error("proto: cannot parse invalid wire-format data")]
    Wire,
    /// The type is absent or unknown.
    #[error("proto: required field \"Type\" not set")]
    NoType,
    /// A modification time without seconds.
    #[error("proto: required field \"seconds\" not set")]
    NoSeconds,
}

impl Data {
    /// A message with nothing but its kind.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            data: None,
            file_size: None,
            block_sizes: Vec::new(),
            hash_type: None,
            fanout: None,
            mode: None,
            mtime: None,
        }
    }

    /// A directory in one block.
    pub fn directory(stat: Stat) -> Self {
        Self {
            mode: stat.mode.map(|m| m & 0xfff),
            mtime: stat.mtime,
            ..Self::new(Kind::Directory)
        }
    }

    /// A symlink; of its stat, the modification time only is kept.
    pub fn symlink(target: impl Into<Bytes>, stat: Stat) -> Self {
        Self {
            data: Some(target.into()),
            mtime: stat.mtime,
            ..Self::new(Kind::Symlink)
        }
    }

    /// The mode and modification time, as far as they are sound. A mode of zero is none.
    pub fn stat(&self) -> Stat {
        Stat {
            mode: self.mode.map(|m| m & 0xfff).filter(|m| *m != 0),
            mtime: self.mtime.filter(|t| t.nanos < 1_000_000_000),
        }
    }

    /// Sets what a file keeps beside its content. A mode without any bit is not kept.
    pub fn set_stat(&mut self, stat: Stat) {
        let mode = self.mode.unwrap_or(0) & !0xfff | stat.mode.unwrap_or(0) & 0xfff;
        self.mode = (mode != 0).then_some(mode);
        self.mtime = stat.mtime;
    }

    /// How many bytes a reader gets: of files their size, of symlinks the length of the target.
    pub fn size(&self) -> u64 {
        match self.kind {
            Kind::File | Kind::Raw => self.file_size.unwrap_or(0),
            Kind::Symlink => self.data.as_ref().map_or(0, |d| d.len() as u64),
            _ => 0,
        }
    }

    /// Reads a message; the data shares the memory of `bytes`. Unknown fields are passed over, of
    /// fields that come twice the last counts.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut kind = None;
        let mut out = Self::new(Kind::Raw);
        let mut reader = Reader::new(bytes);
        while let Some((field, value)) = reader.next()? {
            match (field, value) {
                (1, Value::Varint(v)) => {
                    // An unknown type counts as an unknown field.
                    let known = Kind::ALL.iter().position(|k| *k as u64 == v);
                    kind = known.map(|at| Kind::ALL[at]).or(kind);
                }
                (2, Value::Bytes(v)) => out.data = Some(bytes.slice_ref(v)),
                (3, Value::Varint(v)) => out.file_size = Some(v),
                (4, Value::Varint(v)) => out.block_sizes.push(v),
                (4, Value::Bytes(packed)) => {
                    let mut packed = Reader::new(packed);
                    while !packed.is_empty() {
                        out.block_sizes.push(packed.varint()?);
                    }
                }
                (5, Value::Varint(v)) => out.hash_type = Some(v),
                (6, Value::Varint(v)) => out.fanout = Some(v),
                (7, Value::Varint(v)) => out.mode = Some(v as u32),
                (8, Value::Bytes(v)) => out.mtime = Some(mtime(v, out.mtime)?),
                _ => {}
            }
        }
        out.kind = kind.ok_or(DecodeError::NoType)?;
        Ok(out)
    }

    /// Writes the message with its fields in the order of their numbers.
    pub fn encode(&self) -> Vec<u8> {
        let data_len = self.data.as_ref().map_or(0, |d| d.len() + 6);
        let mut out = Vec::with_capacity(64 + data_len + 6 * self.block_sizes.len());
        let data_field = self.data.as_deref();
        encode_head(&mut out, self.kind, data_field);
        if let Some(size) = self.file_size {
            wire::varint_field(3, size, &mut out);
        }
        for size in &self.block_sizes {
            wire::varint_field(4, *size, &mut out);
        }
        if let Some(hash) = self.hash_type {
            wire::varint_field(5, hash, &mut out);
        }
        if let Some(fanout) = self.fanout {
            wire::varint_field(6, fanout, &mut out);
        }
        if let Some(mode) = self.mode {
            wire::varint_field(7, mode.into(), &mut out);
        }
        if let Some(mtime) = self.mtime {
            let mut inner = Vec::with_capacity(16);
            wire::varint_field(1, mtime.seconds as u64, &mut inner);
            if mtime.nanos > 0 {
                inner.push(2 << 3 | 5);
                inner.extend_from_slice(&mtime.nanos.to_le_bytes());
            }
            wire::bytes_field(8, &inner, &mut out);
        }
        out
    }
}

fn encode_head(out: &mut Vec<u8>, kind: Kind, data: Option<&[u8]>) {
    wire::varint_field(1, kind as u64, out);
    if let Some(data) = data {
        wire::bytes_field(2, data, out);
    }
}

fn mtime(bytes: &[u8], before: Option<Mtime>) -> Result<Mtime, DecodeError> {
    let (mut seconds, mut nanos) = (before.map(|t| t.seconds), before.map_or(0, |t| t.nanos));
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.next()? {
        match field {
            (1, Value::Varint(v)) => seconds = Some(v as i64),
            (2, Value::Fixed32(v)) => nanos = v,
            _ => {}
        }
    }
    let seconds = seconds.ok_or(DecodeError::NoSeconds)?;
    Ok(Mtime { seconds, nanos })
}

/// A dag-pb leaf with `chunk` as a file's bytes: the whole block, in one allocation.
pub(crate) fn leaf_block(kind: Kind, chunk: &[u8]) -> Vec<u8> {
    let len = chunk.len() as u64;
    // Type, data and file size.
    let data_field = if chunk.is_empty() {
        0
    } else {
        1 + varint::len(len) + chunk.len()
    };
    let inner = 2 + data_field + 1 + varint::len(len);
    let mut out = Vec::with_capacity(1 + varint::len(inner as u64) + inner);
    out.push(1 << 3 | 2);
    varint::write(inner as u64, &mut out);
    encode_head(&mut out, kind, (!chunk.is_empty()).then_some(chunk));
    wire::varint_field(3, len, &mut out);
    out
}

/// The length that `directory` with this stat has as the data field of a node.
pub(crate) fn directory_field_len(stat: Stat) -> usize {
    field_len(Data::directory(stat).encode().len())
}

/// The length of a length-delimited field with a one-byte tag.
pub(crate) fn field_len(len: usize) -> usize {
    1 + varint::len(len as u64) + len
}

#[cfg(test)]
mod tests;
