//! Names of multibases and multicodecs.

use basalt::block::Base;
use basalt::ipld::codec;

/// Every multibase: the base, its name, whether its letter can be shown.
pub(crate) const BASES: [(Base, &str); 24] = [
    (Base::Identity, "identity"),
    (Base::Base2, "base2"),
    (Base::Base8, "base8"),
    (Base::Base10, "base10"),
    (Base::Base16Lower, "base16"),
    (Base::Base16Upper, "base16upper"),
    (Base::Base32Lower, "base32"),
    (Base::Base32Upper, "base32upper"),
    (Base::Base32PadLower, "base32pad"),
    (Base::Base32PadUpper, "base32padupper"),
    (Base::Base32HexLower, "base32hex"),
    (Base::Base32HexUpper, "base32hexupper"),
    (Base::Base32HexPadLower, "base32hexpad"),
    (Base::Base32HexPadUpper, "base32hexpadupper"),
    (Base::Base32Z, "base32z"),
    (Base::Base36Lower, "base36"),
    (Base::Base36Upper, "base36upper"),
    (Base::Base58Flickr, "base58flickr"),
    (Base::Base58Btc, "base58btc"),
    (Base::Base64, "base64"),
    (Base::Base64Pad, "base64pad"),
    (Base::Base64Url, "base64url"),
    (Base::Base64UrlPad, "base64urlpad"),
    (Base::Base256Emoji, "base256emoji"),
];

/// Bases that are decoded but not offered, as in Kubo.
const HIDDEN: [&str; 3] = ["base8", "base10", "base32z"];

/// The bases that are offered.
pub(crate) fn offered_bases() -> impl Iterator<Item = (Base, &'static str)> {
    BASES.into_iter().filter(|(_, name)| !HIDDEN.contains(name))
}

/// The name of a base.
pub(crate) fn base_name(base: Base) -> &'static str {
    BASES
        .iter()
        .find(|(b, _)| *b == base)
        .map_or("unknown", |(_, name)| name)
}

/// The base of a name, or of its letter.
pub(crate) fn base_of(name: &str) -> Result<Base, String> {
    if name.is_empty() {
        return Err("empty multibase encoding".to_owned());
    }
    let by_name = offered_bases()
        .find(|(_, n)| *n == name)
        .map(|(base, _)| base);
    let by_letter = || {
        let mut letters = name.chars();
        let only = letters.next().filter(|_| letters.next().is_none())?;
        offered_bases()
            .find(|(base, _)| base.code() == only)
            .map(|(base, _)| base)
    };
    by_name
        .or_else(by_letter)
        .ok_or_else(|| format!("unsupported multibase encoding: {name}"))
}

/// Codecs that are no data of IPLD and so are not listed.
const UNLISTED: [u64; 3] = [0x0202, 0xf101, 0xf102];

/// The codecs that a CID may name.
pub(crate) fn listed_codecs() -> impl Iterator<Item = (u64, &'static str)> {
    let all = codec::CODECS.iter().copied();
    all.filter(|(code, _)| !UNLISTED.contains(code))
}

/// The codec of a name or of a number.
pub(crate) fn codec_of(text: &str) -> Result<u64, String> {
    codec::parse(text).map_err(|e| e.to_string())
}
