use std::io::Write;

use async_trait::async_trait;
use basalt::block::parse_cid;
use serde::{Deserialize, Serialize};

use crate::commands::support::{CidText, LinkJson, resolve};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

/// `ipfs dag resolve`.
pub(crate) struct Resolve;

/// The last block of a path, and what is left of the path inside it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Resolved {
    cid: LinkJson,
    rem_path: String,
}

#[async_trait]
impl Command for Resolve {
    type Options = NoOptions;
    type Event = Resolved;
    type State = ();

    const PATH: &'static str = "dag/resolve";
    const ABOUT: About = About::new("Say which block a path leads to, and to what in it.").text(
        "Follows a path and writes the CID of the last block on it, with what is left of the path
inside that block.",
    );
    const ARGS: &'static [Arg] = &[Arg::required("ref", "The path.").stdin()];

    async fn run(mut call: Call<NoOptions>, out: Output<Resolved>) -> Result<()> {
        let path = call.next_arg().await?.unwrap_or_default();
        let found = resolve(&call, &path).await?;
        let mut rem_path = String::new();
        for segment in &found.rest {
            rem_path.push('/');
            rem_path.push_str(&String::from_utf8_lossy(segment));
        }
        out.once(Resolved {
            cid: LinkJson::new(&found.cid),
            rem_path,
        })
        .await
    }

    fn text(view: &View<NoOptions>, _: &mut (), found: Resolved, w: &mut dyn Write) -> Result<()> {
        let cids = match view.meta.args.first() {
            Some(path) => CidText::like(&view.meta.globals, path)?,
            None => CidText::new(&view.meta.globals)?,
        };
        let (cid, _) = parse_cid(&found.cid.cid).map_err(Error::new)?;
        // No newline, as in Kubo.
        write!(w, "{}{}", cids.write(&cid), found.rem_path)?;
        Ok(())
    }
}
