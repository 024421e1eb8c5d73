use std::io::Write;

use async_trait::async_trait;
use basalt::network::{Connection, Direction, Handle};
use basalt::repo::GoDuration;
use serde::{Deserialize, Serialize};

use crate::commands::id::Peer;
use crate::commands::support::online_action;
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `swarm peers`.
    pub(crate) struct Options {
        /// Write all that is known
        verbose: bool = ["verbose", "v"],
        /// Write the open streams of each connection too
        streams: bool = ["streams"],
        /// Write the latency of each peer too
        latency: bool = ["latency"],
        /// Write who opened each connection too
        direction: bool = ["direction"],
        /// Write what each peer says of itself too
        identify: bool = ["identify"],
    }
}

/// `ipfs swarm peers`.
pub(crate) struct Peers;

/// The open connections.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct List {
    peers: Option<Vec<Open>>,
}

/// An open connection.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Open {
    #[serde(skip_serializing_if = "String::is_empty")]
    addr: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    peer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    latency: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    muxer: String,
    #[serde(skip_serializing_if = "is_zero")]
    direction: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<Vec<Stream>>,
    identify: Peer,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream {
    protocol: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

#[async_trait]
impl Command for Peers {
    type Options = Options;
    type Event = List;
    type State = ();

    const PATH: &'static str = "swarm/peers";
    const ABOUT: About = About::new("List the open connections to peers.");

    async fn run(call: Call<Options>, out: Output<List>) -> Result<()> {
        let network = online_action(&call).await?;
        let open = network.connections().await.map_err(basalt::Error::from)?;
        let mut peers = Vec::with_capacity(open.len());
        for connection in open {
            peers.push(describe(&network, &call.options, connection).await?);
        }
        peers.sort_by(|a, b| a.addr.cmp(&b.addr));
        let peers = Some(peers).filter(|peers| !peers.is_empty());
        out.once(List { peers }).await
    }

    fn text(_: &View<Options>, _: &mut (), list: List, w: &mut dyn Write) -> Result<()> {
        for open in list.peers.iter().flatten() {
            write!(w, "{}/p2p/{}", open.addr, open.peer)?;
            if !open.latency.is_empty() {
                write!(w, " {}", open.latency)?;
            }
            match open.direction {
                1 => write!(w, " inbound")?,
                2 => write!(w, " outbound")?,
                _ => {}
            }
            writeln!(w)?;
            for stream in open.streams.iter().flatten() {
                let name = match stream.protocol.as_str() {
                    "" => "<no protocol name>",
                    name => name,
                };
                writeln!(w, "  {name}")?;
            }
        }
        Ok(())
    }
}

async fn describe(network: &Handle, options: &Options, connection: Connection) -> Result<Open> {
    let all = options.verbose;
    let mut open = Open {
        addr: connection.address.to_string(),
        peer: connection.peer.to_string(),
        ..Open::default()
    };
    if all || options.direction {
        open.direction = match connection.direction {
            Direction::Inbound => 1,
            Direction::Outbound => 2,
        };
    }
    if all || options.latency {
        open.latency = match connection.latency {
            Some(time) => {
                let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
                GoDuration::from_nanos(nanos).to_string()
            }
            None => "n/a".to_owned(),
        };
    }
    if all || options.streams {
        let mut streams: Vec<_> = connection.streams;
        streams.sort_unstable();
        let streams: Vec<_> = streams
            .into_iter()
            .map(|protocol| Stream { protocol })
            .collect();
        open.streams = Some(streams).filter(|streams| !streams.is_empty());
    }
    if all || options.identify {
        open.identify = Peer::remote(network, connection.peer).await?;
    }
    Ok(open)
}
