//! Names of multibases and multicodecs.

use basalt::block::Base;

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

/// Multicodecs of IPLD data, in the order of their codes; `true` for those that `dag` reads and
/// writes or that Basalt makes itself.
pub(crate) const CODECS: [(u64, &str, bool); 44] = [
    (0x51, "cbor", true),
    (0x55, "raw", true),
    (0x70, "dag-pb", true),
    (0x71, "dag-cbor", true),
    (0x72, "libp2p-key", true),
    (0x78, "git-raw", false),
    (0x7b, "torrent-info", false),
    (0x7c, "torrent-file", false),
    (0x80, "blake3-hashseq", false),
    (0x81, "leofcoin-block", false),
    (0x82, "leofcoin-tx", false),
    (0x83, "leofcoin-pr", false),
    (0x85, "dag-jose", false),
    (0x86, "dag-cose", false),
    (0x90, "eth-block", false),
    (0x91, "eth-block-list", false),
    (0x92, "eth-tx-trie", false),
    (0x93, "eth-tx", false),
    (0x94, "eth-tx-receipt-trie", false),
    (0x95, "eth-tx-receipt", false),
    (0x96, "eth-state-trie", false),
    (0x97, "eth-account-snapshot", false),
    (0x98, "eth-storage-trie", false),
    (0x99, "eth-receipt-log-trie", false),
    (0x9a, "eth-receipt-log", false),
    (0xb0, "bitcoin-block", false),
    (0xb1, "bitcoin-tx", false),
    (0xb2, "bitcoin-witness-commitment", false),
    (0xc0, "zcash-block", false),
    (0xc1, "zcash-tx", false),
    (0xd0, "stellar-block", false),
    (0xd1, "stellar-tx", false),
    (0xe0, "decred-block", false),
    (0xe1, "decred-tx", false),
    (0xf0, "dash-block", false),
    (0xf1, "dash-tx", false),
    (0xfa, "swarm-manifest", false),
    (0xfb, "swarm-feed", false),
    (0xfc, "beeson", false),
    (0x0129, "dag-json", true),
    (0x01f0, "swhid-1-snp", false),
    (0x0200, "json", true),
    (0xb403, "rdfc-1", false),
    (0xb601, "json-jcs", false),
];

/// The name of a codec.
pub(crate) fn codec_name(code: u64) -> Option<&'static str> {
    CODECS
        .iter()
        .find(|(c, ..)| *c == code)
        .map(|(_, name, _)| *name)
}

/// The codec of a name or of a number.
pub(crate) fn codec_of(text: &str) -> Result<u64, String> {
    let by_name = CODECS
        .iter()
        .find(|(_, name, _)| *name == text)
        .map(|(code, ..)| *code);
    let hex = || u64::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    by_name
        .or_else(|| text.parse().ok())
        .or_else(hex)
        .ok_or_else(|| format!("unknown multicodec: \"{text}\""))
}
