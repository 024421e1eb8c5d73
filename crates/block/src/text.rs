//! CIDs as text, with the errors that Kubo's users and clients know.

use multibase::Base;

use crate::digits::{base32, base58};
use crate::varint::read_minimal;
use crate::{Cid, MAX_DIGEST, Multihash, Version, hash_codes::SHA2_256};

/// The most bytes of a CID: four varints and the digest.
const MAX_CID: usize = MAX_DIGEST + 40;

/// Reads a CID in any version and multibase, and tells the base; a CIDv0 is base58btc.
///
/// # Errors
/// What is wrong, beginning with `invalid cid: `.
pub fn parse_cid(text: &str) -> Result<(Cid, Base), String> {
    let fail = |why: &str| format!("invalid cid: {why}");
    if text.len() < 2 {
        return Err(fail("cid too short"));
    }
    if text.len() == 46 && text.starts_with("Qm") {
        let bytes = decode_digits(Base::Base58Btc, text)
            .map_err(|_| fail("input isn't valid multihash"))?;
        let cid = v0(&bytes).ok_or_else(|| fail("input isn't valid multihash"))?;
        return Ok((cid, Base::Base58Btc));
    }
    let first = text.chars().next().unwrap_or_default();
    let base = Base::from_code(first).map_err(|_| fail("selected encoding not supported"))?;
    let bytes = decode_digits(base, &text[first.len_utf8()..]).map_err(|e| fail(&e))?;
    Ok((cid_of_bytes(&bytes).map_err(|e| fail(&e))?, base))
}

/// Reads a CID that fills `bytes` from end to end.
pub fn cid_of_bytes(bytes: &[u8]) -> Result<Cid, String> {
    const UNFINISHED: &str = "invalid cid: varints malformed, could not reach the end";
    if bytes.len() == 34 && bytes[0] == 0x12 && bytes[1] == 0x20 {
        return v0(bytes).ok_or_else(|| "invalid cid: input isn't valid multihash".to_owned());
    }
    if bytes.len() > 2 && bytes[0] == 0x12 && bytes[1] == 0x20 {
        let short = bytes.len() < 34;
        let why = if short {
            "not enough bytes for cid v0"
        } else {
            "trailing bytes in data buffer passed to cid Cast"
        };
        return Err(format!("invalid cid: {why}"));
    }
    let (version, rest) = varint(bytes).ok_or(UNFINISHED)?;
    if version != 1 {
        return Err(format!(
            "invalid cid: expected 1 as the cid version number, got: {version}"
        ));
    }
    let (codec, rest) = varint(rest).ok_or(UNFINISHED)?;
    if rest.len() < 2 {
        return Err("invalid cid: multihash too short. must be >= 2 bytes".to_owned());
    }
    let (code, rest) = varint(rest).ok_or(UNFINISHED)?;
    let (len, rest) = varint(rest).ok_or(UNFINISHED)?;
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if len > rest.len() {
        return Err(
            "invalid cid: length greater than remaining number of bytes in buffer".to_owned(),
        );
    }
    if len < rest.len() {
        return Err("trailing bytes in data buffer passed to cid Cast".to_owned());
    }
    let hash = Multihash::wrap(code, rest).map_err(|_| {
        format!(
            "invalid cid: a digest of {len} bytes is over the limit of {}",
            crate::MAX_DIGEST
        )
    })?;
    Ok(Cid::new_v1(codec, hash))
}

/// Writes a CID: a CIDv1 in `base`, a CIDv0 always in base58btc.
pub fn cid_text(cid: &Cid, base: Base) -> String {
    let mut bytes = [0; MAX_CID];
    // Longer than the longest CID: writing cannot fail.
    let len = cid.write_bytes(&mut bytes[..]).unwrap_or(0);
    let bytes = &bytes[..len];
    match (cid.version(), base) {
        (Version::V0, _) => match bytes.try_into() {
            Ok(bytes) => base58(bytes),
            Err(_) => Base::Base58Btc.encode(bytes),
        },
        (Version::V1, Base::Base32Lower) => base32(bytes),
        (Version::V1, _) => multibase_text(base, bytes),
    }
}

