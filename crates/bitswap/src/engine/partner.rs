use std::collections::VecDeque;

use basalt_block::Cid;
use bytes::Bytes;

use super::wantlist::Wantlist;
use super::{EngineOptions, Receipt};

/// Blocks read in one visit to the store.
const READ: usize = 64;

/// A peer, as the engine sees it.
#[derive(Debug, Default)]
pub(super) struct Partner {
    pub(super) wants: Wantlist,
    pub(super) receipt: Receipt,
    /// Blocks that are ready to be sent.
    pub(super) loaded: VecDeque<(Cid, Bytes)>,
    pub(super) loaded_bytes: usize,
    /// Bytes being read.
    pub(super) reading: usize,
    /// Bytes that were handed to the connection.
    pub(super) under_way: usize,
    /// Whether a [`super::Job::Look`] has not been answered.
    pub(super) looking: bool,
    /// Whether the peer stands in the queue for turns.
    pub(super) waiting: bool,
}

impl Partner {
    /// Wants to look up. One visit at a time, so that a flood of wants is a flood for its sender.
    pub(super) fn next_look(&mut self) -> Option<Vec<Cid>> {
        if self.looking {
            return None;
        }
        let cids = self.wants.next_look();
        self.looking = !cids.is_empty();
        self.looking.then_some(cids)
    }

    /// Blocks to read, and their bytes, as far as the peer may have more under way.
    pub(super) fn next_read(&mut self, options: &EngineOptions) -> Option<(Vec<Cid>, usize)> {
        let limit = match options.max_outstanding {
            0 => usize::MAX,
            limit => limit,
        };
        let mut cids = Vec::new();
        let mut bytes = 0;
        while cids.len() < READ && bytes < options.message_size && self.outstanding() < limit {
            let Some((cid, size)) = self.wants.next_read() else {
                break;
            };
            bytes += size;
            self.reading += size;
            cids.push(cid);
        }
        (!cids.is_empty()).then_some((cids, bytes))
    }

    /// Bytes of blocks that are read, or were and have not left.
    pub(super) fn outstanding(&self) -> usize {
        self.under_way + self.loaded_bytes + self.reading
    }

    pub(super) fn load(&mut self, cid: Cid, data: Bytes) {
        self.loaded_bytes += data.len();
        self.loaded.push_back((cid, data));
    }
}
