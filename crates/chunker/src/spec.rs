//! Which chunker, as `--chunker` and `Import.UnixFSChunker` name it.

use std::{fmt, str::FromStr};

use crate::{DEFAULT_CHUNK_SIZE, Error, MAX_CHUNK_SIZE, Splitter, buzhash, rabin};

// One byte over the limit of a block, so that whoever makes blocks refuses the chunk.
const NEVER_CUT: usize = 2 * 1024 * 1024 + 1;

/// A way to cut bytes into chunks, with its parameters in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chunker {
    /// Every chunk has this many bytes, the last one perhaps fewer: `size-262144`.
    Size(usize),
    /// Cuts where the fingerprint of 16 bytes has as many trailing zero bits as `avg` allows.
    ///
    /// With a `min` under 16, which only `rabin-AVG` can ask for, Kubo never cuts and refuses
    /// files that outgrow a block. Here such a chunk ends one byte above the limit of a block.
    Rabin {
        /// No chunk but the last is shorter.
        min: usize,
        /// Rounded down to a power of two.
        avg: usize,
        /// No chunk is longer.
        max: usize,
    },
    /// Chunks of 128 KiB to 512 KiB by a rolling hash over 32 bytes.
    Buzhash,
}

impl Default for Chunker {
    fn default() -> Self {
        Self::Size(DEFAULT_CHUNK_SIZE)
    }
}

impl Chunker {
    /// Reads a chunker's name: `size-N`, `rabin`, `rabin-AVG`, `rabin-MIN-AVG-MAX`, `buzhash`;
    /// empty or `default` mean chunks of [`DEFAULT_CHUNK_SIZE`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() || text == "default" {
            return Ok(Self::default());
        }
        let parts: Vec<&str> = text.splitn(5, '-').collect();
        match parts.as_slice() {
            ["buzhash", ..] => Ok(Self::Buzhash),
            ["size", size] => match number(size)? {
                ..=0 => Err(Error::ZeroSize),
                size => Ok(Self::Size(bounded(size)?)),
            },
            ["size", ..] => Err(Error::SizeFormat),
            ["rabin"] => Ok(Self::rabin_around(DEFAULT_CHUNK_SIZE)),
            ["rabin", avg] => {
                // A sign cannot get here: it would have split the name once more.
                let avg = bounded(number(avg)?)?;
                bounded((avg + avg / 2) as i64)?;
                Ok(Self::rabin_around(avg))
            }
            ["rabin", min, avg, max] => rabin_bounds(min, avg, max),
            ["rabin", ..] => Err(Error::RabinFormat),
            _ => Err(Error::Unknown(text.to_owned())),
        }
    }

    fn rabin_around(avg: usize) -> Self {
        Self::Rabin {
            min: avg / 3,
            avg,
            max: avg + avg / 2,
        }
    }

    /// The length in bytes that no chunk exceeds.
    pub fn max_len(&self) -> usize {
        match *self {
            Self::Size(size) => size.max(1),
            Self::Rabin { min, .. } if min < rabin::WINDOW => NEVER_CUT,
            Self::Rabin { max, .. } => max,
            Self::Buzhash => buzhash::MAX,
        }
    }

    /// Starts to cut a new sequence of bytes.
    pub fn splitter(&self) -> Splitter {
        Splitter::new(*self)
    }
}

fn rabin_bounds(min: &str, avg: &str, max: &str) -> Result<Chunker, Error> {
    let min = number(unlabelled(min, "min").ok_or(Error::FirstLabel)?)?;
    if min < rabin::WINDOW as i64 {
        return Err(Error::RabinMin);
    }
    let avg = number(unlabelled(avg, "avg").ok_or(Error::SecondLabel)?)?;
    let max = number(unlabelled(max, "max").ok_or(Error::FinalLabel)?)?;
    if min >= avg {
        return Err(Error::MinNotUnderAvg);
    }
    if avg >= max {
        return Err(Error::AvgNotUnderMax);
    }
    Ok(Chunker::Rabin {
        max: bounded(max)?,
        min: bounded(min)?,
        avg: bounded(avg)?,
    })
}

/// The last of the parts between colons, if the first is the label or there is no label.
fn unlabelled<'a>(part: &'a str, label: &str) -> Option<&'a str> {
    match part.split_once(':') {
        None => Some(part),
        Some((found, rest)) => (found == label).then(|| rest.rsplit(':').next().unwrap_or(rest)),
    }
}

fn bounded(size: i64) -> Result<usize, Error> {
    usize::try_from(size)
        .ok()
        .filter(|size| *size <= MAX_CHUNK_SIZE)
        .ok_or(Error::TooLarge)
}

fn number(text: &str) -> Result<i64, Error> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse()
        .map_err(|e: std::num::ParseIntError| match e.kind() {
            PosOverflow | NegOverflow => Error::NumberOutOfRange(text.to_owned()),
            _ => Error::NotANumber(text.to_owned()),
        })
}

impl FromStr for Chunker {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Chunker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Size(size) => write!(f, "size-{size}"),
            rabin @ Self::Rabin { min, avg, max } => {
                if rabin == Self::rabin_around(avg) {
                    write!(f, "rabin-{avg}")
                } else {
                    write!(f, "rabin-{min}-{avg}-{max}")
                }
            }
            Self::Buzhash => f.write_str("buzhash"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, display, max_len) in [
            ("", "size-262144", 262_144),
            ("default", "size-262144", 262_144),
            ("size-1", "size-1", 1),
            ("size-+7", "size-7", 7),
            ("size-2096896", "size-2096896", 2_096_896),
            ("rabin", "rabin-262144", 393_216),
            ("rabin-1397931", "rabin-1397931", 2_096_896),
            ("rabin-16-32-64", "rabin-16-32-64", 64),
            ("rabin-min:16-avg:32-max:64", "rabin-16-32-64", 64),
            ("rabin-min:x:16-32-64", "rabin-16-32-64", 64),
            ("rabin-0", "rabin-0", NEVER_CUT),
            ("buzhash", "buzhash", 512 << 10),
            ("buzhash-any-thing-at-all-is-let-pass", "buzhash", 512 << 10),
        ] {
            let chunker = Chunker::parse(text).expect(text);
            assert_eq!(chunker.to_string(), display, "{text}");
            assert_eq!(chunker.max_len(), max_len, "{text}");
            assert_eq!(display.parse(), Ok(chunker));
        }
    }
}