/// Writes a CID in its usual base: base58btc for a CIDv0, else base32. Faster than its `Display`.
pub fn cid_string(cid: &Cid) -> String {
    cid_text(cid, Base::Base32Lower)
}

/// Writes bytes in a multibase, its letter first. Of `identity` each byte that is no text becomes
/// U+FFFD.
pub fn multibase_text(base: Base, bytes: &[u8]) -> String {
    if base != Base::Identity {
        return multibase::encode(base, bytes);
    }
    let mut text = String::from(base.code());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// As [`multibase_text`], with the bytes of `identity` as they are.
pub fn multibase_bytes(base: Base, bytes: &[u8]) -> Vec<u8> {
    match base {
        Base::Identity => [&[0][..], bytes].concat(),
        base => multibase::encode(base, bytes).into_bytes(),
    }
}

fn v0(bytes: &[u8]) -> Option<Cid> {
    let digest = bytes
        .strip_prefix(&[0x12, 0x20])
        .filter(|d| d.len() == 32)?;
    Cid::new_v0(Multihash::wrap(SHA2_256, digest).ok()?).ok()
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (value, len) = read_minimal(bytes).ok()?;
    Some((value, &bytes[len..]))
}

const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE32_HEX: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static BASE32_VALUES: [u8; 256] = values(BASE32);
static BASE32_HEX_VALUES: [u8; 256] = values(BASE32_HEX);
const NO_DIGIT: u8 = u8::MAX;

/// What each byte stands for as a digit of `alphabet`, in either case.
const fn values(alphabet: &[u8]) -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut at = 0;
    while at < alphabet.len() {
        values[alphabet[at] as usize] = at as u8;
        values[alphabet[at].to_ascii_uppercase() as usize] = at as u8;
        at += 1;
    }
    values
}

/// Decodes the digits of a multibase text, the first letter left out. Base32 is read as Go reads
/// it: either case, and bits left over at the end are dropped whatever they are. Base32 and base64
/// may be broken into lines.
pub fn decode_digits(base: Base, digits: &str) -> Result<Vec<u8>, String> {
    let lines = |c: char| c == '\n' || c == '\r';
    let joined;
    let digits = if may_have_lines(base) && digits.contains(lines) {
        joined = digits.replace(lines, "");
        &joined
    } else {
        digits
    };
    let values = match base {
        Base::Base16Lower | Base::Base16Upper => {
            if let Some(c) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
                let shown = if c.is_control() {
                    String::new()
                } else {
                    format!(" '{c}'")
                };
                let code = c as u32;
                return Err(format!("encoding/hex: invalid byte: U+{code:04X}{shown}"));
            }
            if digits.len() % 2 == 1 {
                return Err("encoding/hex: odd length hex string".to_owned());
            }
            return Base::Base16Lower
                .decode(digits.to_ascii_lowercase())
                .map_err(|e| e.to_string());
        }
        Base::Base32Lower | Base::Base32Upper => &BASE32_VALUES,
        Base::Base32HexLower | Base::Base32HexUpper => &BASE32_HEX_VALUES,
        _ => {
            return base
                .decode(digits)
                .map_err(|e| wrong_digit(base, digits, &e));
        }
    };
    let mut out = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut bits, mut have) = (0u16, 0);
    for (at, digit) in digits.bytes().enumerate() {
        let value = values[usize::from(digit)];
        if value == NO_DIGIT {
            return Err(format!("illegal base32 data at input byte {at}"));
        }
        bits = bits << 5 | u16::from(value);
        have += 5;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
            bits &= (1 << have) - 1;
        }
    }
    Ok(out)
}

fn may_have_lines(base: Base) -> bool {
    use Base::*;
    matches!(
        base,
        Base32Lower
            | Base32Upper
            | Base32PadLower
            | Base32PadUpper
            | Base32HexLower
            | Base32HexUpper
            | Base32HexPadLower
            | Base32HexPadUpper
            | Base64
            | Base64Pad
            | Base64Url
            | Base64UrlPad
    )
}

