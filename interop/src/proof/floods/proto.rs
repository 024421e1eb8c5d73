//! Messages written by hand, so that they may be as wrong as they like.

/// Puts a number as a varint.
pub(super) fn varint(to: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        to.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    to.push(n.to_le_bytes()[0]);
}

/// A field of bytes of a protobuf.
pub(super) fn bytes(to: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(to, field << 3 | 2);
    varint(to, value.len() as u64);
    to.extend_from_slice(value);
}

/// A field with a number.
pub(super) fn number(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3);
    varint(to, value);
}

/// A message after its length.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(message.len() + 5);
    varint(&mut frame, message.len() as u64);
    frame.extend_from_slice(message);
    frame
}

/// A wantlist of Bitswap.
pub(super) fn wantlist(cids: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut list = Vec::new();
    for (n, cid) in cids.enumerate() {
        let mut entry = Vec::new();
        bytes(&mut entry, 1, &cid);
        number(&mut entry, 2, 1 + n as u64);
        number(&mut entry, 5, 1);
        bytes(&mut list, 1, &entry);
    }
    let mut message = Vec::new();
    bytes(&mut message, 1, &list);
    framed(&message)
}

/// The CID of a block that nobody has.
pub(super) fn unknown(n: u64) -> Vec<u8> {
    let mut cid = vec![1, 0x55];
    cid.extend(key(n));
    cid
}

/// A multihash that looks like one of SHA2-256.
pub(super) fn key(n: u64) -> Vec<u8> {
    let mut hash = vec![0x12, 32];
    for part in 0..4 {
        let word = (n ^ part)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(17);
        hash.extend(word.to_le_bytes());
    }
    hash
}

/// A message of the DHT of this kind.
pub(super) fn dht(kind: u64, key: &[u8], more: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    number(&mut message, 1, kind);
    bytes(&mut message, 2, key);
    message.extend_from_slice(more);
    framed(&message)
}
