//! What the request at hand waits for, so that one who gives up on it can say so.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use basalt_exchange::{Observer, Waiting};

/// News of waiting is true for so long.
const FRESH: Duration = Duration::from_secs(6);

/// One who gives up sooner has not waited for anything in particular.
const EARLY: Duration = Duration::from_millis(800);

tokio::task_local! {
    static REQUEST: Waits;
}

/// What a request waits for; clones are of the same request.
#[derive(Debug, Clone, Default)]
pub struct Waits(Arc<Mutex<Option<(Instant, Waiting)>>>);

impl Waits {
    /// Does the work of a request. The blocks that are asked for in its task count as its own.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        REQUEST.scope(self.clone(), work).await
    }

    /// What it waits for now, if it has for a while.
    pub fn now(&self) -> Option<Why> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, waiting) = last.as_ref()?;
        let since = at.elapsed();
        (since < FRESH && waiting.since + since >= EARLY).then(|| Why(waiting.clone()))
    }

    /// Who is to be told what the request of this task waits for.
    pub(crate) fn observer() -> Option<Observer> {
        let waits = REQUEST.try_with(Clone::clone).ok()?;
        Some(Arc::new(move |waiting: &Waiting| {
            let news = (Instant::now(), waiting.clone());
            *waits.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
        }))
    }
}

/// Why a request is not done: the block, and who was asked for it.
pub struct Why(Waiting);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Waiting {
            cid,
            asked,
            peers,
            sought,
            ..
        } = &self.0;
        write!(f, "waiting for {cid}")?;
        match asked {
            0 => f.write_str(", no peer to ask")?,
            1 => write!(f, ", asked {}", peers.join(" "))?,
            n => write!(f, ", asked {n} peers: {}", peers.join(" "))?,
        }
        match (sought.searches, sought.found) {
            (0, _) => return Ok(()),
            (_, 0) => f.write_str(", searched for providers and found none")?,
            (_, 1) => f.write_str(", searched for providers and found 1")?,
            (_, found) => write!(f, ", searched for providers and found {found}")?,
        }
        if sought.found > 0 {
            write!(f, ", of which {} connected", sought.connected)?;
        }
        if !sought.unreached.is_empty() {
            write!(f, "; not reached: {}", sought.unreached.join(" "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use basalt_exchange::Sought;

    use super::*;

    #[tokio::test]
    async fn what_a_request_waits_for_is_its_own() {
        let waits = Waits::default();
        assert!(Waits::observer().is_none());
        let observer = waits.during(async { Waits::observer() }).await.unwrap();
        assert!(waits.now().is_none());
        let cid = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq";
        let mut waiting = Waiting {
            cid: cid.parse().unwrap(),
            asked: 0,
            peers: Vec::new(),
            since: Duration::from_secs(1),
            sought: Sought::default(),
        };
        observer(&waiting);
        let said = |waits: &Waits| waits.now().unwrap().to_string();
        assert_eq!(said(&waits), format!("waiting for {cid}, no peer to ask"));
        waiting.asked = 2;
        waiting.peers = vec!["A".into(), "B".into()];
        observer(&waiting);
        assert_eq!(
            said(&waits),
            format!("waiting for {cid}, asked 2 peers: A B")
        );
        waiting.sought.searches = 1;
        observer(&waiting);
        let none = "searched for providers and found none";
        assert!(said(&waits).ends_with(none));
        waiting.sought.found = 2;
        waiting.sought.connected = 1;
        waiting.sought.unreached = vec!["C".into()];
        observer(&waiting);
        let some = "asked 2 peers: A B, searched for providers and found 2, of which 1 connected; not reached: C";
        assert!(said(&waits).ends_with(some));
        assert!(Waits::default().now().is_none());
    }
}
