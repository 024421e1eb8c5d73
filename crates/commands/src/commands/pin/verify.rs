use std::io::Write;

use async_trait::async_trait;
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::commands::support::CidText;
use crate::{About, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `pin verify`.
    pub(crate) struct Options {
        /// Write the pins that are whole too
        verbose: bool = ["verbose"],
        /// Write only the CIDs of broken pins
        quiet: bool = ["quiet", "q"],
    }
}

/// `ipfs pin verify`.
pub(crate) struct Verify;

/// What was found of a pin.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Verified {
    #[serde(skip_serializing_if = "String::is_empty")]
    cid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    err: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ok: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bad_nodes: Vec<BadNode>,
}

/// A block of a pin that is missing or cannot be read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BadNode {
    cid: String,
    err: String,
}

#[async_trait]
impl Command for Verify {
    type Options = Options;
    type Event = Verified;
    type State = ();

    const PATH: &'static str = "pin/verify";
    const ABOUT: About = About::new("Check that pins are whole.").text(
        "Checks of every recursive pin that all its blocks are here and that their links can be
followed. Nothing is fetched. Whether the bytes of each block are still those that were stored is
checked by 'ipfs repo verify'.",
    );

    async fn run(call: Call<Options>, out: Output<Verified>) -> Result<()> {
        let Options { verbose, quiet } = call.options;
        if verbose && quiet {
            return Err(Error::new(
                "the --verbose and --quiet options can not be used at the same time",
            ));
        }
        let cids = CidText::new(&call.meta.globals)?;
        let mut all = call.ctx.node().await?.pins().verify();
        while let Some(found) = all.next().await {
            match found {
                Ok(found) if found.is_ok() && !verbose => {}
                Ok(found) => out.emit(row(found, !quiet, &cids)).await?,
                Err(error) => {
                    let err = error.to_string();
                    out.emit(Verified {
                        err,
                        ..Verified::default()
                    })
                    .await?;
                }
            }
        }
        Ok(())
    }

    fn text(view: &View<Options>, _: &mut (), row: Verified, w: &mut dyn Write) -> Result<()> {
        if view.options.quiet {
            if !row.ok {
                writeln!(w, "{}", row.cid)?;
            }
            return Ok(());
        }
        if !row.err.is_empty() {
            writeln!(w, "error: {}", row.err)?;
            return Ok(());
        }
        writeln!(w, "{} {}", row.cid, if row.ok { "ok" } else { "broken" })?;
        for bad in row.bad_nodes {
            writeln!(w, "  {}: {}", bad.cid, bad.err)?;
        }
        Ok(())
    }
}

fn row(found: basalt::pin::Verified, explain: bool, cids: &CidText) -> Verified {
    let ok = found.is_ok();
    let bad = found.bad.into_iter().filter(|_| explain);
    let bad = bad.map(|(cid, error)| BadNode {
        cid: cids.write(&cid),
        err: error.to_string(),
    });
    Verified {
        cid: cids.write(&found.root),
        err: String::new(),
        ok,
        bad_nodes: bad.collect(),
    }
}
