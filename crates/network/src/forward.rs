//! Ports that a router forwards to the node.

use std::net::{IpAddr, SocketAddr};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// A port of this machine that a router forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Forwarding {
    /// Whether it is one of UDP, not of TCP.
    pub udp: bool,
    /// The port of this machine.
    pub port: u16,
    /// Where others reach it.
    pub external: SocketAddr,
}

/// The ports among the addresses where the node listens that a router could forward: those in a
/// private network.
pub(crate) fn ports(listening: &[Multiaddr]) -> Vec<(bool, u16)> {
    let private = listening.iter().filter_map(|address| {
        let (ip, udp, port) = socket(address)?;
        matches!(ip, IpAddr::V4(ip) if ip.is_private()).then_some((udp, port))
    });
    let mut ports: Vec<_> = private.collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Where others reach the node through what is forwarded.
pub(crate) fn addresses(listening: &[Multiaddr], forwarded: &[Forwarding]) -> Vec<Multiaddr> {
    let mut all = Vec::new();
    for address in listening {
        let Some((ip, udp, port)) = socket(address) else {
            continue;
        };
        if ip.is_loopback() || ip.is_ipv6() {
            continue;
        }
        for one in forwarded {
            if (one.udp, one.port) == (udp, port) && is_outside(one.external.ip()) {
                let number = one.external.port();
                let part = if udp {
                    Protocol::Udp(number)
                } else {
                    Protocol::Tcp(number)
                };
                let start = [Protocol::from(one.external.ip()), part];
                all.push(start.into_iter().chain(address.iter().skip(2)).collect());
            }
        }
    }
    all
}

/// Where an address leads, and whether by UDP.
fn socket(address: &Multiaddr) -> Option<(IpAddr, bool, u16)> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((ip, false, port)),
        Protocol::Udp(port) => Some((ip, true, port)),
        _ => None,
    }
}

/// Whether an address may be one of the internet: a router behind another has none.
fn is_outside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_broadcast()
                || shared)
        }
        IpAddr::V6(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(all: &[&str]) -> Vec<Multiaddr> {
        all.iter().map(|a| a.parse().unwrap()).collect()
    }

    #[test]
    fn forwarded_ports_are_addresses() {
        let listening = list(&[
            "/ip4/192.168.1.2/tcp/4001",
            "/ip4/192.168.1.2/udp/4001/quic-v1",
            "/ip4/192.168.1.2/tcp/4002/ws",
            "/ip4/127.0.0.1/tcp/4001",
            "/ip6/::1/tcp/4001",
        ]);
        assert_eq!(
            ports(&listening),
            [(false, 4001), (false, 4002), (true, 4001)]
        );
        assert!(ports(&list(&["/ip4/203.0.113.1/tcp/1", "/ip4/127.0.0.1/tcp/1"])).is_empty());
        let one = |udp, port, external: &str| Forwarding {
            udp,
            port,
            external: external.parse().unwrap(),
        };
        let forwarded = [
            one(false, 4001, "203.0.113.7:5001"),
            one(true, 4001, "203.0.113.7:5002"),
            one(false, 4002, "203.0.113.7:5003"),
            one(false, 9999, "203.0.113.7:9999"),
        ];
        let expected = list(&[
            "/ip4/203.0.113.7/tcp/5001",
            "/ip4/203.0.113.7/udp/5002/quic-v1",
            "/ip4/203.0.113.7/tcp/5003/ws",
        ]);
        assert_eq!(addresses(&listening, &forwarded), expected);
        // A router behind another.
        for inside in ["10.0.0.1:1", "100.64.0.1:1", "0.0.0.0:1"] {
            assert!(addresses(&listening, &[one(false, 4001, inside)]).is_empty());
        }
    }
}
