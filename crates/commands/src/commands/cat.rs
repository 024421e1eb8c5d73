use async_trait::async_trait;
use basalt::unixfs::{File, Inode};
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};

use crate::commands::support::{human_bytes, open_inode};
use crate::{About, Arg, Call, Command, Error, Events, Out, Output, Result, Terminal, View};

crate::options! {
    /// Options of `cat`.
    pub(crate) struct Options {
        /// The first byte to write
        offset: i64 = ["offset", "o"],
        /// The most bytes to write
        length: Option<i64> = ["length", "l"],
        /// Show progress; the default on a terminal
        progress: Option<bool> = ["progress", "p"],
    }
}

/// `ipfs cat`.
pub(crate) struct Cat;

/// Shorter output needs no progress, in bytes.
const SHORT: u64 = 8 << 20;

#[async_trait]
impl Command for Cat {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "cat";
    const ABOUT: About = About::new("Write the content of files.").text(
        "Writes files to standard output, one after the other. --offset and --length count over
all of them.

Example:

  > ipfs cat --offset 6 --length 5 QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o
  world",
    );
    const ARGS: &'static [Arg] = &[Arg::required("ipfs-path", "Paths of the files.")
        .variadic()
        .stdin()];

    async fn run(mut call: Call<Options>, out: Output<()>) -> Result<()> {
        let offset = u64::try_from(call.options.offset)
            .map_err(|_| Error::new("cannot specify negative offset"))?;
        let length = call.options.length.map(u64::try_from).transpose();
        let length = length.map_err(|_| Error::new("cannot specify negative length"))?;
        let paths = call.all_args().await?;
        let ranges = ranges(&call, &paths, offset, length).await?;
        out.length(ranges.iter().map(|r| r.length).sum()).await?;
        for range in ranges {
            let mut bytes = range.bytes();
            while let Some(piece) = bytes.next().await {
                out.bytes(piece.map_err(basalt::Error::from)?).await?;
            }
        }
        Ok(())
    }

    async fn show(view: &View<Options>, mut events: Events<()>, term: &mut Terminal) -> Result<()> {
        let wanted = view.options.progress.unwrap_or(term.err_is_terminal);
        let (mut total, mut done, mut shown) = (0, 0u64, false);
        let ended = loop {
            match events.next().await {
                Ok(Some(Out::Length(length))) => total = length,
                Ok(Some(Out::Bytes(bytes))) => {
                    done += bytes.len() as u64;
                    term.out.write_all(&bytes)?;
                    if wanted && total >= SHORT {
                        shown = true;
                        let percent = done * 100 / total.max(1);
                        let (done, total) = (human_bytes(done), human_bytes(total));
                        term.progress(&format!("{done} / {total}  {percent} %"))?;
                    }
                }
                Ok(Some(Out::Event(()))) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if shown {
            term.clear_progress()?;
        }
        term.out.flush()?;
        ended
    }
}

/// A part of something that is written.
struct Range {
    content: Content,
    offset: u64,
    length: u64,
}

enum Content {
    File(Box<File>),
    /// The target of a symlink is what Kubo writes for one.
    Symlink(Bytes),
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::File(file) => file.size(),
            Self::Symlink(target) => target.len() as u64,
        }
    }
}

impl Range {
    fn bytes(self) -> BoxStream<'static, basalt::unixfs::Result<Bytes>> {
        match self.content {
            Content::File(file) => file.range(self.offset, Some(self.length)).boxed(),
            Content::Symlink(target) => {
                let from = usize::try_from(self.offset)
                    .unwrap_or(usize::MAX)
                    .min(target.len());
                let to = from
                    .saturating_add(usize::try_from(self.length).unwrap_or(usize::MAX))
                    .min(target.len());
                stream::iter([Ok(target.slice(from..to))]).boxed()
            }
        }
    }
}

/// The part of each file that is asked for; the offset runs through the files.
async fn ranges(
    call: &Call<Options>,
    paths: &[String],
    mut offset: u64,
    length: Option<u64>,
) -> Result<Vec<Range>> {
    let mut ranges = Vec::new();
    let mut left = length;
    if left == Some(0) {
        return Ok(ranges);
    }
    for path in paths {
        let content = match open_inode(call, path).await? {
            Inode::File(file) => Content::File(Box::new(file)),
            Inode::Directory(_) => return Err(Error::new("this dag node is a directory")),
            Inode::Symlink(link) => Content::Symlink(link.target),
        };
        let size = content.size();
        if offset > size {
            offset -= size;
            continue;
        }
        let rest = size - offset;
        let length = left.map_or(rest, |left| rest.min(left));
        ranges.push(Range {
            content,
            offset,
            length,
        });
        offset = 0;
        if let Some(left) = &mut left {
            *left -= length;
            if *left == 0 {
                break;
            }
        }
    }
    Ok(ranges)
}
