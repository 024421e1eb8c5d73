use std::io::Write;

use async_trait::async_trait;
use basalt::block::Multihash;
use basalt::filestore::{Filestore, Found, Status};
use futures::StreamExt;

use super::Row;
use super::ls::order;
use crate::commands::support::{CidText, single_cid};
use crate::{About, Arg, Call, Command, Output, Result, View};

/// References that are removed together.
const BATCH: usize = 512;

crate::options! {
    /// Options of `filestore verify`.
    pub(crate) struct Options {
        /// Go by file, and by place in it
        file_order: bool = ["file-order"],
        /// Remove the references that lead nowhere; what they stood for may be pinned, see 'ipfs pin verify'
        remove: bool = ["remove-bad-blocks"],
    }
}

/// `ipfs filestore verify`.
pub(crate) struct Verify;

#[async_trait]
impl Command for Verify {
    type Options = Options;
    type Event = Row;
    type State = ();

    const PATH: &'static str = "filestore/verify";
    const ABOUT: About = About::new("Check the blocks that are references to files.")
        .text(
            "Reads every block, or those that are named, from its file or URL and checks it against its
hash. Writes what 'ipfs filestore ls' writes, after one of these words:

  ok       the block can be had
  changed  the file has other bytes, or ends before
  no-file  the file is not there
  error    the file or URL cannot be read
  missing  there is no reference to the block
  ERROR    the reference itself cannot be read

With --remove-bad-blocks a last word says what was done: 'remove' or 'keep'. Adding a file again
with --nocopy mends the references to its blocks.",
        )
        .text_only();
    const ARGS: &'static [Arg] =
        &[Arg::optional("obj", "CIDs of the blocks to check; all without any.").variadic()];

    async fn run(mut call: Call<Options>, out: Output<Row>) -> Result<()> {
        // A base that there is not is refused before anything is written in it.
        CidText::new(&call.meta.globals)?;
        let store = call.ctx.node().await?.filestore()?.clone();
        let remove = call.options.remove;
        let named = call.all_args().await?;
        for text in &named {
            match single_cid(text) {
                Ok(cid) => {
                    let found = store.check(cid.hash()).await.map_err(basalt::Error::from)?;
                    tell(&store, vec![found], remove, &out).await?;
                }
                Err(why) => out.emit(Row::refused(text, &why)).await?,
            }
        }
        if !named.is_empty() {
            return Ok(());
        }
        let all = store.list(order(call.options.file_order), true);
        let mut all = all.ready_chunks(BATCH);
        while let Some(found) = all.next().await {
            let found: Result<Vec<Found>, _> = found.into_iter().collect();
            let found = found.map_err(basalt::Error::from)?;
            tell(&store, found, remove, &out).await?;
        }
        Ok(())
    }

    fn text(view: &View<Options>, _: &mut (), row: Row, w: &mut dyn Write) -> Result<()> {
        if row.status == Status::Other as i32 {
            w.flush()?;
            eprintln!("{}", row.error_msg);
        }
        write!(w, "{} ", row.word())?;
        row.write(&CidText::new(&view.meta.globals)?, w)?;
        if view.options.remove {
            let done = if row.is_bad() { "remove" } else { "keep" };
            write!(w, " {done}")?;
        }
        Ok(writeln!(w)?)
    }
}

/// Removes what is bad, if that is asked for, and tells of all.
async fn tell(store: &Filestore, found: Vec<Found>, remove: bool, out: &Output<Row>) -> Result<()> {
    if remove {
        let bad = |found: &&Found| !matches!(found.status(), Status::Ok | Status::Other);
        let bad: Vec<Multihash> = found.iter().filter(bad).map(|found| found.hash).collect();
        store
            .delete(&bad, None)
            .await
            .map_err(basalt::Error::from)?;
    }
    for found in found {
        out.emit(Row::of(found)).await?;
    }
    Ok(())
}
