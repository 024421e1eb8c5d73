//! Appending leaves, as Kubo's trickle layout does to a DAG of any layout.
//!
//! It looks at nothing but the number of links: as many as a node may have lead to leaves, and
//! then each four to nodes that are one deeper. A balanced DAG is continued in the same way.

use basalt_block::Cid;
use futures::{FutureExt, future::BoxFuture};

use super::{
    leaves::Leaves,
    node::{Node, Part},
};
use crate::{
    BlockSink, BlockSource, CidFormat, Error, Mtime, Result, builder::Child, sink::Outbox,
};

/// How many subtrees of each depth a node has.
const REPEAT: usize = 4;
/// No honest DAG is deeper.
pub(super) const MAX_DEPTH: usize = 64;

pub(super) struct Append<'a> {
    pub(super) source: &'a dyn BlockSource,
    pub(super) sink: &'a dyn BlockSink,
    pub(super) out: &'a mut Outbox,
    pub(super) leaves: Leaves,
    pub(super) cids: CidFormat,
    pub(super) max_links: usize,
    /// Whole subtrees over zeros, by depth: each is made once, however long the gap is.
    pub(super) zeros: Vec<(usize, Child)>,
}

impl Append<'_> {
    /// Appends all leaves to the root.
    pub(super) async fn to(&mut self, mut root: Node) -> Result<Node> {
        self.fill_root(&mut root).await?;
        root.check_blocks()?;
        Ok(root)
    }

    async fn fill_root(&mut self, root: &mut Node) -> Result<()> {
        let (mut depth, repeat) = self.depth(root);
        if depth == 0 {
            self.fill_layer(root).await?;
            if self.leaves.is_done() {
                touch(root);
                return Ok(());
            }
            depth = 1;
        }
        self.fill_last(root, depth - 1, repeat, 0).await?;
        if !self.leaves.is_done() {
            depth += 1;
        }
        while !self.leaves.is_done() {
            self.fill_some(root, 0, depth).await?;
            depth += 1;
        }
        Ok(())
    }

    /// How deep the last subtree is, and how many there are so deep.
    fn depth(&self, node: &Node) -> (usize, usize) {
        match node.len().checked_sub(self.max_links) {
            None => (0, 0),
            Some(subtrees) => (subtrees / REPEAT + 1, subtrees % REPEAT),
        }
    }

    async fn fill_layer(&mut self, node: &mut Node) -> Result<()> {
        while node.len() < self.max_links {
            let Some((block, child)) = self.leaves.next() else {
                break;
            };
            node.push(child)?;
            if let Some(block) = block {
                self.out.push(block);
                self.out.send_if_full(self.sink).await?;
            }
        }
        Ok(())
    }

    /// Adds subtrees of this depth until there are as many as there have to be.
    async fn fill_some(&mut self, node: &mut Node, have: usize, depth: usize) -> Result<()> {
        for _ in have..REPEAT {
            if self.leaves.is_done() {
                break;
            }
            let child = self.fill(depth).await?;
            node.push(child)?;
        }
        Ok(())
    }

    /// A new subtree.
    fn fill(&mut self, depth: usize) -> BoxFuture<'_, Result<Child>> {
        async move {
            let leaves = self.capacity(depth);
            let same = leaves <= self.leaves.same();
            if same && let Some((_, child)) = self.zeros.iter().find(|(d, _)| *d == depth) {
                self.leaves.skip(leaves);
                return Ok(*child);
            }
            let mut node = Node::new(self.cids);
            self.fill_layer(&mut node).await?;
            for below in 1..depth {
                if self.leaves.is_done() {
                    break;
                }
                self.fill_some(&mut node, 0, below).await?;
            }
            let child = self.close(node).await?;
            if same {
                self.zeros.push((depth, child));
            }
            Ok(child)
        }
        .boxed()
    }

    /// The leaves that a subtree has place for.
    fn capacity(&self, depth: usize) -> u64 {
        let mut leaves = self.max_links as u64;
        // Each depth has four subtrees more than the one before, of that one's size.
        for _ in 1..depth {
            leaves = leaves.saturating_mul(1 + REPEAT as u64);
        }
        leaves
    }

    async fn close(&mut self, node: Node) -> Result<Child> {
        let child = Part::Node(node).close(self.out)?;
        self.out.send_if_full(self.sink).await?;
        Ok(child)
    }

    /// Fills up the last subtree, and then the row of those that are as deep.
    fn fill_last<'b>(
        &'b mut self,
        node: &'b mut Node,
        depth: usize,
        repeat: usize,
        level: usize,
    ) -> BoxFuture<'b, Result<()>> {
        async move {
            if node.len() <= self.max_links {
                return Ok(());
            }
            let Some((cid, size)) = node.pop() else {
                return Ok(());
            };
            let last = self.load(&cid, size, level).await?;
            // The root's last row has none below it that might be filled.
            let last = match depth.checked_sub(1) {
                Some(0) => last,
                depth => self.fill_up(last, depth, level + 1).await?,
            };
            let child = self.close(last).await?;
            node.push(child)?;
            if repeat != 0 {
                self.fill_some(node, repeat, depth).await?;
            }
            Ok(())
        }
        .boxed()
    }

    async fn load(&self, cid: &Cid, size: u64, level: usize) -> Result<Node> {
        if level >= MAX_DEPTH {
            return Err(Error::TooDeep(Box::new(*cid)));
        }
        match Part::load(self.source, cid, size).await? {
            Part::Node(node) => Ok(node),
            Part::Raw(_) => Err(Error::malformed(cid, "expected protobuf dag node")),
        }
    }

    /// Fills up a subtree, which may be so deep; or, in Kubo's counting, as deep as below zero.
    async fn fill_up(
        &mut self,
        mut node: Node,
        max_depth: Option<usize>,
        level: usize,
    ) -> Result<Node> {
        if self.leaves.is_done() {
            return Ok(node);
        }
        let (mut depth, repeat) = self.depth(&node);
        if depth == 0 {
            self.fill_layer(&mut node).await?;
            depth = 1;
        }
        if Some(depth) == max_depth {
            return Ok(node);
        }
        self.fill_last(&mut node, depth, repeat, level).await?;
        if !self.leaves.is_done() {
            depth += 1;
        }
        for below in depth..max_depth.unwrap_or(0) {
            if self.leaves.is_done() {
                break;
            }
            self.fill_some(&mut node, 0, below).await?;
        }
        Ok(node)
    }
}

/// A modification time that is kept becomes the present.
pub(super) fn touch(node: &mut Node) {
    if node.data.stat().mtime.is_some() {
        node.data.mtime = Some(now());
    }
}

fn now() -> Mtime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    Mtime {
        seconds: since.as_secs() as i64,
        nanos: since.subsec_nanos(),
    }
}
