//! A table: blocks of sorted entries and an index of them.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::block::Block;
use super::varint::{take, u32_at};
use super::{checksum, merge};
use crate::{Error, Result};

const FOOTER: usize = 48;
const MAGIC: [u8; 8] = 0xdb47_7524_8b80_fb57_u64.to_le_bytes();
/// The type of compression and the checksum behind each block.
const TRAILER: usize = 5;
/// A block that is larger is none; the values of a leveldb that keeps blocks may have megabytes.
const MAX_BLOCK: usize = 128 << 20;

/// Where a block is.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    size: usize,
}

/// A table that is read from front to back.
pub(super) struct Table<F = File> {
    file: F,
    path: PathBuf,
    size: u64,
    index: Block,
    block: Option<Block>,
}

/// What tables are read from.
pub(super) trait ReadAt {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()>;
}

impl ReadAt for File {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

impl ReadAt for &[u8] {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let source = self.get(from..).and_then(|rest| rest.get(..buffer.len()));
        let source = source.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(source);
        Ok(())
    }
}

impl Table {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        let size = file.metadata().map_err(Error::io(path))?.len();
        Table::new(file, path, size)
    }
}

impl<F: ReadAt> Table<F> {
    fn new(file: F, path: &Path, size: u64) -> Result<Self> {
        let bad = |reason: &str| Error::damaged(path, reason);
        let at = size
            .checked_sub(FOOTER as u64)
            .ok_or_else(|| bad("it is too short"))?;
        let mut footer = [0; FOOTER];
        file.read_exact_at(&mut footer, at)
            .map_err(Error::io(path))?;
        if footer[FOOTER - 8..] != MAGIC {
            return Err(bad("it does not end as a table of leveldb does"));
        }
        let mut handles = &footer[..FOOTER - 8];
        // The first is that of the filters, which are not needed.
        let index = place(&mut handles)
            .and_then(|_| place(&mut handles))
            .ok_or_else(|| bad("its footer is damaged"))?;
        let index = read_block(&file, path, size, index)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            size,
            index,
            block: None,
        })
    }

    /// Goes on to the next entry whose key is not before `from`.
    pub(super) fn next(&mut self, from: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        loop {
            if let Some(block) = &mut self.block {
                let entry = block.next();
                match entry.map_err(|e| Error::damaged(&self.path, e))? {
                    Some((key, _)) if merge::user_key(&key).is_none_or(|key| key < from) => {
                        continue;
                    }
                    Some((key, value)) => return Ok(Some((key, block.value(value).to_vec()))),
                    None => self.block = None,
                }
            }
            let bad = |e: String| Error::damaged(&self.path, e);
            let Some((last, handle)) = self.index.next().map_err(bad)? else {
                return Ok(None);
            };
            if merge::user_key(&last).is_some_and(|last| last < from) {
                continue;
            }
            let place = place(&mut self.index.value(handle))
                .ok_or_else(|| Error::damaged(&self.path, "its index is damaged"))?;
            self.block = Some(read_block(&self.file, &self.path, self.size, place)?);
        }
    }
}

fn place(bytes: &mut &[u8]) -> Option<Place> {
    Some(Place {
        offset: take(bytes)?,
        size: usize::try_from(take(bytes)?).ok()?,
    })
}

fn read_block(file: &impl ReadAt, path: &Path, file_size: u64, place: Place) -> Result<Block> {
    let bad = |reason: &str| {
        Error::damaged(
            path,
            format!("the block at offset {}: {reason}", place.offset),
        )
    };
    let whole = place.size.saturating_add(TRAILER);
    let end = place.offset.saturating_add(whole as u64);
    if whole > MAX_BLOCK || end > file_size {
        return Err(bad("it reaches over the end of the file"));
    }
    let mut bytes = vec![0; whole];
    file.read_exact_at(&mut bytes, place.offset)
        .map_err(Error::io(path))?;
    let sum = u32_at(&bytes, place.size + 1);
    if sum != Some(checksum::masked(&[&bytes[..=place.size]])) {
        return Err(bad("its checksum is wrong"));
    }
    let kind = bytes[place.size];
    bytes.truncate(place.size);
    let bytes = match kind {
        0 => bytes,
        1 => {
            let len = snap::raw::decompress_len(&bytes).map_err(|e| bad(&e.to_string()))?;
            // Snappy makes at most 64 bytes of three.
            if len > MAX_BLOCK || len / 32 > bytes.len() {
                return Err(bad("it claims to be too large"));
            }
            let decoded = snap::raw::Decoder::new().decompress_vec(&bytes);
            decoded.map_err(|e| bad(&e.to_string()))?
        }
        _ => return Err(bad("its compression is unknown")),
    };
    Block::new(bytes).map_err(|reason| bad(&reason))
}

/// Reads a table to its end; for fuzzing.
pub(super) fn try_read(bytes: &[u8]) {
    if let Ok(mut table) = Table::new(bytes, Path::new("table"), bytes.len() as u64) {
        while let Ok(Some(_)) = table.next(b"") {}
    }
}
