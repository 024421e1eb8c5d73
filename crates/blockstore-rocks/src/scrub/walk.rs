//! Walks the index and the bytes side by side.

use basalt_block::Multihash;
use basalt_blockstore::ScrubEvent;
use bytes::Bytes;
use rocksdb::DBRawIterator;

use super::{Place, Step};
use crate::cf::Cf;
use crate::codec::{Meta, multihash};
use crate::db::{Snap, decode_meta};

/// Rows of one chunk.
const ROWS: usize = 4096;
/// Bytes of blocks after which a chunk ends.
const BYTES: usize = 4 << 20;

/// One family's iterator, and whether it stopped for damage rather than at the end.
struct Side<'a> {
    cf: Cf,
    iter: DBRawIterator<'a>,
    broken: bool,
}

impl<'a> Side<'a> {
    fn new(snapshot: &'a Snap, cf: Cf, from: &[u8]) -> Self {
        let mut side = Self {
            cf,
            iter: snapshot.iter(cf),
            broken: false,
        };
        side.seek(from);
        side
    }

    fn seek(&mut self, key: &[u8]) {
        self.iter.seek(key);
        self.broken = !self.iter.valid() && self.iter.status().is_err();
    }

    fn key(&self) -> Option<&[u8]> {
        self.iter.key()
    }

    fn pass(&mut self, key: &[u8]) {
        if self.key() == Some(key) {
            self.iter.next();
            self.broken = !self.iter.valid() && self.iter.status().is_err();
        } else if self.broken {
            self.seek(&after(key));
        }
    }
}

fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// Reads on from `place`; `None` comes with the last chunk.
pub(super) fn chunk(place: Place) -> (Vec<Step>, Option<Place>) {
    let (steps, next) = Walk::new(&place).run();
    let next = next.map(|from| Place { from, ..place });
    (steps, next)
}

struct Walk<'a> {
    snapshot: &'a Snap,
    meta: Side<'a>,
    nodes: Side<'a>,
    data: Side<'a>,
    /// Rows of the index before this key may be unreadable.
    gap: Option<Vec<u8>>,
    steps: Vec<Step>,
    bytes: usize,
}

impl<'a> Walk<'a> {
    fn new(place: &'a Place) -> Self {
        let side = |cf| Side::new(&place.snapshot, cf, &place.from);
        let mut walk = Self {
            snapshot: &place.snapshot,
            meta: side(Cf::Meta),
            nodes: side(Cf::Nodes),
            data: side(Cf::Data),
            gap: None,
            steps: Vec::new(),
            bytes: 0,
        };
        walk.enter_index_again(&place.from);
        walk
    }

    /// The steps, and the key to go on from.
    fn run(mut self) -> (Vec<Step>, Option<Vec<u8>>) {
        loop {
            let keys = [&self.meta, &self.nodes, &self.data].map(Side::key);
            let Some(key) = keys.into_iter().flatten().min().map(<[u8]>::to_vec) else {
                // No index is left; what is left of a broken family nobody asks for.
                return (self.steps, None);
            };
            if self.steps.len() >= ROWS || self.bytes >= BYTES {
                return (self.steps, Some(key));
            }
            self.visit(&key);
            self.meta.pass(&key);
            self.nodes.pass(&key);
            self.data.pass(&key);
            self.enter_index_again(&after(&key));
        }
    }

    fn found(&mut self, event: ScrubEvent) {
        self.steps.push(Step::Found(event));
    }

    fn visit(&mut self, key: &[u8]) {
        let Some(hash) = multihash(key) else {
            let text = format!("a key of the store is no multihash: {key:02x?}");
            return self.found(ScrubEvent::Damaged(text));
        };
        match self.meta_at(key) {
            Ok(Some(meta)) => self.bytes_at(key, hash, meta),
            Ok(None) => {
                let text = "its bytes are there, but the index does not name it";
                self.found(ScrubEvent::Bad(hash, text.into()));
            }
            Err(reason) => {
                let text = format!("its row of the index cannot be read: {reason}");
                self.found(ScrubEvent::Bad(hash, text));
            }
        }
    }

    fn meta_at(&self, key: &[u8]) -> Result<Option<Meta>, String> {
        let decode = |row: &[u8]| decode_meta(key, row).map_err(|e| e.to_string());
        if let Some((at, row)) = self.meta.iter.item()
            && at == key
        {
            return decode(row).map(Some);
        }
        if self.gap.is_none() {
            return Ok(None);
        }
        let row = self.snapshot.get(Cf::Meta, key);
        row.map_err(rocksdb::Error::into_string)?
            .map(|row| decode(&row))
            .transpose()
    }

    fn bytes_at(&mut self, key: &[u8], hash: Multihash, meta: Meta) {
        let side = if meta.is_node() {
            &self.nodes
        } else {
            &self.data
        };
        let data = match side.iter.item() {
            Some((at, data)) if at == key => Ok(Some(Bytes::copy_from_slice(data))),
            _ if side.broken => self
                .snapshot
                .get(side.cf, key)
                .map(|data| data.map(|data| Bytes::copy_from_slice(&data))),
            _ => Ok(None),
        };
        match data {
            Ok(Some(data)) if data.len() as u64 == meta.size => {
                self.bytes += data.len();
                self.steps.push(Step::Check(hash, data));
            }
            Ok(Some(data)) => {
                let (have, want) = (data.len(), meta.size);
                let text = format!("it has {have} bytes, the index says {want}");
                self.found(ScrubEvent::Bad(hash, text));
            }
            Ok(None) => self.found(ScrubEvent::Bad(hash, "its bytes are missing".into())),
            Err(error) => self.found(ScrubEvent::Bad(hash, error.into_string())),
        }
    }

    /// Finds the first readable part of the index behind damage.
    fn enter_index_again(&mut self, from: &[u8]) {
        if let Some(end) = &self.gap
            && from >= end.as_slice()
        {
            self.gap = None;
        }
        if !self.meta.broken || self.gap.is_some() {
            return;
        }
        if let Err(damage) = self.meta.iter.status() {
            let text = format!("a part of the index: {damage}");
            self.found(ScrubEvent::Damaged(text));
        }
        let mut step = 1u128 << 60;
        while let Some(key) = stride(from, step) {
            self.meta.seek(&key);
            if !self.meta.broken {
                let end = self.meta.key().map_or(END.to_vec(), <[u8]>::to_vec);
                self.gap = Some(end);
                return;
            }
            step = step.saturating_mul(2);
        }
        self.gap = Some(END.to_vec());
    }
}

/// Behind every multihash: the code of the hash function is a varint of at most nine bytes.
const END: [u8; 16] = [0xff; 16];

/// The key that is `step` behind `from`, both taken as fractions of 128 bits.
fn stride(from: &[u8], step: u128) -> Option<Vec<u8>> {
    let mut start = [0; 16];
    let len = from.len().min(16);
    start[..len].copy_from_slice(&from[..len]);
    let key = u128::from_be_bytes(start).checked_add(step)?;
    Some(key.to_be_bytes().to_vec())
}
