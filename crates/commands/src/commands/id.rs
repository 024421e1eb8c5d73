use std::io::Write;

use async_trait::async_trait;
use basalt::block::Base;
use basalt::network::{Handle, PeerId, with_peer};
use basalt::repo::{go_json, parse_peer_id};
use serde::{Deserialize, Serialize};

use crate::commands::support::{PeerText, with_repo};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `id`.
    pub(crate) struct Options {
        /// Write these fields
        format: Option<String> = ["format", "f"],
        /// How the peer ID is written: b58mh, or the multibase of a CID, such as base36 or k
        peerid_base: String = ["peerid-base"] default "b58mh",
    }
}

/// What is known of a peer.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Peer {
    #[serde(rename = "ID")]
    id: String,
    public_key: String,
    addresses: Option<Vec<String>>,
    agent_version: String,
    protocols: Option<Vec<String>>,
}

const OFFLINE: &str = "'ipfs id' cannot query information on remote peers without a running daemon; if you only want to convert --peerid-base, pass --offline option";

/// `ipfs id`.
pub(crate) struct Id;

#[async_trait]
impl Command for Id {
    type Options = Options;
    type Event = Peer;
    type State = ();

    const PATH: &'static str = "id";
    const ABOUT: About = About::new("Show who the node is, or another peer.").text(
        "Shows the peer ID, the public key, the addresses, the agent version and the protocols of
this node, or of another peer.

In --format these stand for what is known:

  <id>         the peer ID
  <pubkey>     the public key
  <addrs>      the addresses, one a line
  <aver>       the agent version
  <protocols>  the protocols, one a line
  \\n, \\t       the end of a line, a tabulator

Example:

  > ipfs id --format='<id>\\n'",
    );
    const ARGS: &'static [Arg] = &[Arg::optional("peerid", "Another peer.")];

    async fn run(call: Call<Options>, out: Output<Peer>) -> Result<()> {
        let written = PeerText::new(&call.options.peerid_base)?;
        let key = with_repo(&call.ctx, |repo| repo.config().private_key()).await?;
        let own = key.peer_id();
        let asked = match call.meta.args.first() {
            Some(text) => parse_peer_id(text).map_err(|_| Error::new("invalid peer id"))?,
            None => own,
        };
        let multihash = asked.to_bytes();
        let id = written.write(&multihash)?;
        let network = call.ctx.opened_node().and_then(|node| node.network());
        if asked == own {
            let public_key = Base::Base64Pad.encode(key.public().encode_protobuf());
            let agent_version = match call.ctx.opened_node() {
                Some(node) if call.ctx.is_daemon() => node.agent_version(),
                _ => basalt::agent_version(""),
            };
            let mut peer = Peer {
                id,
                public_key,
                agent_version,
                ..Peer::default()
            };
            if let Some(network) = network {
                peer.place(network).await?;
            }
            return out.once(peer).await;
        }
        let offline = call.meta.globals.offline;
        if let Some(network) = network {
            if !offline {
                let node = call.ctx.node().await?;
                node.connect(asked, Vec::new()).await?;
            }
            let peer = Peer::remote(network, asked).await?;
            return out.once(Peer { id, ..peer }).await;
        }
        if !offline {
            return Err(Error::new(OFFLINE));
        }
        out.once(Peer {
            id,
            public_key: inlined_key(&multihash),
            addresses: Some(vec![format!("/p2p/{asked}")]),
            ..Peer::default()
        })
        .await
    }

    fn text(view: &View<Options>, _: &mut (), peer: Peer, w: &mut dyn Write) -> Result<()> {
        let Some(format) = &view.options.format else {
            writeln!(w, "{}\n", go_json::to_string_indented_by(&peer, "\t")?)?;
            return Ok(());
        };
        let lines = |list: &Option<Vec<String>>| list.as_deref().unwrap_or_default().join("\n");
        let text = format
            .replace("<id>", &peer.id)
            .replace("<aver>", &peer.agent_version)
            .replace("<pubkey>", &peer.public_key)
            .replace("<addrs>", &lines(&peer.addresses))
            .replace("<protocols>", &lines(&peer.protocols))
            .replace("\\n", "\n")
            .replace("\\t", "\t");
        w.write_all(text.as_bytes())?;
        Ok(())
    }
}

impl Peer {
    /// What a node in the network knows of another.
    pub(crate) async fn remote(network: &Handle, id: PeerId) -> Result<Self> {
        let known = network.identity(id).await.map_err(basalt::Error::from)?;
        let addresses = network.addresses_of(id).await;
        let addresses = addresses.map_err(basalt::Error::from)?;
        let mut addresses: Vec<String> = addresses
            .iter()
            .map(|address| with_peer(address, id).to_string())
            .collect();
        addresses.sort_unstable();
        let mut peer = Self {
            id: id.to_string(),
            public_key: inlined_key(&id.to_bytes()),
            addresses: Some(or_the_peer(addresses, id)),
            ..Self::default()
        };
        if let Some(known) = known {
            peer.public_key = Base::Base64Pad.encode(known.key.encode_protobuf());
            peer.agent_version = basalt::printable(&known.agent);
            peer.protocols = Some(
                known
                    .protocols
                    .iter()
                    .map(|name| basalt::printable(name))
                    .collect(),
            );
        }
        Ok(peer)
    }

    /// Where the node itself is, and what it speaks.
    async fn place(&mut self, network: &Handle) -> Result<()> {
        let own = network.local_peer();
        let addresses = network.announced_addresses().await;
        let addresses = addresses.map_err(basalt::Error::from)?;
        let mut addresses: Vec<String> = addresses
            .iter()
            .map(|address| with_peer(address, own).to_string())
            .collect();
        addresses.sort_unstable();
        self.addresses = Some(or_the_peer(addresses, own));
        let protocols = network.protocols().await.map_err(basalt::Error::from)?;
        self.protocols = Some(protocols);
        Ok(())
    }
}

/// The addresses, or where there are none, the peer alone.
fn or_the_peer(addresses: Vec<String>, peer: PeerId) -> Vec<String> {
    match addresses.is_empty() {
        true => vec![format!("/p2p/{peer}")],
        false => addresses,
    }
}

/// The public key in base64, where the peer ID is the key itself and not its hash.
fn inlined_key(multihash: &[u8]) -> String {
    match multihash {
        [0, _, key @ ..] => Base::Base64Pad.encode(key),
        _ => String::new(),
    }
}
