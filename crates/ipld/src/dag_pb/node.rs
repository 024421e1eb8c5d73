use basalt_block::{Cid, varint};
use bytes::Bytes;

use super::{Field, fields};
use crate::Error;

/// A node: links to other blocks, and data whose meaning is the reader's (UnixFS's, usually).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// In the order of the block they were read from.
    pub links: Vec<Link>,
    /// Absent and empty are different bytes.
    pub data: Option<Bytes>,
}

/// A named link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The block that is linked to.
    pub cid: Cid,
    /// The name; most writers use UTF-8, none has to. Absent and empty are different bytes.
    pub name: Option<Bytes>,
    /// The size in bytes of all that the link leads to, as its writer counted.
    pub tsize: Option<u64>,
}

impl Link {
    /// A link with all three fields, as UnixFS writes it.
    pub fn new(cid: Cid, name: impl Into<Bytes>, tsize: u64) -> Self {
        Self {
            cid,
            name: Some(name.into()),
            tsize: Some(tsize),
        }
    }

    /// The name, where absent is empty.
    pub fn name(&self) -> &[u8] {
        self.name.as_deref().unwrap_or_default()
    }

    /// The size of all that the link leads to, where absent is zero.
    pub fn tsize(&self) -> u64 {
        self.tsize.unwrap_or_default()
    }

    fn encoded_len(&self, cid_len: usize) -> usize {
        let field = |len: usize| 1 + varint::len(len as u64) + len;
        field(cid_len)
            + self.name.as_ref().map_or(0, |name| field(name.len()))
            + self.tsize.map_or(0, |tsize| 1 + varint::len(tsize))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let cid_len = self.cid.encoded_len();
        out.push(0x12);
        varint::write(self.encoded_len(cid_len) as u64, out);
        out.push(0x0a);
        varint::write(cid_len as u64, out);
        let written = self.cid.write_bytes(&mut *out);
        debug_assert!(written.is_ok(), "a vector takes every byte");
        if let Some(name) = &self.name {
            out.push(0x12);
            varint::write(name.len() as u64, out);
            out.extend_from_slice(name);
        }
        if let Some(tsize) = self.tsize {
            out.push(0x18);
            varint::write(tsize, out);
        }
    }
}

impl Node {
    /// Reads a node; names and data share the memory of `block`.
    pub fn decode(block: &Bytes) -> Result<Self, Error> {
        let mut node = Self::default();
        for field in fields(block) {
            match field? {
                Field::Data(data) => node.data = Some(block.slice_ref(data)),
                Field::Link(link) => node.links.push(Link {
                    cid: link.cid,
                    name: link.name.map(|name| block.slice_ref(name)),
                    tsize: link.tsize,
                }),
            }
        }
        Ok(node)
    }

    /// Writes the canonical form: links sorted by name, those of equal names in their order here.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        if self.links.is_sorted_by(|a, b| a.name() <= b.name()) {
            self.links.iter().for_each(|link| link.encode(&mut out));
        } else {
            let mut links: Vec<&Link> = self.links.iter().collect();
            links.sort_by(|a, b| a.name().cmp(b.name()));
            links.iter().for_each(|link| link.encode(&mut out));
        }
        if let Some(data) = &self.data {
            out.push(0x0a);
            varint::write(data.len() as u64, &mut out);
            out.extend_from_slice(data);
        }
        out
    }

    /// The length in bytes of what [`encode`](Self::encode) writes.
    pub fn encoded_len(&self) -> usize {
        let field = |len: usize| 1 + varint::len(len as u64) + len;
        let links = self.links.iter();
        links
            .map(|link| field(link.encoded_len(link.cid.encoded_len())))
            .sum::<usize>()
            + self.data.as_ref().map_or(0, |data| field(data.len()))
    }

    /// The first link of this name.
    pub fn link(&self, name: &[u8]) -> Option<&Link> {
        self.links.iter().find(|link| link.name() == name)
    }
}
