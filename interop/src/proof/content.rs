//! Bytes that a seed decides, so that they need not be kept to be compared.

use std::io::{self, Read, Write};
use std::sync::OnceLock;

use anyhow::{Result, ensure};

const PAGE: usize = 4096;

/// A pseudo-random sequence (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number of `from..=to`.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from + 1)
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

/// `len` bytes of which no page of 4 KiB is like one of another seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) seed: u64,
    pub(crate) len: u64,
}

impl Content {
    pub(crate) fn write(self, to: &mut impl Write) -> io::Result<()> {
        self.pages(|page| to.write_all(page))
    }

    /// Whether `bytes` are these.
    pub(crate) fn is(self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        let compared = self.pages(|page| {
            rest = rest
                .strip_prefix(page)
                .ok_or_else(|| io::Error::other("other bytes"))?;
            Ok(())
        });
        compared.is_ok() && rest.is_empty()
    }

    /// Whether these are all the bytes that a reader gives.
    pub(crate) fn is_read_from(self, from: &mut impl Read) -> Result<()> {
        let mut come = [0; PAGE];
        self.pages(|page| {
            from.read_exact(&mut come[..page.len()])?;
            match come[..page.len()] == *page {
                true => Ok(()),
                false => Err(io::Error::other("other bytes came")),
            }
        })?;
        ensure!(from.read(&mut come)? == 0, "more came");
        Ok(())
    }

    fn pages(self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut page = *template();
        let (mut at, mut left) = (0_u64, self.len);
        page[..8].copy_from_slice(&self.seed.to_le_bytes());
        while left > 0 {
            page[8..16].copy_from_slice(&at.to_le_bytes());
            let len = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
            each(&page[..len])?;
            left -= len as u64;
            at += 1;
        }
        Ok(())
    }
}

fn template() -> &'static [u8; PAGE] {
    static TEMPLATE: OnceLock<[u8; PAGE]> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let mut dice = Dice::new(1);
        std::array::from_fn(|_| dice.next().to_le_bytes()[0])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_every_page() {
        let content = Content { seed: 5, len: 9000 };
        let mut bytes = Vec::new();
        content.write(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 9000);
        assert!(content.is(&bytes));
        assert!(!Content { seed: 6, ..content }.is(&bytes));
        assert!(!content.is(&bytes[1..]));
        assert_ne!(bytes[..4096], bytes[4096..8192]);
        bytes[8999] ^= 1;
        assert!(!content.is(&bytes));
    }
}
