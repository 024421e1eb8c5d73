use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::commands::support::CidText;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result};

/// `ipfs files flush`.
pub(crate) struct Flush;

/// Where what was flushed is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Flushed {
    cid: String,
}

#[async_trait]
impl Command for Flush {
    type Options = NoOptions;
    type Event = Flushed;
    type State = ();

    const PATH: &'static str = "files/flush";
    const ABOUT: About = About::new("Make durable what was changed with --flush=false.")
        .text("Writes the CID of the file or directory.")
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::optional("path", "What is flushed; '/' by default.")];

    async fn run(mut call: Call<NoOptions>, out: Output<Flushed>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let cids = CidText::new(&call.meta.globals)?;
        let at = call.next_arg().await?.unwrap_or_else(|| "/".to_owned());
        let cid = files.flush(&at).await?;
        files.note_change(true)?;
        let cid = cids.write(&cid);
        out.once(Flushed { cid }).await
    }
}
