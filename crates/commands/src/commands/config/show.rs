use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use basalt::repo::config::{self, Config};
use basalt::repo::config_path;
use serde_json::Value;

use super::{Options as Above, for_people};
use crate::options::NoOptions;
use crate::{About, Call, Command, Error, OptionSet, Output, Result, View};

/// `ipfs config show`.
pub(crate) struct Show;

/// The file that is asked for. A daemon reads those in its repo alone: whoever may use its RPC may
/// not therefore read the rest of its disk.
fn file(call: &Call<NoOptions>) -> Result<PathBuf> {
    let repo = call.ctx.repo();
    let asked = call
        .meta
        .globals
        .config_file
        .as_deref()
        .filter(|_| call.ctx.is_daemon());
    let Some(asked) = asked else {
        return Ok(config_path(repo, call.ctx.config_file()));
    };
    let path = config_path(repo, Some(Path::new(asked)));
    let canonical = |path: &Path| path.canonicalize().ok();
    let inside = canonical(&path).is_some_and(|real| real.parent() == canonical(repo).as_deref());
    if !inside {
        return Err(Error::new(format!(
            "{asked} is not in the daemon's repository; run the command without the daemon"
        )));
    }
    Ok(path)
}

#[async_trait]
impl Command for Show {
    type Options = NoOptions;
    type Event = Value;
    type State = ();

    const PATH: &'static str = "config/show";
    const ABOUT: About = About::new("Show the whole configuration.").text(
        "Shows the configuration file without its secrets: the private key, the RPC's
authorizations and the keys of pinning services. A backup of the node needs the file itself.",
    );

    async fn run(call: Call<NoOptions>, out: Output<Value>) -> Result<()> {
        let expand = Above::read(&call.meta.parsed).expand_auto;
        let path = file(&call)?;
        if !tokio::fs::try_exists(&path).await? {
            return Err(Error::new(format!(
                "open {}: no such file or directory",
                path.display()
            )));
        }
        let read = move || {
            if expand {
                return Ok(Config::load(&path)?.show(true));
            }
            // A file with a value that cannot be used is shown all the same.
            config::show_file(&path)
        };
        let shown = tokio::task::spawn_blocking(read)
            .await
            .map_err(basalt::Error::from)?;
        out.once(shown.map_err(basalt::Error::Repo)?).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), shown: Value, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", for_people(&shown)?)?;
        Ok(())
    }
}
