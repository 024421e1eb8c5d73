//! What the daemon says on standard output; supervisors read these lines.

use std::collections::{BTreeMap, BTreeSet};

use basalt::network::Multiaddr;
use basalt::network::multiaddr::Protocol;
use basalt::repo::config::Config;

use super::listen::Bound;

/// At a signal.
pub(super) const STOPPING: &str = "Received interrupt signal, shutting down...\n(Hit ctrl-c again to force-shutdown the daemon.)\n";

/// For nodes with an old kind of key.
pub(super) const RSA_WARNING: &str = "
Warning: this node's key is an RSA key. Kubo has made Ed25519 keys since September 2020;
RSA ones are larger, and signing with them takes more time. To change the key, and with it
the peer ID, stop the daemon and run:

  ipfs key rotate -o rsa-key-backup -t ed25519

";

/// For nodes that go through the whole DHT first.
pub(super) const ACCELERATED: &str = "
Routing.AcceleratedDHTClient is enabled: the node goes through the whole DHT now, and once an hour.
Everything works meanwhile; finding and announcing become faster when that is done.

";

/// Where the daemon listens.
pub(super) fn listeners(config: &Config, bound: &[Bound]) -> String {
    let mut text = String::new();
    if !config.rpc_authorizations().is_empty() && !bound.is_empty() {
        text.push_str("RPC API access is limited by the rules defined in API.Authorizations\n");
    }
    for bound in bound {
        text.push_str(&format!("RPC API server listening on {}\n", bound.address));
        if let Some(url) = bound.webui() {
            text.push_str(&format!("WebUI: {url}\n"));
        }
    }
    text
}

/// Which private network the node is in.
pub(super) fn private_network(fingerprint: &str) -> String {
    format!(
        "Swarm is limited to private network of peers with the swarm key\nSwarm key fingerprint: {fingerprint}\n"
    )
}

/// Where the swarm listens: the ports, which is what firewalls are told, and each of them once.
pub(super) fn swarm(addresses: &[Multiaddr]) -> String {
    let mut ports: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for address in addresses {
        let mut parts = address.iter();
        let host = match parts.next() {
            Some(Protocol::Ip4(ip)) => ip.to_string(),
            Some(Protocol::Ip6(ip)) => format!("[{ip}]"),
            Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)) => {
                name.into_owned()
            }
            _ => continue,
        };
        let (network, port) = match parts.next() {
            Some(Protocol::Tcp(port)) => ("TCP", port),
            Some(Protocol::Udp(port)) => ("UDP", port),
            _ => continue,
        };
        ports
            .entry(format!("{host}:{port}"))
            .or_default()
            .insert(network);
    }
    let mut text = String::new();
    for (port, networks) in ports {
        let networks: Vec<&str> = networks.into_iter().collect();
        text.push_str(&format!(
            "Swarm listening on {port} ({})\n",
            networks.join("+")
        ));
    }
    text.push_str("Run 'ipfs id' to inspect announced and discovered multiaddrs of this node.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_told_once() {
        let list =
            |all: &[&str]| -> Vec<Multiaddr> { all.iter().map(|a| a.parse().unwrap()).collect() };
        let all = list(&[
            "/ip4/127.0.0.1/tcp/4001",
            "/ip4/127.0.0.1/udp/4001/quic-v1",
            "/ip6/::1/tcp/4001",
            "/ip4/127.0.0.1/tcp/4001/ws",
        ]);
        assert_eq!(
            swarm(&all),
            "Swarm listening on 127.0.0.1:4001 (TCP+UDP)\nSwarm listening on [::1]:4001 (TCP)\nRun 'ipfs id' to inspect announced and discovered multiaddrs of this node.\n"
        );
    }
}
