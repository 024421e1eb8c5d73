use std::io::Write;

use async_trait::async_trait;
use basalt_update::Server;
use serde::{Deserialize, Serialize};

use super::in_time;
use crate::spec::Status;
use crate::{About, Call, Command, Error, Output, Result, View};

/// How many versions are listed where the option makes no sense.
const COUNT: usize = 30;

crate::options! {
    /// Options of `update versions`.
    pub(crate) struct Options {
        /// How many versions to list
        count: i32 = ["count", "n"] default "30",
        /// List versions that precede a release too
        pre: bool = ["pre"],
    }
}

/// `ipfs update versions`.
pub(crate) struct Versions;

/// What there is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    current: String,
    versions: Vec<String>,
}

#[async_trait]
impl Command for Versions {
    type Options = Options;
    type Event = Listed;
    type State = ();

    const PATH: &'static str = "update/versions";
    const ABOUT: About = About::new("List the versions of Basalt that there are.")
        .text("Asks the release server, and marks the version that runs with an asterisk.")
        .status(Status::Experimental)
        .client_only()
        .no_repo();

    async fn run(call: Call<Options>, out: Output<Listed>) -> Result<()> {
        let early = call.options.pre;
        let count = usize::try_from(call.options.count).unwrap_or(0);
        let count = if count == 0 { COUNT } else { count };
        let all = in_time(async {
            let server = Server::from_environment()?;
            Ok(server.releases(count, early).await?)
        });
        let failed = |e: Error| Error::new(format!("listing versions: {e}"));
        let all = all.await.map_err(failed)?;
        out.once(Listed {
            current: basalt::VERSION.to_owned(),
            versions: all.iter().map(|r| r.version().to_owned()).collect(),
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), listed: Listed, w: &mut dyn Write) -> Result<()> {
        for version in listed.versions {
            let mark = if version == listed.current { "*" } else { " " };
            writeln!(w, "{mark} {version}")?;
        }
        Ok(())
    }
}
