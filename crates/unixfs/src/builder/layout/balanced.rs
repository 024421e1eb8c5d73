use super::{Child, join};
use crate::{CidFormat, Error, Result, Stat, sink::Outbox};

/// For each height, the children of the node that is being filled there.
#[derive(Debug)]
pub(in crate::builder) struct Balanced {
    levels: Vec<Vec<Child>>,
    max_links: usize,
    cids: CidFormat,
}

impl Balanced {
    pub(super) fn new(max_links: usize, cids: CidFormat) -> Self {
        Self {
            levels: Vec::new(),
            max_links,
            cids,
        }
    }

    pub(super) fn push(&mut self, leaf: Child, out: &mut Outbox) -> Result<()> {
        self.push_at(0, leaf, out)
    }

    fn push_at(&mut self, height: usize, mut child: Child, out: &mut Outbox) -> Result<()> {
        for height in height.. {
            let Some(level) = self.levels.get_mut(height) else {
                self.levels.push(vec![child]);
                break;
            };
            if level.len() < self.max_links {
                level.push(child);
                break;
            }
            if self.max_links < 2 {
                return Err(Error::FileLinks(self.max_links));
            }
            let full = std::mem::replace(level, vec![child]);
            child = join(full, Stat::default(), self.cids, out)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, stat: Stat, out: &mut Outbox) -> Result<Option<Child>> {
        let mut height = 0;
        while height + 1 < self.levels.len() {
            let children = std::mem::take(&mut self.levels[height]);
            let node = join(children, Stat::default(), self.cids, out)?;
            height += 1;
            self.push_at(height, node, out)?;
        }
        let Some(top) = self.levels.pop() else {
            return Ok(None);
        };
        match top.as_slice() {
            [leaf] if height == 0 => Ok(Some(*leaf)),
            _ => join(top, stat, self.cids, out).map(Some),
        }
    }
}
