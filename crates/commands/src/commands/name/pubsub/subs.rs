use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::not_enabled;
use crate::commands::support::PeerText;
use crate::{About, Call, Command, Output, Result, Status, View};

crate::options! {
    /// Options of `name pubsub subs`.
    pub(crate) struct Options {
        /// How names are written: b58mh, or the multibase of a CID, such as base36 or k
        ipns_base: String = ["ipns-base"] default "base36",
    }
}

/// `ipfs name pubsub subs`.
pub(crate) struct Subs;

/// Names.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Names {
    strings: Option<Vec<String>>,
}

#[async_trait]
impl Command for Subs {
    type Options = Options;
    type Event = Names;
    type State = ();

    const PATH: &'static str = "name/pubsub/subs";
    const ABOUT: About =
        About::new("List the names that are followed.").status(Status::Experimental);

    async fn run(call: Call<Options>, _: Output<Names>) -> Result<()> {
        PeerText::new(&call.options.ipns_base)?;
        call.ctx.node().await?;
        Err(not_enabled())
    }

    fn text(_: &View<Options>, _: &mut (), names: Names, w: &mut dyn Write) -> Result<()> {
        for name in names.strings.unwrap_or_default() {
            writeln!(w, "{name}")?;
        }
        Ok(())
    }
}
