use std::collections::BTreeMap;
use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, View, logs};

/// `ipfs log level`.
pub(crate) struct Level;

/// Levels by subsystem, or what was done.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Levels {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    levels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

#[async_trait]
impl Command for Level {
    type Options = NoOptions;
    type Event = Levels;
    type State = ();

    const PATH: &'static str = "log/level";
    const ABOUT: About = About::new("Show or set the level at which subsystems log.")
        .text(
            "Without a level, shows the one of a subsystem, or of all; without a subsystem, the level of
those that were not set. With a level, sets it until the daemon ends; GOLOG_LOG_LEVEL sets levels
from the start.

'all' (or '*') is every subsystem, those to come included. The level 'default' is the one of those
that were not set.

Examples:

  > ipfs log level                 # the default
  > ipfs log level all             # every subsystem
  > ipfs log level bitswap debug
  > ipfs log level bitswap default
  > ipfs log level all error",
        )
        .daemon_only();
    const ARGS: &'static [Arg] = &[
        Arg::optional(
            "subsystem",
            "A name from 'ipfs log ls'; 'all' or '*' is every one.",
        ),
        Arg::optional(
            "level",
            "One of debug, info, warn, error, dpanic, panic, fatal and default.",
        ),
    ];

    async fn run(call: Call<NoOptions>, out: Output<Levels>) -> Result<()> {
        let arg = |at: usize| call.meta.args.get(at).map_or("", String::as_str);
        let subsystem = if arg(0) == "all" { "*" } else { arg(0) };
        if !arg(1).is_empty() {
            return out
                .once(Levels {
                    message: set(subsystem, arg(1))?,
                    ..Levels::default()
                })
                .await;
        }
        let logs = logs();
        let levels = match subsystem {
            "" => BTreeMap::from([(String::new(), logs.default_level())]),
            "*" => {
                let mut all = logs.all_levels();
                all.insert("(default)".to_owned(), logs.default_level());
                all
            }
            name => {
                let level = logs
                    .level(name)
                    .ok_or_else(|| Error::new("error: No such logger"))?;
                BTreeMap::from([(name.to_owned(), level)])
            }
        };
        let levels = levels
            .into_iter()
            .map(|(name, level)| (name, level.to_string()))
            .collect();
        out.once(Levels {
            levels,
            message: String::new(),
        })
        .await
    }

    fn text(_: &View<NoOptions>, _: &mut (), event: Levels, w: &mut dyn Write) -> Result<()> {
        if !event.message.is_empty() {
            w.write_all(event.message.as_bytes())?;
            return Ok(());
        }
        let names = event.levels.len() > 1;
        let mut lines: Vec<_> = event.levels.into_iter().collect();
        lines.sort_unstable_by_key(|(name, level)| format!("{name}: {level}"));
        for (name, level) in lines {
            if names {
                writeln!(w, "{name}: {level}")
            } else {
                writeln!(w, "{level}")
            }?;
        }
        Ok(())
    }
}

/// Sets a level and says so.
fn set(subsystem: &str, level: &str) -> Result<String> {
    let logs = logs();
    let default = logs.default_level();
    let (level, said) = match level {
        "default" => (default, default.name()),
        level => (level.parse().map_err(Error::new)?, level),
    };
    match subsystem {
        "*" => logs.set_all(level),
        name => logs.set(name, level),
    }
    let message = format!("Changed log level of '{subsystem}' to '{said}'\n");
    tracing::info!(target: "basalt::commands", "{}", message.trim_end());
    Ok(message)
}
