//! `ipfs config`: the node's configuration.

pub(crate) mod edit;
pub(crate) mod profile;
pub(crate) mod replace;
pub(crate) mod show;

use std::io::Write;

use async_trait::async_trait;
use basalt::repo::config::SetAs;
use basalt::repo::go_json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commands::support::with_repo;
use crate::{About, Arg, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `config`.
    pub(crate) struct Options {
        /// Set a truth value
        bool: bool = ["bool"],
        /// Read the value as JSON
        json: bool = ["json"],
        /// Show what 'auto' stands for in place of it
        expand_auto: bool = ["expand-auto"],
    }
}

/// A key and what it holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Field {
    key: String,
    value: Value,
}

/// `ipfs config`.
pub(crate) struct Config;

#[async_trait]
impl Command for Config {
    type Options = Options;
    type Event = Field;
    type State = ();

    const PATH: &'static str = "config";
    const ABOUT: About = About::new("Get and set the node's configuration.").text(
        "Shows what a key of the configuration holds, or sets it. Keys are dotted, values are
strings unless --bool or --json says otherwise. A running daemon takes most changes up when it
is started again.

Examples:

  > ipfs config Datastore.StorageMax
  > ipfs config Datastore.StorageMax 50GB
  > ipfs config --json Swarm.ConnMgr.HighWater 200
  > ipfs config --json Addresses.Swarm '[\"/ip4/0.0.0.0/tcp/4001\"]'",
    );
    const ARGS: &'static [Arg] = &[
        Arg::required("key", "The key, such as Addresses.API."),
        Arg::optional("value", "What to set it to."),
    ];

    async fn run(call: Call<Options>, out: Output<Field>) -> Result<()> {
        let mut args = call.meta.args.iter().cloned();
        let key = args.next().unwrap_or_default();
        let expand = call.options.expand_auto;
        let Some(value) = args.next() else {
            let at = key.clone();
            let value = with_repo(&call.ctx, move |repo| {
                let config = repo.read_config()?;
                if expand {
                    config.get_expanded(&at)
                } else {
                    config.get(&at)
                }
            });
            return out
                .once(Field {
                    key,
                    value: value.await?,
                })
                .await;
        };
        if expand {
            return Err(basalt::Error::from(basalt::repo::Error::ExpandAutoOnSet).into());
        }
        let mean = match (call.options.json, call.options.bool) {
            (true, _) => SetAs::Json,
            (false, true) => SetAs::Bool,
            (false, false) => SetAs::String,
        };
        let at = key.clone();
        let set = with_repo(&call.ctx, move |repo| {
            repo.change_config(|mut config| {
                let set = config.set_text(&at, &value, mean)?;
                Ok((config, set))
            })
        });
        out.once(Field {
            key,
            value: set.await?,
        })
        .await
    }

    fn text(view: &View<Options>, _: &mut (), field: Field, w: &mut dyn Write) -> Result<()> {
        if view.meta.args.len() < 2 {
            writeln!(w, "{}", for_people(&field.value)?)?;
        }
        Ok(())
    }
}

/// A string as it is, anything else as indented JSON.
fn for_people(value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.trim_matches('\n').to_owned()),
        value => Ok(go_json::to_string_indented(value)?),
    }
}
