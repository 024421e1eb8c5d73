use std::io::Write;

use async_trait::async_trait;
use basalt::repo::config::{diff_text, profile};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commands::support::with_repo;
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `config profile apply`.
    pub(crate) struct Options {
        /// Show what would change, and change nothing
        dry_run: bool = ["dry-run"],
    }
}

/// The configuration before and after.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Change {
    old_cfg: Value,
    new_cfg: Value,
}

/// `ipfs config profile apply`.
pub(crate) struct Apply;

#[async_trait]
impl Command for Apply {
    type Options = Options;
    type Event = Change;
    type State = ();

    const PATH: &'static str = "config/profile/apply";
    const ABOUT: About = About::new("Apply a profile to the configuration.").text(
        "Keeps the configuration as it was beside the new one, in a file that begins with
'config-pre-' and the name of the profile.",
    );
    const ARGS: &'static [Arg] = &[Arg::required("profile", "The profile.")];

    async fn run(call: Call<Options>, out: Output<Change>) -> Result<()> {
        let name = call.meta.args.first().cloned().unwrap_or_default();
        if profile(&name).is_none() {
            return Err(Error::new(format!("{name} is not a profile")));
        }
        let dry_run = call.options.dry_run;
        let change = with_repo(&call.ctx, move |repo| repo.apply_profile(&name, dry_run)).await?;
        out.once(Change {
            old_cfg: change.old,
            new_cfg: change.new,
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), change: Change, w: &mut dyn Write) -> Result<()> {
        w.write_all(diff_text(&change.old_cfg, &change.new_cfg).as_bytes())?;
        Ok(())
    }
}
