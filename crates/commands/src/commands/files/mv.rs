use async_trait::async_trait;
use basalt::mfs::path;

use super::{check_path, flushes};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result};

/// `ipfs files mv`.
pub(crate) struct Mv;

#[async_trait]
impl Command for Mv {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "files/mv";
    const ABOUT: About = About::new("Move files and directories within the tree.")
        .text(
            "A destination that is a directory, or ends with a slash, is what the source goes into; a file
that is there is replaced.

Example:

  > ipfs files mv /inbox/a.jpg /photos/2024/",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[
        Arg::required("source", "What is moved."),
        Arg::required("dest", "Where it goes."),
    ];

    async fn run(mut call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let flush = flushes(&call.meta);
        files.note_change(flush)?;
        let source = call.next_arg().await?.unwrap_or_default();
        let source = check_path(&source)?;
        let dest = call.next_arg().await?.unwrap_or_default();
        let dest = check_path(&dest)?;
        files.rename(&source, &dest).await?;
        if flush {
            let (from, to) = (path::parent(&source), path::parent(&dest));
            let failed = |of: &str, e: basalt::mfs::Error| {
                Error::new(format!(
                    "cp: cannot flush the {of} parent folder {dest}: {e}"
                ))
            };
            let flushed = files.flush(&to).await;
            flushed.map_err(|e| failed("destination file's", e))?;
            if from != to {
                let flushed = files.flush(&from).await;
                flushed.map_err(|e| failed("source's file's", e))?;
            }
            files.flush("/").await?;
        }
        Ok(())
    }
}
