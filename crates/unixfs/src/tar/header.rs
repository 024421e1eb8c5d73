//! Headers as Go's `archive/tar` writes them: USTAR where it suffices, otherwise PAX.

use super::BLOCK;
use crate::{Error, Mtime, Result};

const NAME: usize = 100;
const PREFIX: usize = 155;

/// What a member of an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderKind {
    /// A regular file of this many bytes.
    File(u64),
    /// A directory.
    Directory,
    /// A symlink and its target.
    Symlink(Vec<u8>),
}

/// What an archive says of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The path, without a slash at its end.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: HeaderKind,
    /// The permission bits.
    pub mode: u32,
    /// Modification time; [`Times`] says how much of it is written.
    pub mtime: Mtime,
}

/// How exactly an archive keeps modification times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// To the nearest second, which every reader of archives understands.
    #[default]
    Seconds,
    /// To the nanosecond, by PAX records.
    Exact,
}

impl Header {
    /// The header's blocks.
    pub fn encode(&self, times: Times) -> Result<Vec<u8>> {
        let (size, link): (u64, &[u8]) = match &self.kind {
            HeaderKind::File(size) => (*size, b""),
            HeaderKind::Directory => (0, b""),
            HeaderKind::Symlink(target) => (0, target),
        };
        let nanos = match times {
            Times::Seconds => 0,
            Times::Exact => self.mtime.nanos,
        };
        let round_up = times == Times::Seconds && self.mtime.nanos >= 500_000_000;
        let seconds = self.mtime.seconds.saturating_add(i64::from(round_up));
        let split = split_path(&self.path);
        let long_path = !is_ascii(&self.path) || self.path.len() > NAME;
        // Sorted by key, as the records have to be.
        let mut records: Vec<(&str, Vec<u8>)> = Vec::new();
        if !is_ascii(link) || link.len() > NAME {
            records.push(("linkpath", link.to_vec()));
        }
        if !fits(seconds) || nanos != 0 {
            records.push(("mtime", decimal(seconds, nanos).into_bytes()));
        }
        if long_path {
            records.push(("path", self.path.clone()));
        }
        if i64::try_from(size).is_ok_and(|size| !fits(size)) {
            records.push(("size", size.to_string().into_bytes()));
        }
        if records.len() == 1 && split.is_some() && nanos == 0 {
            // USTAR has a way of its own for long paths, if that is all.
            records.clear();
        }
        for (key, value) in &records {
            if value.contains(&0) {
                let value = String::from_utf8_lossy(value);
                let why = format!("invalid PAX record: {:?}", format!("{key} = {value}"));
                return Err(Error::TarHeader(why));
            }
        }

        let mut out = Vec::with_capacity(BLOCK);
        let mut block = Block([0; BLOCK]);
        if records.is_empty() {
            let (prefix, name) = split.unwrap_or((&[], &self.path));
            block.text(0, NAME, name);
            block.text(157, NAME, link);
            block.text(345, PREFIX, prefix);
        } else {
            out.extend(pax_member(&self.path, &records)?);
            block.text(0, NAME, &to_ascii(&self.path));
            block.text(157, NAME, &to_ascii(link));
        }
        block.octal(100, 8, self.mode.into());
        block.octal(124, 12, if fits(size as i64) { size } else { 0 });
        block.octal(136, 12, if fits(seconds) { seconds as u64 } else { 0 });
        block.0[156] = match self.kind {
            HeaderKind::File(_) => b'0',
            HeaderKind::Symlink(_) => b'2',
            HeaderKind::Directory => b'5',
        };
        block.octal(329, 8, 0);
        block.octal(337, 8, 0);
        out.extend(block.seal());
        Ok(out)
    }
}

/// The member with extended attributes that goes before another.
fn pax_member(path: &[u8], records: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    for (key, value) in records {
        let body = key.len() + value.len() + 3;
        let mut len = body + digits(body);
        len = body + digits(len);
        data.extend(format!("{len} {key}=").into_bytes());
        data.extend_from_slice(value);
        data.push(b'\n');
    }
    if data.len() > 1 << 20 {
        return Err(Error::TarHeader("header field too long".to_owned()));
    }
    let (above, file) = match path.iter().rposition(|b| *b == b'/') {
        Some(slash) => path.split_at(slash + 1),
        None => (&b""[..], path),
    };
    let mut name = to_ascii(&[above, b"PaxHeaders.0/", file].concat());
    name.truncate(NAME);
    while name.ends_with(b"/") {
        name.pop();
    }
    let mut block = Block([0; BLOCK]);
    block.text(0, NAME, &name);
    block.octal(100, 8, 0);
    block.octal(124, 12, data.len() as u64);
    block.octal(136, 12, 0);
    block.0[156] = b'x';
    let mut out = block.seal().to_vec();
    out.extend_from_slice(&data);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    Ok(out)
}

struct Block([u8; BLOCK]);

impl Block {
    fn text(&mut self, at: usize, len: usize, text: &[u8]) {
        let fits = text.len().min(len);
        self.0[at..at + fits].copy_from_slice(&text[..fits]);
        // A name that is cut behind a slash would look like a directory's.
        if text.len() > len && self.0[at + len - 1] == b'/' {
            let kept = text[..len - 1]
                .iter()
                .rposition(|b| *b != b'/')
                .map_or(0, |i| i + 1);
            self.0[at + kept] = 0;
        }
    }

    fn octal(&mut self, at: usize, len: usize, value: u64) {
        let text = format!("{value:0width$o}", width = len - 1);
        self.0[at..at + len - 1].copy_from_slice(text.as_bytes());
    }

    fn seal(mut self) -> [u8; BLOCK] {
        self.octal(108, 8, 0);
        self.octal(116, 8, 0);
        self.0[257..265].copy_from_slice(b"ustar\x0000");
        self.0[148..156].fill(b' ');
        let sum: u64 = self.0.iter().map(|b| u64::from(*b)).sum();
        self.octal(148, 7, sum);
        self.0[154] = 0;
        self.0[155] = b' ';
        self.0
    }
}

fn is_ascii(text: &[u8]) -> bool {
    text.iter().all(|b| *b != 0 && *b < 0x80)
}

fn to_ascii(text: &[u8]) -> Vec<u8> {
    text.iter()
        .copied()
        .filter(|b| *b != 0 && *b < 0x80)
        .collect()
}

/// Whether a field of twelve bytes holds the number as eleven octal digits.
fn fits(number: i64) -> bool {
    (0..1 << 33).contains(&number)
}

/// A time as a record has it: a decimal fraction, which counts away from nothing.
fn decimal(seconds: i64, nanos: u32) -> String {
    if nanos == 0 {
        return seconds.to_string();
    }
    let (sign, seconds, nanos) = if seconds < 0 {
        ("-", (seconds + 1).unsigned_abs(), 1_000_000_000 - nanos)
    } else {
        ("", seconds.unsigned_abs(), nanos)
    };
    let text = format!("{sign}{seconds}.{nanos:09}");
    text.trim_end_matches('0').to_owned()
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Cuts a long path at a slash into the two fields that USTAR has for it.
fn split_path(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME || !is_ascii(path) {
        return None;
    }
    let len = if path.len() > PREFIX + 1 {
        PREFIX + 1
    } else {
        path.len() - usize::from(path.ends_with(b"/"))
    };
    let slash = path[..len]
        .iter()
        .rposition(|b| *b == b'/')
        .filter(|at| *at > 0)?;
    let (prefix, name) = (&path[..slash], &path[slash + 1..]);
    (!name.is_empty() && name.len() <= NAME && prefix.len() <= PREFIX).then_some((prefix, name))
}
