//! Many uploads at the same time.

use std::sync::Barrier;

use anyhow::{Result, anyhow, ensure};

use super::{Run, fields};
use crate::data::Stream;
use crate::http::Body;
use crate::meter::{self, Files};
use crate::sample::Unit;

const SIZE: u64 = 10 << 20;
/// Small pieces: the clients together hold much less than the daemon may.
const PIECE: usize = 128 << 10;
const SEED: u64 = 1000;

impl Run<'_> {
    pub(super) fn crowd(&mut self, side: usize) -> Result<()> {
        let work = "concurrent-adds";
        let count = self.scaled(200, 4);
        let node = self.fresh(side)?;
        let connections = (0..count)
            .map(|_| node.connect())
            .collect::<Result<Vec<_>>>()?;
        let barrier = Barrier::new(connections.len());
        let (roots, cost) = meter::measure(&node, self.quiet, Files::Counted, || {
            std::thread::scope(|scope| {
                let barrier = &barrier;
                let clients: Vec<_> = (SEED..)
                    .zip(connections)
                    .map(|(seed, mut connection)| {
                        scope.spawn(move || {
                            let body = Body::stream("file", Stream::new(seed, SIZE, PIECE));
                            let mut answer = Vec::new();
                            barrier.wait();
                            connection.upload(
                                "add?stream-channels=true&progress=false",
                                body,
                                &mut |piece| answer.extend_from_slice(piece),
                            )?;
                            fields(&answer, "Hash")
                        })
                    })
                    .collect();
                let answers = clients
                    .into_iter()
                    .map(|client| client.join().map_err(|_| anyhow!("a client panicked"))?);
                answers.collect::<Result<Vec<_>>>()
            })
        })?;
        ensure!(
            roots.iter().all(|root| root.len() == 1),
            "an add did not return one root"
        );
        let all: Vec<_> = roots.concat();
        self.agree(work, &all.join(" "))?;
        self.cost(side, work, &cost);
        let rate = (count * SIZE) as f64 / cost.wall / 1e6;
        self.sample(side, work, "MB added", Unit::PerSecond, rate);
        Ok(())
    }
}
