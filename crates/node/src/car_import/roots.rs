//! The roots of all headers, each once.

use basalt_block::{Cid, read_cid};
use basalt_pin::Visited;

/// Kept as bytes: about 36 a root, and 29 to know that it came before.
#[derive(Default)]
pub(super) struct RootList {
    seen: Visited,
    bytes: Vec<u8>,
    at: usize,
}

impl RootList {
    pub(super) fn add(&mut self, root: &Cid) {
        if self.seen.visit(root) {
            self.bytes.extend(root.to_bytes());
        }
    }

    /// The next roots in their order, at most `most`.
    pub(super) fn take(&mut self, most: usize) -> Vec<Cid> {
        let mut roots = Vec::new();
        while roots.len() < most
            && let Ok((root, len)) = read_cid(&self.bytes[self.at..])
        {
            self.at += len;
            roots.push(root);
        }
        roots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_block::{Hasher, codec};

    #[test]
    fn roots_come_once_and_in_order() {
        let root = |n: u8| Cid::new_v1(codec::RAW, Hasher::SHA2_256.digest(&[n]).unwrap());
        let mut list = RootList::default();
        for n in [3, 1, 3, 2, 1] {
            list.add(&root(n));
        }
        assert_eq!(list.take(2), [root(3), root(1)]);
        assert_eq!(list.take(2), [root(2)]);
        assert!(list.take(2).is_empty());
    }
}
