//! The blocks of a CAR, one after the other.

use std::collections::VecDeque;

use async_trait::async_trait;
use basalt_block::{Block, Cid, Hasher, codec, hash_codes::IDENTITY};
use basalt_car::Gather;
use bytes::Bytes;

use super::entity;
use super::seen::Seen;
use super::{Params, Scope};
use crate::backend::Backend;
use crate::error::Error;
use crate::pace::PIECE;
use crate::streaming::Source;

/// Leaves that are read at once.
const AHEAD: usize = 8;
/// Smaller blocks are put together until there are as many bytes.
const GATHER: usize = 64 << 10;
/// Longer blocks are sent in parts.
const LONG: usize = 2 * GATHER;
/// No honest DAG is deeper.
const MAX_DEPTH: usize = 4096;

/// Blocks of a DAG in depth-first order, each before those that it links to.
pub(super) struct Walk {
    backend: Backend,
    scope: Scope,
    duplicates: bool,
    range: Option<super::ByteRange>,
    /// What comes first: the blocks that the path leads through.
    path: VecDeque<Cid>,
    /// What the path leads to, until it is met.
    root: Option<Cid>,
    stack: Vec<Frame>,
    seen: Seen,
    gather: Gather,
    /// The length of the last leaf.
    leaf: usize,
    /// A long block that is sent in parts, and how much of it was.
    cut: Option<(Cid, usize)>,
    /// Whether there is a block in it.
    begun: bool,
    ended: bool,
}

/// A block whose links are being followed.
struct Frame {
    links: VecDeque<entity::Link>,
}

impl Walk {
    /// The blocks `path`, then those of `root` that `params` asks for.
    pub(super) fn new(backend: Backend, root: Cid, params: &Params, path: Vec<Cid>) -> Self {
        Self {
            backend,
            scope: params.scope,
            duplicates: params.duplicates,
            range: params.range,
            path: path.into(),
            root: Some(root),
            stack: Vec::new(),
            seen: Seen::default(),
            gather: Gather::new(&[root], GATHER),
            leaf: 256 << 10,
            cut: None,
            begun: false,
            ended: false,
        }
    }

