use async_trait::async_trait;
use basalt_update::{Server, Stash, Version};
use serde::{Deserialize, Serialize};

use super::{Told, check_no_daemon, in_time, platform, program, put, remark, show};
use crate::spec::Status;
use crate::{About, Arg, Call, Command, Error, Events, Output, Result, Terminal, View};

crate::options! {
    /// Options of `update install`.
    pub(crate) struct Options {
        /// Where no version is named, take one that precedes a release too
        pre: bool = ["pre"],
        /// Allow an older version than the one that runs
        allow_downgrade: bool = ["allow-downgrade"],
    }
}

/// `ipfs update install`.
pub(crate) struct Install;

/// What was done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Installed {
    old_version: String,
    new_version: String,
    binary_path: String,
    stashed_to: String,
}

#[async_trait]
impl Command for Install {
    type Options = Options;
    type Event = Told<Installed>;
    type State = ();

    const PATH: &'static str = "update/install";
    const ABOUT: About = About::new("Install another version of Basalt.")
        .text(
            "Fetches a version from the release server, the newest one if none is named, checks its SHA-512,
and puts it in the place of this program. The program that was there is kept in $IPFS_PATH/old-bin,
from where 'ipfs update revert' brings it back. Stop the daemon first.

Where the program's place cannot be written to, the new one is left in the folder for temporary
files, and the command that moves it is written.",
        )
        .status(Status::Experimental)
        .client_only()
        .no_repo();
    const ARGS: &'static [Arg] = &[Arg::optional(
        "version",
        "The version; the latest by default.",
    )];

    async fn run(call: Call<Options>, out: Output<Told<Installed>>) -> Result<()> {
        check_no_daemon(call.ctx.repo())?;
        in_time(install(call, out)).await
    }

    async fn show(
        view: &View<Options>,
        events: Events<Told<Installed>>,
        term: &mut Terminal,
    ) -> Result<()> {
        show::<Self, _>(view, events, term).await
    }
}

async fn install(mut call: Call<Options>, out: Output<Told<Installed>>) -> Result<()> {
    let wanted = call.next_arg().await?.filter(|version| !version.is_empty());
    let server = Server::from_environment();
    let wanted = match wanted {
        Some(text) => text,
        None => {
            let latest = server.as_ref().map_err(|e| Error::new(e.to_string()))?;
            let latest = latest.latest(platform(), call.options.pre).await;
            latest
                .map_err(|e| Error::new(format!("finding latest release: {e}")))?
                .tag
        }
    };
    let current = Version::parse(basalt::VERSION)?;
    let bare = wanted.trim();
    let bare = bare.strip_prefix('v').unwrap_or(bare);
    if bare == basalt::VERSION {
        return Err(Error::new(format!("already running version {bare}")));
    }
    let target = Version::parse(bare)
        .map_err(|e| Error::new(format!("parsing target version {bare:?}: {e}")))?;
    if target <= current && !call.options.allow_downgrade {
        return Err(Error::new(format!(
            "version {target} is older than current {current} (use --allow-downgrade to force)"
        )));
    }
    let server = server?;
    remark(&out, format!("Downloading Basalt {target}...")).await?;
    let new = server.program(&target.tag(), platform()).await?;
    remark(&out, "Checksum verified (SHA-512).").await?;
    let program = program()?;
    let stashed = Stash::new(call.ctx.repo())
        .add(&program, basalt::VERSION)
        .map_err(|e| Error::new(format!("backing up current binary: {e}")))?;
    let stashed = stashed.display().to_string();
    remark(&out, format!("Backed up current binary to {stashed}")).await?;
    let at = put(new.path(), &program, &target.to_string(), &out).await?;
    if at == program {
        remark(
            &out,
            format!("Successfully updated Basalt {current} -> {target}"),
        )
        .await?;
    }
    out.emit(Told::Done(Installed {
        old_version: current.to_string(),
        new_version: target.to_string(),
        binary_path: at.display().to_string(),
        stashed_to: stashed,
    }))
    .await
}
