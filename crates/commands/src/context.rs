//! The process around a command: the repo, the node in it, running requests.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use basalt::denylist::Denylists;
use basalt::repo::config::StartOptions;
use basalt_fuse::Mounts;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::commands::files::ls::KeptListings;
use crate::{Error, Host, Result};

/// What commands know of the process; cheap to clone.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    repo: PathBuf,
    config_file: Option<PathBuf>,
    daemon: bool,
    node: OnceCell<basalt::Node>,
    mounts: Option<Mounts>,
    shutdown: CancellationToken,
    ending: OnceLock<Instant>,
    host: Option<Arc<dyn Host>>,
    requests: Mutex<Requests>,
    listings: KeptListings,
}

#[derive(Default)]
struct Requests {
    next_id: u64,
    keep: Option<Duration>,
    running: BTreeMap<u64, ActiveRequest>,
    /// In the order in which they ended.
    ended: VecDeque<ActiveRequest>,
}

/// A request that runs or ran lately, for `diag cmds`.
#[derive(Debug, Clone)]
pub struct ActiveRequest {
    /// Counts up from 0.
    pub id: u64,
    /// The command's path.
    pub command: String,
    /// Its options, as JSON.
    pub options: serde_json::Value,
    /// Its arguments.
    pub args: Vec<String>,
    /// When it began.
    pub start: SystemTime,
    /// When it began, for run times.
    pub began: Instant,
    /// How long it ran; `None` while it runs.
    pub ran: Option<Duration>,
    /// What it waits for, while it runs.
    pub waits: basalt::Waits,
}

/// The lists of what is not given out, for the node of this repo. They may be long.
pub async fn denylists(repo: &Path) -> Denylists {
    let repo = repo.to_owned();
    let read = tokio::task::spawn_blocking(move || Denylists::of_repo(&repo)).await;
    read.unwrap_or_default()
}

/// How long an ended request is shown.
const KEEP: Duration = Duration::from_secs(60 * 60);
/// How many are kept at most.
const MOST: usize = 1000;

impl Context {
    /// The process of a repo, whose node is opened when the first command asks for it.
    pub fn new(repo: PathBuf, config_file: Option<PathBuf>, host: Option<Arc<dyn Host>>) -> Self {
        Self(Arc::new(Inner {
            repo,
            config_file,
            daemon: false,
            node: OnceCell::new(),
            mounts: None,
            shutdown: CancellationToken::new(),
            ending: OnceLock::new(),
            host,
            requests: Mutex::default(),
            listings: KeptListings::default(),
        }))
    }

    /// The process of a daemon. `shutdown` is cancelled to end it.
    pub fn daemon(
        repo: PathBuf,
        config_file: Option<PathBuf>,
        node: basalt::Node,
        shutdown: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            repo,
            config_file,
            daemon: true,
            mounts: Some(Mounts::new(node.clone())),
            node: OnceCell::new_with(Some(node)),
            shutdown,
            ending: OnceLock::new(),
            host: None,
            requests: Mutex::default(),
            listings: KeptListings::default(),
        }))
    }

    /// The program around the commands, where it can do more than they.
    pub fn host(&self) -> Option<Arc<dyn Host>> {
        self.0.host.clone()
    }

    /// Listings that were made lately.
    pub(crate) fn listings(&self) -> &KeptListings {
        &self.0.listings
    }

    /// The folder of the repo.
    pub fn repo(&self) -> &Path {
        &self.0.repo
    }

    /// The configuration file, where it is not the repo's own.
    pub fn config_file(&self) -> Option<&Path> {
        self.0.config_file.as_deref()
    }

    /// Whether this process is the daemon.
    pub fn is_daemon(&self) -> bool {
        self.0.daemon
    }

    /// The node; the first call opens the repo and takes its lock.
    pub async fn node(&self) -> Result<&basalt::Node> {
        let open = || async {
            let mut builder = basalt::Node::builder().repo(&self.0.repo);
            builder = builder.denylists(denylists(&self.0.repo).await);
            if let Some(file) = &self.0.config_file {
                builder = builder.config_file(file);
            }
            let node = builder.open().await?;
            node.check_start(&StartOptions::default()).map_err(|e| {
                Error::new(format!(
                    "constructing the node (see log for full detail): {e}"
                ))
            })?;
            Ok::<_, Error>(node)
        };
        self.0.node.get_or_try_init(open).await
    }

    /// The node, if a command has opened it.
    pub fn opened_node(&self) -> Option<&basalt::Node> {
        self.0.node.get()
    }

    /// What the daemon has mounted; nobody else mounts anything.
    pub fn mounts(&self) -> Option<&Mounts> {
        self.0.mounts.as_ref()
    }

    /// When the daemon was told to end, if it was.
    pub fn ending_since(&self) -> Option<Instant> {
        self.0.ending.get().copied()
    }

    /// Ends the daemon.
    pub fn shutdown(&self) {
        self.0.ending.get_or_init(Instant::now);
        self.0.shutdown.cancel();
    }

    fn requests(&self) -> std::sync::MutexGuard<'_, Requests> {
        self.0
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request has begun; give its id to [`Context::request_ended`].
    pub fn request_began(
        &self,
        command: String,
        args: Vec<String>,
        options: serde_json::Value,
        waits: basalt::Waits,
    ) -> u64 {
        let mut requests = self.requests();
        let id = requests.next_id;
        requests.next_id += 1;
        let (start, began) = (SystemTime::now(), Instant::now());
        requests.running.insert(
            id,
            ActiveRequest {
                id,
                command,
                options,
                args,
                start,
                began,
                ran: None,
                waits,
            },
        );
        id
    }

    /// Notes that a request has ended.
    pub fn request_ended(&self, id: u64) {
        let mut requests = self.requests();
        let Some(mut request) = requests.running.remove(&id) else {
            return;
        };
        request.ran = Some(request.began.elapsed());
        requests.ended.push_back(request);
        if requests.ended.len() > MOST {
            requests.ended.pop_front();
        }
    }

    /// The requests that run or ran lately, in the order in which they began.
    pub fn active_requests(&self) -> Vec<ActiveRequest> {
        let mut requests = self.requests();
        let keep = requests.keep.unwrap_or(KEEP);
        requests
            .ended
            .retain(|r| r.ran.is_none_or(|ran| r.began.elapsed() < ran + keep));
        let mut all: Vec<_> = requests
            .ended
            .iter()
            .chain(requests.running.values())
            .cloned()
            .collect();
        all.sort_by_key(|r| r.id);
        all
    }

    /// Forgets the requests that have ended.
    pub fn clear_requests(&self) {
        self.requests().ended.clear();
    }

    /// Sets how long an ended request is shown.
    pub fn keep_requests(&self, time: Duration) {
        self.requests().keep = Some(time);
    }
}
