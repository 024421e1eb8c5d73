use std::io::Write;

use async_trait::async_trait;
use basalt::Cid;
use basalt::block::codec;
use futures::TryStreamExt;

use super::Row;
use crate::commands::support::CidText;
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs refs local`.
pub(crate) struct Local;

/// `ipfs repo ls`, the same.
pub(crate) struct RepoLs;

async fn run(call: Call<NoOptions>, out: Output<Row>) -> Result<()> {
    let cids = CidText::new(&call.meta.globals)?;
    let mut keys = call.ctx.node().await?.blocks().store().keys();
    while let Some((hash, _)) = keys.try_next().await.map_err(basalt::Error::from)? {
        out.emit(Row::link(cids.write(&Cid::new_v1(codec::RAW, hash))))
            .await?;
    }
    Ok(())
}

macro_rules! list_of_blocks {
    ($command:ty, $path:literal) => {
        #[async_trait]
        impl Command for $command {
            type Options = NoOptions;
            type Event = Row;
            type State = ();

            const PATH: &'static str = $path;
            const ABOUT: About = About::new("List every block that is here.").text(
                "Writes the CIDs of all blocks in the store, in no particular order. The store does not know
under which codec a block was added: all are written as CIDv1 and raw.",
            );

            async fn run(call: Call<NoOptions>, out: Output<Row>) -> Result<()> {
                run(call, out).await
            }

            fn text(_: &View<NoOptions>, _: &mut (), row: Row, w: &mut dyn Write) -> Result<()> {
                row.write(w)
            }
        }
    };
}

list_of_blocks!(Local, "refs/local");
list_of_blocks!(RepoLs, "repo/ls");
