use std::time::Duration;

use basalt::Node;
use basalt::block::parse_cid;
use basalt::ipns::Name;
use basalt::network::{Multiaddr, PeerId, parse_address, peer_of, without_peer};

use tokio::time::timeout;

use crate::{Error, Result};

/// A peer and where it may be.
pub(crate) type PeerAddresses = (PeerId, Vec<Multiaddr>);

/// The peers that these addresses end with, each with its addresses, in the order of their first.
pub(crate) fn peer_addresses(addresses: &[Multiaddr]) -> Result<Vec<PeerAddresses>> {
    let mut peers: Vec<PeerAddresses> = Vec::new();
    for address in addresses {
        let peer = peer_of(address).ok_or_else(|| Error::new("invalid p2p multiaddr"))?;
        let at = match peers.iter().position(|(known, _)| *known == peer) {
            Some(at) => at,
            None => {
                peers.push((peer, Vec::new()));
                peers.len() - 1
            }
        };
        let place = without_peer(address);
        if !place.is_empty() {
            peers[at].1.push(place);
        }
    }
    Ok(peers)
}

/// How long the DNS may take.
const DNS: Duration = Duration::from_secs(10);

/// Reads addresses that end with a peer; for those that do not the DNS is asked, which may know some that
/// do.
pub(crate) async fn addresses_with_peers(node: &Node, texts: &[String]) -> Result<Vec<Multiaddr>> {
    let addresses = parse_addresses(texts)?;
    let (mut all, bare): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|a| peer_of(a).is_some());
    for address in bare {
        let found = resolve_address(node, &address).await?;
        let before = all.len();
        all.extend(found.into_iter().filter(|found| peer_of(found).is_some()));
        if all.len() == before {
            return Err(Error::new(format!("found no ipfs peers at {address}")));
        }
    }
    Ok(all)
}

/// What an address stands for by the DNS.
pub(crate) async fn resolve_address(node: &Node, address: &Multiaddr) -> Result<Vec<Multiaddr>> {
    match timeout(DNS, node.resolve_address(address)).await {
        Ok(found) => found.map_err(Error::new),
        Err(_) => Err(Error::new(format!("{address}: the DNS does not answer"))),
    }
}

/// Reads multiaddrs.
pub(crate) fn parse_addresses(texts: &[String]) -> Result<Vec<Multiaddr>> {
    let parsed = texts.iter().map(|text| parse_address(text));
    parsed
        .map(|address| address.map_err(|e| Error::new(e.to_string())))
        .collect()
}

/// Reads a peer ID.
pub(crate) fn parse_peer(text: &str) -> Result<PeerId> {
    let fail = |why: &dyn ToString| {
        let why = why.to_string();
        Error::new(format!("failed to parse peer ID: {why}"))
    };
    // A name may have a prefix, a peer not.
    if text.starts_with('/') {
        parse_cid(text).map_err(|why| fail(&why))?;
    }
    let name: Name = text
        .parse()
        .map_err(|e: basalt::ipns::Error| Error::new(e.to_string()))?;
    PeerId::from_bytes(&name.multihash().to_bytes()).map_err(|e| fail(&e))
}
