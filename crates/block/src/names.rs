//! Names and codes of the hash functions, as `ipfs cid hashes` lists them.

use std::borrow::Cow;

const NAMES: [(u64, &str); 21] = [
    (0x00, "identity"),
    (0x11, "sha1"),
    (0x12, "sha2-256"),
    (0x13, "sha2-512"),
    (0x14, "sha3-512"),
    (0x15, "sha3-384"),
    (0x16, "sha3-256"),
    (0x17, "sha3-224"),
    (0x18, "shake-128"),
    (0x19, "shake-256"),
    (0x1a, "keccak-224"),
    (0x1b, "keccak-256"),
    (0x1c, "keccak-384"),
    (0x1d, "keccak-512"),
    (0x1e, "blake3"),
    (0x22, "murmur3-x64-64"),
    (0x56, "dbl-sha2-256"),
    (0xd5, "md5"),
    (0x1012, "sha2-256-trunc254-padded"),
    (0x1100, "x11"),
    (0xb401, "poseidon-bls12_381-a2-fc1"),
];

pub(crate) const BLAKE2B: std::ops::RangeInclusive<u64> = 0xb201..=0xb240;
pub(crate) const BLAKE2S: std::ops::RangeInclusive<u64> = 0xb241..=0xb260;

// The blake2 families are made from their bit lengths, once.
static BLAKE2: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
    let b = BLAKE2B.map(|code| format!("blake2b-{}", (code - 0xb200) * 8));
    let s = BLAKE2S.map(|code| format!("blake2s-{}", (code - 0xb240) * 8));
    b.chain(s).collect()
});

/// The name of a hash function, or `None` for a code without one.
pub fn hash_name(code: u64) -> Option<&'static str> {
    if BLAKE2B.contains(&code) || BLAKE2S.contains(&code) {
        return Some(&BLAKE2[(code - BLAKE2B.start()) as usize]);
    }
    NAMES.iter().find(|(c, _)| *c == code).map(|(_, n)| *n)
}

/// The code of a hash function's name; upper and lower case are the same, and `sha3` is `sha3-512`.
pub fn hash_code(name: &str) -> Option<u64> {
    let name: Cow<'_, str> = if name.bytes().any(|b| b.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    };
    if name == "sha3" {
        return Some(0x14);
    }
    if let Some((code, _)) = NAMES.iter().find(|(_, n)| *n == name) {
        return Some(*code);
    }
    let at = BLAKE2.iter().position(|n| *n == name)?;
    Some(BLAKE2B.start() + at as u64)
}

/// Every hash function that a CID may use here, in the order of the codes.
pub fn known_hashes() -> impl Iterator<Item = (u64, &'static str)> {
    NAMES
        .iter()
        .copied()
        .chain(
            BLAKE2
                .iter()
                .enumerate()
                .map(|(i, n)| (BLAKE2B.start() + i as u64, n.as_str())),
        )
        .filter(|(code, _)| crate::is_allowed(*code))
}
