//! Numbers and truth values as Go's `strconv` reads them with base 0, errors included: the texts
//! reach users.

use basalt::repo::go_quote as quote;

/// Reads a signed number of `bits` bits.
pub(crate) fn parse_int(text: &str, bits: u32) -> Result<i64, String> {
    let fail = |why| format!("strconv.ParseInt: parsing {}: {why}", quote(text));
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let size = magnitude(digits).map_err(fail)?;
    let value = if negative { -size } else { size };
    let limit = 1i128 << (bits - 1);
    if value < -limit || value >= limit {
        return Err(fail("value out of range"));
    }
    i64::try_from(value).map_err(|_| fail("value out of range"))
}

/// Reads an unsigned number of `bits` bits.
pub(crate) fn parse_uint(text: &str, bits: u32) -> Result<u64, String> {
    let fail = |why| format!("strconv.ParseUint: parsing {}: {why}", quote(text));
    let value = magnitude(text).map_err(fail)?;
    if value >> bits != 0 {
        return Err(fail("value out of range"));
    }
    u64::try_from(value).map_err(|_| fail("value out of range"))
}

/// Reads a truth value; an empty one is true, as `--flag=` is.
pub(crate) fn parse_bool(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "" | "1" | "t" | "true" => Ok(true),
        "0" | "f" | "false" => Ok(false),
        lower => Err(format!(
            "strconv.ParseBool: parsing {}: invalid syntax",
            quote(lower)
        )),
    }
}

fn magnitude(text: &str) -> Result<i128, &'static str> {
    const SYNTAX: &str = "invalid syntax";
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(bin) = lower.strip_prefix("0b") {
        (2, bin)
    } else if let Some(oct) = lower.strip_prefix("0o") {
        (8, oct)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    // An underscore may stand between digits and after a prefix.
    let prefixed = digits.len() != lower.len();
    let bytes = digits.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let before = if at == 0 {
            prefixed
        } else {
            bytes[at - 1] != b'_'
        };
        if *byte == b'_' && (!before || at + 1 == bytes.len()) {
            return Err(SYNTAX);
        }
    }
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(SYNTAX);
    }
    i128::from_str_radix(&digits, radix).map_err(|_| "value out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        assert_eq!(parse_int("0x1f", 32), Ok(31));
        assert_eq!(parse_int("-0755", 64), Ok(-0o755));
        assert_eq!(parse_int("1_000", 64), Ok(1000));
        assert_eq!(
            parse_int("1__0", 64).unwrap_err(),
            "strconv.ParseInt: parsing \"1__0\": invalid syntax"
        );
        assert_eq!(
            parse_int("2147483648", 32).unwrap_err(),
            "strconv.ParseInt: parsing \"2147483648\": value out of range"
        );
        assert_eq!(parse_uint("18446744073709551615", 64), Ok(u64::MAX));
        assert!(parse_uint("-1", 64).is_err());
        assert_eq!(parse_bool("TRUE"), Ok(true));
        assert!(parse_bool("yes").is_err());
    }
}
