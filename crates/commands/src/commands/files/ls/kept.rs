//! Long listings of directories as they were sent, for those who ask again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use basalt::block::Cid;
use bytes::Bytes;

/// Bytes of all that are kept.
const MOST: usize = 4 << 20;
/// One that is shorter is made in no time.
const LEAST: usize = 4 << 10;

/// Rows of JSON by the CID of their directory. What a CID names never changes, so none is ever wrong.
#[derive(Default)]
pub(crate) struct KeptListings(Mutex<VecDeque<(Cid, Bytes)>>);

impl KeptListings {
    pub(super) fn get(&self, directory: &Cid) -> Option<Bytes> {
        let all = self.lock();
        let found = all.iter().find(|(cid, _)| cid == directory);
        found.map(|(_, rows)| rows.clone())
    }

    pub(super) fn put(&self, directory: Cid, rows: Bytes) {
        if !(LEAST..=MOST / 2).contains(&rows.len()) {
            return;
        }
        let mut all = self.lock();
        all.retain(|(cid, _)| *cid != directory);
        all.push_back((directory, rows));
        let mut bytes: usize = all.iter().map(|(_, rows)| rows.len()).sum();
        while bytes > MOST
            && let Some((_, oldest)) = all.pop_front()
        {
            bytes -= oldest.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Cid, Bytes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows on their way to being kept, as long as they are not too many.
pub(super) struct Keeping(Option<Vec<u8>>);

impl Keeping {
    pub(super) fn new() -> Self {
        Self(Some(Vec::new()))
    }

    pub(super) fn add(&mut self, rows: &[u8]) {
        let Some(kept) = &mut self.0 else {
            return;
        };
        if kept.len() + rows.len() >= MOST / 2 {
            self.0 = None;
            return;
        }
        if !kept.is_empty() {
            kept.push(b',');
        }
        kept.extend_from_slice(rows);
    }

    pub(super) fn whole(self) -> Option<Bytes> {
        self.0.map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt::block::{Hasher, codec};

    #[test]
    fn the_latest_are_kept() {
        let cid = |n: u8| Cid::new_v1(codec::DAG_PB, Hasher::SHA2_256.digest(&[n]).unwrap());
        let kept = KeptListings::default();
        kept.put(cid(0), vec![0; LEAST - 1].into());
        kept.put(cid(1), vec![0; MOST].into());
        for n in 2..5 {
            kept.put(cid(n), vec![n; MOST / 2].into());
        }
        let found: Vec<bool> = (0..5).map(|n| kept.get(&cid(n)).is_some()).collect();
        assert_eq!(found, [false, false, false, true, true]);
        assert!(kept.get(&cid(4)).unwrap().iter().all(|byte| *byte == 4));
    }

    #[test]
    fn too_many_rows_are_given_up() {
        let mut keeping = Keeping::new();
        keeping.add(b"{}");
        keeping.add(b"{}");
        assert_eq!(keeping.whole().as_deref(), Some(&b"{},{}"[..]));
        let mut keeping = Keeping::new();
        keeping.add(&vec![b' '; MOST]);
        keeping.add(b"{}");
        assert_eq!(keeping.whole(), None);
    }
}
