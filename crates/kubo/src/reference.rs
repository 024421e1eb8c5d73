//! References of Kubo's filestore, as they are kept in the datastore: a message of protobuf each.

use basalt_block::{Multihash, varint};

/// Where the bytes of a block are that the repository does not keep itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The block.
    pub hash: Multihash,
    /// A URL, or the path of a file from the folder that the repository lies in.
    pub path: Vec<u8>,
    /// Where in it the block begins.
    pub offset: u64,
    /// Bytes of the block.
    pub size: u64,
}

/// Reads the record of a reference: path, offset and size.
///
/// # Errors
/// What is wrong with it.
pub fn decode_reference(mut record: &[u8]) -> Result<(Vec<u8>, u64, u64), &'static str> {
    const CUT: &str = "it is cut";
    let (mut path, mut offset, mut size) = (Vec::new(), 0, 0);
    while !record.is_empty() {
        let tag = varint::take(&mut record).map_err(|_| CUT)?;
        match (tag >> 3, tag & 7) {
            (field, 0) => {
                let number = varint::take(&mut record).map_err(|_| CUT)?;
                match field {
                    2 => offset = number,
                    3 => size = number,
                    _ => {}
                }
            }
            (field, 2) => {
                let len = varint::take(&mut record).map_err(|_| CUT)?;
                let len = usize::try_from(len).map_err(|_| CUT)?;
                let (bytes, rest) = record.split_at_checked(len).ok_or(CUT)?;
                record = rest;
                if field == 1 {
                    path = bytes.to_vec();
                }
            }
            _ => return Err("it has a field of an unknown kind"),
        }
    }
    if path.is_empty() {
        return Err("it names no file");
    }
    Ok((path, offset, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_kubo() {
        // As Kubo 0.43 writes it: a/b at 262144, 5 bytes.
        let record = b"\x0a\x03a/b\x10\x80\x80\x10\x18\x05";
        assert_eq!(decode_reference(record), Ok((b"a/b".to_vec(), 262_144, 5)));
        let first = b"\x0a\x01a\x18\x05";
        assert_eq!(decode_reference(first), Ok((b"a".to_vec(), 0, 5)));
        for bad in [
            &b""[..],
            b"\x10\x01",
            b"\x0a\x05ab",
            b"\x0b",
            b"\x0a\x01a\x10",
        ] {
            assert!(decode_reference(bad).is_err(), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_record_is_survived(bytes: Vec<u8>) {
            let _ = decode_reference(&bytes);
        }
    }
}
