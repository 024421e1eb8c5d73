use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;

use super::check_path;
use crate::{About, Arg, Call, Command, Error, Output, Result};

crate::options! {
    /// Options of `files read`.
    pub(crate) struct Options {
        /// The first byte to write
        offset: i64 = ["offset", "o"],
        /// The most bytes to write
        count: Option<i64> = ["count", "n"],
    }
}

/// `ipfs files read`.
pub(crate) struct Read;

#[async_trait]
impl Command for Read {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "files/read";
    const ABOUT: About = About::new("Write the content of a file of the tree.")
        .text(
            "Example:

  > ipfs files read --offset 6 --count 5 /notes.txt",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("path", "The file.")];

    async fn run(mut call: Call<Options>, out: Output<()>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let at = call.next_arg().await?.unwrap_or_default();
        let at = check_path(&at)?;
        let found = files.node(&at).await;
        let found = found.map_err(|e| Error::new(format!("{at}: {e}")))?;
        let file = files.open_file(&at, found).await?;
        let offset = u64::try_from(call.options.offset)
            .map_err(|_| Error::new("cannot specify negative offset"))?;
        let size = file.size();
        if offset > size {
            return Err(Error::new(format!(
                "offset was past end of file ({offset} > {size})"
            )));
        }
        let count = call.options.count.map(u64::try_from).transpose();
        let count = count.map_err(|_| Error::new("cannot specify negative 'count'"))?;
        // Whoever removes the file meanwhile takes nothing from this reader.
        let _kept = node.pins().collector().protect(*file.cid()).await;
        // The answer begins even if there is nothing to write.
        out.bytes(Bytes::new()).await?;
        let mut pieces = file.range(offset, count);
        while let Some(piece) = pieces.next().await {
            out.bytes(piece.map_err(basalt::Error::from)?).await?;
        }
        Ok(())
    }
}
