use std::io::Write;

use async_trait::async_trait;
use basalt::block::{Block, codec};
use basalt::ipld::dag_pb;
use basalt::unixfs::{Data, Kind};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{block_at, check_any_path};
use crate::commands::support::{CidText, MONTHS, civil, human_bytes};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

mod local;

crate::options! {
    /// Options of `files stat`.
    pub(crate) struct Options {
        /// What to write, with <hash> <size> <cumulsize> <type> <childs> <mode> <mode-octal> <mtime> <mtime-secs> <mtime-nsecs>
        format: String = ["format"] default "<hash>\nSize: <size>\nCumulativeSize: <cumulsize>\nChildBlocks: <childs>\nType: <type>\nMode: <mode> (<mode-octal>)\nMtime: <mtime>",
        /// Write only the CID
        hash: bool = ["hash"],
        /// Write only the size of all blocks
        size: bool = ["size"],
        /// Find out how much of it is here
        with_local: bool = ["with-local"],
    }
}

/// `ipfs files stat`.
pub(crate) struct Stat;

/// What is known of a file or directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Figures {
    hash: String,
    size: u64,
    cumulative_size: u64,
    blocks: usize,
    r#type: String,
    #[serde(default, skip_serializing_if = "is_default")]
    with_locality: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    local: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    size_local: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    mtime: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    mtime_nsecs: u32,
    /// Octal digits, in Go's terms.
    #[serde(default, skip_serializing_if = "is_default")]
    mode: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Go's bits beside permissions.
const GO_DIRECTORY: u32 = 1 << 31;
const GO_SYMLINK: u32 = 1 << 27;
/// What stands for a value that is not kept.
const NOT_SET: &str = "not set";

#[async_trait]
impl Command for Stat {
    type Options = Options;
    type Event = Figures;
    type State = ();

    const PATH: &'static str = "files/stat";
    const ABOUT: About = About::new("Show what is known of a file or directory.").text(
        "The path is one of the tree or of content (/ipfs/...).

Examples:

  > ipfs files stat /photos
  > ipfs files stat --hash /
  > ipfs files stat --format '<type> <size>' /notes.txt",
    );
    const ARGS: &'static [Arg] = &[Arg::required("path", "The file or directory.")];

    async fn run(mut call: Call<Options>, out: Output<Figures>) -> Result<()> {
        format(&call.options)
            .map_err(|e| Error::client(format!("invalid parameters: {}", e.message)))?;
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let at = call.next_arg().await?.unwrap_or_default();
        let at = check_any_path(&at)?;
        let cids = CidText::new(&call.meta.globals)?;
        let block = block_at(&call, files, &at).await?;
        let mut figures = figures(&block, cids)?;
        if call.options.with_local {
            let found = local::walk(node.blocks(), &block).await?;
            figures.with_locality = true;
            figures.local = found.whole;
            figures.size_local = found.bytes;
        }
        out.once(figures).await
    }

    fn text(view: &View<Options>, _: &mut (), figures: Figures, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", figures.fill(&format(&view.options)?))?;
        if figures.with_locality {
            writeln!(
                w,
                "Local: {} of {} ({:.2}%)",
                human_bytes(figures.size_local),
                human_bytes(figures.cumulative_size),
                100.0 * figures.size_local as f64 / figures.cumulative_size as f64,
            )?;
        }
        Ok(())
    }
}

/// What is to be written.
fn format(options: &Options) -> Result<String> {
    let own = <Options as crate::OptionSet>::SPEC[0].default != Some(options.format.as_str());
    match (options.hash, options.size, own) {
        (true, false, false) => Ok("<hash>".to_owned()),
        (false, true, false) => Ok("<cumulsize>".to_owned()),
        (false, false, _) => Ok(options.format.clone()),
        _ => Err(Error::new(
            "format was set by multiple options. Only one format option is allowed",
        )),
    }
}

