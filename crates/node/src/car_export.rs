//! Writing a DAG as a CAR: what `ipfs dag export` does.

use std::collections::VecDeque;

use basalt_block::{Block, Cid, codec, hash_codes::IDENTITY};
use basalt_blockstore::BlockStat;
use basalt_car::Gather;
use basalt_exchange::{BlockService, Prefetch};
use basalt_ipld::Value;
use basalt_pin::{Guard, Visited};
use bytes::Bytes;

use crate::{Error, Node, Result};

/// Links looked up in one visit to the store.
const LOOK: usize = 256;
/// Leaves read in one visit: as many, or as many bytes.
const READ: usize = 64;
const READ_BYTES: u64 = 2 << 20;
/// Smaller blocks are gathered until there are as many bytes.
const GATHER: usize = 128 << 10;
/// An error names a place this deep at most.
const NAMED_DEPTH: usize = 4096;
/// Links whose blocks are fetched ahead.
const FETCH: usize = 32;

/// How a DAG is exported.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportOptions {
    /// Nobody is asked for what is missing: that is an error.
    pub offline: bool,
    /// Nobody is asked for what is missing, or cannot be read: it is left out, and what is under
    /// it. Then, as in Kubo, blocks inside their CID are left out too, and bytes that have two CIDs
    /// come once.
    pub local_only: bool,
}

/// A CARv1 of a DAG on its way out, piece by piece.
///
/// Blocks come depth first, each before those it links to and in the order of its links, every CID
/// once. Until it is dropped, what of the DAG is here is kept from garbage collection. Takes about
/// 29 bytes of memory a block, and a few megabytes.
pub struct CarExport {
    blocks: BlockService,
    options: ExportOptions,
    root: Option<Cid>,
    visited: Visited,
    stack: Vec<Frame>,
    gather: Gather,
    ended: bool,
    _guard: Guard,
}

/// A block whose links are being followed.
struct Frame {
    block: Cid,
    links: Vec<Cid>,
    /// The link that is followed next.
    at: usize,
    /// What is known of the links from there on.
    known: VecDeque<Option<BlockStat>>,
    /// Leaves that were read ahead.
    read: VecDeque<Block>,
    /// Blocks of the links from there on that come from elsewhere, and the link behind the last.
    coming: Option<(Prefetch, usize)>,
}

impl Node {
    /// Begins to export the DAG under `root`.
    ///
    /// # Errors
    /// The root cannot be had.
    pub async fn export_car(&self, root: Cid, options: ExportOptions) -> Result<CarExport> {
        let blocks = self.blocks_for(options.offline || options.local_only);
        let guard = self.pins().collector().protect(root).await;
        blocks.stat(&root).await?;
        Ok(CarExport {
            blocks,
            options,
            root: Some(root),
            visited: Visited::default(),
            stack: Vec::new(),
            gather: Gather::new(&[root], GATHER),
            ended: false,
            _guard: guard,
        })
    }
}

