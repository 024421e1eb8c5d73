//! How far the search for what a request needs has come, for when it takes too long.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use basalt_exchange::{Observer, Sought, Waiting};

/// Peers that are named.
const NAMED: usize = 3;

/// What is known of it; clones are of the same request.
#[derive(Clone, Default)]
pub(crate) struct Retrieval(Arc<Mutex<Option<Waiting>>>);

impl Retrieval {
    /// Who is told what the request waits for.
    pub(crate) fn observer(&self) -> Observer {
        let known = self.0.clone();
        Arc::new(move |waiting: &Waiting| {
            *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiting.clone());
        })
    }
}

fn phase(sought: &Sought) -> &'static str {
    match (sought.searches, sought.found) {
        (0, _) => "path resolution",
        (_, 0) => "provider discovery",
        _ => "connecting to providers",
    }
}

/// Some peers, and that there are more.
fn named(title: &str, peers: &[String]) -> String {
    if peers.is_empty() {
        return String::new();
    }
    let some = peers.iter().take(NAMED).map(String::as_str);
    let more = if peers.len() > NAMED { ", ..." } else { "" };
    format!(", {title}: [{}{more}]", some.collect::<Vec<_>>().join(", "))
}

/// In the words of Kubo, and then what it does not say: the block, and which peers were asked.
impl fmt::Display for Retrieval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let none = Sought::default();
        let sought = known.as_ref().map_or(&none, |waiting| &waiting.sought);
        let (found, connected) = (sought.found, sought.connected);
        let phase = phase(sought);
        if found == 0 {
            write!(f, "no providers found for the CID (phase: {phase})")?;
        } else if connected == 0 {
            let attempted = sought.unreached.len();
            let peers = named("peers", &sought.named);
            match attempted {
                0 => write!(
                    f,
                    "found {found} provider(s) but none could be contacted (phase: {phase})"
                )?,
                _ => write!(
                    f,
                    "found {found} provider(s), attempted {attempted}, but none were reachable (phase: {phase}{peers})"
                )?,
            }
        } else if sought.unreached.is_empty() {
            write!(
                f,
                "timeout occurred after finding {found} provider(s) and connecting to {connected} (phase: {phase})"
            )?;
        } else {
            let peers = named("failed peers", &sought.unreached);
            write!(
                f,
                "found {found} provider(s), connected to {connected}, but they did not return the requested content (phase: {phase}{peers})"
            )?;
        }
        let Some(waiting) = known.as_ref() else {
            return Ok(());
        };
        write!(f, "; waiting for {}", waiting.cid)?;
        if waiting.asked > 0 {
            write!(f, ", peers asked: {}", waiting.peers.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_phase_and_the_peers_are_said() {
        let retrieval = Retrieval::default();
        let said = |retrieval: &Retrieval| retrieval.to_string();
        let none = "no providers found for the CID (phase: path resolution)";
        assert_eq!(said(&retrieval), none);
        let observer = retrieval.observer();
        let cid = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq";
        let mut waiting = Waiting {
            cid: cid.parse().unwrap(),
            asked: 0,
            peers: Vec::new(),
            since: Duration::from_secs(1),
            sought: Sought {
                searches: 1,
                ..Sought::default()
            },
        };
        observer(&waiting);
        let none = "no providers found for the CID (phase: provider discovery)";
        assert_eq!(said(&retrieval), format!("{none}; waiting for {cid}"));
        waiting.sought.found = 2;
        waiting.sought.named = vec!["A".into(), "B".into()];
        waiting.sought.unreached = vec!["A".into()];
        observer(&waiting);
        let unreached = "found 2 provider(s), attempted 1, but none were reachable (phase: connecting to providers, peers: [A, B])";
        assert!(said(&retrieval).starts_with(unreached));
        waiting.sought.connected = 1;
        waiting.asked = 1;
        waiting.peers = vec!["B".into()];
        observer(&waiting);
        let failed = "found 2 provider(s), connected to 1, but they did not return the requested content (phase: connecting to providers, failed peers: [A])";
        let asked = format!("{failed}; waiting for {cid}, peers asked: B");
        assert_eq!(said(&retrieval), asked);
    }
}
