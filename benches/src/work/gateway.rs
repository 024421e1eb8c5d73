//! Content over the HTTP gateway.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::{Run, fields};
use crate::data::{PIECE, Stream, append_block};
use crate::http::{Body, Connection, Form, get};
use crate::load;
use crate::meter::{self, Files};
use crate::node::Node;

const FILE: usize = 4096;
const SEED: u64 = 11;
const LARGE_SEED: u64 = 12;
/// Entries of the directory that is looked into, and of the one that is listed.
const LOOKED_INTO: u64 = 4000;
const LISTED: u64 = 500;
const CONNECTIONS: usize = 64;
const ADD: &str = "add?stream-channels=true&progress=false&cid-version=1&raw-leaves=true";

impl Run<'_> {
    pub(super) fn gateway(&mut self, side: usize) -> Result<()> {
        let node = self.fresh(side)?;
        let (root, cids) = self.add_directory(&node, LOOKED_INTO)?;
        self.agree("gw-path", &root)?;
        let (list, _) = self.add_directory(&node, LISTED)?;
        let nth = |number: u64| number * 7919 % LOOKED_INTO;
        self.many(side, &node, "gw-4k", 40_000, 200, |number| {
            format!("/ipfs/{}", cids[nth(number) as usize])
        })?;
        self.many(side, &node, "gw-path", 20_000, 200, |number| {
            format!("/ipfs/{root}/{:06}", nth(number))
        })?;
        self.many(side, &node, "gw-404", 20_000, 404, |number| {
            format!("/ipfs/{root}/none-{number}")
        })?;
        self.many(side, &node, "gw-list", 1000, 200, |_| {
            format!("/ipfs/{list}/")
        })?;
        if self.wants("gw-1g") || self.wants("gw-car") {
            let size = self.scaled(1 << 30, 1 << 20);
            let file = self.add_large(&node, size)?;
            self.agree("gw-1g", &file)?;
            self.large(side, &node, "gw-1g", &format!("/ipfs/{file}"), size)?;
            let car = format!("/ipfs/{file}?format=car");
            self.large(side, &node, "gw-car", &car, size)?;
        }
        Ok(())
    }

    /// Adds so many files of 4 KiB in one directory; gives its root and theirs.
    fn add_directory(&self, node: &Node, count: u64) -> Result<(String, Vec<String>)> {
        let mut form = Form::default();
        form.directory("files");
        for number in 0..count {
            form.file(&format!("files/{number:06}"), |bytes| {
                append_block(bytes, SEED, number, FILE);
            });
        }
        let mut answer = Vec::new();
        node.connect()?.upload(ADD, form.into(), &mut |piece| {
            answer.extend_from_slice(piece)
        })?;
        let mut cids = fields(&answer, "Hash")?;
        let root = cids.pop().context("add returned no root")?;
        Ok((root, cids))
    }

    fn add_large(&self, node: &Node, size: u64) -> Result<String> {
        let mut answer = Vec::new();
        let body = Body::stream("file", Stream::new(LARGE_SEED, size, PIECE));
        node.connect()?
            .upload(ADD, body, &mut |piece| answer.extend_from_slice(piece))?;
        fields(&answer, "Hash")?
            .pop()
            .context("add returned no root")
    }

    /// Many requests over 64 connections, after a few that are not counted.
    fn many(
        &mut self,
        side: usize,
        node: &Node,
        work: &'static str,
        count: u64,
        status: u16,
        target: impl Fn(u64) -> String,
    ) -> Result<()> {
        if !self.wants(work) {
            return Ok(());
        }
        let count = self.scaled(count, 64);
        let gets = |count: u64| -> Arc<[Vec<u8>]> {
            (0..count).map(|number| get(&target(number))).collect()
        };
        let address = node.gateway()?;
        load::run(
            address,
            CONNECTIONS,
            gets(count / 20),
            status,
            self.patience,
        )?;
        let requests = gets(count);
        let (latencies, cost) = meter::measure(node, self.quiet, Files::Left, || {
            load::run(address, CONNECTIONS, requests, status, self.patience)
        })?;
        self.requests(side, work, &cost, &latencies);
        Ok(())
    }

    /// One large answer.
    fn large(
        &mut self,
        side: usize,
        node: &Node,
        work: &'static str,
        target: &str,
        least: u64,
    ) -> Result<()> {
        if !self.wants(work) {
            return Ok(());
        }
        let address = node.gateway()?;
        let (len, cost) = meter::measure(node, self.quiet, Files::Left, || {
            let mut len = 0;
            let mut connection = Connection::new(address, self.patience);
            connection.exchange(&get(target), &mut |piece| len += piece.len() as u64)?;
            Ok(len)
        })?;
        ensure!(len >= least, "{target} gave {len} bytes of {least}");
        self.cost(side, work, &cost);
        Ok(())
    }
}
