//! One binary under test, with the repos and working directories it is run in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::daemon::{Daemon, Started};
use crate::{cli, disk, fixtures};

/// The identity of every repo, made for these tests: peer IDs then need no mask.
const PEER_ID: &str = "12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r";
const PRIVATE_KEY: &str =
    "CAESQGq9X5Gk9MGPo3XZovgDN4IzAS60EYb8aAsRUpZO3c1rVWmaalS0sQ+nrU+aE9v12VJPQaViPgAvpl65bWNPKOM=";

/// A binary, a folder of its own, and a repo to copy from.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) bin: PathBuf,
    /// Another binary whose command line drives this one's daemon.
    pub(crate) client: Option<PathBuf>,
    /// What the node runs that daemons of this side meet.
    pub(crate) peer: PathBuf,
    folder: TempDir,
    next: AtomicU32,
}

impl Side {
    /// Initialises the repo that all others are copies of.
    pub(crate) fn new(bin: &Path, client: Option<&Path>, peer: &Path) -> Result<Self> {
        ensure!(
            bin.is_file(),
            "{} is not there; build it first (Kubo: interop/kubo/build)",
            bin.display()
        );
        let side = Self {
            bin: bin.canonicalize()?,
            client: client.map(Path::canonicalize).transpose()?,
            // Without Kubo, two of the same kind meet.
            peer: match peer.is_file() {
                true => peer.canonicalize()?,
                false => bin.canonicalize()?,
            },
            folder: tempfile::Builder::new().prefix("interop").tempdir()?,
            next: AtomicU32::new(0),
        };
        let large = side.folder.path().join("large");
        fs::create_dir(&large)?;
        fixtures::make_large(&large)?;
        let repo = side.template();
        let env = side.env(&repo);
        let args = ["init", "--profile=test"].map(OsString::from);
        let ended = cli::run(
            cli::command(&side.bin, &env, side.folder.path()),
            &args,
            None,
        )?;
        if ended.code != Some(0) {
            bail!(
                "{} init: {}",
                side.bin.display(),
                String::from_utf8_lossy(&ended.stderr)
            );
        }
        configure(
            &repo,
            &BTreeMap::from([
                ("Identity.PeerID".to_owned(), json!(PEER_ID)),
                ("Identity.PrivKey".to_owned(), json!(PRIVATE_KEY)),
                ("Routing.Type".to_owned(), json!("none")),
                ("Addresses.Swarm".to_owned(), json!([])),
            ]),
        )?;
        Ok(side)
    }

    /// The repo as `init` left it.
    pub(crate) fn template(&self) -> PathBuf {
        self.folder.path().join("template")
    }

    /// A new folder with a copy of `repo` in `repo` (unless there is none) and the fixtures in `work`.
    pub(crate) fn place(&self, repo: Option<&Path>) -> Result<Place> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.path().join(format!("{number:05}"));
        let place = Place {
            repo: folder.join("repo"),
            work: folder.join("work"),
            folder,
        };
        if let Some(repo) = repo {
            disk::copy(repo, &place.repo)?;
        }
        fs::create_dir_all(&place.work)?;
        fixtures::fill(&place.work, &self.folder.path().join("large"))?;
        Ok(place)
    }

    /// The environment of every process of this side.
    pub(crate) fn env(&self, repo: &Path) -> BTreeMap<String, String> {
        let home = self.folder.path().display().to_string();
        [
            ("HOME", home.as_str()),
            ("IPFS_PATH", &repo.display().to_string()),
            ("IPFS_TELEMETRY", "off"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Starts the daemon that the cases of a group share.
    pub(crate) fn daemon(&self, place: &Place, online: bool) -> Result<Daemon> {
        let command = cli::command(&self.bin, &self.env(&place.repo), &place.work);
        let args = match online {
            true => &["daemon"][..],
            false => &["daemon", "--offline"],
        };
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        match Daemon::start(command, &args, &place.repo)? {
            Started::Ready(daemon) => Ok(daemon),
            Started::Ended(ended) => bail!(
                "the daemon did not start: exit {:?}, {}{}",
                ended.code,
                String::from_utf8_lossy(&ended.stdout),
                String::from_utf8_lossy(&ended.stderr)
            ),
        }
    }

    /// What stands for the paths of this side in answers.
    pub(crate) fn words(&self, place: &Place) -> Vec<(String, String)> {
        let path = |path: &Path| path.display().to_string();
        vec![
            (path(&place.repo), "{repo}".to_owned()),
            (path(&place.work), "{work}".to_owned()),
            (path(self.folder.path()), "{home}".to_owned()),
            (path(&self.bin), "{bin}".to_owned()),
        ]
    }
}

/// A repo and a working directory, removed when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) repo: PathBuf,
    pub(crate) work: PathBuf,
    folder: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed now goes with the side's own folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Writes settings, named by dotted keys, into a repo's config file.
pub(crate) fn configure(repo: &Path, settings: &BTreeMap<String, Value>) -> Result<()> {
    if settings.is_empty() {
        return Ok(());
    }
    let path = repo.join("config");
    let text = fs::read_to_string(&path).context("the repo has no config file")?;
    let mut config: Value = serde_json::from_str(&text).context("the config is not JSON")?;
    for (key, value) in settings {
        let mut at = &mut config;
        for name in key.split('.') {
            if !at.is_object() {
                *at = json!({});
            }
            at = &mut at[name];
        }
        *at = value.clone();
    }
    fs::write(&path, format!("{config:#}"))?;
    Ok(())
}
