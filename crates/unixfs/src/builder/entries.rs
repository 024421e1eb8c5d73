//! The entries of one directory, in little memory; what does not fit waits in a file without name.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
};

use basalt_block::Cid;

use super::SizeEstimation;
use crate::murmur3;

/// Above this many bytes, entries go to a file.
const SPILL: usize = 16 << 20;

/// One entry. Ordered as a HAMT is, by hash and then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) hash: u64,
    pub(super) name: Vec<u8>,
    pub(super) tsize: u64,
    pub(super) cid: Cid,
}

#[derive(Debug, Default)]
pub(super) struct Entries {
    arena: Vec<u8>,
    /// Hash and place in the arena.
    index: Vec<(u64, u32)>,
    runs: Vec<File>,
    pub(super) len: usize,
    /// The bytes of all names and CIDs.
    link_bytes: u64,
    /// The bytes of all links as dag-pb has them.
    block_bytes: u64,
}

impl Entries {
    pub(super) fn push(&mut self, name: &[u8], cid: &Cid, tsize: u64) -> io::Result<()> {
        let cid_len = cid.encoded_len();
        let size = |by: SizeEstimation| by.entry(name.len(), cid, tsize) as u64;
        self.link_bytes += size(SizeEstimation::Links);
        self.block_bytes += size(SizeEstimation::Block);
        self.len += 1;

        let at = self.arena.len() as u32;
        self.index.push((murmur3::hash64(name), at));
        self.arena
            .extend_from_slice(&(name.len() as u32).to_le_bytes());
        self.arena
            .extend_from_slice(&(cid_len as u32).to_le_bytes());
        self.arena.extend_from_slice(&tsize.to_le_bytes());
        self.arena.extend_from_slice(name);
        cid.write_bytes(&mut self.arena).map_err(io::Error::other)?;
        if self.arena.len() + self.index.len() * 16 > SPILL {
            self.spill()?;
        }
        Ok(())
    }

    /// The size of all entries, as it is told.
    pub(super) fn bytes(&self, by: SizeEstimation) -> u64 {
        match by {
            SizeEstimation::Links => self.link_bytes,
            SizeEstimation::Block => self.block_bytes,
            SizeEstimation::Disabled => 0,
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(256 << 10, tempfile::tempfile()?);
        for (hash, row) in self.sorted() {
            file.write_all(&hash.to_le_bytes())?;
            file.write_all(row)?;
        }
        let mut file = file.into_inner().map_err(|e| e.into_error())?;
        file.rewind()?;
        self.runs.push(file);
        self.arena.clear();
        self.index.clear();
        Ok(())
    }

    fn sorted(&mut self) -> impl Iterator<Item = (u64, &[u8])> {
        let arena = &self.arena;
        let row = |at: u32| {
            let row = &arena[at as usize..];
            let name = u32::from_le_bytes([row[0], row[1], row[2], row[3]]) as usize;
            let cid = u32::from_le_bytes([row[4], row[5], row[6], row[7]]) as usize;
            (&row[16..16 + name], &row[..16 + name + cid])
        };
        self.index
            .sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| row(a.1).0.cmp(row(b.1).0)));
        self.index.iter().map(move |(hash, at)| (*hash, row(*at).1))
    }

    /// The entries in the order of a HAMT, those of equal names beside each other.
    pub(super) fn into_rows(mut self) -> io::Result<Rows> {
        let mut whole = Vec::with_capacity(self.arena.len() + 8 * self.index.len());
        for (hash, row) in self.sorted() {
            whole.extend_from_slice(&hash.to_le_bytes());
            whole.extend_from_slice(row);
        }
        let memory: Box<dyn Read + Send> = Box::new(io::Cursor::new(whole));
        let files = self.runs.into_iter().map(|file| -> Box<dyn Read + Send> {
            Box::new(BufReader::with_capacity(64 << 10, file))
        });
        let mut rows = Rows::default();
        for run in files.chain([memory]) {
            rows.runs.push(run);
            rows.advance(rows.runs.len() - 1)?;
        }
        Ok(rows)
    }
}

/// The merge of sorted runs.
#[derive(Default)]
pub(super) struct Rows {
    runs: Vec<Box<dyn Read + Send>>,
    heads: BinaryHeap<Reverse<(Row, usize)>>,
}

impl Rows {
    fn advance(&mut self, run: usize) -> io::Result<()> {
        if let Some(row) = read_row(&mut self.runs[run])? {
            self.heads.push(Reverse((row, run)));
        }
        Ok(())
    }
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut head = self.heads.peek_mut()?;
        let run = head.0.1;
        match read_row(&mut self.runs[run]) {
            Err(e) => Some(Err(e)),
            Ok(Some(next)) => Some(Ok(std::mem::replace(&mut *head, Reverse((next, run))).0.0)),
            Ok(None) => Some(Ok(PeekMut::pop(head).0.0)),
        }
    }
}

fn read_row(run: &mut impl Read) -> io::Result<Option<Row>> {
    let mut head = [0; 24];
    let mut have = 0;
    while have < head.len() {
        match run.read(&mut head[have..])? {
            0 if have == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => have += n,
        }
    }
    let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| head[at + i]));
    let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| head[at + i])) as usize;
    let (mut name, mut cid) = (vec![0; short(8)], vec![0; short(12)]);
    run.read_exact(&mut name)?;
    run.read_exact(&mut cid)?;
    let cid = Cid::try_from(&cid[..]).map_err(io::Error::other)?;
    Ok(Some(Row {
        hash: long(0),
        name,
        tsize: long(16),
        cid,
    }))
}

#[cfg(test)]
mod tests {
    use basalt_block::codec;

    use super::*;

    #[test]
    fn what_is_spilled_comes_back_in_order() {
        let block = crate::CidFormat::V1.block(codec::RAW, "x".into()).unwrap();
        let mut entries = Entries::default();
        let mut expected = Vec::new();
        for i in 0..1000u64 {
            let name = format!("entry {i}").into_bytes();
            entries.push(&name, block.cid(), i).unwrap();
            expected.push(Row {
                hash: murmur3::hash64(&name),
                name,
                tsize: i,
                cid: *block.cid(),
            });
            if i % 300 == 299 {
                entries.spill().unwrap();
            }
        }
        expected.sort();
        let rows: Vec<Row> = entries
            .into_rows()
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(rows, expected);
    }
}
