//! The codecs of blocks: their multicodec codes and names.

use crate::Error;

pub use basalt_block::codec::{DAG_CBOR, DAG_JSON, DAG_PB, LIBP2P_KEY, RAW};

/// CBOR without links.
pub const CBOR: u64 = 0x51;
/// JSON without links and bytes.
pub const JSON: u64 = 0x0200;
/// A Git object.
pub const GIT_RAW: u64 = 0x78;
/// A Git object as Git keeps it in a file: compressed. Kubo's own number, and for reading only.
pub const GIT_RAW_ZLIB: u64 = 0x30_0000 + GIT_RAW;
/// JOSE objects over DAG-CBOR.
pub const DAG_JOSE: u64 = 0x85;

/// Codes and names of codecs, in the order of the codes; the names are those of the multicodec table.
pub const CODECS: &[(u64, &str)] = &[
    (CBOR, "cbor"),
    (RAW, "raw"),
    (DAG_PB, "dag-pb"),
    (DAG_CBOR, "dag-cbor"),
    (LIBP2P_KEY, "libp2p-key"),
    (GIT_RAW, "git-raw"),
    (0x7b, "torrent-info"),
    (0x7c, "torrent-file"),
    (0x80, "blake3-hashseq"),
    (0x81, "leofcoin-block"),
    (0x82, "leofcoin-tx"),
    (0x83, "leofcoin-pr"),
    (DAG_JOSE, "dag-jose"),
    (0x86, "dag-cose"),
    (0x90, "eth-block"),
    (0x91, "eth-block-list"),
    (0x92, "eth-tx-trie"),
    (0x93, "eth-tx"),
    (0x94, "eth-tx-receipt-trie"),
    (0x95, "eth-tx-receipt"),
    (0x96, "eth-state-trie"),
    (0x97, "eth-account-snapshot"),
    (0x98, "eth-storage-trie"),
    (0x99, "eth-receipt-log-trie"),
    (0x9a, "eth-receipt-log"),
    (0xb0, "bitcoin-block"),
    (0xb1, "bitcoin-tx"),
    (0xb2, "bitcoin-witness-commitment"),
    (0xc0, "zcash-block"),
    (0xc1, "zcash-tx"),
    (0xd0, "stellar-block"),
    (0xd1, "stellar-tx"),
    (0xe0, "decred-block"),
    (0xe1, "decred-tx"),
    (0xf0, "dash-block"),
    (0xf1, "dash-tx"),
    (0xfa, "swarm-manifest"),
    (0xfb, "swarm-feed"),
    (0xfc, "beeson"),
    (DAG_JSON, "dag-json"),
    (0x1f0, "swhid-1-snp"),
    (JSON, "json"),
    (0x202, "car"),
    (0xb403, "rdfc-1"),
    (0xb601, "json-jcs"),
    (0xf101, "fil-commitment-unsealed"),
    (0xf102, "fil-commitment-sealed"),
];

/// The name of a codec, or `None` for a code that is not in [`CODECS`].
pub fn name(code: u64) -> Option<&'static str> {
    CODECS.iter().find(|(c, _)| *c == code).map(|(_, n)| *n)
}

/// The code of a codec's name.
pub fn code(name: &str) -> Option<u64> {
    CODECS.iter().find(|(_, n)| *n == name).map(|(c, _)| *c)
}

/// Reads what a user gives for a codec: a name of [`CODECS`], or a code as a number.
pub fn parse(text: &str) -> Result<u64, Error> {
    let number = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    code(text)
        .or(number.ok())
        .ok_or_else(|| Error::UnknownCodec(text.to_owned()))
}

/// Whether this crate decodes blocks of the codec.
pub fn is_decodable(code: u64) -> bool {
    is_encodable(code) || code == GIT_RAW_ZLIB
}

/// Whether this crate encodes blocks of the codec.
pub fn is_encodable(code: u64) -> bool {
    matches!(
        code,
        RAW | DAG_PB | DAG_CBOR | DAG_JSON | CBOR | JSON | GIT_RAW | DAG_JOSE
    )
}
