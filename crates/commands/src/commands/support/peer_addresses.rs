use basalt::block::parse_cid;
use basalt::ipns::Name;
use basalt::network::{Multiaddr, PeerId, parse_address, peer_of, without_peer};

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
