use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::commands::support::{PeerText, escape_name, with_repo};
use crate::{About, Arg, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `key rename`.
    pub(crate) struct Options {
        /// Overwrite the key that has the new name
        force: bool = ["force", "f"],
        /// How the ID is written: b58mh, or the multibase of a CID, such as base36 or k
        ipns_base: String = ["ipns-base"] default "base36",
    }
}

/// A key that was renamed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Renamed {
    was: String,
    now: String,
    id: String,
    overwrite: bool,
}

/// `ipfs key rename`.
pub(crate) struct Rename;

#[async_trait]
impl Command for Rename {
    type Options = Options;
    type Event = Renamed;
    type State = ();

    const PATH: &'static str = "key/rename";
    const ABOUT: About = About::new("Rename a key.");
    const ARGS: &'static [Arg] = &[
        Arg::required("name", "What the key is called."),
        Arg::required("newName", "What it shall be called."),
    ];

    async fn run(call: Call<Options>, out: Output<Renamed>) -> Result<()> {
        let written = PeerText::new(&call.options.ipns_base)?;
        let (was, now) = (call.meta.args[0].clone(), call.meta.args[1].clone());
        let force = call.options.force;
        let (name, new) = (was.clone(), now.clone());
        let done = with_repo(&call.ctx, move |repo| {
            repo.keys().rename(&name, &new, force)
        })
        .await?;
        out.once(Renamed {
            was,
            now,
            id: written.write(&done.id.to_bytes())?,
            overwrite: done.overwritten,
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), done: Renamed, w: &mut dyn Write) -> Result<()> {
        let over = if done.overwrite {
            " with overwriting"
        } else {
            ""
        };
        let now = escape_name(&done.now);
        writeln!(w, "Key {} renamed to {now}{over}", done.id)?;
        Ok(())
    }
}
