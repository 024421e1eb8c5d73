//! What a program costs that does nothing.

use std::time::Duration;

use anyhow::Result;

use super::Run;
use crate::meter::{self, Quiet};
use crate::process;
use crate::sample::Unit;

impl Run<'_> {
    pub(super) fn rest(&mut self, side: usize) -> Result<()> {
        if self.wants("binary-size") {
            let size = std::fs::metadata(&self.target(side).binary)?.len();
            self.sample(side, "binary-size", "size", Unit::Bytes, size as f64);
        }
        if self.wants("idle-memory") {
            let node = self.fresh(side)?;
            let seconds = if self.options.quick { 1 } else { 5 };
            let quiet = Quiet {
                window: Duration::from_secs(seconds),
                limit: Duration::from_secs(30),
            };
            meter::settle(node.pid()?, quiet)?;
            let memory = process::memory(node.pid()?)?;
            self.sample(
                side,
                "idle-memory",
                "resident",
                Unit::Bytes,
                memory.resident as f64,
            );
            self.sample(
                side,
                "idle-memory",
                "anonymous",
                Unit::Bytes,
                memory.anonymous as f64,
            );
            self.sample(
                side,
                "idle-memory",
                "peak memory",
                Unit::Bytes,
                memory.peak as f64,
            );
        }
        Ok(())
    }
}
