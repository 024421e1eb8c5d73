use std::io::Write;

use async_trait::async_trait;
use basalt::filestore::Order;
use futures::StreamExt;

use super::Row;
use crate::commands::support::{CidText, single_cid};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `filestore ls`.
    pub(crate) struct Options {
        /// Sort by file, and by place in it
        file_order: bool = ["file-order"],
    }
}

/// `ipfs filestore ls`.
pub(crate) struct Ls;

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = Row;
    type State = bool;

    const PATH: &'static str = "filestore/ls";
    const ABOUT: About = About::new("List the blocks that are references to files.")
        .text(
            "Writes of each block its CID, its size, and in which file or behind which URL it begins where:

  <cid> <size> <path> <offset>

Paths are relative to the folder that the repository lies in. Without arguments all are listed;
blocks that are named are looked for in their files, and an error says which cannot be had.",
        )
        .text_only();
    const ARGS: &'static [Arg] =
        &[Arg::optional("obj", "CIDs of the blocks to list; all without any.").variadic()];

    async fn run(mut call: Call<Options>, out: Output<Row>) -> Result<()> {
        // A base that there is not is refused before anything is written in it.
        CidText::new(&call.meta.globals)?;
        let store = call.ctx.node().await?.filestore()?.clone();
        let named = call.all_args().await?;
        for text in &named {
            let row = match single_cid(text) {
                Ok(cid) => Row::of(store.check(cid.hash()).await.map_err(basalt::Error::from)?),
                Err(why) => Row::refused(text, &why),
            };
            out.emit(row).await?;
        }
        if !named.is_empty() {
            return Ok(());
        }
        let mut all = store.list(order(call.options.file_order), false);
        while let Some(found) = all.next().await {
            out.emit(Row::of(found.map_err(basalt::Error::from)?))
                .await?;
        }
        Ok(())
    }

    fn text(view: &View<Options>, failed: &mut bool, row: Row, w: &mut dyn Write) -> Result<()> {
        if !row.error_msg.is_empty() {
            *failed = true;
            w.flush()?;
            eprintln!("{}", row.error_msg);
            return Ok(());
        }
        row.write(&CidText::new(&view.meta.globals)?, w)?;
        Ok(writeln!(w)?)
    }

    fn text_end(_: &View<Options>, failed: &mut bool, _: &mut dyn Write) -> Result<()> {
        if *failed {
            Err(Error::new("errors while displaying some entries"))
        } else {
            Ok(())
        }
    }
}

pub(super) fn order(by_file: bool) -> Order {
    if by_file { Order::File } else { Order::Key }
}
