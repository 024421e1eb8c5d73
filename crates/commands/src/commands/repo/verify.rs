use std::io::Write;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use basalt::repo::GoDuration;
use basalt::{Outcome, Remedy, Verified};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::{About, Call, Command, Error, Output, Result, View};

/// The count of every block is told up to here, and later ones when some time has passed.
const TOLD: u64 = 1000;
/// That time.
const TELL: Duration = Duration::from_millis(100);

crate::options! {
    /// Options of `repo verify`.
    pub(crate) struct Options {
        /// Remove bad blocks
        drop: bool = ["drop"],
        /// Remove bad blocks and fetch them again
        heal: bool = ["heal"],
        /// With --heal: how long to wait for a block, such as 30s; 0 waits without end
        heal_timeout: String = ["heal-timeout"] default "30s",
    }
}

/// `ipfs repo verify`.
pub(crate) struct Verify;

/// A message, or how many blocks were checked by now.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Progress {
    msg: String,
    progress: u64,
}

#[async_trait]
impl Command for Verify {
    type Options = Options;
    type Event = Progress;
    type State = ();

    const PATH: &'static str = "repo/verify";
    const ABOUT: About = About::new("Check every block that is here.").text(
        "Reads every block and checks that its bytes are those that its CID names. The check goes on
past whatever is damaged and names what it finds; without options nothing is changed.

  --drop  removes bad blocks
  --heal  removes bad blocks and fetches them from other nodes, which needs a running daemon

Some damage, such as that of an index, cannot be removed block by block. While no daemon runs,
--drop then makes a new store of all that can be read, which wants space for a second copy.

What is removed and cannot be fetched is gone: keep a copy of the repository if its blocks are
dear. The exit code is 0 if all is well, or if everything bad was removed or healed as asked, and 1
otherwise.",
    );

    async fn run(call: Call<Options>, out: Output<Progress>) -> Result<()> {
        let remedy = remedy(&call.options)?;
        let node = call.ctx.node().await?;
        if call.options.heal && (call.meta.globals.offline || !node.is_online()) {
            return Err(Error::new(
                "this command must be run in online mode. Try running 'ipfs daemon' first",
            ));
        }
        let mut counts = Counts::default();
        if let Some(damage) = node.damage() {
            let text = if node.is_broken() {
                // A damaged filter keeps the store from being opened as usual, though each row is readable.
                counts.damaged += 1;
                format!("a part of the store cannot be read ({damage})")
            } else {
                format!(
                    "the store's log was damaged when it was opened ({damage}): late writes may be missing"
                )
            };
            out.emit(Progress::message(text)).await?;
        }
        let mut blocks = node.verify_blocks(remedy);
        let mut told = Instant::now();
        let mut behind = false;
        while let Some(found) = blocks.next().await {
            let message = counts.take(found);
            let is_bad = message.is_some();
            if let Some(text) = message {
                out.emit(Progress::message(text)).await?;
            }
            behind = counts.blocks > TOLD && !is_bad && told.elapsed() < TELL;
            if !behind {
                out.emit(Progress::count(counts.blocks)).await?;
                told = Instant::now();
            }
        }
        if behind {
            out.emit(Progress::count(counts.blocks)).await?;
        }
        let mut summary = counts.summary();
        let broken = counts.damaged + counts.not_removed > 0;
        if broken && remedy != Remedy::Report && !call.ctx.is_daemon() {
            return rebuild(node, &summary, &out).await;
        }
        if counts.damaged > 0 {
            summary += "; 'ipfs repo verify --drop' without a daemon makes a new store of what can be read";
        }
        if counts.failed(remedy) {
            return Err(Error::new(summary));
        }
        out.emit(Progress::message(summary)).await
    }

    fn text(_: &View<Options>, _: &mut (), event: Progress, w: &mut dyn Write) -> Result<()> {
        if event.msg.is_empty() {
            write!(w, "{} blocks processed.\r", event.progress)?;
        } else {
            writeln!(w, "{}", event.msg)?;
        }
        Ok(())
    }
}

/// Has a new store made of what can be read.
async fn rebuild(node: &basalt::Node, summary: &str, out: &Output<Progress>) -> Result<()> {
    out.emit(Progress::message(format!("{summary}; making a new store")))
        .await?;
    let rebuilt = node.rebuild_store().await?;
    for gap in &rebuilt.gaps {
        out.emit(Progress::message(format!("not readable: {gap}")))
            .await?;
    }
    for cid in &rebuilt.lost {
        out.emit(Progress::message(format!("block {cid} is lost")))
            .await?;
    }
    let (blocks, records) = (rebuilt.blocks, rebuilt.records);
    let text = format!(
        "the store was rebuilt with {blocks} blocks and {records} records, {} blocks lost",
        rebuilt.lost.len()
    );
    out.emit(Progress::message(text)).await
}

fn remedy(options: &Options) -> Result<Remedy> {
    let limit: GoDuration = options
        .heal_timeout
        .parse()
        .map_err(|e| Error::new(format!("invalid heal-timeout: {e}")))?;
    let limit = limit
        .to_std()
        .ok_or_else(|| Error::new("heal-timeout must be >= 0"))?;
    Ok(match (options.heal, options.drop) {
        (true, _) => Remedy::Heal((!limit.is_zero()).then_some(limit)),
        (_, true) => Remedy::Drop,
        _ => Remedy::Report,
    })
}

impl Progress {
    fn message(msg: String) -> Self {
        Self { msg, progress: 0 }
    }

    fn count(progress: u64) -> Self {
        Self {
            msg: String::new(),
            progress,
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    blocks: u64,
    bad: u64,
    removed: u64,
    not_removed: u64,
    healed: u64,
    not_healed: u64,
    damaged: u64,
}

impl Counts {
    /// Counts what was found; says what a user should know of it.
    fn take(&mut self, found: Verified) -> Option<String> {
        let (cid, reason, outcome) = match found {
            Verified::Bad {
                cid,
                reason,
                outcome,
            } => (cid, reason, outcome),
            Verified::Damaged(text) => {
                self.damaged += 1;
                return Some(format!("the store is damaged: {text}"));
            }
            _ => {
                self.blocks += 1;
                return None;
            }
        };
        self.blocks += 1;
        self.bad += 1;
        let done = match outcome {
            Outcome::Left => String::new(),
            Outcome::NotRemoved(why) => {
                self.not_removed += 1;
                format!(", failed to remove ({why})")
            }
            Outcome::Removed => {
                self.removed += 1;
                ", removed".to_owned()
            }
            Outcome::Healed => {
                self.removed += 1;
                self.healed += 1;
                ", removed, healed".to_owned()
            }
            Outcome::NotHealed(why) => {
                self.removed += 1;
                self.not_healed += 1;
                format!(", removed, failed to heal ({why})")
            }
        };
        Some(format!("block {cid} was corrupt ({reason}){done}"))
    }

    fn summary(&self) -> String {
        if self.bad == 0 && self.damaged == 0 {
            return "verify complete, all blocks validated.".to_owned();
        }
        let mut text = format!("verify complete, {} blocks corrupt", self.bad);
        for (count, what) in [
            (self.removed, "removed"),
            (self.not_removed, "failed to remove"),
            (self.healed, "healed"),
            (self.not_healed, "failed to heal"),
            (self.damaged, "other parts of the store damaged"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }

    /// Whether something bad is left that was not to be left.
    fn failed(&self, remedy: Remedy) -> bool {
        let left = if remedy == Remedy::Report {
            self.bad
        } else {
            self.not_removed + self.not_healed
        };
        left + self.damaged > 0
    }
}
