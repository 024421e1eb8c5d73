use std::io::Write;

use async_trait::async_trait;
use basalt::pin::{Collect, Event};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::commands::support::LinkJson;
use crate::{About, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `repo gc`.
    pub(crate) struct Options {
        /// Send errors as they occur
        stream_errors: bool = ["stream-errors"],
        /// Write only CIDs
        quiet: bool = ["quiet", "q"],
        /// Write nothing
        silent: bool = ["silent"],
    }
}

/// `ipfs repo gc`.
pub(crate) struct Gc;

/// A block that was deleted, or what went wrong.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Collected {
    key: Option<LinkJson>,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
}

#[async_trait]
impl Command for Gc {
    type Options = Options;
    type Event = Collected;
    type State = ();

    const PATH: &'static str = "repo/gc";
    const ABOUT: About = About::new("Delete what nothing keeps.").text(
        "Deletes the blocks that neither a pin nor the files of 'ipfs files' keep, and gives their
space back. Reading, adding and pinning go on meanwhile: what is written while the collection runs
is left alone, and so is what a running import has written.",
    );

    async fn run(call: Call<Options>, out: Output<Collected>) -> Result<()> {
        let Options {
            stream_errors,
            silent,
            ..
        } = call.options;
        let mut events = call.ctx.node().await?.collection(Collect::default());
        let mut errors: Vec<String> = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Event::Removed(..) if silent && !stream_errors => {}
                Event::Removed(cid, _) => {
                    out.emit(Collected {
                        key: Some(LinkJson::new(&cid)),
                        error: String::new(),
                    })
                    .await?;
                }
                Event::Failed(error) => {
                    let error = error.to_string();
                    if stream_errors {
                        out.emit(Collected {
                            key: None,
                            error: error.clone(),
                        })
                        .await?;
                    }
                    errors.push(error);
                }
                _ => {}
            }
        }
        match errors.len() {
            0 => Ok(()),
            _ if stream_errors => Err(Error::new("encountered errors during gc run")),
            _ => Err(Error::new(errors.join("; "))),
        }
    }

    fn text(view: &View<Options>, _: &mut (), row: Collected, w: &mut dyn Write) -> Result<()> {
        let Options { quiet, silent, .. } = view.options;
        if silent {
            return Ok(());
        }
        if !row.error.is_empty() {
            writeln!(w, "Error: {}", row.error)?;
            return Ok(());
        }
        let before = if quiet { "" } else { "removed " };
        writeln!(
            w,
            "{before}{}",
            row.key.map(|key| key.cid).unwrap_or_default()
        )?;
        Ok(())
    }
}
