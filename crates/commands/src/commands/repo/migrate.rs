use std::io::Write;

use async_trait::async_trait;
use basalt::REPO_VERSION;
use basalt::repo::{Error as RepoError, RepoLock, read_version};

use crate::{About, Call, Command, Error, Output, Result, View, go_error};

crate::options! {
    /// Options of `repo migrate`.
    pub(crate) struct Options {
        /// The version to migrate to
        to: i32 = ["to"] default "18",
        /// Allow a version that is older than the repository's
        allow_downgrade: bool = ["allow-downgrade"],
    }
}

/// `ipfs repo migrate`.
pub(crate) struct Migrate;

#[async_trait]
impl Command for Migrate {
    type Options = Options;
    type Event = String;
    type State = ();

    const PATH: &'static str = "repo/migrate";
    const ABOUT: About = About::new("Bring the repository to another version.")
        .text(
            "Repositories of Basalt have one version, so there is nothing to migrate. A repository that Kubo
made, of any version, is brought over by 'ipfs repo import-kubo', which leaves it as it is.",
        )
        .client_only()
        .no_repo();

    async fn run(call: Call<Options>, out: Output<String>) -> Result<()> {
        let dir = call.ctx.repo();
        let ours = read_version(dir).map_err(|error| {
            let why = match &error {
                RepoError::NoVersion => {
                    let gone = std::io::Error::from(nix::errno::Errno::ENOENT);
                    match dir.exists() {
                        true => go_error("open", &dir.join("version"), &gone),
                        false => go_error("stat", dir, &gone),
                    }
                }
                RepoError::BadVersion => "invalid data in repo version file".to_owned(),
                other => other.to_string(),
            };
            Error::new(format!("could not get current repo version: {why}"))
        })?;
        let to = i64::from(call.options.to);
        if ours == to {
            let text = format!("Repository is already at version {to}.\n");
            return out.emit(text).await;
        }
        if to < ours && !call.options.allow_downgrade {
            return Err(Error::new(format!(
                "downgrade from version {ours} to {to} requires --allow-downgrade flag"
            )));
        }
        if let Ok(Some(_)) = RepoLock::holder(dir) {
            let lock = dir.join("repo.lock");
            return Err(Error::new(format!(
                "failed to acquire repo lock: lock {}: someone else has the lock",
                lock.display()
            )));
        }
        let begun = format!("Migrating repository from version {ours} to {to}...\n");
        out.emit(begun).await?;
        let why = if ours == i64::from(REPO_VERSION) {
            format!("no embedded migrations found for version {ours} to {to}")
        } else {
            format!(
                "no migration from version {ours} to {to}: 'ipfs repo import-kubo' brings over a repository that Kubo made, of any version"
            )
        };
        out.emit(format!("Repository migration failed:\n  {why}\n"))
            .await?;
        Err(Error::new(why))
    }

    fn text(_: &View<Options>, _: &mut (), text: String, w: &mut dyn Write) -> Result<()> {
        w.write_all(text.as_bytes())?;
        Ok(())
    }
}
