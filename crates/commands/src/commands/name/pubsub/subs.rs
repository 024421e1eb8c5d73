use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::gossip;
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

    async fn run(call: Call<Options>, out: Output<Names>) -> Result<()> {
        let base = PeerText::new(&call.options.ipns_base)?;
        let followed = gossip(call.ctx.node().await?)?.followed();
        let mut names = Vec::new();
        for name in followed {
            let id = base.write(&name.multihash().to_bytes())?;
            names.push(format!("/ipns/{id}"));
        }
        let strings = Some(names).filter(|names| !names.is_empty());
        out.once(Names { strings }).await
    }

    fn text(_: &View<Options>, _: &mut (), names: Names, w: &mut dyn Write) -> Result<()> {
        for name in names.strings.unwrap_or_default() {
            writeln!(w, "{name}")?;
        }
        Ok(())
    }
}
