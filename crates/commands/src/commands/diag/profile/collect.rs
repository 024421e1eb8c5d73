//! What goes into the archive.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use basalt::repo::go_json;
use bytes::Bytes;
use tokio::io::AsyncReadExt;

use super::zip::{Crc, Zip};
use crate::commands::diag::system;
use crate::commands::version::Info;
use crate::threads::{of_task, tasks, threads};
use crate::{Context, Error, Output, Result};

/// A name of Kubo's and what it stands for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collector {
    Threads,
    Version,
    Memory,
    Program,
    Processor,
    /// Accepted; there is nothing of the kind.
    Nothing(&'static str),
}

impl Collector {
    /// The collector of that name.
    pub(super) fn of(name: &str) -> Result<Self> {
        Ok(match name {
            "goroutines-stack" => Self::Threads,
            "version" => Self::Version,
            "heap" | "allocs" => Self::Memory,
            "bin" => Self::Program,
            "cpu" => Self::Processor,
            "goroutines-pprof" => Self::Nothing("goroutines-pprof"),
            "mutex" => Self::Nothing("mutex"),
            "block" => Self::Nothing("block"),
            "trace" => Self::Nothing("trace"),
            other => return Err(Error::new(format!("unknown collector '{other}'"))),
        })
    }
}

/// What was asked for.
pub(super) struct Profile {
    pub(super) ctx: Context,
    pub(super) collectors: Vec<Collector>,
    pub(super) time: Duration,
    /// Nobody chose the collectors.
    pub(super) whole: bool,
}

impl Profile {
    /// Collects everything and writes the archive.
    pub(super) async fn write(self, out: &Output<()>) -> Result<()> {
        let mut zip = Zip::default();
        let has = |collector| self.collectors.contains(&collector);
        if self
            .collectors
            .iter()
            .any(|collector| matches!(collector, Collector::Nothing(_)))
        {
            text(&mut zip, out, "README.txt", self.readme()).await?;
        }
        if self.whole {
            let (ctx, tasks) = (
                self.ctx.clone(),
                tokio::runtime::Handle::current().metrics(),
            );
            let facts = blocking(move || system::facts(&ctx, &tasks)).await??;
            text(
                &mut zip,
                out,
                "system.json",
                go_json::to_string_indented(&facts)?,
            )
            .await?;
        }
        if has(Collector::Version) {
            text(
                &mut zip,
                out,
                "version.json",
                go_json::to_string(&Info::of_this_build())?,
            )
            .await?;
        }
        if has(Collector::Threads) {
            text(
                &mut zip,
                out,
                "goroutines.stacks",
                blocking(threads).await??,
            )
            .await?;
        }
        if has(Collector::Memory) {
            text(&mut zip, out, "memory.txt", blocking(memory).await?).await?;
        }
        if has(Collector::Program) {
            program(&mut zip, out).await?;
        }
        if has(Collector::Processor) && !self.time.is_zero() {
            let before = blocking(processor_ticks).await??;
            tokio::time::sleep(self.time).await;
            let after = blocking(processor_ticks).await??;
            text(
                &mut zip,
                out,
                "cpu.txt",
                processor_table(&before, &after, self.time),
            )
            .await?;
        }
        out.bytes(zip.end()).await
    }

    fn readme(&self) -> String {
        let mut text = "Figures of a Basalt daemon, from 'ipfs diag profile'.\n\n".to_owned();
        for collector in &self.collectors {
            let line = match collector {
                Collector::Threads => {
                    "goroutines.stacks  the threads and what each waits for".to_owned()
                }
                Collector::Version => "version.json       the version".to_owned(),
                Collector::Memory => "memory.txt         the memory of the process".to_owned(),
                Collector::Program => "basalt             the program".to_owned(),
                Collector::Processor if self.time.is_zero() => {
                    "cpu.txt            left out: no time to measure in".to_owned()
                }
                Collector::Processor => {
                    "cpu.txt            the processor time of each thread".to_owned()
                }
                Collector::Nothing(name) => {
                    format!("(nothing)          {name} is not collected here")
                }
            };
            if !text.contains(&line) {
                let _ = writeln!(text, "{line}");
            }
        }
        if self.whole {
            text.push_str("system.json        what the daemon runs on\n");
        }
        text
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::new(e.to_string()))
}

async fn text(zip: &mut Zip, out: &Output<()>, name: &'static str, text: String) -> Result<()> {
    let mut crc = Crc::new();
    crc.update(text.as_bytes());
    let size = u32::try_from(text.len()).map_err(|_| Error::new(format!("{name} is too large")))?;
    out.bytes(zip.entry(name, size, crc.finish())).await?;
    out.bytes(text.into()).await
}

/// The program, read twice: its checksum stands before it.
async fn program(zip: &mut Zip, out: &Output<()>) -> Result<()> {
    let mut file = tokio::fs::File::open("/proc/self/exe").await?;
    let mut buffer = vec![0; 256 << 10];
    let (mut crc, mut size) = (Crc::new(), 0u64);
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        crc.update(&buffer[..read]);
        size += read as u64;
    }
    let size =
        u32::try_from(size).map_err(|_| Error::new("the program is too large for the archive"))?;
    out.bytes(zip.entry("basalt", size, crc.finish())).await?;
    // Through the link again: the file may have been replaced on disk, the link stays.
    let mut file = tokio::fs::File::open("/proc/self/exe")
        .await?
        .take(size.into());
    loop {
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        out.bytes(Bytes::copy_from_slice(&buffer[..read])).await?;
    }
}

fn memory() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    format!(
        "/proc/self/status\n{}\n/proc/self/smaps_rollup\n{}\n/proc/self/io\n{}",
        read("/proc/self/status"),
        read("/proc/self/smaps_rollup"),
        read("/proc/self/io"),
    )
}

/// Clock ticks that each thread has taken, in the program and in the system.
type Ticks = BTreeMap<u32, (String, u64, u64)>;

fn processor_ticks() -> Result<Ticks> {
    let ticks = tasks()?.into_iter().filter_map(|task| {
        let stat = of_task(task, "stat");
        // The name is in brackets and may hold anything.
        let rest = &stat[stat.rfind(')')? + 1..];
        let mut fields = rest
            .split_whitespace()
            .skip(11)
            .map(|field| field.parse::<u64>().ok());
        Some((
            task,
            (of_task(task, "comm"), fields.next()??, fields.next()??),
        ))
    });
    Ok(ticks.collect())
}

fn processor_table(before: &Ticks, after: &Ticks, time: Duration) -> String {
    let mut rows: Vec<_> = after
        .iter()
        .map(|(task, (name, user, system))| {
            let (user_then, system_then) = before.get(task).map_or((0, 0), |(_, u, s)| (*u, *s));
            (
                user.saturating_sub(user_then),
                system.saturating_sub(system_then),
                *task,
                name,
            )
        })
        .collect();
    rows.sort_unstable_by_key(|(user, system, ..)| std::cmp::Reverse(user + system));
    let mut text = format!(
        "clock ticks (usually 1/100 s) within {} ms\nuser system thread\n",
        time.as_millis()
    );
    for (user, system, task, name) in rows {
        let _ = writeln!(text, "{user:4} {system:6} {task} {name}");
    }
    text
}
