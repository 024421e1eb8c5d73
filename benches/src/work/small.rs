//! Many small files, and many small requests.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::{Run, fields};
use crate::data::append_block;
use crate::http::{Body, Form, request};
use crate::latency::Latencies;
use crate::load;
use crate::meter::{self, Cost, Files};
use crate::node::Node;
use crate::sample::Unit;

const FILE: usize = 4096;
const FILES_SEED: u64 = 2;
const PUT: usize = 1024;
const PUTS_SEED: u64 = 3;

impl Run<'_> {
    pub(super) fn small(&mut self, side: usize) -> Result<()> {
        let node = self.fresh(side)?;
        if self.wants("add-20k-small") || self.wants("block-get-4k") {
            let (cids, cost) = self.add_files(&node)?;
            if self.wants("add-20k-small") {
                self.cost(side, "add-20k-small", &cost);
            }
            if self.wants("block-get-4k") {
                self.get_blocks(side, &node, &cids)?;
            }
        }
        if self.wants("block-put-small") {
            self.put_blocks(side, &node)?;
        }
        Ok(())
    }

    /// Returns the CIDs of the files, each of them one block.
    fn add_files(&mut self, node: &Node) -> Result<(Vec<String>, Cost)> {
        let count = self.scaled(20_000, 100);
        let mut form = Form::default();
        form.directory("files");
        for number in 0..count {
            form.file(&format!("files/{number:06}"), |bytes| {
                append_block(bytes, FILES_SEED, number, FILE);
            });
        }
        let body = Body::from(form);
        let (answer, cost) = meter::measure(node, self.quiet, Files::Counted, || {
            let mut answer = Vec::new();
            let path = "add?stream-channels=true&progress=false";
            node.connect()?
                .upload(path, body, &mut |piece| answer.extend_from_slice(piece))?;
            Ok(answer)
        })?;
        let mut cids = fields(&answer, "Hash")?;
        ensure!(
            cids.len() as u64 == count + 1,
            "add returned {} rows for {count} files",
            cids.len()
        );
        let root = cids.pop().context("add returned no root")?;
        self.agree("add-20k-small", &root)?;
        Ok((cids, cost))
    }

    fn get_blocks(&mut self, side: usize, node: &Node, cids: &[String]) -> Result<()> {
        let count = self.scaled(40_000, 640) as usize;
        let gets = |count: usize| -> Arc<[Vec<u8>]> {
            // A prime stride: neighbours in time are no neighbours in the store.
            let cid = |nth: usize| &cids[nth * 7919 % cids.len()];
            (0..count)
                .map(|nth| request(&format!("block/get?arg={}", cid(nth)), None))
                .collect()
        };
        let connections = 64;
        load::run(
            node.address()?,
            connections,
            gets(count / 20),
            200,
            self.patience,
        )?;
        let requests = gets(count);
        let (latencies, cost) = meter::measure(node, self.quiet, Files::Left, || {
            load::run(node.address()?, connections, requests, 200, self.patience)
        })?;
        self.requests(side, "block-get-4k", &cost, &latencies);
        Ok(())
    }

    fn put_blocks(&mut self, side: usize, node: &Node) -> Result<()> {
        let count = self.scaled(4000, 160);
        let requests = (0..count).map(|number| {
            let mut form = Form::default();
            form.file("block", |bytes| append_block(bytes, PUTS_SEED, number, PUT));
            request("block/put?cid-codec=raw", Some(form))
        });
        let requests = requests.collect();
        let (latencies, cost) = meter::measure(node, self.quiet, Files::Counted, || {
            load::run(node.address()?, 16, requests, 200, self.patience)
        })?;
        self.requests(side, "block-put-small", &cost, &latencies);
        Ok(())
    }

    /// Records a work of many requests.
    pub(super) fn requests(
        &mut self,
        side: usize,
        work: &'static str,
        cost: &Cost,
        latencies: &Latencies,
    ) {
        let count = latencies.len() as f64;
        self.cost(side, work, cost);
        self.sample(
            side,
            work,
            "cpu per request",
            Unit::Seconds,
            cost.cpu / count,
        );
        self.sample(side, work, "requests", Unit::PerSecond, count / cost.wall);
        for (metric, part) in [("p50", 0.5), ("p99", 0.99)] {
            self.sample(
                side,
                work,
                metric,
                Unit::Seconds,
                latencies.percentile(part).unwrap_or_default(),
            );
        }
    }
}
