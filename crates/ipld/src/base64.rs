//! Base64 without padding: the standard alphabet, in which DAG-JSON writes bytes, and that of URLs,
//! in which JOSE does.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    encode_by(STANDARD, bytes, out);
}

pub(crate) fn encode_url(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_by(URL, bytes, &mut out);
    out
}

fn encode_by(alphabet: &[u8; 64], bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group);
        for digit in 0..=chunk.len() {
            out.push(alphabet[(group >> (18 - 6 * digit) & 63) as usize]);
        }
    }
}

/// Reads base64 with or without padding; line breaks inside are skipped.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    decode_by(STANDARD, true, text)
}

/// Reads base64 in the alphabet of URLs; there must be no padding, and line breaks are skipped.
pub(crate) fn decode_url(text: &[u8]) -> Result<Vec<u8>, String> {
    decode_by(URL, false, text)
}

fn decode_by(alphabet: &[u8; 64], may_pad: bool, text: &[u8]) -> Result<Vec<u8>, String> {
    let fail = |at: usize| Err(format!("illegal base64 data at input byte {at}"));
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut group = 0u32;
    let mut digits = 0;
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        let digit = match byte {
            b'\r' | b'\n' => continue,
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            byte if *byte == alphabet[62] => 62,
            byte if *byte == alphabet[63] => 63,
            b'=' if may_pad && digits >= 2 => {
                let mut after = bytes.filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
                if digits == 2 {
                    match after.next() {
                        Some((_, b'=')) => {}
                        Some(_) => return fail(at),
                        None => return fail(text.len()),
                    }
                }
                match after.next() {
                    Some((at, _)) => return fail(at),
                    None => break,
                }
            }
            _ => return fail(at),
        };
        group = group << 6 | u32::from(digit);
        digits += 1;
        if digits == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, digits) = (0, 0);
        }
    }
    match digits {
        0 => {}
        1 => return fail(text.len() - 1),
        _ => out.extend_from_slice(&(group << (6 * (4 - digits))).to_be_bytes()[1..digits]),
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"\xff\xfe\xfd\xfc", "//79/A"),
        ] {
            let mut out = Vec::new();
            encode(bytes, &mut out);
            assert_eq!(out, text.as_bytes());
            assert_eq!(decode(&out).as_deref(), Ok(bytes));
            out.resize(out.len().next_multiple_of(4), b'=');
            assert_eq!(decode(&out).as_deref(), Ok(bytes));
        }
    }

    #[test]
    fn urls_have_an_alphabet_of_their_own() {
        let bytes = b"\xff\xfe\xfd\xfc";
        assert_eq!(encode_url(bytes), b"__79_A");
        assert_eq!(decode_url(b"__79_A").as_deref(), Ok(&bytes[..]));
        for text in ["//79/A", "__79_A==", "A"] {
            assert!(decode_url(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn wrong_texts_are_refused() {
        for text in [
            "A", "AAAAA", "A=", "AA=", "AAA==", "====", "AA==A", "AA*A", "=", "AAAA=",
        ] {
            assert!(decode(text.as_bytes()).is_err(), "{text}");
        }
    }
}
