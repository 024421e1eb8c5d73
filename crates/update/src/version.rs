use std::cmp::Ordering;
use std::fmt;

use crate::{Error, Result};

/// A version: numbers between dots, then perhaps a hyphen and what it precedes (`1.2.0-rc1`).
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    numbers: Vec<u64>,
    pre: Option<String>,
}

impl Version {
    /// Reads a version, with or without a `v` before it.
    ///
    /// # Errors
    /// [`Error::Version`].
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::Version(text.to_owned());
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (rest, build) = bare.split_once('+').unwrap_or((bare, "0"));
        let (numbers, pre) = match rest.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (rest, None),
        };
        if ![Some(build), pre].into_iter().flatten().all(is_words) {
            return Err(wrong());
        }
        let read = |part: &str| match part.bytes().all(|b| b.is_ascii_digit()) {
            true => part.parse().ok(),
            false => None,
        };
        let numbers: Option<Vec<u64>> = numbers.split('.').map(read).collect();
        Ok(Self {
            text: bare.to_owned(),
            numbers: numbers.ok_or_else(wrong)?,
            pre: pre.map(str::to_owned),
        })
    }

    /// The name that the release of this version has.
    pub fn tag(&self) -> String {
        format!("v{}", self.text)
    }
}

/// Words between dots, none of them empty.
fn is_words(text: &str) -> bool {
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b"-~".contains(&b))
    };
    text.split('.').all(is_word)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let most = self.numbers.len().max(other.numbers.len());
        let padded = |numbers: &[u64]| -> Vec<u64> {
            let zeros = std::iter::repeat_n(0, most - numbers.len());
            numbers.iter().copied().chain(zeros).collect()
        };
        let numbers = padded(&self.numbers).cmp(&padded(&other.numbers));
        numbers.then_with(|| match (&self.pre, &other.pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => compare_pre(a, b),
        })
    }
}

/// Words one by one: numbers before texts, fewer words before more.
fn compare_pre(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (a, b) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (a, b),
        };
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a.cmp(b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_an_order() {
        let rising = [
            "0.0.9",
            "0.1",
            "0.1.1-rc1",
            "0.1.1-rc2",
            "0.1.1-rc2.1",
            "0.1.1",
            "0.2.0-1",
            "0.2.0-2",
            "0.2.0-10",
            "0.2.0-dev",
            "v1.0.0",
            "10.0",
        ];
        let read = |text: &&str| Version::parse(text).unwrap();
        let versions: Vec<_> = rising.iter().map(read).collect();
        for (at, version) in versions.iter().enumerate() {
            for (other, against) in versions.iter().enumerate() {
                assert_eq!(version.cmp(against), at.cmp(&other), "{version} {against}");
            }
        }
        assert_eq!(read(&"1"), read(&"v1.0.0+build.7"));
        assert_eq!(read(&"v1.2-rc1").to_string(), "1.2-rc1");
        assert_eq!(read(&"1.2").tag(), "v1.2");
    }

    #[test]
    fn texts_that_are_no_versions() {
        for text in [
            "",
            "v",
            "x",
            "1.",
            ".1",
            "1..2",
            "1.2-",
            "1.2+",
            "1.2 3",
            "1.-2",
            "1.2/../3",
            "-1",
            "1.2-a/b",
            "1.2-a..b",
            "99999999999999999999",
            "+1",
            "1.+2",
            "vv1",
        ] {
            let error = Version::parse(text).unwrap_err().to_string();
            assert_eq!(error, format!("malformed version: {text}"));
        }
    }
}
