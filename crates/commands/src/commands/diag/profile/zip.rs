//! A zip archive whose entries are stored as they are: APPNOTE 6.3, the oldest form.

use bytes::{BufMut, Bytes, BytesMut};

/// What an archive's directory needs to know of an entry.
struct Stored {
    name: &'static str,
    crc: u32,
    size: u32,
    offset: u32,
}

/// Writes the frame of an archive; the bytes of the entries go between.
#[derive(Default)]
pub(super) struct Zip {
    entries: Vec<Stored>,
    written: u32,
}

/// The date of MS-DOS: the first of 1980.
const DATE: u16 = 1 << 5 | 1;
/// The version of the format: 2.0.
const VERSION: u16 = 20;

impl Zip {
    /// The header of an entry of `size` bytes with this checksum, which must follow it.
    pub(super) fn entry(&mut self, name: &'static str, size: u32, crc: u32) -> Bytes {
        let offset = self.written;
        let mut out = BytesMut::new();
        out.put_u32_le(0x0403_4b50);
        out.put_u16_le(VERSION);
        common(&mut out, name, size, crc);
        out.put_slice(name.as_bytes());
        self.written = self
            .written
            .wrapping_add(out.len() as u32)
            .wrapping_add(size);
        self.entries.push(Stored {
            name,
            crc,
            size,
            offset,
        });
        out.freeze()
    }

    /// The directory, which ends the archive.
    pub(super) fn end(self) -> Bytes {
        let mut out = BytesMut::new();
        for entry in &self.entries {
            out.put_u32_le(0x0201_4b50);
            out.put_u16_le(VERSION);
            out.put_u16_le(VERSION);
            common(&mut out, entry.name, entry.size, entry.crc);
            // No comment, disk 0, no attributes.
            out.put_bytes(0, 10);
            out.put_u32_le(entry.offset);
            out.put_slice(entry.name.as_bytes());
        }
        let (size, count) = (out.len() as u32, self.entries.len() as u16);
        out.put_u32_le(0x0605_4b50);
        out.put_u32_le(0);
        out.put_u16_le(count);
        out.put_u16_le(count);
        out.put_u32_le(size);
        out.put_u32_le(self.written);
        out.put_u16_le(0);
        out.freeze()
    }
}

/// Flags to extra length, which both headers have: stored, without extras.
fn common(out: &mut BytesMut, name: &str, size: u32, crc: u32) {
    out.put_u16_le(0);
    out.put_u16_le(0);
    out.put_u16_le(0);
    out.put_u16_le(DATE);
    out.put_u32_le(crc);
    out.put_u32_le(size);
    out.put_u32_le(size);
    out.put_u16_le(name.len() as u16);
    out.put_u16_le(0);
}

/// CRC-32 as zip has it (ISO 3309), of all that was given.
pub(super) struct Crc(u32);

static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                0xedb8_8320 ^ value >> 1
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
};

impl Crc {
    pub(super) fn new() -> Self {
        Self(!0)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = TABLE[usize::from(self.0 as u8 ^ byte)] ^ self.0 >> 8;
        }
    }

    pub(super) fn finish(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_known_one() {
        let mut crc = Crc::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.finish(), 0xcbf4_3926);
    }

    #[test]
    fn the_directory_points_at_the_entries() {
        let mut zip = Zip::default();
        let mut all = zip.entry("a", 2, 7).to_vec();
        all.extend(b"xy");
        let second = all.len();
        all.extend(zip.entry("bc", 0, 0));
        let directory = all.len();
        let end = zip.end();
        assert_eq!(
            end[end.len() - 6..end.len() - 2],
            (directory as u32).to_le_bytes()
        );
        let at = 46 + 1 + 42;
        assert_eq!(end[at..at + 4], (second as u32).to_le_bytes());
    }
}
