//! Ranges of bytes (RFC 9110, 14.1.2). Of several the first is given, as Kubo does.

/// A range that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spec {
    From(u64, Option<u64>),
    Last(u64),
}

/// A part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// What a `Range` field comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parts {
    /// All of the body.
    Whole,
    /// A part of it.
    One(Part),
    /// Nothing that is there.
    Outside,
}

/// The text of the error for what is no range.
pub(crate) const INVALID: &str = "invalid range";
/// The text of the error for a range of what is not there.
pub(crate) const OUTSIDE: &str = "invalid range: failed to overlap";

/// More ranges than this in one field are not looked at: nobody needs them.
const MOST: usize = 1024;

fn specs(text: &str) -> Option<Vec<Spec>> {
    let list = text.strip_prefix("bytes=")?;
    let mut specs = Vec::new();
    for one in list.split(',').take(MOST) {
        let one = one.trim_matches([' ', '\t']);
        if one.is_empty() {
            continue;
        }
        let (start, end) = one.split_once('-')?;
        let (start, end) = (
            start.trim_matches([' ', '\t']),
            end.trim_matches([' ', '\t']),
        );
        specs.push(if start.is_empty() {
            Spec::Last(number(end)?)
        } else {
            let start = number(start)?;
            let end = match end {
                "" => None,
                end => Some(number(end)?),
            };
            if end.is_some_and(|end| end < start) {
                return None;
            }
            Spec::From(start, end)
        });
    }
    Some(specs)
}

/// A number as Go's `ParseInt` reads it, not below nothing.
fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let good = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number: i64 = good.then(|| digits.parse().ok())??;
    u64::try_from(number).ok()
}

/// Whether a `Range` field can be read at all.
pub(crate) fn is_valid(text: &str) -> bool {
    specs(text).is_some()
}

/// What a `Range` field comes to for a body of `size` bytes; `None` for one that cannot be read.
pub(crate) fn parts(text: &str, size: u64) -> Option<Parts> {
    let specs = specs(text)?;
    let mut outside = false;
    let mut found = Vec::new();
    for spec in specs {
        found.push(match spec {
            Spec::Last(length) => {
                let length = length.min(size);
                Part {
                    start: size - length,
                    length,
                }
            }
            Spec::From(start, _) if start >= size => {
                outside = true;
                continue;
            }
            Spec::From(start, end) => {
                let end = end.unwrap_or(u64::MAX).min(size - 1);
                Part {
                    start,
                    length: end - start + 1,
                }
            }
        });
    }
    let total = found
        .iter()
        .fold(0u64, |sum, part| sum.saturating_add(part.length));
    Some(match found.first() {
        // Whoever asks for more than there is does not mean it.
        Some(_) if total > size => Parts::Whole,
        Some(part) => Parts::One(*part),
        None if outside && size > 0 => Parts::Outside,
        None => Parts::Whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(start: u64, length: u64) -> Option<Parts> {
        Some(Parts::One(Part { start, length }))
    }

    #[test]
    fn every_form() {
        assert_eq!(parts("bytes=0-3", 10), one(0, 4));
        assert_eq!(parts("bytes=8-", 10), one(8, 2));
        assert_eq!(parts("bytes=8-99", 10), one(8, 2));
        assert_eq!(parts("bytes=-3", 10), one(7, 3));
        assert_eq!(parts("bytes=-99", 10), one(0, 10));
        assert_eq!(parts("bytes= 1 - 2 ,", 10), one(1, 2));
        assert_eq!(parts("bytes=99-,1-2", 10), one(1, 2));
        assert_eq!(parts("bytes=10-", 10), Some(Parts::Outside));
        assert_eq!(parts("bytes=0-", 0), Some(Parts::Whole));
        assert_eq!(parts("bytes=", 10), Some(Parts::Whole));
        assert_eq!(parts("bytes=0-,0-", 10), Some(Parts::Whole));
        for bad in [
            "0-1",
            "bytes=a-b",
            "bytes=3-1",
            "bytes=1",
            "bytes=--1",
            "bytes=-",
            "items=0-1",
        ] {
            assert_eq!(parts(bad, 10), None, "{bad}");
            assert!(!is_valid(bad));
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_body(text in "bytes=[0-9,+ -]{0,24}", size in 0u64..100) {
            if let Some(Parts::One(part)) = parts(&text, size) {
                prop_assert!(part.start + part.length <= size);
            }
        }
    }
}
