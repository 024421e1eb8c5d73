use async_trait::async_trait;
use basalt::mfs::{Mfs, WriteOptions, Writer, path};

use super::{asked_cids, check_path, flushes, make_parents};
use crate::files::{Files, NodeKind};
use crate::{About, Arg, Call, Command, Error, Output, Result};

crate::options! {
    /// Options of `files write`.
    pub(crate) struct Options {
        /// Where in the file to begin
        offset: i64 = ["offset", "o"],
        /// Make the file if it is not there
        create: bool = ["create", "e"],
        /// Make the directories above
        parents: bool = ["parents", "p"],
        /// Empty the file first
        truncate: bool = ["truncate", "t"],
        /// The most bytes to take
        count: Option<i64> = ["count", "n"],
        /// Store new leaves as bare bytes
        raw_leaves: Option<bool> = ["raw-leaves"],
        /// CID version of a new file: 0 or 1
        cid_version: Option<i32> = ["cid-version", "cid-ver"],
        /// The hash function of a new file; it means CID version 1
        hash: Option<String> = ["hash"],
    }
}

/// `ipfs files write`.
pub(crate) struct Write;

#[async_trait]
impl Command for Write {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "files/write";
    const ABOUT: About = About::new("Write into a file of the tree.")
        .text(
            "Replaces bytes of a file from the offset on, and makes it longer where they go beyond its end.
The rest of the file stays, unless it is truncated. What is written shows when all of it has
come; if it does not, the file stays as it was.

The CID is not the one that 'ipfs add' gives: files that grow are arranged as trickle DAGs. To put
a new file into the tree, 'ipfs add --to-files' is the better way.

Examples:

  > echo hello | ipfs files write --create --parents /notes/today.txt
  > ipfs files write --truncate /notes/today.txt draft.txt
  > ipfs files write --offset 100 /data.bin patch.bin",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[
        Arg::required("path", "The file."),
        Arg::file("data", "What is written.").stdin(),
    ];

    async fn run(mut call: Call<Options>, _: Output<()>) -> Result<()> {
        let at = call.next_arg().await?.unwrap_or_default();
        let at = check_path(&at)?;
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let flush = flushes(&call.meta);
        files.note_change(flush)?;
        let options = &call.options;
        let import = node
            .repo()
            .and_then(|repo| repo.config().import().raw_leaves);
        let raw_leaves = options.raw_leaves.or(import);
        let cids = asked_cids(options.cid_version, options.hash.as_deref())?;
        let cids = cids.map_or_else(|| node.files_cids(), Ok)?;
        let offset = u64::try_from(options.offset)
            .map_err(|_| Error::new("cannot have negative write offset"))?;
        if options.parents {
            make_parents(files, &at, cids).await?;
        }
        let how = WriteOptions {
            create: options.create.then_some(cids),
            raw_leaves,
        };
        let mut writer = files.writer(&at, how).await?;
        let (truncate, count) = (options.truncate, options.count);
        let mut input = call.take_files()?;
        let read = read(&mut writer, &mut *input, offset, truncate, count).await;
        let written = match &read {
            // What did not come whole leaves the file as it was.
            Err(Failed::Input(_)) => Ok(()),
            _ => writer.finish().await,
        };
        if flush {
            let flushed = flush_parent(files, &at).await;
            read.map_err(Failed::into_error)?;
            written?;
            return flushed;
        }
        read.map_err(Failed::into_error)?;
        Ok(written?)
    }
}

/// Why nothing was written, or not all.
enum Failed {
    /// The request was wrong, or the tree failed.
    Request(Error),
    /// The input broke off.
    Input(Error),
}

impl Failed {
    fn into_error(self) -> Error {
        match self {
            Self::Request(error) | Self::Input(error) => error,
        }
    }
}

impl From<basalt::mfs::Error> for Failed {
    fn from(error: basalt::mfs::Error) -> Self {
        Self::Input(error.into())
    }
}

async fn flush_parent(files: &Mfs, at: &str) -> Result<()> {
    files.flush(&path::parent(at)).await?;
    Ok(())
}

async fn read(
    writer: &mut Writer,
    input: &mut dyn Files,
    offset: u64,
    truncate: bool,
    count: Option<i64>,
) -> Result<(), Failed> {
    let wrong = |text: &str| Failed::Request(Error::new(text));
    if truncate {
        writer.truncate(0).await?;
    }
    let count = count.map(u64::try_from).transpose();
    let count = count.map_err(|_| wrong("cannot have negative byte count"))?;
    writer.seek(offset).await?;
    match input.next().await.map_err(Failed::Input)? {
        None => return Err(wrong("expected a file argument")),
        Some(entry) if entry.kind != NodeKind::File => {
            return Err(wrong("file argument was nil"));
        }
        Some(_) => {}
    }
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(mut chunk) = input.chunk().await.map_err(Failed::Input)? else {
            break;
        };
        chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= chunk.len() as u64;
        writer.write(chunk).await?;
    }
    Ok(())
}
