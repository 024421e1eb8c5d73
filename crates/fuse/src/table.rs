//! The entries that the kernel knows, by number.

use std::collections::HashMap;

use bytes::Bytes;

use crate::attributes::Kind;
use crate::tree::ROOT;

/// More entries than this, and the kernel is asked to forget some.
pub(crate) const MANY: usize = 100_000;

/// The entries that the kernel knows; `T` is what the tree keeps of each.
pub(crate) struct Table<T> {
    nodes: HashMap<u64, Node<T>>,
    names: HashMap<(u64, Bytes), u64>,
    next: u64,
}

struct Node<T> {
    /// Where it stands; nowhere once it was removed.
    place: Option<(u64, Bytes)>,
    kind: Kind,
    lookups: u64,
    kept: T,
}

impl<T> Table<T> {
    /// A table with a root.
    pub(crate) fn new(root: T) -> Self {
        let root = Node {
            place: None,
            kind: Kind::Directory,
            lookups: 1,
            kept: root,
        };
        Self {
            nodes: HashMap::from([(ROOT, root)]),
            names: HashMap::new(),
            next: ROOT + 1,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Notes that the kernel was told of an entry, and gives its number. What stood there before and
    /// was something else, by `same`, keeps its own number and loses its place.
    pub(crate) fn found(
        &mut self,
        parent: u64,
        name: &[u8],
        kind: Kind,
        kept: T,
        same: impl Fn(&T, &T) -> bool,
    ) -> u64 {
        let key = (parent, Bytes::copy_from_slice(name));
        if let Some(ino) = self.names.get(&key).copied()
            && let Some(node) = self.nodes.get_mut(&ino)
        {
            if node.kind == kind && same(&node.kept, &kept) {
                node.lookups += 1;
                return ino;
            }
            node.place = None;
        }
        let ino = self.next;
        self.next += 1;
        self.names.insert(key.clone(), ino);
        self.nodes.insert(
            ino,
            Node {
                place: Some(key),
                kind,
                lookups: 1,
                kept,
            },
        );
        ino
    }

    /// The kernel knows an entry so many times less. What nobody knows is dropped.
    pub(crate) fn forget(&mut self, ino: u64, times: u64) {
        let Some(node) = self.nodes.get_mut(&ino) else {
            return;
        };
        node.lookups = node.lookups.saturating_sub(times);
        if node.lookups > 0 || ino == ROOT {
            return;
        }
        if let Some(node) = self.nodes.remove(&ino)
            && let Some(place) = node.place
        {
            self.names.remove(&place);
        }
    }

    pub(crate) fn kind(&self, ino: u64) -> Option<Kind> {
        self.nodes.get(&ino).map(|node| node.kind)
    }

    pub(crate) fn get(&self, ino: u64) -> Option<&T> {
        self.nodes.get(&ino).map(|node| &node.kept)
    }

    pub(crate) fn get_mut(&mut self, ino: u64) -> Option<&mut T> {
        self.nodes.get_mut(&ino).map(|node| &mut node.kept)
    }

    /// The number of what stands at a place, if the kernel knows it.
    pub(crate) fn at(&self, parent: u64, name: &[u8]) -> Option<u64> {
        // The map wants the key as it is stored.
        let key = (parent, Bytes::copy_from_slice(name));
        self.names.get(&key).copied()
    }

    /// Notes that nothing stands at a place any more.
    pub(crate) fn removed(&mut self, parent: u64, name: &[u8]) {
        let key = (parent, Bytes::copy_from_slice(name));
        if let Some(node) = self
            .names
            .remove(&key)
            .and_then(|ino| self.nodes.get_mut(&ino))
        {
            node.place = None;
        }
    }

    /// Notes that what stands at a place stands at another now.
    pub(crate) fn moved(&mut self, from: (u64, &[u8]), to: (u64, &[u8])) {
        self.removed(to.0, to.1);
        let from = (from.0, Bytes::copy_from_slice(from.1));
        let to = (to.0, Bytes::copy_from_slice(to.1));
        if let Some(ino) = self.names.remove(&from) {
            if let Some(node) = self.nodes.get_mut(&ino) {
                node.place = Some(to.clone());
            }
            self.names.insert(to, ino);
        }
    }

    /// The names from the root to an entry; `None` if it has no place any more.
    pub(crate) fn names(&self, ino: u64) -> Option<Vec<Bytes>> {
        let mut names = Vec::new();
        let mut at = ino;
        while at != ROOT {
            let (parent, name) = self.nodes.get(&at)?.place.as_ref()?;
            // The kernel makes no rings; a table that has one has no path.
            if names.len() > self.nodes.len() {
                return None;
            }
            names.push(name.clone());
            at = *parent;
        }
        names.reverse();
        Some(names)
    }

    /// Places of so many entries, oldest first: what the kernel may be asked to forget.
    pub(crate) fn oldest(&self, count: usize) -> Vec<(u64, Bytes)> {
        let mut all: Vec<(u64, &(u64, Bytes))> = self
            .nodes
            .iter()
            .filter_map(|(ino, node)| Some((*ino, node.place.as_ref()?)))
            .collect();
        all.sort_unstable_by_key(|(ino, _)| *ino);
        all.truncate(count);
        all.into_iter().map(|(_, place)| place.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path<T>(table: &Table<T>, ino: u64) -> Option<String> {
        let names = table.names(ino)?;
        Some(
            names
                .iter()
                .map(|name| format!("/{}", String::from_utf8_lossy(name)))
                .collect(),
        )
    }

    #[test]
    fn entries_keep_their_numbers_when_they_move() {
        let mut table = Table::new(());
        let mut found =
            |parent, name: &[u8], kind| table.found(parent, name, kind, (), |_, _| true);
        let a = found(ROOT, b"a", Kind::Directory);
        let b = found(a, b"b", Kind::File);
        assert_eq!(found(a, b"b", Kind::File), b);
        let c = found(ROOT, b"c", Kind::Directory);
        assert_eq!(path(&table, b).as_deref(), Some("/a/b"));
        table.moved((ROOT, b"a"), (c, b"d"));
        assert_eq!(path(&table, b).as_deref(), Some("/c/d/b"));
        table.removed(c, b"d");
        assert_eq!(path(&table, b), None);
        assert_eq!(table.kind(b), Some(Kind::File));
        table.forget(b, 1);
        assert_eq!(table.kind(b), Some(Kind::File));
        table.forget(b, 1);
        assert_eq!(table.kind(b), None);
        assert_eq!(path(&table, c).as_deref(), Some("/c"));
    }

    #[test]
    fn what_became_something_else_has_another_number() {
        let mut table = Table::new(());
        let file = table.found(ROOT, b"x", Kind::File, (), |_, _| true);
        let directory = table.found(ROOT, b"x", Kind::Directory, (), |_, _| true);
        assert_ne!(file, directory);
        assert_eq!(path(&table, file), None);
        // Forgetting the first does not take the place from the second.
        table.forget(file, 1);
        assert_eq!(table.at(ROOT, b"x"), Some(directory));
    }

    #[test]
    fn the_root_stays() {
        let mut table = Table::new(());
        table.forget(ROOT, 99);
        assert_eq!(path(&table, ROOT).as_deref(), Some(""));
        assert_eq!(table.len(), 1);
    }
}
