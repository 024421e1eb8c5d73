//! `ipfs update`: other versions of the program.

pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod install;
pub(crate) mod revert;
pub(crate) mod versions;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use basalt::repo::RepoLock;
use basalt_update::{Platform, replace};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::command::write_line;
use crate::commands::version::go_arch;
use crate::{Command, Error, Events, Out, Output, Result, Terminal, View};

/// How long an update may take where `--timeout` does not say.
const TIME: Duration = Duration::from_secs(60 * 60);

/// What `update` installs on.
fn platform() -> Platform {
    Platform {
        os: std::env::consts::OS,
        arch: go_arch(),
    }
}

/// Ends work that takes too long.
async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(TIME, work)
        .await
        .unwrap_or_else(|_| Err(Error::deadline()))
}

/// A remark for people, or what was done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Told<T> {
    /// Goes to standard error.
    Remark(String),
    /// The answer.
    Done(T),
}

/// Tells people something.
async fn remark<T: Serialize + Send + 'static>(
    out: &Output<Told<T>>,
    text: impl Into<String>,
) -> Result<()> {
    out.emit(Told::Remark(text.into())).await
}

/// Shows remarks, and the answer to those who ask for JSON.
async fn show<C, T>(
    view: &View<C::Options>,
    mut events: Events<Told<T>>,
    term: &mut Terminal,
) -> Result<()>
where
    C: Command<Event = Told<T>>,
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let json = view.meta.globals.encoding.as_deref() == Some("json");
    while let Some(piece) = events.next().await? {
        match piece {
            Out::Event(Told::Remark(text)) => writeln!(term.err, "{text}")?,
            Out::Event(Told::Done(done)) if json => write_line(&mut term.out, &done)?,
            _ => {}
        }
    }
    term.out.flush()?;
    Ok(())
}

/// The program that runs, wherever links to it are.
fn program() -> Result<PathBuf> {
    let path =
        std::env::current_exe().map_err(|e| Error::new(format!("finding current binary: {e}")))?;
    std::fs::canonicalize(path).map_err(|e| Error::new(format!("resolving binary path: {e}")))
}

/// Refuses while a daemon uses the repo.
fn check_no_daemon(repo: &Path) -> Result<()> {
    match RepoLock::holder(repo) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(Error::new(format!(
            "IPFS daemon is running (repo locked at {}). Stop it first with 'ipfs shutdown'",
            repo.display()
        ))),
        Err(e) => Err(Error::new(format!("checking for a daemon: {e}"))),
    }
}

/// Puts `new` in the place of `program`. Where that is not permitted, leaves it in the folder for
/// temporary files, and says how to go on. Where it is now.
async fn put<T: Serialize + Send + 'static>(
    new: &Path,
    program: &Path,
    version: &str,
    out: &Output<Told<T>>,
) -> Result<PathBuf> {
    match replace(program, new) {
        Ok(()) => Ok(program.to_owned()),
        Err(e) if e.is_permission() => {
            let kept = basalt_update::beside(new, version).map_err(|fallback| {
                Error::new(format!(
                    "cannot write fallback binary: {fallback} (original error: {e})"
                ))
            })?;
            let (at, kept_at) = (program.display(), kept.display());
            let text = format!(
                "Could not replace {at} (permission denied).\nNew binary saved to: {kept_at}\nMove it manually, e.g.: sudo mv {kept_at} {at}"
            );
            remark(out, text).await?;
            Ok(kept)
        }
        Err(e) => Err(Error::new(format!("replacing binary: {e}"))),
    }
}

impl From<basalt_update::Error> for Error {
    fn from(e: basalt_update::Error) -> Self {
        Self::new(e.to_string())
    }
}
