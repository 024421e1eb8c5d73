//! Content-defined cuts by a Rabin fingerprint of the last 16 bytes.

pub(crate) const WINDOW: usize = 16;

/// The irreducible polynomial over GF(2) that IPFS uses.
const POLYNOMIAL: u64 = 17_437_180_132_763_653;
const DEGREE: u32 = 63 - POLYNOMIAL.leading_zeros();
const SHIFT: u32 = DEGREE - 8;

const fn reduce(mut value: u64) -> u64 {
    let mut bit = 63;
    while bit >= DEGREE {
        if value >> bit & 1 == 1 {
            value ^= POLYNOMIAL << (bit - DEGREE);
        }
        bit -= 1;
    }
    value
}

/// By the top byte of a fingerprint: what clears it after a shift by eight and adds its remainder.
const REDUCE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let high = (byte as u64) << DEGREE;
        table[byte] = reduce(high) | high;
        byte += 1;
    }
    table
};

/// By the byte that leaves the window: its part in the fingerprint after the next byte is added.
const LEAVE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut i = 0;
        while i < WINDOW {
            value = reduce(value << 8);
            i += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

#[inline(always)]
fn append(digest: u64, byte: u8) -> u64 {
    (digest << 8 | u64::from(byte)) ^ REDUCE[(digest >> SHIFT) as usize & 0xff]
}

/// How far the current chunk has been looked at.
#[derive(Debug, Clone)]
pub(crate) struct Rabin {
    min: usize,
    max: usize,
    mask: u64,
    seen: usize,
    digest: u64,
}

impl Rabin {
    pub(crate) fn new(min: usize, avg: usize, max: usize) -> Self {
        Self {
            min,
            max: max.max(min),
            mask: (1 << avg.checked_ilog2().unwrap_or(0)) - 1,
            seen: 0,
            digest: 0,
        }
    }

    pub(crate) fn cut(&mut self, buf: &[u8]) -> Option<usize> {
        if self.min < WINDOW {
            return (buf.len() >= self.max).then_some(self.max);
        }
        if self.seen < self.min || buf.len() < self.seen {
            // A fingerprint knows only its window, so what precedes the window is never read.
            let first = buf.get(self.min - WINDOW..self.min)?;
            self.digest = first.iter().fold(0, |digest, byte| append(digest, *byte));
            self.seen = self.min;
            if self.digest & self.mask == 0 {
                return Some(std::mem::take(&mut self.seen));
            }
        }
        let end = buf.len().min(self.max);
        let mut digest = self.digest;
        let leaving = &buf[self.seen - WINDOW..end - WINDOW];
        for (old, new) in leaving.iter().zip(&buf[self.seen..end]) {
            digest = append(digest, *new) ^ LEAVE[usize::from(*old)];
            self.seen += 1;
            if digest & self.mask == 0 {
                return Some(std::mem::take(&mut self.seen));
            }
        }
        self.digest = digest;
        if self.seen == self.max {
            return Some(std::mem::take(&mut self.seen));
        }
        None
    }
}
