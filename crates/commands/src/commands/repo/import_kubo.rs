use std::io::Write;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use basalt::{KuboImport, KuboImportEvent, KuboImportProgress, KuboImported, Node};
use serde::{Deserialize, Serialize};

use crate::command::Out;
use crate::commands::support::human_bytes;
use crate::{About, Arg, Call, Command, Error, Events, Output, Result, Terminal, View};

/// Events that wait for a reader.
const WAITING: usize = 64;
/// No estimate of the time before this long.
const GUESS_AFTER: Duration = Duration::from_secs(2);

crate::options! {
    /// Options of `repo import-kubo`.
    pub(crate) struct Options {
        /// Take blocks and pins from the RPC of the Kubo that runs on the repo, such as /ip4/127.0.0.1/tcp/5001
        from_api: Option<String> = ["from-api"],
        /// Write nothing but errors
        quiet: bool = ["quiet", "q"],
    }
}

/// `ipfs repo import-kubo`.
pub(crate) struct ImportKubo;

/// What is told of an import; one of the fields.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Told {
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Far>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<Damaged>,
}

/// How far the blocks are.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Far {
    blocks: u64,
    bytes: u64,
    total_bytes: u64,
}

/// What was left out.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Damaged {
    what: String,
    reason: String,
}

#[async_trait]
impl Command for ImportKubo {
    type Options = Options;
    type Event = Told;
    type State = ();

    const PATH: &'static str = "repo/import-kubo";
    const ABOUT: About = About::new("Bring a repository of Kubo's over.")
        .text(
            "Makes a new repository where IPFS_PATH says, with all that is in the Kubo repository that is
named: blocks, pins with their names, the files of 'ipfs files', keys, the node's identity and its
configuration. Kubo's repository is only read and stays as it is; stop Kubo first.

  > ipfs shutdown
  > IPFS_PATH=~/.ipfs-basalt ipfs repo import-kubo ~/.ipfs

Every block is checked against its hash. One that is damaged is named and left out, and the exit
code is 1 in the end. An import that was cut off goes on when the same command is run again. Run once
more on a finished repository, it brings what is new in Kubo's.

Read are versions 11 to 18 with flatfs or leveldb. The files of pebble and badger cannot be read:
start Kubo on such a repository and let it hand its blocks over:

  > IPFS_PATH=~/.ipfs-basalt ipfs repo import-kubo --from-api=/ip4/127.0.0.1/tcp/5001 ~/.ipfs

Do not run both nodes at the same time afterwards: they have the same identity.",
        )
        .client_only()
        .no_repo();
    const ARGS: &'static [Arg] = &[Arg::required(
        "kubo-repo",
        "The directory of Kubo's repository.",
    )];

    async fn run(mut call: Call<Options>, out: Output<Told>) -> Result<()> {
        let source = call.next_arg().await?.unwrap_or_default();
        let import = KuboImport {
            source: source.into(),
            api: call.options.from_api.clone(),
            target: call.ctx.repo().to_owned(),
        };
        let (events, mut told) = tokio::sync::mpsc::channel(WAITING);
        let target = import.target.clone();
        let importing = Node::import_kubo(import, events);
        let telling = async {
            while let Some(event) = told.recv().await {
                out.emit(Told::of(event)).await?;
            }
            Ok::<_, Error>(())
        };
        let (done, told) = tokio::join!(importing, telling);
        let done = done?;
        told?;
        out.emit(Told::message(summary(&done, &target.display().to_string())))
            .await?;
        if done.damaged > 0 {
            return Err(Error::new(format!(
                "{} damaged blocks or records were met; they are damaged in Kubo's repo too",
                done.damaged
            )));
        }
        Ok(())
    }

    fn text(view: &View<Options>, _: &mut (), told: Told, w: &mut dyn Write) -> Result<()> {
        if let Some(Damaged { what, reason }) = told.damaged {
            writeln!(w, "damaged: {what}: {reason}")?;
        } else if !told.message.is_empty() && !view.options.quiet {
            writeln!(w, "{}", told.message)?;
        }
        Ok(())
    }

    async fn show(
        view: &View<Options>,
        mut events: Events<Told>,
        term: &mut Terminal,
    ) -> Result<()> {
        if view.meta.globals.encoding.is_some() {
            return crate::command::show_plain::<Self>(view, events, term).await;
        }
        let began = Instant::now();
        loop {
            match events.next().await {
                Ok(Some(Out::Event(told))) => match told.progress {
                    Some(_) if view.options.quiet => {}
                    Some(far) => term.progress(&far.line(began.elapsed()))?,
                    None => {
                        term.clear_progress()?;
                        Self::text(view, &mut (), told, &mut term.out)?;
                        term.out.flush()?;
                    }
                },
                Ok(Some(_)) => {}
                end => {
                    term.clear_progress()?;
                    return end.map(|_| ());
                }
            }
        }
    }
}

impl Told {
    fn message(text: String) -> Self {
        Self {
            message: text,
            ..Self::default()
        }
    }

    fn of(event: KuboImportEvent) -> Self {
        match event {
            KuboImportEvent::Note(text) => Self::message(text),
            KuboImportEvent::Progress(far) => Self {
                progress: Some(Far::of(far)),
                ..Self::default()
            },
            KuboImportEvent::Damaged { what, reason } => Self {
                damaged: Some(Damaged { what, reason }),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

impl Far {
    fn of(far: KuboImportProgress) -> Self {
        Self {
            blocks: far.blocks,
            bytes: far.bytes,
            total_bytes: far.total_bytes,
        }
    }

    fn line(&self, elapsed: Duration) -> String {
        let (bytes, total) = (human_bytes(self.bytes), human_bytes(self.total_bytes));
        let mut line = format!("{} blocks, {bytes} of {total}", self.blocks);
        if elapsed > GUESS_AFTER && self.bytes > 0 {
            let rate = self.bytes as f64 / elapsed.as_secs_f64();
            let left = (self.total_bytes - self.bytes) as f64 / rate;
            let rate = human_bytes(rate as u64);
            line.push_str(&format!(", {rate}/s, {} left", time(left as u64)));
        }
        line
    }
}

/// A time as `2h05m`, `3m20s` or `7s`.
fn time(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{:02}s", seconds % 60),
        _ => format!("{hours}h{minutes:02}m"),
    }
}

fn summary(done: &KuboImported, target: &str) -> String {
    let mut text = format!(
        "imported {} blocks ({}), {} pins, {} keys and {} IPNS records into {target}",
        done.blocks,
        human_bytes(done.bytes),
        done.pins,
        done.keys,
        done.names
    );
    if done.present > 0 {
        text.push_str(&format!("; {} blocks were there already", done.present));
    }
    if done.references > 0 {
        text.push_str(&format!("; {} references to files", done.references));
    }
    if let Some(root) = &done.files_root {
        text.push_str(&format!("; the files are /ipfs/{root}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_in_words() {
        let far = Far {
            blocks: 12,
            bytes: 5_000_000,
            total_bytes: 20_000_000,
        };
        assert_eq!(
            far.line(Duration::from_secs(1)),
            "12 blocks, 5.0 MB of 20 MB"
        );
        assert_eq!(
            far.line(Duration::from_secs(10)),
            "12 blocks, 5.0 MB of 20 MB, 500 kB/s, 30s left"
        );
        assert_eq!((time(200), time(7500)), ("3m20s".into(), "2h05m".into()));
    }
}
