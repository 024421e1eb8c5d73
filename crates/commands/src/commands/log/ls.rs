use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View, logs};

/// `ipfs log ls`.
pub(crate) struct Ls;

/// Names.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Names {
    strings: Vec<String>,
}

#[async_trait]
impl Command for Ls {
    type Options = NoOptions;
    type Event = Names;
    type State = ();

    const PATH: &'static str = "log/ls";
    const ABOUT: About = About::new("List the subsystems that log.")
        .text("Lists the names that 'ipfs log level' and GOLOG_LOG_LEVEL take, one a line.");

    async fn run(_: Call<NoOptions>, out: Output<Names>) -> Result<()> {
        out.once(Names {
            strings: logs().subsystems(),
        })
        .await
    }

    fn text(_: &View<NoOptions>, _: &mut (), names: Names, w: &mut dyn Write) -> Result<()> {
        for name in names.strings {
            writeln!(w, "{name}")?;
        }
        Ok(())
    }
}
