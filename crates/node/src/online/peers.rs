//! Peers and addresses that the config names.

use basalt_network::{Multiaddr, PeerId, Range, ip_of, parse_address, peer_of, without_peer};
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

/// Peers, each with its addresses.
pub(super) type Peers = Vec<(PeerId, Vec<Multiaddr>)>;

/// Adds an address of a peer.
pub(super) fn add(peers: &mut Peers, peer: PeerId, address: Multiaddr) {
    match peers.iter_mut().find(|(known, _)| *known == peer) {
        Some((_, addresses)) => addresses.push(address),
        None => peers.push((peer, vec![address])),
    }
}

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
        add(&mut peers, peer, address);
    }
    Ok(peers)
}

/// Says which listeners `Swarm.AddrFilters` makes useless, unless `Internal.DeadListenerCheck` forbids:
/// those of one interface alone, as others may serve elsewhere.
pub(super) fn check_listeners(config: &Config, listen: &[Multiaddr], filters: &[Range]) {
    if config.flag("Internal.DeadListenerCheck") == Some(false) {
        return;
    }
    for (listener, filter) in dead(listen, filters) {
        tracing::error!(target: "basalt::network", "the listener {listener} of Addresses.Swarm matches the rule {filter} of Swarm.AddrFilters: no connection to it is accepted. Remove the rule to allow them");
    }
}

fn dead(listen: &[Multiaddr], filters: &[Range]) -> Vec<(Multiaddr, Range)> {
    let mut dead = Vec::new();
    for address in listen {
        let ip = ip_of(address).filter(|ip| !ip.is_unspecified());
        let Some(ip) = ip else { continue };
        let matching = filters.iter().filter(|filter| filter.contains(ip));
        dead.extend(matching.map(|filter| (address.clone(), *filter)));
    }
    dead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_that_nobody_reaches() {
        let listen: Vec<Multiaddr> = [
            "/ip4/10.1.2.3/tcp/4001",
            "/ip4/0.0.0.0/tcp/4001",
            "/ip6/fd00::1/udp/4001/quic-v1",
            "/dns4/a.example/tcp/1",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let filters: Vec<Range> = ["/ip4/10.0.0.0/ipcidr/8", "/ip4/0.0.0.0/ipcidr/8"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let found = dead(&listen, &filters);
        assert_eq!(found, [(listen[0].clone(), filters[0])]);
    }
}
