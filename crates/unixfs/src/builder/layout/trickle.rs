use super::{Child, join};
use crate::{CidFormat, Result, Stat, sink::Outbox};

/// How many subtrees of each depth a node has.
const REPEAT: usize = 4;

/// The nodes on the way from the root to where the next leaf goes.
#[derive(Debug)]
pub(in crate::builder) struct Trickle {
    open: Vec<Open>,
    max_links: usize,
    cids: CidFormat,
}

#[derive(Debug, Default)]
struct Open {
    children: Vec<Child>,
    /// Subtrees below this one are less deep; the root has no such bound.
    max_depth: Option<usize>,
}

impl Trickle {
    pub(super) fn new(max_links: usize, cids: CidFormat) -> Self {
        Self {
            open: vec![Open::default()],
            max_links,
            cids,
        }
    }

    pub(super) fn push(&mut self, leaf: Child, out: &mut Outbox) -> Result<()> {
        while let Some(node) = self.open.last_mut() {
            if node.children.len() < self.max_links {
                node.children.push(leaf);
                return Ok(());
            }
            let depth = 1 + (node.children.len() - self.max_links) / REPEAT;
            if node.max_depth.is_none_or(|max| depth < max) {
                self.open.push(Open {
                    children: Vec::new(),
                    max_depth: Some(depth),
                });
            } else {
                self.close(out)?;
            }
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Outbox) -> Result<()> {
        if let Some(full) = self.open.pop() {
            let child = join(full.children, Stat::default(), self.cids, out)?;
            if let Some(parent) = self.open.last_mut() {
                parent.children.push(child);
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self, stat: Stat, out: &mut Outbox) -> Result<Child> {
        while self.open.len() > 1 {
            self.close(out)?;
        }
        let root = self.open.pop().unwrap_or_default();
        join(root.children, stat, self.cids, out)
    }
}
