//! Reading archives: USTAR, and the extensions by which GNU and PAX write long names.

use std::io::{self, Read};

use super::{BLOCK, Header, HeaderKind};
use crate::Mtime;

/// The most bytes of a record with a long name.
const MAX_SPECIAL: u64 = 1 << 20;

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// One that has a place in a tree.
    Known(Header),
    /// Some other kind, by its letter.
    Other(u8),
}

/// An archive that is read from front to end.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    /// Bytes of the present member's content, and of the padding behind it.
    left: u64,
    pad: u64,
}

#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<Mtime>,
}

fn invalid() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "archive/tar: invalid tar header",
    )
}

impl<R: Read> Archive<R> {
    /// An archive at its begin.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            left: 0,
            pad: 0,
        }
    }

    /// The next member; the content of the one before is passed over. `None` at the end.
    pub fn next_member(&mut self) -> io::Result<Option<Member>> {
        let mut extended = Extended::default();
        loop {
            let rest = self.left + self.pad;
            self.skip(rest)?;
            (self.left, self.pad) = (0, 0);
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            let size = number(&block[124..136])?;
            let size = u64::try_from(size).map_err(|_| invalid())?;
            match block[156] {
                b'x' | b'g' | b'L' | b'K' => {
                    let data = self.special(size)?;
                    let text = || text(&data).to_vec();
                    match block[156] {
                        b'x' => extended.pax(&data)?,
                        b'L' => extended.path = Some(text()),
                        b'K' => extended.link = Some(text()),
                        _ => {}
                    }
                }
                kind => return self.member(kind, &block, size, extended).map(Some),
            }
        }
    }

    fn member(
        &mut self,
        kind: u8,
        block: &[u8; BLOCK],
        size: u64,
        extended: Extended,
    ) -> io::Result<Member> {
        let is_gnu = &block[257..265] == b"ustar  \0";
        let prefix = if is_gnu { b"" } else { text(&block[345..500]) };
        let name = text(&block[..100]);
        let path = match prefix {
            b"" => name.to_vec(),
            prefix => [prefix, name].join(&b'/'),
        };
        let mut path = extended.path.unwrap_or(path);
        let link = extended
            .link
            .unwrap_or_else(|| text(&block[157..257]).to_vec());
        let size = extended.size.unwrap_or(size);
        let directory = kind == b'5' || matches!(kind, b'0' | 0) && path.ends_with(b"/");
        let kind = match kind {
            _ if directory => {
                while path.ends_with(b"/") {
                    path.pop();
                }
                HeaderKind::Directory
            }
            b'0' | 0 => {
                self.left = size;
                self.pad = size.next_multiple_of(BLOCK as u64) - size;
                HeaderKind::File(size)
            }
            b'2' => HeaderKind::Symlink(link),
            other => return Ok(Member::Other(other)),
        };
        let mtime = Mtime {
            seconds: number(&block[136..148])?,
            nanos: 0,
        };
        let mode = number(&block[100..108])? as u32;
        Ok(Member::Known(Header {
            path,
            kind,
            mode,
            mtime: extended.mtime.unwrap_or(mtime),
        }))
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.reader).take(bytes), &mut io::sink())?;
        if skipped < bytes {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(())
        }
    }

    /// The next header; `None` at the end of the archive.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut have = 0;
        while have < BLOCK {
            match self.reader.read(&mut block[have..]) {
                Ok(0) if have == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        if block.iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let sum = |(at, byte): (usize, &u8)| match at {
            148..156 => u64::from(b' '),
            _ => u64::from(*byte),
        };
        let sum: u64 = block.iter().enumerate().map(sum).sum();
        if number(&block[148..156])? as u64 != sum {
            return Err(invalid());
        }
        Ok(Some(block))
    }

    fn special(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_SPECIAL {
            return Err(invalid());
        }
        let mut data = vec![0; size as usize];
        self.reader.read_exact(&mut data)?;
        self.skip(size.next_multiple_of(BLOCK as u64) - size)?;
        Ok(data)
    }
}

/// The content of the present member.
impl<R: Read> Read for Archive<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(out.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut out[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

impl Extended {
    fn pax(&mut self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let space = data.iter().position(|b| *b == b' ').ok_or_else(invalid)?;
            let len = decimal(&data[..space]).ok_or_else(invalid)? as usize;
            let record = data.get(space + 1..len).ok_or_else(invalid)?;
            data = &data[len..];
            let record = record.strip_suffix(b"\n").ok_or_else(invalid)?;
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(invalid)?;
            let value = &record[equals + 1..];
            match &record[..equals] {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(decimal(value).ok_or_else(invalid)?),
                b"mtime" => self.mtime = Some(time(value).ok_or_else(invalid)?),
                _ => {}
            }
        }
        Ok(())
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text)
        .ok()?
        .parse()
        .ok()
        .filter(|n| *n <= i64::MAX as u64)
}

/// Seconds with or without a fraction.
fn time(value: &[u8]) -> Option<Mtime> {
    let value = std::str::from_utf8(value).ok()?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let seconds: i64 = whole.parse().ok()?;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0, |n, digit| {
        n * 10 + u32::from(digit.wrapping_sub(b'0').min(9))
    });
    if whole.starts_with('-') && nanos > 0 {
        return Some(Mtime {
            seconds: seconds.checked_sub(1)?,
            nanos: 1_000_000_000 - nanos,
        });
    }
    Some(Mtime { seconds, nanos })
}

fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    &field[..end]
}

/// A number in octal digits, or in binary as GNU has it.
fn number(field: &[u8]) -> io::Result<i64> {
    if field.first().is_some_and(|b| b & 0x80 != 0) {
        let negative = field[0] & 0x40 != 0;
        let mut value: i128 = if negative { -1 } else { 0 };
        for (at, byte) in field.iter().enumerate() {
            let byte = if at == 0 && !negative {
                byte & 0x7f
            } else {
                *byte
            };
            value = value << 8 | i128::from(byte);
        }
        return i64::try_from(value).map_err(|_| invalid());
    }
    let digits = field.trim_ascii();
    let is_padding = |b: &u8| matches!(b, 0 | b' ');
    let start = digits
        .iter()
        .position(|b| !is_padding(b))
        .unwrap_or(digits.len());
    let digits = &digits[start..];
    let end = digits.iter().position(is_padding).unwrap_or(digits.len());
    let digits = std::str::from_utf8(&digits[..end]).map_err(|_| invalid())?;
    if digits.is_empty() {
        return Ok(0);
    }
    i64::from_str_radix(digits, 8).map_err(|_| invalid())
}
