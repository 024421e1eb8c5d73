//! Walking DAGs link by link, in the order that `ipfs refs` lists them.

use std::collections::HashMap;
use std::sync::Arc;

use basalt_block::{Block, Cid, codec};
use basalt_blockstore::BlockStat;
use basalt_ipld::dag_pb::{self, Field};
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};

use crate::links::{links_of, undecodable};
use crate::{Result, Source, Visited};

/// Links looked up in one visit to the store.
const LOOK: usize = 256;

/// A link from one block to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The block that has the link.
    pub from: Cid,
    /// The block that is linked to.
    pub to: Cid,
    /// The link's name, which need not be UTF-8; empty if it has none, as outside dag-pb.
    pub name: Bytes,
}

/// The links under some roots: depth first, a block's links in their order, every block there
/// before a link to it is listed.
///
/// Each link is listed as often as it is come upon, which in a DAG with shared parts may be without
/// end in practice, unless `unique`.
pub struct Refs {
    source: Arc<dyn Source>,
    max_depth: Option<u32>,
    seen: Option<Seen>,
    roots: std::vec::IntoIter<Cid>,
    stack: Vec<Frame>,
}

/// A block whose links are being listed.
struct Frame {
    cid: Cid,
    /// Of its links.
    depth: u32,
    links: std::vec::IntoIter<(Cid, Bytes)>,
    /// What is known of the next links.
    known: std::vec::IntoIter<Option<BlockStat>>,
}

/// What was listed, and how high in the DAG.
struct Seen {
    all: Visited,
    depths: HashMap<u128, u32>,
}

impl Refs {
    /// The links under `roots`, one root after the other. `max_depth` 1 is the roots' own links;
    /// `None` goes all the way. If `unique`, each block is listed once.
    pub fn new(
        source: Arc<dyn Source>,
        roots: Vec<Cid>,
        max_depth: Option<u32>,
        unique: bool,
    ) -> Self {
        let seen = unique.then(|| Seen {
            all: Visited::default(),
            depths: HashMap::new(),
        });
        Self {
            source,
            max_depth,
            seen,
            roots: roots.into_iter(),
            stack: Vec::new(),
        }
    }

    /// The next link. After an error come the links of the next root.
    pub async fn next(&mut self) -> Option<Result<Edge>> {
        match self.step().await {
            Ok(edge) => edge.map(Ok),
            Err(error) => {
                self.stack.clear();
                Some(Err(error))
            }
        }
    }

    /// All links as a stream.
    pub fn stream(self) -> BoxStream<'static, Result<Edge>> {
        stream::unfold(self, async |mut refs| Some((refs.next().await?, refs))).boxed()
    }

    async fn step(&mut self) -> Result<Option<Edge>> {
        loop {
            let Some(frame) = self.stack.last_mut() else {
                let Some(root) = self.roots.next() else {
                    return Ok(None);
                };
                let block = self.source.get(&root).await?;
                self.stack.push(Frame::of(&block, 1)?);
                continue;
            };
            let known = match frame.known.next() {
                Some(known) => known,
                None if frame.links.len() == 0 => {
                    self.stack.pop();
                    continue;
                }
                None => {
                    let next: Vec<Cid> = frame.links.as_slice().iter().map(|l| l.0).collect();
                    let next = &next[..next.len().min(LOOK)];
                    frame.known = self.source.stat_local(next).await?.into_iter();
                    continue;
                }
            };
            let Some((to, name)) = frame.links.next() else {
                continue;
            };
            let (from, depth) = (frame.cid, frame.depth);
            let (deeper, list) = self.visit(&to, depth);
            if !deeper && !list {
                continue;
            }
            let leaf = known.is_some_and(|stat| stat.leaf || to.codec() == codec::RAW);
            if !leaf && (deeper || known.is_none()) {
                let block = self.source.get(&to).await?;
                if deeper {
                    self.stack.push(Frame::of(&block, depth + 1)?);
                }
            }
            if list {
                return Ok(Some(Edge { from, to, name }));
            }
        }
    }

    /// Whether to go on below a block that is linked to at this depth, and whether to list it.
    fn visit(&mut self, cid: &Cid, depth: u32) -> (bool, bool) {
        let over = |depth| self.max_depth.is_some_and(|max| depth > max);
        if over(depth) {
            return (false, false);
        }
        let deeper = !over(depth + 1);
        let Some(seen) = &mut self.seen else {
            return (deeper, true);
        };
        if self.max_depth.is_none() {
            let new = seen.all.visit(cid);
            return (new, new);
        }
        // What was seen only deeper down was not gone through far enough.
        let name = seen.all.name(cid);
        match seen.depths.get_mut(&name) {
            Some(old) if *old <= depth => (false, false),
            Some(old) => {
                *old = depth;
                (deeper, false)
            }
            None => {
                seen.depths.insert(name, depth);
                (deeper, true)
            }
        }
    }
}

impl Frame {
    fn of(block: &Block, depth: u32) -> Result<Self> {
        let links = if block.cid().codec() == codec::DAG_PB {
            let mut links = Vec::new();
            for field in dag_pb::fields(block.data()) {
                if let Field::Link(link) = field.map_err(|error| undecodable(block, &error))? {
                    let name = link.name.map(|name| block.data().slice_ref(name));
                    links.push((link.cid, name.unwrap_or_default()));
                }
            }
            links
        } else {
            let links = links_of(block)?.into_iter();
            links.map(|cid| (cid, Bytes::new())).collect()
        };
        Ok(Self {
            cid: *block.cid(),
            depth,
            links: links.into_iter(),
            known: Vec::new().into_iter(),
        })
    }
}
