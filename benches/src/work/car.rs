//! CARs: a large DAG out and in, and many roots pinned at once.

use std::fs::File;
use std::io::Write;

use anyhow::{Context, Result, anyhow, ensure};
use basalt_block::{Cid, parse_cid};

use super::{Run, blocks, fields};
use crate::data::{PIECE, Stream};
use crate::http::{Body, Form};
use crate::meter::{self, Files};
use crate::sample::Unit;

const SEED: u64 = 6;
const ROOT_SEED: u64 = 7;

impl Run<'_> {
    pub(super) fn car(&mut self, side: usize) -> Result<()> {
        if self.wants("dag-export") || self.wants("dag-import") {
            self.out_and_in(side)?;
        }
        if self.wants("pin-by-car") {
            self.pin_roots(side)?;
        }
        Ok(())
    }

    fn out_and_in(&mut self, side: usize) -> Result<()> {
        let size = self.scaled(1 << 30, 1 << 20);
        let node = self.fresh(side)?;
        let mut answer = Vec::new();
        let body = Body::stream("file", Stream::new(SEED, size, PIECE));
        node.connect()?
            .upload("add?progress=false", body, &mut |piece| {
                answer.extend_from_slice(piece);
            })?;
        let root = fields(&answer, "Hash")?
            .pop()
            .context("add returned no root")?;
        self.agree("dag-export", &root)?;

        let path = self.dir.join(format!("bench-{side}.car"));
        let mut file = File::create(&path)?;
        let (len, cost) = meter::measure(&node, self.quiet, Files::Left, || {
            let (mut len, mut failed) = (0, Ok(()));
            node.connect()?
                .call(&format!("dag/export?arg={root}"), &mut |piece| {
                    len += piece.len() as u64;
                    if failed.is_ok() {
                        failed = file.write_all(piece);
                    }
                })?;
            failed?;
            Ok(len)
        })?;
        ensure!(len > size, "dag export wrote {len} bytes of {size}");
        if self.wants("dag-export") {
            self.cost(side, "dag-export", &cost);
        }
        drop(node);

        if self.wants("dag-import") {
            let node = self.fresh(side)?;
            let (answer, cost) = meter::measure(&node, self.quiet, Files::Counted, || {
                let mut answer = Vec::new();
                let body = Body::file("x.car", File::open(&path)?);
                node.connect()?.upload("dag/import", body, &mut |piece| {
                    answer.extend_from_slice(piece);
                })?;
                Ok(answer)
            })?;
            let text = String::from_utf8_lossy(&answer);
            ensure!(
                text.contains(&root) && text.contains("\"PinErrorMsg\":\"\""),
                "dag import answered {text}"
            );
            self.cost(side, "dag-import", &cost);
        }
        std::fs::remove_file(path)?;
        Ok(())
    }

    fn pin_roots(&mut self, side: usize) -> Result<()> {
        let work = "pin-by-car";
        let count = self.scaled(100_000, 200);
        let node = self.fresh(side)?;
        let cids = blocks::put(&node, ROOT_SEED, count, false)?;
        let roots: Result<Vec<Cid>> = cids
            .iter()
            .map(|cid| Ok(parse_cid(cid).map_err(|e| anyhow!(e))?.0))
            .collect();
        let mut car = Vec::new();
        basalt_car::write_header(&roots?, &mut car);
        let (pinned, cost) = meter::measure(&node, self.quiet, Files::Left, || {
            let mut form = Form::default();
            form.file("x.car", |bytes| bytes.extend_from_slice(&car));
            let mut answer = Vec::new();
            node.connect()?
                .upload("dag/import", Body::from(form), &mut |piece| {
                    answer.extend_from_slice(piece);
                })?;
            let text = String::from_utf8_lossy(&answer);
            Ok(text.matches("\"PinErrorMsg\":\"\"").count() as u64)
        })?;
        ensure!(pinned == count, "{pinned} of {count} roots were pinned");
        self.cost(side, work, &cost);
        self.sample(
            side,
            work,
            "pins",
            Unit::PerSecond,
            count as f64 / cost.wall,
        );
        Ok(())
    }
}
