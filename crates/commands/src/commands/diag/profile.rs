//! `ipfs diag profile`: figures of the daemon in an archive.

mod collect;
mod zip;

use std::fs::File;
use std::io::Write;

use async_trait::async_trait;
use basalt::repo::go_quote;
use serde_json::json;

use crate::command::{Encoding, encoding_of};
use crate::commands::support::rfc3339;
use crate::{About, Call, Command, Error, Events, Out, Output, Result, Terminal, View, parse};
use collect::{Collector, Profile};

crate::options! {
    /// Options of `diag profile`.
    #[allow(dead_code)]
    pub(crate) struct Options {
        /// The archive to write; ./ipfs-profile-TIME.zip unless given
        output: Option<String> = ["output", "o"],
        /// What to collect, separated by commas
        collectors: Vec<String> = ["collectors"] default "goroutines-stack,goroutines-pprof,version,heap,allocs,bin,cpu,mutex,block,trace",
        /// How long processor time is measured; 0 leaves it out
        profile_time: String = ["profile-time"] default "30s",
        /// Accepted and without effect: locks are not profiled
        mutex_profile_fraction: i32 = ["mutex-profile-fraction"] default "4",
        /// Accepted and without effect: blocking is not profiled
        block_profile_rate: String = ["block-profile-rate"] default "1ms",
    }
}

/// `ipfs diag profile`.
pub(crate) struct Collect;

#[async_trait]
impl Command for Collect {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "diag/profile";
    const ABOUT: About = About::new("Collect figures of the daemon in an archive.")
        .text(
            "Writes a zip archive for a report of a fault. The names of the collectors are Kubo's; what
stands behind them here:

  version           version.json
  goroutines-stack  goroutines.stacks: the threads, what each waits for and its kernel stack where
                    the system shows it
  heap, allocs      memory.txt: what the system knows of the process's memory
  cpu               cpu.txt: the processor time that each thread took within --profile-time
  bin               the program itself

There are no profiles of locks, of blocking or of single tasks, and no trace: mutex, block,
goroutines-pprof and trace are accepted and collect nothing, which README.txt then says. Without
--collectors there is system.json too. No keys, no content and no configuration are collected.",
        )
        .daemon_only();

    async fn run(call: Call<Options>, out: Output<()>) -> Result<()> {
        let options = &call.options;
        let duration = |what: &str, text: &str| {
            let fail = |e| Error::new(format!("failed to parse {what} {}: {e}", go_quote(text)));
            parse::duration(text).map_err(fail)
        };
        let time = duration("profile duration", &options.profile_time)?;
        duration("block profile rate", &options.block_profile_rate)?;
        let named = options.collectors.iter().flat_map(|names| names.split(','));
        let collectors = named
            .filter(|name| !name.is_empty())
            .map(Collector::of)
            .collect::<Result<Vec<_>>>()?;
        out.content_type("application/zip").await?;
        let whole = !call.meta.parsed.is_given("collectors");
        Profile {
            ctx: call.ctx.clone(),
            collectors,
            time,
            whole,
        }
        .write(&out)
        .await
    }

    async fn show(view: &View<Options>, mut events: Events<()>, term: &mut Terminal) -> Result<()> {
        let name = view
            .options
            .output
            .clone()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(file_name);
        let mut file: Option<File> = None;
        while let Some(piece) = events.next().await? {
            let Out::Bytes(bytes) = piece else { continue };
            let file = match &mut file {
                Some(file) => file,
                none => {
                    let made =
                        File::create(&name).map_err(|e| Error::new(format!("open {name}: {e}")))?;
                    none.insert(made)
                }
            };
            file.write_all(&bytes)?;
        }
        match encoding_of(&view.meta.globals, Self::ABOUT.text_form)? {
            Encoding::Text => writeln!(term.out, "Wrote profiles to: {name}")?,
            Encoding::Json | Encoding::Xml => writeln!(term.out, "{}", json!({"File": name}))?,
        }
        Ok(term.out.flush()?)
    }
}

/// Kubo's name for the archive, in UTC.
fn file_name() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let time = rfc3339(i64::try_from(now.as_secs()).unwrap_or_default(), 0);
    format!("ipfs-profile-{}_00.zip", time.replace(':', "_"))
}
