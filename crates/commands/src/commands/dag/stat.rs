use std::io::Write;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use basalt::pin::Visited;
use serde::{Deserialize, Serialize};

use crate::command::{encoding_of, write_line};
use crate::commands::support::{CidText, human_bytes, resolve};
use crate::{
    About, Arg, Call, Command, Encoding, Error, Events, Out, Output, Result, Terminal, View, xml,
};

crate::options! {
    /// Options of `dag stat`.
    pub(crate) struct Options {
        /// Tell what was counted so far; the default, and shown on a terminal
        progress: Option<bool> = ["progress", "p"],
    }
}

/// `ipfs dag stat`.
pub(crate) struct Stat;

/// So many first results are told one by one, later ones at intervals.
const EACH: u64 = 1000;
const EVERY: Duration = Duration::from_millis(100);

/// The blocks under one root.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Root {
    cid: String,
    #[serde(skip_serializing_if = "is_zero")]
    size: u64,
    #[serde(skip_serializing_if = "is_zero")]
    num_blocks: u64,
}

/// The blocks under all roots together.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Summary {
    #[serde(skip_serializing_if = "is_zero")]
    unique_blocks: u64,
    #[serde(skip_serializing_if = "is_zero")]
    total_size: u64,
    #[serde(skip_serializing_if = "is_zero")]
    shared_size: u64,
    #[serde(skip_serializing_if = "is_no_ratio", serialize_with = "number")]
    ratio: f32,
    #[serde(rename = "DagStats", skip_serializing_if = "Vec::is_empty")]
    roots: Vec<Root>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_no_ratio(ratio: &f32) -> bool {
    *ratio == 0.0
}

fn number<S: serde::Serializer>(ratio: &f32, s: S) -> Result<S::Ok, S::Error> {
    if ratio.is_nan() {
        return Err(serde::ser::Error::custom("json: unsupported value: NaN"));
    }
    s.serialize_f32(*ratio)
}

#[async_trait]
impl Command for Stat {
    type Options = Options;
    type Event = Summary;
    type State = ();

    const PATH: &'static str = "dag/stat";
    const ABOUT: About = About::new("Count the blocks and bytes of DAGs.").text(
        "Goes through the DAGs under the roots, fetching what is missing, and writes how many blocks
and bytes each of them has, every block once. Several roots are also counted together, and what they
share is told.",
    );
    const ARGS: &'static [Arg] = &[Arg::required("root", "The roots.").variadic().stdin()];

    async fn run(mut call: Call<Options>, out: Output<Summary>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let roots = call.all_args().await?;
        let node = call.ctx.node().await?;
        // One root needs no second account of what was counted.
        let all = (roots.len() > 1).then(Visited::default);
        let mut progress = Progress::new(call.options.progress.unwrap_or(true));
        let mut summary = Summary::default();
        let mut counted = 0;
        for path in &roots {
            let found = resolve(&call, path).await?;
            if !found.rest.is_empty() {
                return Err(Error::new(
                    "cannot return size for anything other than a DAG with a root CID",
                ));
            }
            let at = summary.roots.len();
            let mut blocks = node.dag_blocks(found.cid, call.meta.globals.offline);
            let mut next = blocks.next().await?;
            summary.roots.push(Root {
                cid: cids.write(&found.cid),
                ..Root::default()
            });
            while let Some(block) = next {
                summary.roots[at].size += block.size;
                summary.roots[at].num_blocks += 1;
                counted += block.size;
                if all.as_ref().is_none_or(|all| all.visit(&block.cid)) {
                    summary.unique_blocks += 1;
                    summary.total_size += block.size;
                }
                if progress.is_due() {
                    out.emit(summary.so_far()).await?;
                }
                let walked = blocks.next().await;
                next = walked.map_err(|e| Error::new(format!("error traversing DAG: {e}")))?;
            }
        }
        summary.ratio = counted as f32 / summary.total_size as f32;
        summary.shared_size = counted - summary.total_size;
        out.emit(summary).await
    }

    fn text(_: &View<Options>, _: &mut (), summary: Summary, w: &mut dyn Write) -> Result<()> {
        summary.write(w)
    }

