//! One large file.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{Run, fields};
use crate::data::{PIECE, Stream};
use crate::http::Body;
use crate::meter::{self, Cost, Files};
use crate::node::Node;
use crate::sample::Unit;

const SEED: u64 = 1;
const ADD: &str = "add?stream-channels=true&progress=false";
const ADD_LARGE_CHUNKS: &str =
    "add?stream-channels=true&progress=false&cid-version=1&raw-leaves=true&chunker=size-1048576";

impl Run<'_> {
    pub(super) fn file(&mut self, side: usize) -> Result<()> {
        let node = self.fresh(side)?;
        let (root, cost) = self.add(&node, ADD)?;
        self.agree("add-1g", &root)?;
        if self.wants("add-1g") {
            self.cost(side, "add-1g", &cost);
        }
        if self.wants("add-again") {
            let (again, cost) = self.add(&node, ADD)?;
            self.agree("add-1g", &again)?;
            self.cost(side, "add-again", &cost);
        }
        if self.wants("cat-1g") {
            self.cat(side, &node, &root)?;
        }
        Ok(())
    }

    pub(super) fn large_chunks(&mut self, side: usize) -> Result<()> {
        let node = self.fresh(side)?;
        let (root, cost) = self.add(&node, ADD_LARGE_CHUNKS)?;
        self.agree("add-1g-cidv1-1m", &root)?;
        self.cost(side, "add-1g-cidv1-1m", &cost);
        Ok(())
    }

    fn size(&self) -> u64 {
        self.scaled(1 << 30, 1 << 20)
    }

    fn add(&self, node: &Node, path: &str) -> Result<(String, Cost)> {
        let (answer, cost) = meter::measure(node, self.quiet, Files::Counted, || {
            let mut answer = Vec::new();
            let body = Body::stream("file", Stream::new(SEED, self.size(), PIECE));
            node.connect()?
                .upload(path, body, &mut |piece| answer.extend_from_slice(piece))?;
            Ok(answer)
        })?;
        let root = fields(&answer, "Hash")?
            .pop()
            .context("add returned no root")?;
        Ok((root, cost))
    }

    fn cat(&mut self, side: usize, node: &Node, root: &str) -> Result<()> {
        let ((len, first), cost) = meter::measure(node, self.quiet, Files::Left, || {
            let (mut len, mut first) = (0, None);
            let began = Instant::now();
            node.connect()?
                .call(&format!("cat?arg={root}"), &mut |piece| {
                    first.get_or_insert_with(|| began.elapsed());
                    len += piece.len() as u64;
                })?;
            Ok((len, first.unwrap_or_default()))
        })?;
        ensure!(
            len == self.size(),
            "cat returned {len} bytes of {}",
            self.size()
        );
        self.cost(side, "cat-1g", &cost);
        self.sample(
            side,
            "cat-1g",
            "first byte",
            Unit::Seconds,
            first.as_secs_f64(),
        );
        Ok(())
    }
}
