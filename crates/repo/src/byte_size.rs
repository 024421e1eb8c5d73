//! Byte sizes as people write them: `10GB` is 10¹⁰, `2MiB` is 2²¹.

use crate::go_text::quote;

/// A text that is not a byte size, in the words that Kubo uses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteSizeError {
    /// It does not begin with a number.
    #[error("strconv.ParseFloat: parsing {}: invalid syntax", quote(.0))]
    NotANumber(String),
    /// The unit is unknown.
    #[error("unhandled size name: {0}")]
    UnknownUnit(String),
    /// It is 2⁶⁴ bytes or more.
    #[error("too large: {0}")]
    TooLarge(String),
}

/// Reads a byte size such as `10GB`, `1.5 MiB`, `2,000k` or `4096`. Units of a thousand are
/// `k M G T P E` with or without `B`, those of 1024 are `Ki Mi …`; case does not matter.
///
/// # Errors
///
/// When the text is no such size, or one of 2⁶⁴ bytes or more.
pub fn parse_byte_size(text: &str) -> Result<u64, ByteSizeError> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','))
        .unwrap_or(text.len());
    let number = text[..end].replace(',', "");
    let value: f64 = number
        .parse()
        .map_err(|_| ByteSizeError::NotANumber(number.clone()))?;
    let unit = text[end..].trim().to_lowercase();
    let bytes = value * factor(&unit).ok_or_else(|| ByteSizeError::UnknownUnit(unit.clone()))?;
    if bytes >= u64::MAX as f64 {
        return Err(ByteSizeError::TooLarge(text.to_owned()));
    }
    Ok(bytes as u64)
}

fn factor(unit: &str) -> Option<f64> {
    let prefix = unit.strip_suffix('b').unwrap_or(unit);
    let (letter, base) = match prefix.strip_suffix('i') {
        Some(letter) => (letter, 1024f64),
        None => (prefix, 1000f64),
    };
    let power = match letter {
        "" if prefix.is_empty() => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return None,
    };
    Some(base.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [
            ("10GB", 10_000_000_000),
            ("10gib", 10 << 30),
            ("0", 0),
            ("262144", 262_144),
            ("256KiB", 262_144),
            ("1.5 k", 1500),
            ("2,000B", 2000),
            ("16e", 16_000_000_000_000_000_000),
        ] {
            assert_eq!(parse_byte_size(text), Ok(bytes), "for {text}");
        }
    }

    #[test]
    fn faults_in_kubo_words() {
        for (text, message) in [
            ("zz", "strconv.ParseFloat: parsing \"\": invalid syntax"),
            (
                "1.2.3",
                "strconv.ParseFloat: parsing \"1.2.3\": invalid syntax",
            ),
            ("5 apples", "unhandled size name: apples"),
            ("5i", "unhandled size name: i"),
            ("19e", "too large: 19e"),
        ] {
            assert_eq!(parse_byte_size(text).unwrap_err().to_string(), message);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text: String) {
            let _ = parse_byte_size(&text);
        }
    }
}
