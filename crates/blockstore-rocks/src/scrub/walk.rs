//! Walks the index and the bytes side by side.

use std::time::{Duration, Instant};

use basalt_block::Multihash;
use basalt_blockstore::ScrubEvent;
use bytes::Bytes;
use rocksdb::DBRawIterator;

use super::{Place, Step};
use crate::cf::Cf;
use crate::codec::{Meta, multihash};
use crate::db::{Snap, decode_meta};

/// Rows of one chunk.
const ROWS: usize = 1024;
/// Bytes of blocks after which a chunk ends.
const BYTES: usize = 1 << 20;
/// Time after which a chunk ends: damage may make reading slow.
const LONG: Duration = Duration::from_secs(1);
/// Rows in a row of tables that do not open before the next ones are taken to be like them, and how
/// many those are: each costs milliseconds.
const ALIKE: u32 = 16;
const TAKEN: u32 = 256;

/// One family's iterator, and whether it stopped for damage rather than at the end.
struct Side<'a> {
    cf: Cf,
    iter: DBRawIterator<'a>,
    broken: bool,
    /// Whether the damage was told of.
    told: bool,
    /// Keys to pass by before the family is entered again, and how many it was the last time: a
    /// table that does not open takes milliseconds each time.
    patience: (u32, u32),
}

impl<'a> Side<'a> {
    fn new(snapshot: &'a Snap, cf: Cf, from: &[u8]) -> Self {
        let mut side = Self {
            cf,
            iter: snapshot.iter(cf),
            broken: false,
            told: false,
            patience: (0, 0),
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
            self.enter_again(key);
        }
    }

    fn enter_again(&mut self, key: &[u8]) {
        let (wait, last) = self.patience;
        if wait > 0 {
            self.patience.0 -= 1;
            return;
        }
        self.seek(&after(key));
        let next = if self.broken {
            (2 * last + 1).min(1023)
        } else {
            0
        };
        self.patience = (next, next);
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
    until: Option<&'a [u8]>,
    meta: Side<'a>,
    nodes: Side<'a>,
    data: Side<'a>,
    /// Rows of the index before this key may be unreadable.
    gap: Option<Vec<u8>>,
    steps: Vec<Step>,
    bytes: usize,
    began: Instant,
    /// Why the last rows of the index could not be read, and how many they were.
    unreadable: Option<(String, u32)>,
}

impl<'a> Walk<'a> {
    fn new(place: &'a Place) -> Self {
        let side = |cf| Side::new(&place.snapshot, cf, &place.from);
        let mut walk = Self {
            snapshot: &place.snapshot,
            until: place.until.as_deref(),
            meta: side(Cf::Meta),
            nodes: side(Cf::Nodes),
            data: side(Cf::Data),
            gap: None,
            steps: Vec::new(),
            bytes: 0,
            began: Instant::now(),
            unreadable: None,
        };
        walk.tell_of_tables();
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
            if self.until.is_some_and(|until| key.as_slice() >= until) {
                return (self.steps, None);
            }
            let full = self.steps.len() >= ROWS || self.bytes >= BYTES;
            if full || (!self.steps.is_empty() && self.began.elapsed() > LONG) {
                return (self.steps, Some(key));
            }
            self.visit(&key);
            if self.gap.as_deref() != Some(&END) {
                self.meta.pass(&key);
            }
            self.nodes.pass(&key);
            self.data.pass(&key);
            self.tell_of_tables();
            self.enter_index_again(&after(&key));
        }
    }

    /// Tells once a chunk that a table of bytes is damaged.
    fn tell_of_tables(&mut self) {
        for side in [&mut self.nodes, &mut self.data] {
            if !side.broken || side.told {
                continue;
            }
            if let Err(damage) = side.iter.status()
                && !damage.as_ref().to_ascii_lowercase().contains("blob")
            {
                side.told = true;
                let text = format!("a table of {}: {damage}", side.cf.name());
                self.steps.push(Step::Found(ScrubEvent::Damaged(text)));
            }
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

    fn meta_at(&mut self, key: &[u8]) -> Result<Option<Meta>, String> {
        let decode = |row: &[u8]| decode_meta(key, row).map_err(|e| e.to_string());
        if let Some((at, row)) = self.meta.iter.item()
            && at == key
        {
            return decode(row).map(Some);
        }
        if self.gap.is_none() {
            return Ok(None);
        }
        if let Some((reason, rows)) = &mut self.unreadable
            && (ALIKE..ALIKE + TAKEN).contains(rows)
        {
            *rows += 1;
            return Err(reason.clone());
        }
        match self.snapshot.get(Cf::Meta, key) {
            Ok(row) => {
                self.unreadable = None;
                row.map(|row| decode(&row)).transpose()
            }
            Err(error) => {
                let reason = error.into_string();
                if reason.contains("block_type = Data") {
                    // The table opens; this says nothing of the next rows, and is told soon.
                    return Err(reason);
                }
                let rows = match &self.unreadable {
                    // Once the rows that were taken to be like it are over, it is one more.
                    Some((last, rows)) if *last == reason => (rows + 1).min(ALIKE),
                    _ => 1,
                };
                self.unreadable = Some((reason.clone(), rows));
                Err(reason)
            }
        }
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
            let Some(next) = step.checked_mul(2) else {
                break;
            };
            step = next;
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
