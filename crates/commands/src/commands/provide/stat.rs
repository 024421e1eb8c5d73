//! `ipfs provide stat`, and the older names of it.

use std::io::Write;

use async_trait::async_trait;
use basalt::routing::Scope;
use serde::{Deserialize, Serialize};

use super::report::Shown;
use super::sweep::Sweep;
use crate::commands::routing::online;
use crate::{About, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `provide stat`.
    pub(crate) struct Options {
        /// Show figures of the local network's DHT alone
        lan: bool = ["lan"],
        /// Show everything
        all: bool = ["all", "a"],
        /// Show everything in two columns; needs --all
        compact: bool = ["compact"],
        /// Show whether there is somebody to tell
        connectivity: bool = ["connectivity"],
        /// Show how many peers were found and told
        network: bool = ["network"],
        /// Show what is announced again, and when
        schedule: bool = ["schedule"],
        /// Show times
        timings: bool = ["timings"],
        /// Show who does it
        workers: bool = ["workers"],
        /// Show what goes on and what was done
        operations: bool = ["operations"],
        /// Show what waits
        queues: bool = ["queues"],
    }
}

/// Statistics of announcing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stats {
    sweep: Option<Sweep>,
    legacy: Option<()>,
    #[serde(rename = "FullRT")]
    full_rt: bool,
}

const TEXT: &str = "Shows how announcing goes: what waits in the queue, what is announced again and when, how many peers
were told. Records of what a node has are forgotten by others after two days, so that everything is
announced again once each Provide.DHT.Interval, part by part.

Examples:

  > ipfs provide stat
  > ipfs provide stat --all --compact
  > ipfs provide stat --enc=json";

macro_rules! stat {
    ($($name:ident = $path:literal, $tagline:literal, $status:ident;)+) => {$(
        #[doc = concat!("`ipfs ", $path, "`.")]
        pub(crate) struct $name;

        #[async_trait]
        impl Command for $name {
            type Options = Options;
            type Event = Stats;
            type State = ();

            const PATH: &'static str = $path;
            const ABOUT: About = About::new($tagline).text(TEXT).status(Status::$status);

            async fn run(call: Call<Options>, out: Output<Stats>) -> Result<()> {
                out.once(stats(&call).await?).await
            }

            fn text(view: &View<Options>, _: &mut (), stats: Stats, w: &mut dyn Write) -> Result<()> {
                write(&view.options, &stats, w)
            }
        }
    )+};
}

stat! {
    Stat = "provide/stat", "Show how announcing goes.", Experimental;
    StatsProvide = "stats/provide", "Deprecated: use 'ipfs provide stat'.", Deprecated;
    StatsReprovide = "stats/reprovide", "Deprecated: use 'ipfs provide stat'.", Deprecated;
}

async fn stats(call: &Call<Options>) -> Result<Stats> {
    online(call).await?;
    let node = call.ctx.node().await?;
    let scope = match call.options.lan {
        true => Scope::Lan,
        false => Scope::Wan,
    };
    let stats = node.provider().and_then(|provider| {
        let stats = provider.stats(scope)?;
        Some(Sweep::new(&stats, provider.settings()))
    });
    let sweep = stats.ok_or_else(|| {
        Error::new(match call.options.lan {
            true => "LAN stats only available for Sweep provider with Dual DHT",
            false => "stats not available with current routing system *node.NoopProvider",
        })
    })?;
    Ok(Stats {
        sweep: Some(sweep),
        legacy: None,
        full_rt: false,
    })
}

fn write(options: &Options, stats: &Stats, w: &mut dyn Write) -> Result<()> {
    let Some(sweep) = &stats.sweep else {
        return Err(Error::new("no provide stats available"));
    };
    if options.compact && !options.all {
        return Err(Error::new("--compact requires --all flag"));
    }
    let flags = [
        options.all,
        options.connectivity,
        options.queues,
        options.schedule,
        options.network,
        options.timings,
        options.operations,
        options.workers,
    ];
    Shown::new(flags, options.compact).write(sweep, w)
}
