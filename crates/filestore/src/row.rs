//! The bytes of a reference in the datastore.

use basalt_block::{Multihash, varint};
use bytes::Bytes;
use multibase::Base;

/// What the keys of references begin with. The multihash follows in base32, as in Kubo, so that
/// listings come in the same order.
pub(crate) const PREFIX: &str = "filestore/";

/// The longest path or URL that is referred to, in bytes.
pub(crate) const MAX_PATH: usize = 32 << 10;
/// The largest block that is referred to, in bytes.
pub(crate) const MAX_SIZE: u64 = basalt_block::MAX_BLOCK_SIZE as u64;

/// Where a block's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// A file, relative to the folder that the repo lies in; or a URL.
    pub path: Bytes,
    /// Where in it the block begins.
    pub offset: u64,
    /// Bytes of the block.
    pub size: u64,
}

/// A reference and when it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The reference.
    pub reference: Reference,
    /// The epoch of the store in which it was written.
    pub epoch: u32,
}

/// Whether a path means something that is fetched.
pub fn is_url(path: &[u8]) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| path.len() > scheme.len() && path.starts_with(scheme.as_bytes()))
}

impl Reference {
    /// Whether it points to a URL.
    pub fn is_url(&self) -> bool {
        is_url(&self.path)
    }
}

impl Row {
    /// The bytes of the row: size, offset and epoch as varints, then the path.
    pub fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(self.reference.path.len() + 16);
        varint::write(self.reference.size, &mut row);
        varint::write(self.reference.offset, &mut row);
        varint::write(self.epoch.into(), &mut row);
        row.extend_from_slice(&self.reference.path);
        row
    }

    /// Reads a row; `None` if it is damaged.
    pub fn decode(row: &[u8]) -> Option<Self> {
        let mut rest = row;
        let size = varint::take(&mut rest).ok()?;
        let offset = varint::take(&mut rest).ok()?;
        let epoch = u32::try_from(varint::take(&mut rest).ok()?).ok()?;
        let sound = size <= MAX_SIZE
            && offset.checked_add(size).is_some()
            && !rest.is_empty()
            && rest.len() <= MAX_PATH;
        sound.then(|| Self {
            reference: Reference {
                path: Bytes::copy_from_slice(rest),
                offset,
                size,
            },
            epoch,
        })
    }
}

/// The key of the reference to a block.
pub(crate) fn key(hash: &Multihash) -> Bytes {
    let name = Base::Base32Upper.encode(hash.to_bytes());
    format!("{PREFIX}{name}").into()
}

/// The block that a key is of.
pub(crate) fn hash(key: &[u8]) -> Option<Multihash> {
    let name = std::str::from_utf8(key).ok()?.strip_prefix(PREFIX)?;
    let bytes = Base::Base32Upper.decode(name).ok()?;
    Multihash::from_bytes(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_back(
            path in prop::collection::vec(any::<u8>(), 1..300),
            offset in 0..u64::MAX / 2,
            size in 0..=MAX_SIZE,
            epoch: u32,
        ) {
            let row = Row { reference: Reference { path: path.into(), offset, size }, epoch };
            prop_assert_eq!(Row::decode(&row.encode()), Some(row));
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            if let Some(row) = Row::decode(&bytes) {
                prop_assert_eq!(Row::decode(&row.encode()), Some(row));
            }
            let _ = hash(&bytes);
        }

        #[test]
        fn keys_come_back(code: u64, digest in prop::collection::vec(any::<u8>(), 0..=64)) {
            let of = Multihash::wrap(code, &digest).unwrap();
            prop_assert_eq!(hash(&key(&of)), Some(of));
        }
    }

    #[test]
    fn damaged_rows_are_refused() {
        let reference = |size, offset| Reference {
            path: "a".into(),
            offset,
            size,
        };
        let row = |size, offset| {
            Row {
                reference: reference(size, offset),
                epoch: 7,
            }
            .encode()
        };
        assert!(Row::decode(&row(1, 2)).is_some());
        assert!(Row::decode(&row(MAX_SIZE + 1, 2)).is_none());
        assert!(Row::decode(&row(1, u64::MAX)).is_none());
        assert!(Row::decode(&[]).is_none());
        assert!(Row::decode(&[1, 1, 1]).is_none(), "no path");
    }

    #[test]
    fn urls_are_told_from_paths() {
        for url in ["http://x", "https://x/y"] {
            assert!(is_url(url.as_bytes()), "{url}");
        }
        for path in ["http:/x", "http://", "https://", "a/http://x", "HTTP://x"] {
            assert!(!is_url(path.as_bytes()), "{path}");
        }
    }
}
