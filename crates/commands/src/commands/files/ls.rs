use std::io::Write;

use async_trait::async_trait;
use basalt::block::cid_string;
use basalt::mfs::{Kind, Listed};
use basalt::repo::go_json;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::check_path;
use crate::commands::support::CidText;
use crate::{About, Arg, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `files ls`.
    pub(crate) struct Options {
        /// Show CIDs and sizes, and a slash behind directories
        long: bool = ["long", "l"],
        /// Write entries in the order of the directory, as they come
        unsorted: bool = ["U"],
    }
}

/// `ipfs files ls`.
pub(crate) struct Ls;

/// The entries of a directory, or a part of them; `None` for no entry at all.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listing {
    entries: Option<Vec<Row>>,
}

/// An entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Row {
    name: String,
    r#type: u8,
    size: u64,
    hash: String,
}

/// How many entries are sent at once.
const PART: usize = 1000;

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = Listing;
    /// What waits to be sorted.
    type State = Vec<Row>;

    const PATH: &'static str = "files/ls";
    const ABOUT: About = About::new("List a directory of the tree.").text(
        "Examples:

  > ipfs files ls
  > ipfs files ls -l /photos
  > ipfs files ls -U /very/large     # from the first entry on at once",
    );
    const LIST: Option<&'static str> = Some("Entries");
    const ARGS: &'static [Arg] = &[Arg::optional("path", "The directory; '/' by default.")];

    async fn run(mut call: Call<Options>, out: Output<Listing>) -> Result<()> {
        let at = call.next_arg().await?.unwrap_or_else(|| "/".to_owned());
        let at = check_path(&at)?;
        let node = call.ctx.node().await?.clone();
        let files = node.files()?;
        let cids = CidText::new(&call.meta.globals)?;
        let (kind, listed) = files.list(&at, call.options.long).await?;
        // Kubo writes only the CID of a file that is asked for itself in another base.
        let hash = |listed: &Listed| match kind {
            Kind::File => cids.write(&listed.cid),
            Kind::Directory => cid_string(&listed.cid),
        };
        let mut parts = listed
            .map_ok(|listed| Row {
                hash: listed.kind.map_or(String::new(), |_| hash(&listed)),
                r#type: u8::from(matches!(listed.kind, Some((Kind::Directory, _)))),
                size: listed.kind.map_or(0, |(_, size)| size),
                name: String::from_utf8_lossy(&listed.name).into_owned(),
            })
            .try_chunks(PART)
            .boxed();
        let mut any = false;
        while let Some(part) = parts.next().await {
            let part = part.map_err(|e| e.1)?;
            any = true;
            out.once(Listing {
                entries: Some(part),
            })
            .await?;
        }
        match any {
            true => Ok(()),
            false => out.once(Listing { entries: None }).await,
        }
    }

    fn text(
        view: &View<Options>,
        sorting: &mut Vec<Row>,
        event: Listing,
        w: &mut dyn Write,
    ) -> Result<()> {
        let rows = event.entries.unwrap_or_default();
        if !view.options.unsorted {
            sorting.extend(rows);
            return Ok(());
        }
        rows.iter().try_for_each(|row| row.write(view, w))
    }

    fn text_end(view: &View<Options>, sorting: &mut Vec<Row>, w: &mut dyn Write) -> Result<()> {
        sorting.sort_by(|a, b| a.name.cmp(&b.name));
        sorting.iter().try_for_each(|row| row.write(view, w))
    }

    fn json(begun: &mut bool, event: &Listing, mut w: &mut dyn Write) -> Result<()> {
        let Some(rows) = &event.entries else {
            w.write_all(b"{\"Entries\":null}\n")?;
            return Ok(());
        };
        for row in rows {
            let before: &[u8] = if *begun { b"," } else { b"{\"Entries\":[" };
            *begun = true;
            w.write_all(before)?;
            go_json::to_writer(&mut w, row)?;
        }
        Ok(())
    }

    fn json_end(begun: bool, w: &mut dyn Write) -> Result<()> {
        if begun {
            w.write_all(b"]}\n")?;
        }
        Ok(())
    }
}

impl Row {
    fn write(&self, view: &View<Options>, w: &mut dyn Write) -> Result<()> {
        let Self {
            name, size, hash, ..
        } = self;
        let slash = if self.r#type == 1 { "/" } else { "" };
        if view.options.long {
            writeln!(w, "{name}{slash}\t{hash}\t{size}")?;
        } else {
            writeln!(w, "{name}")?;
        }
        Ok(())
    }
}
