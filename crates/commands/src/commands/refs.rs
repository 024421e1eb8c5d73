use std::io::Write;

use async_trait::async_trait;
use basalt::Cid;
use basalt::pin::{Edge, Refs as Links};
use serde::{Deserialize, Serialize};

use crate::commands::support::{CidText, resolve};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

pub(crate) mod local;

crate::options! {
    /// Options of `refs`.
    pub(crate) struct Options {
        /// How to write a link: <src>, <dst> and <linkname> are replaced
        format: String = ["format"] default "<dst>",
        /// Write links as `<src> -> <dst>`
        edges: bool = ["edges", "e"],
        /// Write each block once
        unique: bool = ["unique", "u"],
        /// Write the links of linked blocks too
        recursive: bool = ["recursive", "r"],
        /// With --recursive: go no deeper than this; -1 goes all the way
        max_depth: i32 = ["max-depth"] default "-1",
    }
}

/// `ipfs refs`.
pub(crate) struct Refs;

/// A link, or why the links of a path end here.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Row {
    r#ref: String,
    err: String,
}

impl Row {
    /// A row that is a CID, or a link as text.
    pub(crate) fn link(text: String) -> Self {
        Self {
            r#ref: text,
            err: String::new(),
        }
    }

    /// Writes the row, or fails with what it says.
    pub(crate) fn write(self, w: &mut dyn Write) -> Result<()> {
        if !self.err.is_empty() {
            return Err(Error::new(self.err));
        }
        Ok(writeln!(w, "{}", self.r#ref)?)
    }
}

#[async_trait]
impl Command for Refs {
    type Options = Options;
    type Event = Row;
    type State = ();

    const PATH: &'static str = "refs";
    const ABOUT: About = About::new("List the links of blocks.").text(
        "Writes the CIDs that a block links to, with -r also what those link to, depth first. Every
block is fetched before the link to it is written, so that 'ipfs refs -r' brings a whole DAG here.

Examples:

  > ipfs refs -r -u <cid>
  > ipfs refs -r --format '<src> -> <dst> (<linkname>)' <cid>",
    );
    const ARGS: &'static [Arg] = &[Arg::required("ipfs-path", "Paths to the blocks.")
        .variadic()
        .stdin()];

    async fn run(mut call: Call<Options>, out: Output<Row>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let max_depth = if call.options.recursive {
            u32::try_from(call.options.max_depth).ok()
        } else {
            Some(1)
        };
        let format = call.options.format.clone();
        let format = match (&format[..], call.options.edges) {
            ("<dst>", true) => "<src> -> <dst>",
            (_, true) => {
                return Err(Error::new(
                    "using format argument with edges is not allowed",
                ));
            }
            ("", false) => "<dst>",
            (format, false) => format,
        };
        let mut roots: Vec<Cid> = Vec::new();
        while let Some(path) = call.next_arg().await? {
            roots.push(resolve(&call, &path).await?.cid);
        }
        let source = call.ctx.node().await?.source(call.meta.globals.offline);
        let mut links = Links::new(source, roots.clone(), max_depth, call.options.unique);
        while let Some(link) = links.next().await {
            let row = match link {
                Ok(edge) => Row::link(write_edge(format, &edge, &cids)),
                Err(error) => Row {
                    r#ref: String::new(),
                    err: told(&error, &roots),
                },
            };
            out.emit(row).await?;
        }
        Ok(())
    }

    fn text(_: &View<Options>, _: &mut (), row: Row, w: &mut dyn Write) -> Result<()> {
        row.write(w)
    }
}

/// In the words of Kubo, which does not say which of the blocks below a root is missing.
fn told(error: &basalt::pin::Error, roots: &[Cid]) -> String {
    match error {
        basalt::pin::Error::Missing(cid) if !roots.contains(cid) => {
            tracing::info!(target: "basalt::refs", %cid, "a block is missing");
            "failed to fetch all nodes".to_owned()
        }
        other => other.to_string(),
    }
}

fn write_edge(format: &str, edge: &Edge, cids: &CidText) -> String {
    if format == "<dst>" {
        return cids.write(&edge.to);
    }
    format
        .replace("<src>", &cids.write(&edge.from))
        .replace("<dst>", &cids.write(&edge.to))
        .replace("<linkname>", &String::from_utf8_lossy(&edge.name))
}