impl CarExport {
    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// A block cannot be had or decoded; nothing comes after that. What was gathered before it has
    /// been handed out.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.gather.take() {
                return Ok(Some(bytes));
            }
            if self.ended {
                return Ok(None);
            }
            match self.step().await {
                Ok(Some(block)) => self.gather.write(&block),
                Ok(None) => {
                    self.ended = true;
                    self.gather.flush();
                }
                // What came before the error is written before it is told.
                Err(_) if self.gather.has_rest() => self.gather.flush(),
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
    }

    /// The next block to be written. After an error it can be called again, and fails again.
    async fn step(&mut self) -> Result<Option<Block>> {
        loop {
            let cid = match (self.root, self.stack.last_mut()) {
                (Some(root), _) => root,
                (None, None) => return Ok(None),
                (None, Some(frame)) if frame.at == frame.links.len() => {
                    self.stack.pop();
                    continue;
                }
                (None, Some(frame)) if self.visited.has_visited(&frame.links[frame.at]) => {
                    frame.advance();
                    continue;
                }
                (None, Some(frame)) => frame.links[frame.at],
            };
            let (block, links) = match self.load(&cid).await {
                Ok(loaded) => loaded,
                Err(error) if self.options.local_only && !is_fatal(&error) => {
                    self.pass(&cid);
                    continue;
                }
                Err(error) => return Err(self.told(&cid, error).await),
            };
            let known = self.options.local_only && self.visited.contains(cid.hash());
            self.pass(&cid);
            if !links.is_empty() {
                self.stack.push(Frame {
                    block: cid,
                    links,
                    at: 0,
                    known: VecDeque::new(),
                    read: VecDeque::new(),
                    coming: None,
                });
            }
            let inside = self.options.local_only && cid.hash().code() == IDENTITY;
            if !known && !inside {
                return Ok(Some(block));
            }
        }
    }

    /// The block is done with, and the link to it.
    fn pass(&mut self, cid: &Cid) {
        self.visited.visit(cid);
        if self.root.take().is_none()
            && let Some(frame) = self.stack.last_mut()
        {
            frame.advance();
        }
    }

    async fn load(&mut self, cid: &Cid) -> Result<(Block, Vec<Cid>)> {
        let block = match self.read_ahead(cid).await? {
            Some(block) => block,
            None => {
                self.fetch_ahead();
                self.blocks.get(cid).await?
            }
        };
        // What does not decode is not exported, leaves included.
        match basalt_ipld::links(cid.codec(), block.data()) {
            Ok(links) => Ok((block, links)),
            Err(error) => Err(Error::Undecodable(error)),
        }
    }

    /// Begins to fetch what comes after a block that is not here.
    fn fetch_ahead(&mut self) {
        let (Some(frame), None) = (self.stack.last_mut(), self.root) else {
            return;
        };
        let missing = matches!(frame.known.front(), Some(None));
        let asked = frame.coming.as_ref().map_or(0, |(_, end)| *end);
        if !missing || frame.at < asked || !self.blocks.exchange().is_online() {
            return;
        }
        let end = frame.links.len().min(frame.at + FETCH);
        let next = frame.links[frame.at..end].iter().zip(&frame.known);
        let absent = next.skip(1).filter(|(_, stat)| stat.is_none());
        let cids: Vec<Cid> = absent.map(|(cid, _)| *cid).collect();
        frame.coming = (!cids.is_empty()).then(|| (self.blocks.prefetch(cids), end));
    }

    /// Reads the leaves that come next together; `None` if `cid` is not one of them.
    async fn read_ahead(&mut self, cid: &Cid) -> Result<Option<Block>> {
        let (Some(frame), None) = (self.stack.last_mut(), self.root) else {
            return Ok(None);
        };
        if frame.known.is_empty() {
            let next = &frame.links[frame.at..];
            let next = &next[..next.len().min(LOOK)];
            // One of them may be a CID that is not to be trusted: that is told in its turn.
            let Ok(known) = self.blocks.stat_local(next).await else {
                return Ok(None);
            };
            frame.known = known.into();
        }
        if frame.read.front().is_none_or(|block| block.cid() != cid) {
            frame.read.clear();
            let mut bytes = 0;
            let ahead = frame.links[frame.at..].iter().zip(&frame.known);
            let leaves = ahead.map_while(|(cid, stat)| {
                let stat = stat.filter(|stat| stat.leaf || cid.codec() == codec::RAW)?;
                bytes += stat.size;
                (bytes <= READ_BYTES).then_some(*cid)
            });
            let leaves: Vec<Cid> = leaves.take(READ).collect();
            if leaves.len() > 1 {
                let visited = &self.visited;
                let new: Vec<Cid> = leaves
                    .into_iter()
                    .filter(|cid| !visited.has_visited(cid))
                    .collect();
                // What one of them has is told in its turn.
                if let Ok(blocks) = self.blocks.get_local(&new).await {
                    frame.read = blocks.into_iter().flatten().collect();
                }
            }
        }
        // The same link may come twice.
        while frame.read.len() > 1 && frame.read[0].cid() != cid {
            frame.read.pop_front();
        }
        Ok(frame.read.pop_front().filter(|block| block.cid() == cid))
    }

    /// The error in Kubo's words: with the place of the link in the DAG.
    async fn told(&self, cid: &Cid, error: Error) -> Error {
        if self.root.is_some() {
            return Error::ExportRoot(Box::new(error));
        }
        let mut path = Vec::new();
        for (depth, frame) in self.stack.iter().enumerate().take(NAMED_DEPTH) {
            if depth > 0 {
                path.push(b'/');
            }
            // A link that was followed down is passed, the last one is not.
            let at = frame.at - usize::from(depth + 1 < self.stack.len());
            path.extend(self.place(frame, at).await);
        }
        Error::Export {
            path,
            cid: *cid,
            error: Box::new(error),
        }
    }

    /// The path of link number `at` in the block of a frame.
    async fn place(&self, frame: &Frame, at: usize) -> Vec<u8> {
        if frame.block.codec() == codec::DAG_PB {
            return format!("Links/{at}/Hash").into_bytes();
        }
        let block = self.blocks.offline().get(&frame.block).await;
        let value = block
            .ok()
            .and_then(|b| basalt_ipld::decode_block(b.cid().codec(), b.data()).ok());
        let place = value.and_then(|value| link_path(&value, at));
        place.unwrap_or_else(|| b"?".to_vec())
    }
}

impl Frame {
    fn advance(&mut self) {
        self.at += 1;
        self.known.pop_front();
    }
}

/// What ends a partial export too: the store has failed, not a block.
fn is_fatal(error: &Error) -> bool {
    use basalt_blockstore::Error::{Closed, Io};
    matches!(
        error,
        Error::Block(basalt_exchange::Error::Store(Closed | Io(_)))
    )
}

/// The path of the link number `wanted` of a value.
fn link_path(value: &Value, wanted: usize) -> Option<Vec<u8>> {
    // Values are as deep as their codec allows.
    fn seek(value: &Value, left: &mut usize, path: &mut Vec<Vec<u8>>) -> bool {
        match value {
            Value::Link(_) if *left == 0 => true,
            Value::Link(_) => {
                *left -= 1;
                false
            }
            Value::List(list) => list.iter().enumerate().any(|(at, value)| {
                path.push(at.to_string().into_bytes());
                let found = seek(value, left, path);
                if !found {
                    path.pop();
                }
                found
            }),
            Value::Map(map) => map.iter().any(|(name, value)| {
                path.push(name.as_bytes().to_vec());
                let found = seek(value, left, path);
                if !found {
                    path.pop();
                }
                found
            }),
            _ => false,
        }
    }
    let (mut left, mut path) = (wanted, Vec::new());
    seek(value, &mut left, &mut path).then(|| path.join(&b'/'))
}
