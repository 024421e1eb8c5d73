use std::io::Write;

use async_trait::async_trait;
use basalt_update::{Server, Version};
use serde::{Deserialize, Serialize};

use super::{in_time, platform};
use crate::spec::Status;
use crate::{About, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `update check`.
    pub(crate) struct Options {
        /// Count versions that precede a release
        pre: bool = ["pre"],
    }
}

/// `ipfs update check`.
pub(crate) struct Check;

/// What there is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    current_version: String,
    latest_version: String,
    update_available: bool,
}

#[async_trait]
impl Command for Check {
    type Options = Options;
    type Event = Found;
    type State = ();

    const PATH: &'static str = "update/check";
    const ABOUT: About = About::new("Look for a newer version of Basalt.")
        .text(
            "Asks the release server for the newest version that there is for this system, and compares it
with the one that runs. The daemon may be running.",
        )
        .status(Status::Experimental)
        .client_only()
        .no_repo();

    async fn run(call: Call<Options>, out: Output<Found>) -> Result<()> {
        let early = call.options.pre;
        let latest = in_time(async {
            let server = Server::from_environment()?;
            Ok(server.latest(platform(), early).await?)
        });
        let failed = |e: Error| Error::new(format!("checking for updates: {e}"));
        let latest = Version::parse(&latest.await.map_err(failed)?.tag)?;
        let current = Version::parse(basalt::VERSION)?;
        out.once(Found {
            update_available: latest > current,
            current_version: current.to_string(),
            latest_version: latest.to_string(),
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), found: Found, w: &mut dyn Write) -> Result<()> {
        let (current, latest) = (found.current_version, found.latest_version);
        if found.update_available {
            writeln!(w, "Update available: {current} -> {latest}")?;
            writeln!(
                w,
                "Run 'ipfs update install' to install the latest version."
            )?;
        } else {
            writeln!(w, "Already up to date ({current})")?;
        }
        Ok(())
    }
}
