//! Peers and addresses that the config names.

use basalt_network::{Multiaddr, PeerId, Range, parse_address, peer_of, without_peer};
use basalt_repo::Config;

use crate::{Error, Result};

/// `Swarm.AddrFilters`.
pub(super) fn filters(config: &Config) -> Result<Vec<Range>> {
    let key = "Swarm.AddrFilters";
    let texts = config.strings(key);
    let parsed = texts.iter().map(|text| {
        text.parse().map_err(|_| Error::NetworkSetting {
            key,
            reason: format!("incorrectly formatted address filter in config: {text}"),
        })
    });
    parsed.collect()
}

type Peers = Vec<(PeerId, Vec<Multiaddr>)>;

/// `Peering.Peers`: each has an `ID` and `Addrs`.
pub(super) fn peering(config: &Config) -> Result<Peers> {
    let key = "Peering.Peers";
    let wrong = |reason: String| Error::NetworkSetting { key, reason };
    let mut peers = Peers::new();
    let listed = config.at(key).and_then(|peers| peers.as_array());
    for entry in listed.into_iter().flatten() {
        let id = entry["ID"].as_str().unwrap_or_default();
        let id = basalt_repo::parse_peer_id(id)?;
        let mut addresses = Vec::new();
        for text in entry["Addrs"].as_array().into_iter().flatten() {
            let text = text.as_str().unwrap_or_default();
            let address = parse_address(text).map_err(|e| wrong(e.to_string()))?;
            addresses.push(without_peer(&address));
        }
        peers.push((id, addresses));
    }
    Ok(peers)
}

/// `Bootstrap`, each peer once.
pub(super) fn bootstrap(config: &Config) -> Result<Peers> {
    let key = "Bootstrap";
    let mut peers = Peers::new();
    for text in config.bootstrap_resolved() {
        let wrong = |reason: String| Error::NetworkSetting { key, reason };
        let address = parse_address(&text).map_err(|e| wrong(e.to_string()))?;
        let peer = peer_of(&address).ok_or_else(|| wrong("invalid p2p multiaddr".to_owned()))?;
        match peers.iter_mut().find(|(known, _)| *known == peer) {
            Some((_, addresses)) => addresses.push(address),
            None => peers.push((peer, vec![address])),
        }
    }
    Ok(peers)
}