fn wrong_digit(base: Base, digits: &str, error: &multibase::Error) -> String {
    // The first that is no digit, as Go's `%q` writes it.
    let first = |is_digit: fn(char) -> bool| {
        let wrong = digits.chars().find(|c| !is_digit(*c));
        wrong.map(|c| match c {
            '\u{80}'.. => c.to_string(),
            c => c.escape_default().to_string(),
        })
    };
    let is_base58 = |c: char| c.is_ascii_alphanumeric() && !"0OIl".contains(c);
    let (name, alphabet) = match base {
        Base::Base58Btc | Base::Base58Flickr => {
            return first(is_base58).map_or_else(
                || error.to_string(),
                |c| format!("invalid base58 digit ('{c}')"),
            );
        }
        Base::Base36Lower | Base::Base36Upper => {
            return first(|c| c.is_ascii_alphanumeric()).map_or_else(
                || error.to_string(),
                |c| format!("invalid base36 character ('{c}')"),
            );
        }
        Base::Base64 | Base::Base64Pad => ("base64", BASE64),
        Base::Base64Url | Base::Base64UrlPad => ("base64", BASE64_URL),
        Base::Base32PadLower | Base::Base32PadUpper => ("base32", BASE32),
        Base::Base32HexPadLower | Base::Base32HexPadUpper => ("base32", BASE32_HEX),
        _ => return error.to_string(),
    };
    let known = |c: u8| {
        alphabet.contains(&c) || (name == "base32" && alphabet.contains(&c.to_ascii_lowercase()))
    };
    let at = digits
        .bytes()
        .position(|c| !known(c))
        .unwrap_or(digits.len());
    format!("illegal {name} data at input byte {at}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_need_not_be_text() {
        let text = multibase_text(Base::Identity, b"a\xff\xfe\xc3\xa9\xe2\x82");
        assert_eq!(text, "\0a\u{fffd}\u{fffd}\u{e9}\u{fffd}\u{fffd}");
        assert_eq!(multibase_bytes(Base::Identity, b"\xff"), b"\0\xff");
        assert_eq!(multibase_bytes(Base::Base16Lower, b"\xff"), b"fff");
        let cid = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
        let (cid, _) = parse_cid(cid).unwrap();
        assert!(cid_text(&cid, Base::Identity).starts_with("\0\u{1}U\u{12} "));
    }

    #[test]
    fn errors_are_those_of_kubo() {
        let wrong = |text| parse_cid(text).unwrap_err();
        assert_eq!(wrong(""), "invalid cid: cid too short");
        assert_eq!(wrong("Qm"), "invalid cid: selected encoding not supported");
        assert_eq!(
            wrong("bafk"),
            "invalid cid: invalid cid: varints malformed, could not reach the end"
        );
        assert_eq!(
            wrong("zzz"),
            "invalid cid: invalid cid: expected 1 as the cid version number, got: 13"
        );
        assert_eq!(
            wrong("f0155"),
            "invalid cid: invalid cid: multihash too short. must be >= 2 bytes"
        );
        assert_eq!(
            wrong("f01551220aa"),
            "invalid cid: invalid cid: length greater than remaining number of bytes in buffer"
        );
        assert_eq!(
            wrong("f\n"),
            "invalid cid: encoding/hex: invalid byte: U+000A"
        );
        assert_eq!(wrong("z0'"), "invalid cid: invalid base58 digit ('0')");
        assert_eq!(
            wrong("k\n"),
            "invalid cid: invalid base36 character ('\\n')"
        );
        assert_eq!(
            wrong("b0"),
            "invalid cid: illegal base32 data at input byte 0"
        );
    }

    #[test]
    fn text_comes_back() {
        for text in [
            "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdX",
            "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq",
            "k51qzi5uqu5di608geewp3nqkg0bpujoasmka7ftkyxgcm3fh1aroup0gsdrna",
        ] {
            let (cid, base) = parse_cid(text).unwrap();
            assert_eq!(cid_text(&cid, base), text);
        }
    }
}
