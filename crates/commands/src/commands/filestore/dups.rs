use std::io::Write;

use async_trait::async_trait;
use basalt::Cid;
use basalt::block::codec;
use futures::TryStreamExt;

use crate::commands::refs::Row;
use crate::commands::support::CidText;
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs filestore dups`.
pub(crate) struct Dups;

#[async_trait]
impl Command for Dups {
    type Options = NoOptions;
    type Event = Row;
    type State = ();

    const PATH: &'static str = "filestore/dups";
    const ABOUT: About = About::new("List the blocks that are both references and kept here.").text(
        "Writes the CIDs of blocks that are referred to in files although the store has them as well.",
    );

    async fn run(call: Call<NoOptions>, out: Output<Row>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let mut both = call.ctx.node().await?.filestore()?.duplicates();
        while let Some(hash) = both.try_next().await.map_err(basalt::Error::from)? {
            out.emit(Row::link(cids.write(&Cid::new_v1(codec::RAW, hash))))
                .await?;
        }
        Ok(())
    }

    fn text(_: &View<NoOptions>, _: &mut (), row: Row, w: &mut dyn Write) -> Result<()> {
        row.write(w)
    }
}
