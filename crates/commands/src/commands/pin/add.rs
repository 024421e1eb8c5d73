use std::io::Write;
use std::time::Duration;

use async_trait::async_trait;
use basalt::pin::{Mode, Progress, check_name};
use basalt::{KeptBy, Pin};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, interval_at};

use crate::command::{encoding_of, show_plain, write_line};
use crate::commands::support::{CidText, fast_provide, human_bytes, resolve};
use crate::{
    About, Arg, Call, Command, Encoding, Error, Events, Out, Output, Result, Terminal, View,
};

/// The time between two words on how far it has come.
const TELL: Duration = Duration::from_millis(500);

crate::options! {
    /// Options of `pin add`.
    pub(crate) struct Options {
        /// Pin everything under the block too, not the block alone
        recursive: bool = ["recursive", "r"] default "true",
        /// A name for the pins
        name: Option<String> = ["name", "n"],
        /// Say how far it has come
        progress: bool = ["progress"],
        /// Announce the root at once
        fast_provide_root: Option<bool> = ["fast-provide-root"],
        /// Announce the whole DAG, as Provide.Strategy says
        fast_provide_dag: Option<bool> = ["fast-provide-dag"],
        /// Wait until it is announced
        fast_provide_wait: Option<bool> = ["fast-provide-wait"],
    }
}

/// `ipfs pin add`.
pub(crate) struct Add;

/// How far it has come, or at the end what is pinned.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Added {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pins: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    progress: u64,
    #[serde(skip_serializing_if = "is_zero")]
    bytes: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Added {
    fn so_far(progress: &Progress) -> Self {
        Self {
            pins: Vec::new(),
            progress: progress.blocks(),
            bytes: progress.bytes(),
        }
    }
}

#[async_trait]
impl Command for Add {
    type Options = Options;
    type Event = Added;
    type State = ();

    const PATH: &'static str = "pin/add";
    const ABOUT: About = About::new("Keep blocks and what is under them.").text(
        "Pins blocks, so that garbage collection leaves them alone: with everything under them, or
alone with -r=false. What is not here yet is fetched; --progress says how far that has come. When
the command returns, the pin and all its blocks are on disk.

A pin may have a name, which 'ipfs pin ls --names' shows. Pinning again with another name
changes it.",
    );
    const ARGS: &'static [Arg] = &[Arg::required("ipfs-path", "Paths to what is to be pinned.")
        .variadic()
        .stdin()];

    async fn run(mut call: Call<Options>, out: Output<Added>) -> Result<()> {
        check_name(call.options.name.as_deref().unwrap_or_default())
            .map_err(basalt::Error::from)?;
        let cids = CidText::new(&call.meta.globals)?;
        let progress = Progress::default();
        if !call.options.progress {
            let pins = add(&mut call, &cids, &progress).await?;
            return out
                .once(Added {
                    pins,
                    ..Added::default()
                })
                .await;
        }
        let adding = add(&mut call, &cids, &progress);
        tokio::pin!(adding);
        let mut tell = interval_at(Instant::now() + TELL, TELL);
        let pins = loop {
            tokio::select! {
                pins = &mut adding => break pins?,
                _ = tell.tick() => out.emit(Added::so_far(&progress)).await?,
            }
        };
        if progress.blocks() > 0 {
            out.emit(Added::so_far(&progress)).await?;
        }
        out.emit(Added {
            pins,
            ..Added::default()
        })
        .await
    }

    fn text(view: &View<Options>, _: &mut (), added: Added, w: &mut dyn Write) -> Result<()> {
        let how = if view.options.recursive {
            "recursively"
        } else {
            "directly"
        };
        for cid in added.pins {
            writeln!(w, "pinned {cid} {how}")?;
        }
        Ok(())
    }

    async fn show(
        view: &View<Options>,
        mut events: Events<Added>,
        term: &mut Terminal,
    ) -> Result<()> {
        if !view.options.progress {
            return show_plain::<Self>(view, events, term).await;
        }
        let encoding = encoding_of(&view.meta.globals, true)?;
        while let Some(event) = events.next().await? {
            match event {
                Out::Event(added) if added.pins.is_empty() => {
                    let size = human_bytes(added.bytes);
                    write!(
                        term.err,
                        "Fetched/Processed {} nodes ({size})\r",
                        added.progress
                    )?;
                    term.err.flush()?;
                }
                Out::Event(added) if encoding == Encoding::Text => {
                    Self::text(view, &mut (), added, &mut term.out)?;
                }
                Out::Event(added) => write_line(&mut term.out, &added)?,
                Out::Bytes(_) | Out::Length(_) => {}
            }
        }
        term.out.flush()?;
        Ok(())
    }
}

async fn add(call: &mut Call<Options>, cids: &CidText, progress: &Progress) -> Result<Vec<String>> {
    let mode = if call.options.recursive {
        Mode::Recursive
    } else {
        Mode::Direct
    };
    let (mut pins, mut roots) = (Vec::new(), Vec::new());
    while let Some(text) = call.next_arg().await? {
        let cid = resolve(call, &text).await?.cid;
        let node = call.ctx.node().await?;
        let name = call.options.name.clone().unwrap_or_default();
        let pin = Pin { cid, mode, name };
        let source = node.source(call.meta.globals.offline);
        let added = node.pins().add(source, pin, progress).await;
        added.map_err(|e| Error::new(format!("pin: {e}")))?;
        pins.push(cids.write(&cid));
        roots.push(cid);
    }
    let options = &call.options;
    let how = [
        options.fast_provide_root,
        options.fast_provide_dag,
        options.fast_provide_wait,
    ];
    fast_provide(call.ctx.node().await?, &roots, KeptBy::PIN, how).await?;
    Ok(pins)
}
