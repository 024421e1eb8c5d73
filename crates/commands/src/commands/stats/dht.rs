use std::collections::HashSet;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use basalt::ipns::Moment;
use basalt::network::{Handle, PeerId};
use basalt::repo::GoDuration;
use basalt::routing::{Bucket, Dual, Member, Scope, Which};
use serde::{Deserialize, Serialize};

use crate::commands::dht::query::NO_DHT;
use crate::commands::routing::online;
use crate::commands::support::{rfc3339, write_columns};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

/// The table of a DHT.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Table {
    name: String,
    buckets: Option<Vec<Shown>>,
}

/// Peers that share as many first bits with the node as there are buckets before.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    last_refresh: String,
    peers: Option<Vec<Peer>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Peer {
    #[serde(rename = "ID")]
    id: String,
    connected: bool,
    agent_version: String,
    last_useful_at: String,
    last_queried_at: String,
}

/// `ipfs stats dht`.
pub(crate) struct Dht;

#[async_trait]
impl Command for Dht {
    type Options = NoOptions;
    type Event = Table;
    type State = ();

    const PATH: &'static str = "stats/dht";
    const ABOUT: About = About::new("Show the peers of the DHTs that the node asks first.").text(
        "Writes the table of each DHT, bucket by bucket: the peers of bucket 3 have three bits at the
beginning of their place in common with the node. An @ marks those that are connected.

Example:

  > ipfs stats dht lan",
    );
    const ARGS: &'static [Arg] = &[Arg::optional(
        "dht",
        "Which: wan, lan, wanserver or lanserver; by default wan and lan.",
    )
    .variadic()];

    async fn run(call: Call<NoOptions>, out: Output<Table>) -> Result<()> {
        let routing = online(&call).await?;
        let dual = routing.dht().ok_or_else(|| Error::new(NO_DHT))?;
        let node = call.ctx.node().await?;
        let network = node.network().ok_or_else(|| Error::new(NO_DHT))?;
        let mut names = call.meta.args.clone();
        if names.is_empty() {
            names = vec!["wan".to_owned(), "lan".to_owned()];
        }
        for name in names {
            if routing.is_accelerated() && name == "wan" {
                out.emit(whole(network, dual, name).await?).await?;
                continue;
            }
            let scope = match name.as_str() {
                "lan" if routing.is_accelerated() => {
                    return Err(Error::client("no LAN client found"));
                }
                "wan" | "wanserver" => Scope::Wan,
                "lan" | "lanserver" => Scope::Lan,
                other => return Err(Error::client(format!("unknown dht type: {other}"))),
            };
            let mut buckets = Vec::new();
            for bucket in dual.dht(Which::One(scope)).buckets() {
                buckets.push(show(network, bucket).await?);
            }
            // Those at the end without peers are not there for Kubo.
            while buckets.last().is_some_and(|b: &Shown| b.peers.is_none()) {
                buckets.pop();
            }
            let buckets = Some(buckets);
            out.emit(Table { name, buckets }).await?;
        }
        Ok(())
    }

    fn text(_: &View<NoOptions>, _: &mut (), table: Table, w: &mut dyn Write) -> Result<()> {
        let buckets = table.buckets.unwrap_or_default();
        let count = |bucket: &Shown| bucket.peers.as_ref().map_or(0, Vec::len);
        let all: usize = buckets.iter().map(count).sum();
        let mut lines = vec![row(
            &format!("DHT {} ({all} peers):", table.name),
            ["", "", ""],
        )];
        for (place, bucket) in buckets.iter().enumerate() {
            let (peers, refreshed) = (count(bucket), ago(&bucket.last_refresh)?);
            let title = format!("  Bucket {place:2} ({peers} peers) - refreshed {refreshed}:");
            lines.push(row(&title, ["", "", ""]));
            lines.push(row(
                "    Peer",
                ["last useful", "last queried", "Agent Version"],
            ));
            for peer in bucket.peers.iter().flatten() {
                let state = if peer.connected { "@" } else { " " };
                let useful = ago(&peer.last_useful_at)?;
                let queried = match peer.last_useful_at.as_str() {
                    "" => "never".to_owned(),
                    _ => ago(&peer.last_queried_at)?,
                };
                let title = format!("  {state} {}", peer.id);
                lines.push(row(&title, [&useful, &queried, &peer.agent_version]));
            }
            lines.push(row("", ["", "", ""]));
        }
        write_columns(w, &lines, 4)?;
        Ok(())
    }
}

/// A line of four cells; columns are two spaces apart, one of which is the cell's own.
fn row(first: &str, [b, c, last]: [&str; 3]) -> String {
    format!("{first} \t{b} \t{c} \t{last}")
}

async fn show(network: &Handle, bucket: Bucket) -> Result<Shown> {
    let mut peers = Vec::with_capacity(bucket.members.len());
    for member in bucket.members {
        peers.push(describe(network, &member).await?);
    }
    Ok(Shown {
        last_refresh: text_of(bucket.refreshed),
        peers: Some(peers).filter(|peers| !peers.is_empty()),
    })
}

/// The peers that the last crawl has found, as one bucket.
async fn whole(network: &Handle, dual: &Dual, name: String) -> Result<Table> {
    let known = dual.dht(Which::One(Scope::Wan)).whole();
    let mut peers = Vec::new();
    let connected = network.connections().await.map_err(basalt::Error::from)?;
    let connected: HashSet<_> = connected.iter().map(|c| c.peer).collect();
    for peer in known.into_iter().flat_map(|(_, peers)| peers) {
        peers.push(Peer {
            id: peer.to_string(),
            connected: connected.contains(&peer),
            agent_version: agent(network, peer).await?,
            last_useful_at: String::new(),
            last_queried_at: String::new(),
        });
    }
    let bucket = Shown {
        last_refresh: String::new(),
        peers: Some(peers).filter(|peers| !peers.is_empty()),
    };
    Ok(Table {
        name,
        buckets: Some(vec![bucket]),
    })
}

async fn agent(network: &Handle, peer: PeerId) -> Result<String> {
    let known = network.identity(peer).await.map_err(basalt::Error::from)?;
    Ok(known
        .map(|known| basalt::printable(&known.agent))
        .unwrap_or_default())
}

async fn describe(network: &Handle, member: &Member) -> Result<Peer> {
    Ok(Peer {
        id: member.id.to_string(),
        connected: member.is_connected(),
        agent_version: agent(network, member.id).await?,
        last_useful_at: text_of(member.useful),
        last_queried_at: text_of(member.queried),
    })
}

fn text_of(time: Option<SystemTime>) -> String {
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let secs = since.and_then(|since| i64::try_from(since.as_secs()).ok());
    secs.map(|secs| rfc3339(secs, 0)).unwrap_or_default()
}

/// How long ago a moment was, in whole seconds.
fn ago(text: &str) -> Result<String> {
    if text.is_empty() {
        return Ok("never".to_owned());
    }
    let then: Moment = text.parse().map_err(Error::new)?;
    let secs = Moment::now().secs.saturating_sub(then.secs);
    let time = Duration::from_secs(u64::try_from(secs).unwrap_or(0));
    let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    Ok(format!("{} ago", GoDuration::from_nanos(nanos)))
}
