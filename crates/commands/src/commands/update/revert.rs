use async_trait::async_trait;
use basalt_update::Stash;
use serde::{Deserialize, Serialize};

use super::{Told, check_no_daemon, program, put, remark, show};
use crate::options::NoOptions;
use crate::spec::Status;
use crate::{About, Call, Command, Events, Output, Result, Terminal, View};

/// `ipfs update revert`.
pub(crate) struct Revert;

/// What was done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reverted {
    restored_version: String,
    binary_path: String,
}

#[async_trait]
impl Command for Revert {
    type Options = NoOptions;
    type Event = Told<Reverted>;
    type State = ();

    const PATH: &'static str = "update/revert";
    const ABOUT: About = About::new("Bring the version back that was replaced.")
        .text(
            "Puts the newest program of $IPFS_PATH/old-bin, where 'ipfs update install' has kept it, in the
place of this one. Stop the daemon first.",
        )
        .status(Status::Experimental)
        .client_only()
        .no_repo();

    async fn run(call: Call<NoOptions>, out: Output<Told<Reverted>>) -> Result<()> {
        check_no_daemon(call.ctx.repo())?;
        let stashed = Stash::new(call.ctx.repo()).latest()?;
        let version = stashed.version.to_string();
        let program = program()?;
        let at = put(&stashed.path, &program, &version, &out).await?;
        if at == program {
            stashed.remove()?;
            remark(&out, format!("Reverted to Basalt {version}")).await?;
        }
        out.emit(Told::Done(Reverted {
            restored_version: version,
            binary_path: at.display().to_string(),
        }))
        .await
    }

    async fn show(
        view: &View<NoOptions>,
        events: Events<Told<Reverted>>,
        term: &mut Terminal,
    ) -> Result<()> {
        show::<Self, _>(view, events, term).await
    }
}
