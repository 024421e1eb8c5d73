use std::io::Write;

use async_trait::async_trait;
use basalt_update::Stash;
use serde::{Deserialize, Serialize};

use crate::options::NoOptions;
use crate::spec::Status;
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs update clean`.
pub(crate) struct Clean;

/// What is gone.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cleaned {
    /// `None` where nothing was ever kept.
    removed: Option<Vec<String>>,
    bytes_freed: u64,
}

#[async_trait]
impl Command for Clean {
    type Options = NoOptions;
    type Event = Cleaned;
    type State = ();

    const PATH: &'static str = "update/clean";
    const ABOUT: About = About::new("Remove the versions that were replaced.")
        .text(
            "Removes the programs in $IPFS_PATH/old-bin; 'ipfs update revert' has nothing to bring back then.
Files there that are not called 'ipfs-<version>' are left alone. The daemon may be running.",
        )
        .status(Status::Experimental)
        .client_only()
        .no_repo();

    async fn run(call: Call<NoOptions>, out: Output<Cleaned>) -> Result<()> {
        let mut cleaned = Cleaned::default();
        if let Some(stashed) = Stash::new(call.ctx.repo()).list()? {
            let mut removed = Vec::new();
            for one in stashed {
                one.remove()?;
                cleaned.bytes_freed += one.size;
                removed.push(one.name);
            }
            cleaned.removed = Some(removed);
        }
        out.once(cleaned).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), cleaned: Cleaned, w: &mut dyn Write) -> Result<()> {
        let removed = cleaned.removed.unwrap_or_default();
        if removed.is_empty() {
            writeln!(w, "No stashed binaries to remove.")?;
            return Ok(());
        }
        for name in &removed {
            writeln!(w, "Removed {name}")?;
        }
        let size = cleaned.bytes_freed as f64 / f64::from(1 << 20);
        writeln!(w, "Freed {size:.1} MiB across {} files.", removed.len())?;
        Ok(())
    }
}