    /// The blocks `path` alone, which prove that the path leads nowhere.
    pub(super) fn absent(backend: Backend, path: Vec<Cid>) -> Self {
        let params = Params {
            scope: Scope::Block,
            range: None,
            order: "dfs",
            duplicates: false,
        };
        // The root is then the block of no bytes that is inside its own CID.
        let empty = Block::hash(1, codec::RAW, Hasher::IDENTITY, Bytes::new());
        let empty = empty.map(|block| *block.cid()).unwrap_or_default();
        let mut walk = Self::new(backend, empty, &params, path);
        walk.root = None;
        walk
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(bytes) = self.gather.take() {
                return Ok(Some(bytes));
            }
            if let Some((cid, at)) = self.cut.take() {
                let data = match self.backend.pace.kept(&cid) {
                    Some(data) => data,
                    None => self.backend.block(&cid).await?.into_data(),
                };
                return Ok(Some(self.part(&cid, &data, at)));
            }
            if self.ended {
                return Ok(None);
            }
            match self.step().await {
                Ok(Some(block)) => self.write(&block),
                Ok(None) => {
                    self.ended = true;
                    self.gather.flush();
                }
                // What came before an error is written before it, and the next step fails again. A
                // header alone is nothing.
                Err(_) if self.begun && self.gather.has_rest() => self.gather.flush(),
                Err(error) => return Err(error),
            }
        }
    }

    /// A part of a long block. Without a lane or a turn nothing is held of the rest.
    fn part(&mut self, cid: &Cid, data: &Bytes, at: usize) -> Bytes {
        let end = data.len().min(at + PIECE);
        if end < data.len() {
            self.cut = Some((*cid, end));
            self.backend.pace.keep(cid, data);
        }
        match self.backend.pace.is_fast() {
            true => data.slice(at..end),
            false => Bytes::copy_from_slice(&data[at..end]),
        }
    }

    fn write(&mut self, block: &Block) {
        self.begun = true;
        // What is inside its CID needs no bytes of its own.
        if block.cid().hash().code() == IDENTITY {
            return;
        }
        if !self.seen.write(block.cid()) && !self.duplicates {
            return;
        }
        if block.data().len() > LONG {
            // The client may not even have room for what stands before it.
            self.gather.head(block.cid(), block.data().len());
            self.gather.flush();
            self.backend.pace.keep(block.cid(), block.data());
            self.cut = Some((*block.cid(), 0));
            return;
        }
        self.gather.write(block);
    }

    /// The next block. After an error it can be called again, and fails again.
    async fn step(&mut self) -> Result<Option<Block>, Error> {
        if let Some(cid) = self.path.front().copied() {
            let block = self.backend.block(&cid).await?;
            self.path.pop_front();
            return Ok(Some(block));
        }
        if let Some(root) = self.root {
            let block = self.backend.block(&root).await?;
            let links = match self.scope {
                Scope::Block => Vec::new(),
                Scope::All => entity::all(&block)?,
                Scope::Entity => entity::of_root(&block, self.range)?,
            };
            self.root = None;
            self.seen.follow(&root);
            self.descend(links)?;
            return Ok(Some(block));
        }
        loop {
            let Some(frame) = self.stack.last_mut() else {
                return Ok(None);
            };
            let Some(link) = frame.links.front().copied() else {
                self.stack.pop();
                continue;
            };
            let is_new = match link.cid.codec() {
                codec::RAW => !self.seen.has(&link.cid),
                _ => true,
            };
            if !self.duplicates && !is_new {
                frame.links.pop_front();
                continue;
            }
            let block = self.load(&link.cid).await?;
            let fresh = self.seen.follow(&link.cid);
            if let Some(frame) = self.stack.last_mut() {
                frame.links.pop_front();
            }
            if !self.duplicates && !fresh {
                continue;
            }
            let links = match self.scope {
                Scope::Entity => entity::below(&block, &link)?,
                _ => entity::all(&block)?,
            };
            self.descend(links)?;
            return Ok(Some(block));
        }
    }

    fn descend(&mut self, links: Vec<entity::Link>) -> Result<(), Error> {
        if links.is_empty() {
            return Ok(());
        }
        if self.stack.len() >= MAX_DEPTH {
            let why = "the DAG is too deep to be walked";
            return Err(Error::Other(why.to_owned()));
        }
        self.stack.push(Frame {
            links: links.into(),
        });
        Ok(())
    }

    /// A block; the leaves that follow it are read together with it.
    async fn load(&mut self, cid: &Cid) -> Result<Block, Error> {
        let pace = self.backend.pace.clone();
        if let Some(block) = pace.next_ahead(cid) {
            return Ok(block);
        }
        // Leaves are mostly as long as those before them.
        let ahead = (pace.ahead() / self.leaf.max(1)).min(AHEAD);
        let links = self.stack.last().map(|frame| &frame.links);
        let leaves = links.into_iter().flatten().map(|link| link.cid);
        let leaves: Vec<Cid> = leaves
            .take_while(|cid| cid.codec() == codec::RAW)
            .filter(|cid| self.duplicates || !self.seen.has(cid))
            .take(ahead)
            .collect();
        if leaves.len() > 1 && leaves.first() == Some(cid) {
            // What one of them has is told in its turn.
            if let Ok(blocks) = self.backend.blocks.get_local(&leaves).await {
                let mut blocks = blocks.into_iter().map_while(|block| block);
                if let Some(block) = blocks.next().filter(|block| block.cid() == cid) {
                    pace.keep_ahead(blocks);
                    self.leaf = block.data().len();
                    return Ok(block);
                }
            }
        }
        let block = self.backend.block(cid).await?;
        if cid.codec() == codec::RAW {
            self.leaf = block.data().len();
        }
        Ok(block)
    }
}

#[async_trait]
impl Source for Walk {
    async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let piece = self.piece().await;
        self.ended |= piece.is_err();
        piece.transpose()
    }
}
