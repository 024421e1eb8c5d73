use async_trait::async_trait;
use basalt::network::Handle;
use serde::{Deserialize, Serialize};

use crate::commands::support::online_command;
use crate::{About, Call, Command, Error, Output, Result};

crate::options! {
    /// Options of `version check`.
    pub(crate) struct Options {
        /// How many of a hundred peers must have a newer version
        min_percent: i32 = ["min-percent", "t"] default "5",
    }
}

/// `ipfs version check`.
pub(crate) struct Check;

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Found {
    update_available: bool,
    running_version: String,
    greatest_version: String,
    peers_sampled: usize,
    with_greater_version: usize,
}

type Numbers = (u64, u64, u64);

#[async_trait]
impl Command for Check {
    type Options = Options;
    type Event = Found;
    type State = ();

    const PATH: &'static str = "version/check";
    const ABOUT: About = About::new("Compare the version with that of connected peers.")
        .text(
            "Looks at what the peers that this node is connected to say of themselves, and counts those which
run a newer Kubo than the one that this node answers for.",
        )
        .no_text();

    async fn run(call: Call<Options>, out: Output<Found>) -> Result<()> {
        let network = online_command(&call).await?;
        let found = look(&network, i64::from(call.options.min_percent)).await?;
        out.once(found).await
    }
}

/// What peers say of their versions, for a daemon to tell people: `None` where fewer than `percent`
/// of a hundred have a newer one.
///
/// # Errors
/// The percentage is none, or the network has stopped.
pub async fn newer_version(network: &Handle, percent: i64) -> Result<Option<String>> {
    let found = look(network, percent).await?;
    let Found {
        running_version: ours,
        greatest_version: greatest,
        peers_sampled: sampled,
        with_greater_version: newer,
        ..
    } = &found;
    Ok(found.update_available.then(|| {
        format!("{newer} of {sampled} peers run a newer Kubo than {ours}, which this node answers for: up to {greatest}. Look for a newer version of this program")
    }))
}

async fn look(network: &Handle, percent: i64) -> Result<Found> {
    let open = network.connections().await.map_err(basalt::Error::from)?;
    let mut peers: Vec<_> = open.into_iter().map(|connection| connection.peer).collect();
    peers.sort_unstable();
    peers.dedup();
    let mut agents = Vec::with_capacity(peers.len());
    for peer in peers {
        let known = network.identity(peer).await.map_err(basalt::Error::from)?;
        agents.extend(known.map(|known| known.agent.clone()));
    }
    let percent = match percent {
        0 => 5,
        percent @ 1..=100 => percent,
        _ => {
            return Err(Error::new(
                "Version.SwarmCheckPercentThreshold must be between 1 and 100",
            ));
        }
    };
    Ok(found(&agents, percent))
}

fn found(agents: &[String], percent: i64) -> Found {
    let ours = numbers(basalt::KUBO_VERSION).unwrap_or_default();
    let seen: Vec<Numbers> = agents.iter().filter_map(|agent| of_kubo(agent)).collect();
    let newer = seen.iter().filter(|version| **version > ours).count();
    // This node is one of the sample.
    let sampled = seen.len() + 1;
    let text = |(major, minor, patch): Numbers| format!("{major}.{minor}.{patch}");
    Found {
        update_available: newer * 100 >= sampled * usize::try_from(percent).unwrap_or(100),
        running_version: text(ours),
        greatest_version: text(seen.into_iter().fold(ours, Numbers::max)),
        peers_sampled: sampled,
        with_greater_version: newer,
    }
}

/// The version in `kubo/1.2.3/…`; none for releases to be and for others.
fn of_kubo(agent: &str) -> Option<Numbers> {
    numbers(agent.strip_prefix("kubo/")?.split('/').next()?)
}

fn numbers(version: &str) -> Option<Numbers> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let numbers = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_are_counted() {
        let agents = |all: &[&str]| -> Vec<String> { all.iter().map(|a| (*a).into()).collect() };
        let none = found(&agents(&[]), 5);
        assert!(!none.update_available && none.peers_sampled == 1);
        let some = found(
            &agents(&[
                "kubo/0.43.0/x",
                "kubo/1.0.0",
                "kubo/9.0.0-rc1/",
                "kubo/9.0",
                "other/9.9.9",
                "kubo/0.4.23/abc",
            ]),
            25,
        );
        assert!(some.update_available);
        assert_eq!((some.peers_sampled, some.with_greater_version), (4, 1));
        assert_eq!(some.greatest_version, "1.0.0");
        assert!(!found(&agents(&["kubo/1.0.0", "kubo/0.1.0"]), 50).update_available);
    }
}
