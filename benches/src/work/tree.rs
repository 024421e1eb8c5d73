//! The mutable file tree.

use anyhow::{Result, ensure};

use super::{Run, fields};
use crate::data::append_block;
use crate::http::{Form, request};
use crate::load;
use crate::meter::{self, Files};
use crate::node::Node;

const FILE: usize = 1024;
const SEED: u64 = 5;

impl Run<'_> {
    pub(super) fn tree(&mut self, side: usize) -> Result<()> {
        let node = self.fresh(side)?;
        let made = vec![request("files/mkdir?arg=/many", None)];
        load::run(node.address()?, 1, made.into(), 200, self.patience)?;
        self.write_files(side, &node)?;
        if self.wants("files-stat") {
            let stats = (0..self.scaled(2000, 20))
                .map(|_| request("files/stat?arg=/many", None))
                .collect();
            let (latencies, cost) = meter::measure(&node, self.quiet, Files::Left, || {
                load::run(node.address()?, 1, stats, 200, self.patience)
            })?;
            self.requests(side, "files-stat", &cost, &latencies);
        }
        if self.wants("files-ls") {
            let lists = (0..self.scaled(20, 2))
                .map(|_| request("files/ls?arg=/many&long=true", None))
                .collect();
            let (latencies, cost) = meter::measure(&node, self.quiet, Files::Left, || {
                load::run(node.address()?, 1, lists, 200, self.patience)
            })?;
            self.requests(side, "files-ls", &cost, &latencies);
        }
        Ok(())
    }

    /// One file after the other, each flushed.
    fn write_files(&mut self, side: usize, node: &Node) -> Result<()> {
        let writes = (0..self.scaled(10_000, 100))
            .map(|number| {
                let mut form = Form::default();
                form.file("data", |bytes| append_block(bytes, SEED, number, FILE));
                let path = format!("files/write?arg=/many/{number:06}&create=true");
                request(&path, Some(form))
            })
            .collect();
        let (latencies, cost) = meter::measure(node, self.quiet, Files::Counted, || {
            load::run(node.address()?, 1, writes, 200, self.patience)
        })?;
        let mut answer = Vec::new();
        node.connect()?.call("files/stat?arg=/many", &mut |piece| {
            answer.extend_from_slice(piece);
        })?;
        let roots = fields(&answer, "Hash")?;
        ensure!(roots.len() == 1, "files stat returned {} rows", roots.len());
        self.agree("files-write", &roots[0])?;
        if self.wants("files-write") {
            self.requests(side, "files-write", &cost, &latencies);
        }
        Ok(())
    }
}