    async fn show(
        view: &View<Options>,
        mut events: Events<Summary>,
        term: &mut Terminal,
    ) -> Result<()> {
        let encoding = encoding_of(&view.meta.globals, true)?;
        let wanted = view.options.progress.unwrap_or(term.err_is_terminal);
        let (mut last, mut shown) = (None, false);
        let ended = loop {
            match events.next().await {
                Ok(Some(Out::Event(summary))) => {
                    if wanted && summary.ratio == 0.0 {
                        shown = true;
                        term.progress(&summary.progress())?;
                    }
                    last = Some(summary);
                }
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if shown {
            term.clear_progress()?;
        }
        ended?;
        if let Some(summary) = last {
            let mut line = Vec::new();
            match encoding {
                Encoding::Text => summary.write(&mut term.out)?,
                Encoding::Json => write_line(&mut line, &summary)?,
                Encoding::Xml => {
                    let mut json = Vec::new();
                    write_line(&mut json, &summary)?;
                    xml::write(Self::PATH, &json, &mut line)?;
                }
            }
            term.out.write_all(&line)?;
        }
        term.out.flush()?;
        Ok(())
    }
}

impl Summary {
    /// What is told before the end.
    fn so_far(&self) -> Self {
        Self {
            unique_blocks: 0,
            ..self.clone()
        }
    }

    fn progress(&self) -> String {
        let blocks: u64 = self.roots.iter().map(|root| root.num_blocks).sum();
        let bytes: u64 = self.roots.iter().map(|root| root.size).sum();
        format!(
            "Fetched/Processed {blocks} blocks, {bytes} bytes ({})",
            human_bytes(bytes)
        )
    }

    fn write(&self, w: &mut dyn Write) -> Result<()> {
        let width = self.roots.first().map_or(0, |root| root.cid.len());
        writeln!(w, "\n{:width$}\t{:15}\tSize", "CID", "Blocks")?;
        for root in &self.roots {
            writeln!(w, "{}\t{:<15}\t{}", root.cid, root.num_blocks, root.size)?;
        }
        let Self {
            unique_blocks,
            total_size,
            shared_size,
            ratio,
            ..
        } = self;
        writeln!(
            w,
            "\nSummary\nTotal Size: {total_size} ({})",
            human_bytes(*total_size)
        )?;
        writeln!(w, "Unique Blocks: {unique_blocks}")?;
        writeln!(
            w,
            "Shared Size: {shared_size} ({})",
            human_bytes(*shared_size)
        )?;
        Ok(write!(w, "Ratio: {ratio:.6}\n\n\n")?)
    }
}

/// When a result that is not the last is told.
struct Progress {
    wanted: bool,
    told: u64,
    last: Instant,
}

impl Progress {
    fn new(wanted: bool) -> Self {
        Self {
            wanted,
            told: 0,
            last: Instant::now(),
        }
    }

    fn is_due(&mut self) -> bool {
        if !self.wanted || self.told >= EACH && self.last.elapsed() < EVERY {
            return false;
        }
        self.told += 1;
        self.last = Instant::now();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_reads_as_kubo_writes_it() {
        let root = |cid: &str, size, num_blocks| Root {
            cid: cid.into(),
            size,
            num_blocks,
        };
        let summary = Summary {
            unique_blocks: 3,
            total_size: 2000,
            shared_size: 1000,
            ratio: 1.5,
            roots: vec![root("bafyone", 2000, 3), root("bafytwo", 1000, 1)],
        };
        let mut text = Vec::new();
        summary.write(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "\nCID    \tBlocks         \tSize\nbafyone\t3              \t2000\n\
             bafytwo\t1              \t1000\n\nSummary\nTotal Size: 2000 (2.0 kB)\n\
             Unique Blocks: 3\nShared Size: 1000 (1.0 kB)\nRatio: 1.500000\n\n\n"
        );
    }

    #[test]
    fn many_results_are_told_at_intervals() {
        let mut progress = Progress::new(true);
        let told = (0..100_000).filter(|_| progress.is_due()).count();
        assert!((1000..2000).contains(&told), "{told}");
        assert!(!Progress::new(false).is_due());
    }
}
