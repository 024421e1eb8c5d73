use std::io::Write;

use async_trait::async_trait;
use basalt::ipld::go_quote;
use basalt::{Cid, NodeChange};
use serde::{Deserialize, Serialize};

use crate::commands::support::{CidText, LinkJson, resolve};
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `object diff`.
    pub(crate) struct Options {
        /// Say it in sentences
        verbose: bool = ["verbose", "v"],
    }
}

/// `ipfs object diff`.
pub(crate) struct Diff;

/// What differs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Changes {
    changes: Vec<Change>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    /// 0 for what was added, 1 for what was removed, 2 for what is another.
    #[serde(rename = "Type")]
    kind: u8,
    path: String,
    before: Option<LinkJson>,
    after: Option<LinkJson>,
}

#[async_trait]
impl Command for Diff {
    type Options = Options;
    type Event = Changes;
    type State = ();

    const PATH: &'static str = "object/diff";
    const ABOUT: About = About::new("Deprecated. Compares two dag-pb DAGs.")
        .text(
            "Writes which links two directories, or other dag-pb nodes, do not have in common, and
what is under those that have the same name: '+' for what only the second has, '-' for what only the
first has, '~' for what is another.",
        )
        .status(Status::Deprecated);
    const ARGS: &'static [Arg] = &[
        Arg::required("obj_a", "The first."),
        Arg::required("obj_b", "The second."),
    ];

    async fn run(mut call: Call<Options>, out: Output<Changes>) -> Result<()> {
        let paths = [call.next_arg().await?, call.next_arg().await?].map(Option::unwrap_or_default);
        let before = resolve(&call, &paths[0]).await?.cid;
        let after = resolve(&call, &paths[1]).await?.cid;
        let node = call.ctx.node().await?;
        let offline = call.meta.globals.offline;
        let changes = node.compare_nodes(&before, &after, offline).await?;
        let changes = changes.into_iter().map(Change::from).collect();
        out.once(Changes { changes }).await
    }

    fn text(view: &View<Options>, _: &mut (), all: Changes, w: &mut dyn Write) -> Result<()> {
        let cids = CidText::new(&view.meta.globals)?;
        let shown = |link: &Option<LinkJson>| -> Result<String> {
            let Some(link) = link else {
                return Ok(String::new());
            };
            let (cid, _) = basalt::block::parse_cid(&link.cid).map_err(Error::new)?;
            Ok(cids.write(&cid))
        };
        for change in all.changes {
            let (before, after) = (shown(&change.before)?, shown(&change.after)?);
            let path = go_quote(&change.path);
            match (change.kind, view.options.verbose) {
                (0, true) => writeln!(w, "Added new link {path} pointing to {after}.")?,
                (0, false) => writeln!(w, "+ {after} {path}")?,
                (1, true) => writeln!(w, "Removed link {path} (was {before}).")?,
                (1, false) => writeln!(w, "- {before} {path}")?,
                (_, true) => writeln!(w, "Changed {path} from {before} to {after}.")?,
                (_, false) => writeln!(w, "~ {before} {after} {path}")?,
            }
        }
        Ok(())
    }
}

impl From<NodeChange> for Change {
    fn from(change: NodeChange) -> Self {
        let link = |cid: &Option<Cid>| cid.as_ref().map(LinkJson::new);
        Self {
            kind: match (&change.before, &change.after) {
                (None, _) => 0,
                (_, None) => 1,
                _ => 2,
            },
            before: link(&change.before),
            after: link(&change.after),
            path: String::from_utf8_lossy(&change.path).into_owned(),
        }
    }
}
