use std::io::Write;

use async_trait::async_trait;
use basalt::blockstore::Deleted;
use basalt::pin::{Kind, Pinned};
use basalt::{Cid, Node};
use serde::{Deserialize, Serialize};

use crate::commands::support::{CidText, resolve};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `block rm`.
    pub(crate) struct Options {
        /// Pass over blocks that are not here
        force: bool = ["force", "f"],
        /// Write only what went wrong
        quiet: bool = ["quiet", "q"],
    }
}

/// `ipfs block rm`.
pub(crate) struct Rm;

/// A block that was removed, or why it was not.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
pub(crate) struct Removed {
    #[serde(skip_serializing_if = "String::is_empty")]
    hash: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
}

#[async_trait]
impl Command for Rm {
    type Options = Options;
    type Event = Removed;
    type State = bool;

    const PATH: &'static str = "block/rm";
    const ABOUT: About = About::new("Remove blocks from this node.")
        .text("Removes blocks that no pin keeps. Nothing else is removed: see 'ipfs repo gc'.")
        .text_only();
    const ARGS: &'static [Arg] = &[Arg::required("cid", "CIDs of the blocks.").variadic()];

    async fn run(mut call: Call<Options>, out: Output<Removed>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        while let Some(text) = call.next_arg().await? {
            let found = resolve(&call, &text).await?;
            let hash = cids.write(&found.cid);
            match remove(call.ctx.node().await?, &found.cid, call.options.force).await {
                Ok(()) if call.options.quiet => {}
                Ok(()) => {
                    out.emit(Removed {
                        hash,
                        error: String::new(),
                    })
                    .await?
                }
                Err(error) => {
                    out.emit(Removed {
                        hash,
                        error: error.message,
                    })
                    .await?
                }
            }
        }
        Ok(())
    }

    fn text(_: &View<Options>, failed: &mut bool, row: Removed, w: &mut dyn Write) -> Result<()> {
        if row.error.is_empty() {
            writeln!(w, "removed {}", row.hash)?;
        } else {
            *failed = true;
            w.flush()?;
            eprintln!("cannot remove {}: {}", row.hash, row.error);
        }
        Ok(())
    }

    fn text_end(_: &View<Options>, failed: &mut bool, _: &mut dyn Write) -> Result<()> {
        if *failed {
            Err(Error::new("some blocks not removed"))
        } else {
            Ok(())
        }
    }
}

async fn remove(node: &Node, cid: &Cid, force: bool) -> Result<()> {
    let pinned = node
        .pins()
        .check(Kind::All, &[*cid])
        .await
        .map_err(basalt::Error::from)?;
    if let Some(Some(how)) = pinned.into_iter().next() {
        let how = match how {
            Pinned::Recursively(_) => "pinned: recursive".to_owned(),
            Pinned::Directly(_) => "pinned: direct".to_owned(),
            Pinned::Through(root) => format!("pinned via {root}"),
        };
        return Err(Error::new(how));
    }
    // There is nothing to remove: the CID holds its bytes itself.
    if cid.hash().code() == basalt::block::hash_codes::IDENTITY {
        return Ok(());
    }
    let deleted = node
        .blocks()
        .store()
        .delete_many(&[*cid.hash()])
        .await
        .map_err(basalt::Error::from)?;
    match deleted.first() {
        Some(Deleted::Gone(_)) => Ok(()),
        Some(Deleted::Spared) => Err(Error::new(
            "in use by an import that is running; try again when it has ended",
        )),
        _ if force => Ok(()),
        _ => Err(Error::new(format!("ipld: could not find {cid}"))),
    }
}
