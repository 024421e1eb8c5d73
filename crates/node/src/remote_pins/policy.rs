//! `Pinning.RemoteServices.*.Policies.MFS`: the root of the file tree, pinned by services whenever it
//! has changed.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use basalt_block::Cid;
use basalt_ipns::Moment;
use basalt_pinning::{Filter, PinStatus, Status};
use basalt_repo::GoDuration;
use basalt_repo::config::RemotePinningService;
use futures::future::join_all;

use super::pinning_client;
use crate::{Node, Result};

/// How often the config and the tree are looked at.
const LOOK: Duration = Duration::from_secs(30);
/// In place of [`LOOK`], for tests.
const LOOK_VARIABLE: &str = "MFS_PIN_POLL_INTERVAL";
/// How often a tree that keeps changing is pinned, where the service's policy does not say.
const REPIN: Duration = Duration::from_secs(5 * 60);

/// What a service has pinned last.
struct Last {
    at: SystemTime,
    service: RemotePinningService,
    root: Cid,
}

impl Node {
    /// Has the root of the file tree pinned as the policies of pinning services say, until the node
    /// is closed.
    pub fn start_mfs_policies(&self) {
        self.follow_mfs_policies(look_interval());
    }

    /// As [`Node::start_mfs_policies`], with another time between two looks at the tree.
    pub fn follow_mfs_policies(&self, look: Duration) {
        let node = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = node.closed() => {}
                () = run(&node, look) => {}
            }
        });
    }
}

async fn run(node: &Node, look: Duration) {
    let mut last = BTreeMap::new();
    loop {
        // Counted from the end of the work, so that slow services are not asked all the time.
        tokio::time::sleep(look).await;
        let Ok(repo) = node.require_repo() else {
            return;
        };
        match repo.read_config() {
            Ok(config) => {
                let services = config.remote_pinning_services();
                look_once(node, services, &mut last).await;
            }
            Err(error) => {
                tracing::error!(target: "basalt::pinning", %error, "the config cannot be read");
            }
        }
    }
}

fn look_interval() -> Duration {
    let Ok(text) = std::env::var(LOOK_VARIABLE) else {
        return LOOK;
    };
    match text.parse::<GoDuration>().ok().and_then(GoDuration::to_std) {
        Some(interval) => interval,
        None => {
            tracing::error!(target: "basalt::pinning", value = %text, "{LOOK_VARIABLE} is no duration");
            LOOK
        }
    }
}

async fn look_once(
    node: &Node,
    services: BTreeMap<String, RemotePinningService>,
    last: &mut BTreeMap<String, Last>,
) {
    last.retain(|name, _| services.contains_key(name));
    let due: Vec<_> = services.into_iter().filter(|(_, s)| s.mfs_enable).collect();
    if due.is_empty() {
        return;
    }
    let root = match root(node).await {
        Ok(root) => root,
        Err(error) => {
            tracing::error!(target: "basalt::pinning", %error, "the root of the file tree cannot be read");
            return;
        }
    };
    let due = due
        .into_iter()
        .filter(|(name, service)| is_due(name, service, &root, last.get(name)));
    // Beside one another: one that answers slowly keeps no other waiting.
    let done = join_all(due.map(|(name, service)| async move {
        let pinned = pin(node, &root, &service).await;
        (name, service, pinned)
    }));
    for (name, service, pinned) in done.await {
        match pinned {
            Ok(at) => {
                last.insert(name, Last { at, service, root });
            }
            Err(error) => {
                tracing::error!(target: "basalt::pinning", service = %name, %root, %error, "the file tree was not pinned");
            }
        }
    }
}

async fn root(node: &Node) -> Result<Cid> {
    Ok(*node.files()?.node("/").await?.block.cid())
}

fn is_due(name: &str, service: &RemotePinningService, root: &Cid, last: Option<&Last>) -> bool {
    let interval = match &*service.mfs_repin_interval {
        "" => Some(REPIN),
        text => text.parse::<GoDuration>().ok().and_then(GoDuration::to_std),
    };
    let Some(interval) = interval else {
        let value = &service.mfs_repin_interval;
        tracing::error!(target: "basalt::pinning", service = %name, %value, "Policies.MFS.RepinInterval is no duration");
        return false;
    };
    let Some(last) = last.filter(|last| last.service == *service) else {
        return true;
    };
    let since = SystemTime::now()
        .duration_since(last.at)
        .unwrap_or_default();
    last.root != *root && since >= interval
}

/// Has a service pin the root in place of an earlier one, unless it does so already; gives when it
/// was asked.
async fn pin(node: &Node, root: &Cid, service: &RemotePinningService) -> Result<SystemTime> {
    let client = pinning_client(service)?;
    let name = match &*service.mfs_pin_name {
        "" => format!("policy/{}/mfs", own_id(node)?),
        name => name.to_owned(),
    };
    let mut pins = client.list(Filter::default().name(name.clone()).statuses(Status::ALL));
    let mut earlier = None;
    while let Some(found) = pins.next().await? {
        if found.cid() == Some(*root) && found.status != Status::Failed {
            return Ok(created(&found));
        }
        earlier = Some(found.request_id);
    }
    let draft = node.remote_pin_draft(root).await?.name(name);
    let asked = match earlier {
        Some(request_id) => client.replace(&request_id, &draft).await?,
        None => client.add(&draft).await?,
    };
    node.connect_delegates(&asked.delegates)?;
    Ok(SystemTime::now())
}

fn own_id(node: &Node) -> Result<String> {
    let key = node.require_repo()?.config().private_key()?;
    Ok(key.peer_id().to_base58())
}

/// When a service got a request, as it says.
fn created(found: &PinStatus) -> SystemTime {
    let moment = found.created.parse::<Moment>().ok();
    let secs = moment.and_then(|m| u64::try_from(m.secs).ok());
    let since = secs.map(Duration::from_secs).unwrap_or_default();
    SystemTime::UNIX_EPOCH + since
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> RemotePinningService {
        RemotePinningService {
            endpoint: "http://127.0.0.1:1".to_owned(),
            key: String::new(),
            mfs_enable: true,
            mfs_pin_name: String::new(),
            mfs_repin_interval: String::new(),
        }
    }

    #[test]
    fn when_a_service_is_due() {
        let [one, other]: [Cid; 2] = ["bafkqaaa", "bafkqaalb"].map(|text| text.parse().unwrap());
        let at = |secs| SystemTime::now() - Duration::from_secs(secs);
        let last = |at| Last {
            at,
            service: service(),
            root: one,
        };
        let due = |service: &RemotePinningService, root: &Cid, last: &Last| {
            is_due("s", service, root, Some(last))
        };
        assert!(is_due("s", &service(), &one, None));
        assert!(!due(&service(), &one, &last(at(10_000))));
        assert!(!due(&service(), &other, &last(at(10))));
        assert!(due(&service(), &other, &last(at(301))));
        let mut changed = service();
        changed.mfs_repin_interval = "5s".to_owned();
        assert!(
            due(&changed, &one, &last(at(0))),
            "other settings, pinned again"
        );
        changed.mfs_repin_interval = "soon".to_owned();
        assert!(!is_due("s", &changed, &one, None));
    }
}
