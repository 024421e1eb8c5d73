use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use basalt::unixfs::tar::{self, Times};
use basalt::unixfs::{Inode, Mtime};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use crate::commands::support::parse_path;
use crate::{About, Arg, Call, Command, Error, Events, Output, Result, Terminal, View};

mod gzip;
mod save;

crate::options! {
    /// Options of `get`.
    pub(crate) struct Options {
        /// Where to write; the default is the last name of the path
        output: Option<String> = ["output", "o"],
        /// Write a tar archive
        archive: bool = ["archive", "a"],
        /// Compress with gzip
        compress: bool = ["compress", "C"],
        /// How hard to compress, from 1 to 9
        compression_level: Option<i32> = ["compression-level", "l"],
        /// Show progress; the default on a terminal
        progress: Option<bool> = ["progress", "p"],
    }
}

/// `ipfs get`.
pub(crate) struct Get;

/// What gzip does where no level is asked for.
const USUAL_LEVEL: u32 = 6;

impl Options {
    /// The level of compression; `None` is no compression.
    fn level(&self) -> Result<Option<u32>> {
        if !self.compress {
            return Ok(None);
        }
        match self.compression_level.unwrap_or(USUAL_LEVEL as i32) {
            level @ 1..=9 => Ok(Some(level as u32)),
            _ => Err(Error::new("compression level must be between 1 and 9")),
        }
    }
}

#[async_trait]
impl Command for Get {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "get";
    const ABOUT: About = About::new("Write files and directories to disk.").text(
        "Writes what a path leads to into a file or directory of the same name, or to --output. With
--archive that is a tar archive, with --compress it is compressed. Modes and modification times are
restored as far as they are stored. Nothing is written outside of the output, whatever the names and
symlinks in a directory are.

The RPC answers with a tar archive, or gzip with compress=true.

Examples:

  > ipfs get -o site <cid>
  > ipfs get -a -C <cid>",
    );
    const ARGS: &'static [Arg] =
        &[Arg::required("ipfs-path", "The path of what to write.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<()>) -> Result<()> {
        let level = call.options.level()?;
        let archive = call.options.archive;
        let path = parse_path(&call.next_arg().await?.unwrap_or_default())?;
        let offline = call.meta.globals.offline;
        let node = call.ctx.node().await?;
        let cid = node.resolve(&path, offline).await?.cid;
        let source = node.unixfs_source(offline);
        let inode = Inode::open(source.clone(), &cid)
            .await
            .map_err(basalt::Error::from)?;
        out.length(size(&inode)).await?;
        let pieces = if level.is_some() && !archive {
            content(inode)?
        } else {
            let times = if archive {
                Times::Seconds
            } else {
                Times::Exact
            };
            tar::archive(source, cid, last_name(path.as_bytes()), now(), times)
        };
        match level {
            None => {
                out.content_type("application/x-tar").await?;
                // The answer begins before anything can go wrong with the content.
                out.bytes(Bytes::new()).await?;
                send(pieces, &out).await
            }
            Some(level) => {
                out.content_type("application/gzip").await?;
                out.bytes(Bytes::new()).await?;
                gzip::send(pieces, level, &out).await
            }
        }
    }

    async fn show(view: &View<Options>, events: Events<()>, term: &mut Terminal) -> Result<()> {
        save::save(view, events, term).await
    }
}

type Pieces = BoxStream<'static, basalt::unixfs::Result<Bytes>>;

async fn send(mut pieces: Pieces, out: &Output<()>) -> Result<()> {
    while let Some(piece) = pieces.next().await {
        out.bytes(piece.map_err(basalt::Error::from)?).await?;
    }
    Ok(())
}

/// How many bytes are told for progress.
fn size(inode: &Inode) -> u64 {
    match inode {
        Inode::File(file) => file.size(),
        Inode::Directory(directory) => directory.dag_size(),
        Inode::Symlink(link) => link.target.len() as u64,
    }
}

fn content(inode: Inode) -> Result<Pieces> {
    match inode {
        Inode::File(file) => Ok(file.stream().boxed()),
        Inode::Symlink(link) => Ok(stream::iter([Ok(link.target)]).boxed()),
        Inode::Directory(_) => Err(Error::new("file is not regular")),
    }
}

/// The last name of a path.
fn last_name(path: &[u8]) -> &[u8] {
    path.split(|b| *b == b'/')
        .rfind(|name| !name.is_empty())
        .unwrap_or_default()
}

fn now() -> Mtime {
    // A clock before 1970 is not worth an error.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    Mtime {
        seconds,
        nanos: now.subsec_nanos(),
    }
}