fn figures(block: &Block, cids: CidText) -> Result<Figures> {
    let own = block.data().len() as u64;
    let mut figures = Figures {
        hash: cids.write(block.cid()),
        size: own,
        cumulative_size: own,
        blocks: 0,
        r#type: "file".to_owned(),
        with_locality: false,
        local: false,
        size_local: 0,
        mtime: 0,
        mtime_nsecs: 0,
        mode: String::new(),
    };
    match block.cid().codec() {
        codec::RAW => return Ok(figures),
        codec::DAG_PB => {}
        _ => return Err(Error::new("not unixfs node (proto or raw)")),
    }
    let node = dag_pb::Node::decode(block.data()).map_err(basalt::Error::from)?;
    let data = Data::decode(node.data.as_ref().unwrap_or(&Bytes::new()))
        .map_err(|e| Error::new(e.to_string()))?;
    let below = node.links.iter().map(dag_pb::Link::tsize);
    figures.cumulative_size = below.fold(own, u64::wrapping_add);
    figures.blocks = node.links.len();
    figures.size = data.size();
    if data.kind.is_directory() {
        figures.r#type = "directory".to_owned();
    }
    let mode = go_mode(&data);
    if mode != 0 {
        figures.mode = format!("{mode:04o}");
    }
    if let Some(mtime) = data.mtime {
        figures.mtime = mtime.seconds;
        figures.mtime_nsecs = mtime.nanos;
    }
    Ok(figures)
}

/// The mode in Go's terms; 0 for none.
fn go_mode(data: &Data) -> u32 {
    let kind = match data.kind {
        Kind::Directory | Kind::HamtShard => GO_DIRECTORY,
        Kind::Symlink => GO_SYMLINK,
        _ => 0,
    };
    match data.mode.unwrap_or(0) & 0xfff {
        0 if data.kind == Kind::Symlink => GO_SYMLINK | 0o777,
        0 => 0,
        mode => mode & 0o777 | (mode & 0o6000) << 12 | (mode & 0o1000) << 11 | kind,
    }
}

impl Figures {
    fn fill(&self, format: &str) -> String {
        let mode = u32::from_str_radix(&self.mode, 8).unwrap_or(0);
        let (mode, octal) = match mode {
            0 => (NOT_SET.to_owned(), NOT_SET.to_owned()),
            mode => (letters(mode), format!("0{:o}", mode & 0o777)),
        };
        let unset = || NOT_SET.to_owned();
        let (mtime, seconds, nanos) = match self.mtime {
            seconds if seconds > 0 => (
                moment(seconds),
                seconds.to_string(),
                self.mtime_nsecs.to_string(),
            ),
            _ => (unset(), unset(), unset()),
        };
        format
            .replace("<hash>", &self.hash)
            .replace("<size>", &self.size.to_string())
            .replace("<cumulsize>", &self.cumulative_size.to_string())
            .replace("<childs>", &self.blocks.to_string())
            .replace("<type>", &self.r#type)
            .replace("<mode>", &mode)
            .replace("<mode-octal>", &octal)
            .replace("<mtime>", &mtime)
            .replace("<mtime-secs>", &seconds)
            .replace("<mtime-nsecs>", &nanos)
    }
}

/// A mode as Go writes it, in lower case.
fn letters(mode: u32) -> String {
    let special = "daltldpsugct?".chars().enumerate();
    let mut text: String = special
        .filter(|(i, _)| mode & 1 << (31 - i) != 0)
        .map(|(_, letter)| letter)
        .collect();
    if text.is_empty() {
        text.push('-');
    }
    let permissions = "rwxrwxrwx".chars().enumerate();
    text.extend(permissions.map(|(i, letter)| match mode & 1 << (8 - i) {
        0 => '-',
        _ => letter,
    }));
    text
}

/// `13 Sep 2020, 12:26:40 UTC`.
fn moment(seconds: i64) -> String {
    let t = civil(seconds);
    let month = MONTHS[t.month as usize - 1];
    format!(
        "{} {month} {:04}, {:02}:{:02}:{:02} UTC",
        t.day, t.year, t.hour, t.minute, t.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_as_go_writes_them() {
        for (mode, text) in [
            (0o644, "-rw-r--r--"),
            (GO_DIRECTORY | 0o755, "drwxr-xr-x"),
            (GO_SYMLINK | 0o777, "lrwxrwxrwx"),
            (1 << 23 | 1 << 22 | 1 << 20 | 0o777, "ugtrwxrwxrwx"),
        ] {
            assert_eq!(letters(mode), text);
        }
    }
}
