//! What blocks were found to be, so that a long listing does not read each of them again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use basalt_block::Cid;

use crate::Kind;

/// So many are remembered, in about 10 MB.
const MOST: usize = 64 << 10;

/// What the roots of files and directories are, and the bytes of files.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<Cid, (Kind, u64)>>);

impl Known {
    pub(crate) fn get(&self, cid: &Cid) -> Option<(Kind, u64)> {
        self.lock().get(cid).copied()
    }

    pub(crate) fn put(&self, cid: Cid, found: (Kind, u64)) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(cid, found);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Cid, (Kind, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
