//! Content that this node does not give out: lists of it in files, in the compact format of
//! <https://specs.ipfs.tech/compact-denylist-format/>.

mod rules;

use std::fs;
use std::path::{Path as File, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use basalt_block::Cid;
use basalt_ipld::Path;
use tokio_util::sync::CancellationToken;

use rules::{Rules, Verdict};

/// Content that is on a list. The text is Kubo's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is blocked and cannot be provided")]
pub struct Blocked {
    /// The path or the CID.
    pub what: String,
    /// Why, as far as the list says it.
    pub reason: Option<String>,
    /// The status of an answer over HTTP: 410 or 451.
    pub status: u16,
}

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Larger files are not read.
const MAX_FILE: u64 = 256 << 20;
/// More files are not read.
const MAX_FILES: usize = 1024;

/// The lists of a node. Clones are cheap and share everything.
#[derive(Clone, Default)]
pub struct Denylists(Arc<Inner>);

#[derive(Default)]
struct Inner {
    folders: Vec<PathBuf>,
    loaded: RwLock<Loaded>,
}

#[derive(Clone, Default)]
struct Loaded {
    /// What the files were when they were read.
    files: Vec<Stamp>,
    /// One for each file, in the order of their names.
    rules: Arc<Vec<Rules>>,
}

/// A file, as far as it shows from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    length: u64,
    changed: Option<SystemTime>,
}

impl Denylists {
    /// The lists of a node with its repo in `repo`: the user's, the machine's, the repo's. None where
    /// `IPFS_CONTENT_BLOCKING_DISABLE` is set. Reads files.
    pub fn of_repo(repo: &File) -> Self {
        let set = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty());
        if set("IPFS_CONTENT_BLOCKING_DISABLE").is_some() {
            return Self::default();
        }
        let home = || set("HOME").map(|home| PathBuf::from(home).join(".config"));
        let own = set("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
        let folders = [
            own.map(|dir| dir.join("ipfs/denylists")),
            Some(PathBuf::from("/etc/ipfs/denylists")),
            Some(repo.join("denylists")),
        ];
        Self::new(folders.into_iter().flatten().collect())
    }

    /// Whether there never will be any list.
    pub fn are_off(&self) -> bool {
        self.0.folders.is_empty()
    }

    /// The files `*.deny` in these folders and below. A folder that is not there has none.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        let lists = Self(Arc::new(Inner {
            folders,
            loaded: RwLock::default(),
        }));
        lists.reload();
        lists
    }

    /// Reads the files again whenever one has changed, come or gone, until `stop`.
    pub async fn watch(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let lists = self.clone();
            // Lists may be long: nobody else waits while they are read.
            let _ = tokio::task::spawn_blocking(move || lists.reload()).await;
        }
    }

    /// Reads the files again if one has changed.
    pub fn reload(&self) {
        let mut files = Vec::new();
        for folder in &self.0.folders {
            find(folder, &mut files, 0);
        }
        let current = self.loaded();
        if files == current.files {
            return;
        }
        let rules = files.iter().map(|stamp| {
            // What has not changed is not read again.
            let known = current.files.iter().position(|known| known == stamp);
            match known.and_then(|at| current.rules.get(at)) {
                Some(rules) => rules.clone(),
                None => read(stamp),
            }
        });
        let rules = Arc::new(rules.collect());
        let mut loaded = self
            .0
            .loaded
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *loaded = Loaded { files, rules };
    }

    fn loaded(&self) -> Loaded {
        let loaded = self.0.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.clone()
    }

    fn rules(&self) -> Arc<Vec<Rules>> {
        let loaded = self.0.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.rules.clone()
    }

    /// Refuses a path that a list has.
    ///
    /// # Errors
    /// [`Blocked`].
    pub fn check_path(&self, path: &Path) -> Result<(), Blocked> {
        for rules in self.rules().iter() {
            if let Some(verdict) = rules.of_path(path) {
                return refuse(verdict, || {
                    path.to_string().trim_end_matches('/').to_owned()
                });
            }
        }
        Ok(())
    }

    /// Refuses a block that a list has.
    ///
    /// # Errors
    /// [`Blocked`].
    pub fn check_cid(&self, cid: &Cid) -> Result<(), Blocked> {
        for rules in self.rules().iter() {
            if let Some(verdict) = rules.of_cid(cid) {
                return refuse(verdict, || cid.to_string());
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Denylists {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rules = self.rules();
        f.debug_struct("Denylists")
            .field("lists", &rules.len())
            .finish_non_exhaustive()
    }
}

/// Whether a text can be read as a list; what is wrong in it does not matter. For fuzzing.
#[doc(hidden)]
pub fn read_text(text: &str) {
    let _ = Rules::parse(text);
}

/// The first list that says anything decides; one may allow what a later one forbids.
fn refuse(verdict: &Verdict, what: impl FnOnce() -> String) -> Result<(), Blocked> {
    if verdict.allow {
        return Ok(());
    }
    Err(Blocked {
        what: what(),
        reason: verdict.reason.clone(),
        status: verdict.status,
    })
}

/// The lists in a folder, in the order of their names.
fn find(folder: &File, found: &mut Vec<Stamp>, depth: usize) {
    /// No honest tree of lists is deeper.
    const MAX_DEPTH: usize = 8;
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Ok(meta) = fs::metadata(&path) else {
            continue;
        };
        if meta.is_dir() && depth < MAX_DEPTH {
            find(&path, found, depth + 1);
        } else if meta.is_file()
            && path.extension().is_some_and(|ext| ext == "deny")
            && found.len() < MAX_FILES
        {
            found.push(Stamp {
                length: meta.len(),
                changed: meta.modified().ok(),
                path,
            });
        }
    }
}

fn read(stamp: &Stamp) -> Rules {
    let name = stamp.path.display();
    if stamp.length > MAX_FILE {
        tracing::error!(target: "basalt::denylist", "{name}: a denylist over {MAX_FILE} bytes is not read");
        return Rules::default();
    }
    match fs::read(&stamp.path) {
        Ok(text) => {
            let (rules, faults) = Rules::parse(&String::from_utf8_lossy(&text));
            for fault in faults.iter().take(10) {
                tracing::error!(target: "basalt::denylist", "{name}: {fault}");
            }
            rules
        }
        Err(error) => {
            tracing::error!(target: "basalt::denylist", "{name}: {error}");
            Rules::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_change_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let cid = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq";
        let path = Path::parse(format!("/ipfs/{cid}")).unwrap();
        let lists = Denylists::new(vec![dir.path().to_owned(), "/no/such".into()]);
        assert!(lists.check_path(&path).is_ok());
        let file = dir.path().join("a.deny");
        fs::write(
            &file,
            format!("/ipfs/{cid} reason=abuse gateway_status=451\n"),
        )
        .unwrap();
        lists.reload();
        let error = lists.check_path(&path).unwrap_err();
        assert_eq!(
            (error.status, error.reason.as_deref()),
            (451, Some("abuse"))
        );
        assert_eq!(
            error.to_string(),
            format!("/ipfs/{cid} is blocked and cannot be provided")
        );
        assert!(lists.check_cid(path.root_cid().unwrap()).is_err());
        fs::write(dir.path().join("0.deny"), format!("+/ipfs/{cid}\n")).unwrap();
        lists.reload();
        assert!(lists.check_path(&path).is_ok());
        fs::remove_file(dir.path().join("0.deny")).unwrap();
        fs::remove_file(&file).unwrap();
        lists.reload();
        assert!(lists.check_path(&path).is_ok());
    }
}
