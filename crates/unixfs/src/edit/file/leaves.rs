//! New leaves, one after the other.

use std::vec;

use basalt_block::Block;
use basalt_chunker::Chunker;
use bytes::Bytes;

use crate::{
    CidFormat, Error, Kind, Result,
    builder::{Child, Cutter, Leaf, LeafFormat, hashing_turn},
};

/// So much is hashed where it is; more, on another thread.
const HASH_HERE: usize = 128 << 10;
/// The leaves that fill a gap.
const ZERO_LEAF: usize = 4096;

pub(super) enum Leaves {
    Made(vec::IntoIter<Leaf>),
    Zeros(Box<Zeros>),
}

/// Leaves that are the same but for the last one.
pub(super) struct Zeros {
    /// Its block is given once.
    full: (Option<Block>, Child),
    left: u64,
    last: Option<Leaf>,
}

pub(super) fn format(raw: bool, cids: CidFormat) -> LeafFormat {
    LeafFormat {
        raw,
        kind: Kind::Raw,
        cids,
    }
}

impl Leaves {
    pub(super) async fn of(bytes: Bytes, chunker: &Chunker, format: LeafFormat) -> Result<Self> {
        let small = bytes.len() <= HASH_HERE;
        let mut cutter = Cutter::new(chunker);
        let make = move || {
            cutter.feed(bytes);
            let mut chunks: Vec<Bytes> = std::iter::from_fn(|| cutter.next()).collect();
            chunks.extend(cutter.finish());
            format.leaves(chunks)
        };
        let made = if small {
            make()?
        } else {
            let turn = hashing_turn().await.map_err(|_| Error::Cancelled)?;
            let task = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                make()
            });
            task.await.map_err(|_| Error::Cancelled)??
        };
        Ok(Self::Made(made.into_iter()))
    }

    pub(super) fn zeros(len: u64, format: LeafFormat) -> Result<Self> {
        let leaf = |len: usize| format.leaf(Bytes::from(vec![0; len]));
        let (block, child) = leaf(ZERO_LEAF)?;
        let rest = (len % ZERO_LEAF as u64) as usize;
        Ok(Self::Zeros(Box::new(Zeros {
            full: (Some(block), child),
            left: len / ZERO_LEAF as u64,
            last: if rest > 0 { Some(leaf(rest)?) } else { None },
        })))
    }

    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Made(leaves) => leaves.len() == 0,
            Self::Zeros(zeros) => zeros.left == 0 && zeros.last.is_none(),
        }
    }

    pub(super) fn next(&mut self) -> Option<(Option<Block>, Child)> {
        match self {
            Self::Made(leaves) => leaves.next().map(|(block, child)| (Some(block), child)),
            Self::Zeros(zeros) => match zeros.left.checked_sub(1) {
                Some(left) => {
                    zeros.left = left;
                    Some((zeros.full.0.take(), zeros.full.1))
                }
                None => zeros.last.take().map(|(block, child)| (Some(block), child)),
            },
        }
    }

    /// How many of the next leaves are the same.
    pub(super) fn same(&self) -> u64 {
        match self {
            Self::Made(_) => 0,
            Self::Zeros(zeros) => zeros.left,
        }
    }

    /// Passes over so many leaves, which are the same.
    pub(super) fn skip(&mut self, count: u64) {
        if let Self::Zeros(zeros) = self {
            zeros.left -= count;
        }
    }
}
