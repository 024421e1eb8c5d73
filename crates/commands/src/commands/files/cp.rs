use async_trait::async_trait;
use basalt::block::{Block, codec};
use basalt::ipld::dag_pb;
use basalt::mfs::path;
use basalt::unixfs::Data;

use super::{block_at, check_any_path, check_path, flushes, make_parents};
use crate::{About, Arg, Call, Command, Error, Output, Result};

crate::options! {
    /// Options of `files cp`.
    pub(crate) struct Options {
        /// Replace a file that is there
        force: bool = ["force"],
        /// Make the directories above
        parents: bool = ["parents", "p"],
    }
}

/// `ipfs files cp`.
pub(crate) struct Cp;

const NO_UNIXFS: &str = "cp: source must be a valid UnixFS (dag-pb or raw codec)";

#[async_trait]
impl Command for Cp {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "files/cp";
    const ABOUT: About = About::new("Put content into the tree, or copy within it.")
        .text(
            "The source is a path of content (/ipfs/...) or of the tree. Nothing but its root block is
fetched or read: the rest comes when it is asked for, and what is here of it is kept from
garbage collection. A destination that ends with a slash is a directory that the source goes into.

Examples:

  > ipfs files cp /ipfs/<cid> /photos/2024
  > ipfs files cp -p /photos/2024/a.jpg /best/
  > ipfs pin add <cid>          # to fetch all of it",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[
        Arg::required(
            "source",
            "What is copied: a path of content or of the tree.",
        ),
        Arg::required("dest", "Where it goes in the tree."),
    ];

    async fn run(mut call: Call<Options>, _: Output<()>) -> Result<()> {
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let source = call.next_arg().await?.unwrap_or_default();
        let source = check_any_path(&source)?;
        let source = source.trim_end_matches('/');
        let dest = call.next_arg().await?.unwrap_or_default();
        let mut dest = check_path(&dest)?;
        if dest.ends_with('/') {
            dest.push_str(path::base(source));
        }
        let block = block_at(&call, files, source).await.map_err(|e| {
            let why = e.message;
            Error::new(format!("cp: cannot get node from path {source}: {why}"))
        })?;
        check_source(&block)?;
        // Until the tree links to it, nothing else may keep what was found.
        let _kept = node.pins().collector().protect(*block.cid()).await;
        if call.options.parents {
            make_parents(files, &dest, node.files_cids()?).await?;
        }
        if call.options.force {
            files
                .check_replaceable(&dest)
                .await
                .map_err(|e| Error::new(format!("cp: cannot unlink existing file: {e}")))?;
        }
        let flush = flushes(&call.meta);
        files.note_change(flush)?;
        let put = match call.options.force {
            true => files.put_over(&dest, block).await,
            false => files.put(&dest, block).await,
        };
        put.map_err(|e| Error::new(format!("cp: cannot put node in path {dest}: {e}")))?;
        if flush {
            files.flush(&dest).await.map_err(|e| {
                Error::new(format!("cp: cannot flush the created file {dest}: {e}"))
            })?;
            let flushed = files.flush(&path::parent(&dest)).await;
            flushed.map_err(|e| {
                Error::new(format!(
                    "cp: cannot flush the created file's parent folder {dest}: {e}"
                ))
            })?;
        }
        Ok(())
    }
}

/// Whether a block can be a part of the tree.
fn check_source(block: &Block) -> Result<()> {
    match block.cid().codec() {
        codec::RAW => Ok(()),
        codec::DAG_PB => {
            let node = dag_pb::Node::decode(block.data())
                .map_err(|e| Error::new(format!("{NO_UNIXFS}: {e}")))?;
            Data::decode(node.data.as_ref().unwrap_or(&bytes::Bytes::new()))
                .map(drop)
                .map_err(|e| Error::new(format!("{NO_UNIXFS}: {e}")))
        }
        _ => Err(Error::new(NO_UNIXFS)),
    }
}
