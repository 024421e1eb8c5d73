mod kept;

use std::io::Write;

use async_trait::async_trait;
use basalt::block::cid_string;
use basalt::mfs::{Kind, Listed};
use basalt::repo::go_json;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::check_path;
use crate::commands::support::CidText;
use crate::{About, Arg, Call, Command, Output, Result, View};
use kept::Keeping;
pub(crate) use kept::KeptListings;

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
    /// The entries as JSON, in their place.
    #[serde(skip)]
    written: Option<Bytes>,
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
        // Who reads JSON from a daemon gets it from here: a row is written once, and not at all if the
        // directory is as it was when somebody asked before.
        let encoding = call.meta.globals.encoding.as_deref();
        let written = call.ctx.is_daemon() && matches!(encoding, None | Some("json"));
        let directory = match written && call.options.long {
            true => files.directory(&at).await?,
            false => None,
        };
        let listings = call.ctx.listings();
        if let Some(rows) = directory.and_then(|cid| listings.get(&cid)) {
            return out.once(Listing::written(rows)).await;
        }
        let (kind, listed) = files.list(&at, call.options.long).await?;
        // Kubo writes only the CID of a file that is asked for itself in another base.
        let hash = |listed: &Listed| match kind {
            Kind::File => cids.write(&listed.cid),
            Kind::Directory => cid_string(&listed.cid),
        };
        let row = |listed: Listed| Row {
            hash: listed.kind.map_or(String::new(), |_| hash(&listed)),
            r#type: u8::from(matches!(listed.kind, Some((Kind::Directory, _)))),
            size: listed.kind.map_or(0, |(_, size)| size),
            name: String::from_utf8_lossy(&listed.name).into_owned(),
        };
        let mut parts = listed.map_ok(row).try_chunks(PART).boxed();
        let mut keeping = Keeping::new();
        let mut any = false;
        while let Some(part) = parts.next().await {
            let part = part.map_err(|e| e.1)?;
            any = true;
            let part = match written {
                true => Listing::written(json_of(&part)?),
                false => Listing {
                    entries: Some(part),
                    written: None,
                },
            };
            if let (Some(_), Some(rows)) = (directory, &part.written) {
                keeping.add(rows);
            }
            out.once(part).await?;
        }
        if let (Some(cid), Some(rows)) = (directory, keeping.whole()) {
            listings.put(cid, rows);
        }
        match any {
            true => Ok(()),
            false => {
                let none = Listing {
                    entries: None,
                    written: None,
                };
                out.once(none).await
            }
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
        let begin = |begun: &mut bool| match std::mem::replace(begun, true) {
            true => &b","[..],
            false => b"{\"Entries\":[",
        };
        if let Some(rows) = &event.written {
            w.write_all(begin(begun))?;
            w.write_all(rows)?;
            return Ok(());
        }
        let Some(rows) = &event.entries else {
            w.write_all(b"{\"Entries\":null}\n")?;
            return Ok(());
        };
        for row in rows {
            w.write_all(begin(begun))?;
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

impl Listing {
    fn written(rows: Bytes) -> Self {
        Self {
            entries: None,
            written: Some(rows),
        }
    }
}

/// Rows with commas between them.
fn json_of(rows: &[Row]) -> Result<Bytes> {
    let mut json = Vec::with_capacity(rows.len() * 128);
    for row in rows {
        if !json.is_empty() {
            json.push(b',');
        }
        go_json::to_writer(&mut json, row)?;
    }
    Ok(json.into())
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
