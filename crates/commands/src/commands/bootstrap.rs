use std::io::Write;

use async_trait::async_trait;
use basalt::network::{Multiaddr, with_peer};
use basalt::repo::config::Config;
use serde::{Deserialize, Serialize};

use crate::commands::support::{PeerAddresses, parse_addresses, peer_addresses, with_repo};
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod rm;

/// The setting.
const KEY: &str = "Bootstrap";
/// Stands for the public network's peers.
const AUTO: &str = "auto";

/// Bootstrap peers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Peers {
    peers: Option<Vec<String>>,
}

impl Peers {
    fn new(peers: Vec<String>) -> Self {
        Self { peers: Some(peers) }
    }

    /// `null` where there are none.
    fn found(peers: Vec<String>) -> Self {
        Self {
            peers: Some(peers).filter(|peers| !peers.is_empty()),
        }
    }

    fn write(mut self, before: &str, w: &mut dyn Write) -> Result<()> {
        let mut peers = self.peers.take().unwrap_or_default();
        peers.sort();
        for peer in peers {
            writeln!(w, "{before}{peer}")?;
        }
        Ok(())
    }
}

/// `ipfs bootstrap`.
pub(crate) struct Bootstrap;

#[async_trait]
impl Command for Bootstrap {
    type Options = NoOptions;
    type Event = Peers;
    type State = ();

    const PATH: &'static str = "bootstrap";
    const ABOUT: About = About::new("Show or change the bootstrap peers.").text(
        "Bootstrap peers are the node's way into the network: it connects to them when it starts, and while
it knows few others. They see who asks them and can lead a node astray, so list only those that you
trust. 'auto' stands for the peers of the public network. A running daemon takes changes up when it
is started again.",
    );

    async fn run(call: Call<NoOptions>, out: Output<Peers>) -> Result<()> {
        let peers = with_repo(&call.ctx, |repo| Ok(listed(&repo.read_config()?))).await?;
        out.once(peers).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), peers: Peers, w: &mut dyn Write) -> Result<()> {
        peers.write("", w)
    }
}

/// The peers as they are written, `null` where there is no list.
fn listed(config: &Config) -> Peers {
    Peers {
        peers: config.at(KEY).map(|_| config.bootstrap()),
    }
}

fn parse(texts: &[String]) -> Result<Vec<PeerAddresses>> {
    peer_addresses(&parse_addresses(texts)?)
}

fn written(peers: Vec<PeerAddresses>) -> Vec<String> {
    let one = |(peer, addresses): PeerAddresses| {
        let addresses = match addresses.is_empty() {
            true => vec![Multiaddr::empty()],
            false => addresses,
        };
        let all = addresses.into_iter();
        all.map(move |address| with_peer(&address, peer).to_string())
    };
    peers.into_iter().flat_map(one).collect()
}

/// Whether 'auto' means something.
fn auto_enabled(config: &Config) -> bool {
    config.flag("AutoConf.Enabled").unwrap_or(true)
}
