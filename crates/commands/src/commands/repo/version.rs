use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `repo version`.
    pub(crate) struct Options {
        /// Write less
        quiet: bool = ["quiet", "q"],
    }
}

/// `ipfs repo version`.
pub(crate) struct Version;

/// The version of the repository's layout.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RepoVersion {
    version: String,
}

#[async_trait]
impl Command for Version {
    type Options = Options;
    type Event = RepoVersion;
    type State = ();

    const PATH: &'static str = "repo/version";
    const ABOUT: About = About::new("Show the version of the repository.")
        .text("Shows the version of the repository's layout, in Kubo's counting, that this program makes.");

    async fn run(_: Call<Options>, out: Output<RepoVersion>) -> Result<()> {
        out.once(RepoVersion {
            version: basalt::REPO_VERSION.to_string(),
        })
        .await
    }

    fn text(view: &View<Options>, _: &mut (), event: RepoVersion, w: &mut dyn Write) -> Result<()> {
        let before = if view.options.quiet {
            ""
        } else {
            "ipfs repo version "
        };
        writeln!(w, "{before}fs-repo@{}", event.version)?;
        Ok(())
    }
}
