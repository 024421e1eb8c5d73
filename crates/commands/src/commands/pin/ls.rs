use std::io::Write;

use async_trait::async_trait;
use basalt::pin::{Kind, Pinned, check_name};
use basalt::{Cid, Node};
use futures::TryStreamExt;

use super::rows::{How, Listed, Row};
use crate::commands::support::{CidText, resolve};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `pin ls`.
    pub(crate) struct Options {
        /// Which pins to list: direct, indirect, recursive or all
        kind: String = ["type", "t"] default "all",
        /// Write only CIDs
        quiet: bool = ["quiet", "q"],
        /// List only pins whose names contain this; case matters
        name: Option<String> = ["name", "n"],
        /// List pins as they are found
        stream: bool = ["stream", "s"],
        /// Write the names of pins
        names: bool = ["names"],
    }
}

/// `ipfs pin ls`.
pub(crate) struct Ls;

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = Listed;
    type State = ();

    const PATH: &'static str = "pin/ls";
    const ABOUT: About = About::new("List what is pinned.").text(
        "Lists the pins of this node, or says how the given paths are pinned and fails if one is not.

Types of pins:

  recursive  the block and everything under it
  direct     the block alone
  indirect   not pinned itself, but under something that is pinned recursively
  all        all of them

Listing indirect pins goes through everything that is pinned; '-t recursive' does not, and
'--stream' writes what is found at once.",
    );
    const ARGS: &'static [Arg] =
        &[Arg::optional("ipfs-path", "Paths to what may be pinned.").variadic()];

    async fn run(mut call: Call<Options>, out: Output<Listed>) -> Result<()> {
        check_name(call.options.name.as_deref().unwrap_or_default())
            .map_err(basalt::Error::from)?;
        let asked = Asked::read(&call.options.kind)?;
        let cids = CidText::new(&call.meta.globals)?;
        let node = call.ctx.node().await?.clone();
        let paths = call.all_args().await?;
        let mut sink = Sink {
            rows: (!call.options.stream).then(Vec::new),
            out,
        };
        if paths.is_empty() {
            all(&node, asked.kind()?, &call.options, &cids, &mut sink).await?;
        } else {
            some(&call, asked, &paths, &cids, &mut sink).await?;
        }
        sink.end().await
    }

    fn text(view: &View<Options>, _: &mut (), listed: Listed, w: &mut dyn Write) -> Result<()> {
        let rows = match listed {
            Listed::All(rows) => rows,
            Listed::One(row) => return write_row(&row, view.options.quiet, w),
        };
        rows.iter()
            .try_for_each(|row| write_row(row, view.options.quiet, w))
    }
}

fn write_row(row: &Row, quiet: bool, w: &mut dyn Write) -> Result<()> {
    w.write_all(row.cid.as_bytes())?;
    if !quiet {
        for word in [row.how.as_str(), &row.name]
            .into_iter()
            .filter(|word| !word.is_empty())
        {
            w.write_all(b" ")?;
            w.write_all(word.as_bytes())?;
        }
    }
    Ok(w.write_all(b"\n")?)
}

/// What `--type` says. Kubo knows names of types that no pin has, and clients its errors.
enum Asked {
    Kind(Kind),
    /// `any`: `all`, but only of given paths.
    Any,
    Internal,
    NotPinned,
}

impl Asked {
    fn read(name: &str) -> Result<Self> {
        Ok(match name {
            "all" => Self::Kind(Kind::All),
            "recursive" => Self::Kind(Kind::Recursive),
            "direct" => Self::Kind(Kind::Direct),
            "indirect" => Self::Kind(Kind::Indirect),
            "any" => Self::Any,
            "internal" => Self::Internal,
            "not pinned" => Self::NotPinned,
            other => return Err(unknown(other)),
        })
    }

    fn kind(self) -> Result<Kind> {
        match self {
            Self::Kind(kind) => Ok(kind),
            Self::Any => Err(unknown("any")),
            Self::Internal => Err(unknown("internal")),
            Self::NotPinned => Err(unknown("not pinned")),
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::new(format!(
        "invalid type '{name}', must be one of {{direct, indirect, recursive, all}}"
    ))
}

/// Sends rows as they come, or all of them at the end.
struct Sink {
    rows: Option<Vec<Row>>,
    out: Output<Listed>,
}

impl Sink {
    async fn row(&mut self, row: Row) -> Result<()> {
        match &mut self.rows {
            Some(rows) => rows.push(row),
            None => self.out.emit(Listed::One(row)).await?,
        }
        Ok(())
    }

    async fn end(self) -> Result<()> {
        match self.rows {
            Some(rows) => self.out.once(Listed::all(rows)).await,
            None => Ok(()),
        }
    }
}

async fn all(
    node: &Node,
    kind: Kind,
    options: &Options,
    cids: &CidText,
    sink: &mut Sink,
) -> Result<()> {
    let part = options.name.as_deref().unwrap_or_default();
    // What is only under a pin has no name, and need not be looked for where a name is asked for.
    let kinds: &[Kind] = match kind {
        Kind::All if !part.is_empty() => &[Kind::Recursive, Kind::Direct],
        Kind::Indirect if !part.is_empty() => &[],
        _ => &[kind],
    };
    let names = options.names || !part.is_empty();
    for kind in kinds {
        let mut rows = node.pins().list(*kind);
        while let Some((cid, pinned)) = rows.try_next().await.map_err(basalt::Error::from)? {
            let (how, name) = match pinned {
                Pinned::Recursively(name) => (How::Recursive, name),
                Pinned::Directly(name) => (How::Direct, name),
                Pinned::Through(_) => (How::Indirect, String::new()),
            };
            if name.contains(part) {
                let name = if names { name } else { String::new() };
                sink.row(Row {
                    cid: cids.write(&cid),
                    how,
                    name,
                })
                .await?;
            }
        }
    }
    Ok(())
}

async fn some(
    call: &Call<Options>,
    asked: Asked,
    paths: &[String],
    cids: &CidText,
    sink: &mut Sink,
) -> Result<()> {
    let mut found: Vec<Cid> = Vec::with_capacity(paths.len());
    for path in paths {
        found.push(resolve(call, path).await?.cid);
    }
    let kind = match asked {
        Asked::Kind(kind) => Some(kind),
        Asked::Any => Some(Kind::All),
        Asked::Internal => None,
        Asked::NotPinned => {
            return Err(Error::new(
                "invalid Pin Mode '4', must be one of {1, 2, 0, 3, 5}",
            ));
        }
    };
    let answers = match kind {
        Some(kind) => call
            .ctx
            .node()
            .await?
            .pins()
            .check(kind, &found)
            .await
            .map_err(basalt::Error::from)?,
        None => vec![None; found.len()],
    };
    let names = call.options.names
        || call
            .options
            .name
            .as_deref()
            .is_some_and(|name| !name.is_empty());
    for ((path, cid), pinned) in paths.iter().zip(&found).zip(answers) {
        let (how, name) = match pinned {
            None => return Err(Error::new(format!("path '{path}' is not pinned"))),
            Some(Pinned::Recursively(name)) => (How::Recursive, name),
            Some(Pinned::Directly(name)) => (How::Direct, name),
            Some(Pinned::Through(root)) => (How::through(&cids.write(&root)), String::new()),
        };
        let name = if names { name } else { String::new() };
        sink.row(Row {
            cid: cids.write(cid),
            how,
            name,
        })
        .await?;
    }
    Ok(())
}
