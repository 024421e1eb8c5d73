//! What the DHTs need from time to time.

use std::time::Duration;

use basalt_routing::Dual;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::Node;

/// How often what others announced is written.
const FLUSH: Duration = Duration::from_secs(1);
/// How often the tables are refreshed, and after a failure.
const REFRESH: Duration = Duration::from_secs(10 * 60);
/// How often the whole DHT is gone through, and how long after nobody could be reached.
const CRAWL: Duration = Duration::from_secs(60 * 60);
const CRAWL_AGAIN: Duration = Duration::from_secs(60);
/// How often what is too old is deleted.
const EXPIRE: Duration = Duration::from_secs(60 * 60);

/// Keeps the DHTs alive until the node is closed.
pub(super) async fn run(dual: Dual, accelerated: bool, node: Node) {
    let mut refreshing: Vec<_> = dual
        .both()
        .map(|dht| tokio::spawn(refresh(dht.clone())))
        .into();
    if accelerated {
        let [wan, _] = dual.both();
        refreshing.push(tokio::spawn(crawl(wan.clone())));
    }
    let mut flush = interval(FLUSH);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut expire = Instant::now();
    // Both have the same records.
    let [dht, _] = dual.both();
    let mut failed = false;
    loop {
        tokio::select! {
            _ = flush.tick() => {}
            () = node.closed() => break,
        }
        let mut outcome = dht.providers().flush().await;
        if outcome.is_ok() && expire <= Instant::now() {
            expire = Instant::now() + EXPIRE;
            outcome = dht.providers().expire().await;
            outcome = outcome.and(dht.values().expire().await);
        }
        // Told once, until it is well again.
        if let Err(error) = &outcome
            && !failed
        {
            tracing::error!(target: "basalt::routing", %error, "provider records are not written");
        }
        failed = outcome.is_err();
    }
    for task in refreshing {
        task.abort();
    }
    if let Err(error) = dht.providers().flush().await {
        tracing::warn!(target: "basalt::routing", %error, "provider records were not written on closing");
    }
}

/// Refreshes a table as soon as it has peers, and then again and again.
async fn refresh(dht: basalt_routing::Dht) {
    let mut due = Instant::now();
    let mut tick = interval(FLUSH);
    let mut was_empty = true;
    loop {
        tick.tick().await;
        let empty = dht.size() == 0;
        if empty || (!was_empty && due > Instant::now()) {
            was_empty = empty;
            continue;
        }
        was_empty = false;
        due = Instant::now() + REFRESH;
        if let Err(error) = dht.refresh().await {
            tracing::debug!(target: "basalt::routing", %error, "the table was not refreshed");
        }
    }
}

/// Goes through the whole of a DHT as soon as somebody of it is known, and then again and again.
async fn crawl(dht: basalt_routing::Dht) {
    let mut tick = interval(FLUSH);
    loop {
        tick.tick().await;
        if dht.size() == 0 && dht.whole().is_none() {
            continue;
        }
        let began = Instant::now();
        match dht.crawl().await {
            Ok(peers) => {
                let took = began.elapsed();
                tracing::info!(target: "basalt::routing", peers, ?took, "the whole DHT is known");
                sleep(CRAWL.saturating_sub(took)).await;
            }
            Err(error) => {
                tracing::debug!(target: "basalt::routing", %error, "the DHT was not gone through");
                sleep(CRAWL_AGAIN).await;
            }
        }
    }
}
