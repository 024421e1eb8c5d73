//! What multiaddrs say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use crate::Options;

/// A kind of listener that this node does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The address that asks for it.
    pub address: Multiaddr,
    /// The name of the protocol.
    pub protocol: &'static str,
}

/// The peer that an address ends with.
pub fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// The address without the peer at its end.
pub fn without_peer(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

/// The address with the peer at its end.
pub fn with_peer(address: &Multiaddr, peer: PeerId) -> Multiaddr {
    match peer_of(address) {
        Some(there) if there == peer => address.clone(),
        _ => address.clone().with(Protocol::P2p(peer)),
    }
}

/// The IP address that an address begins with.
pub fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// Whether an address is of one link alone, and so means nothing without the name of the link.
pub(crate) fn is_link_local(address: &Multiaddr) -> bool {
    matches!(ip_of(address), Some(IpAddr::V6(ip)) if ip.segments()[0] & 0xffc0 == 0xfe80)
}

/// Whether an address leads through a relay.
pub(crate) fn is_relayed(address: &Multiaddr) -> bool {
    address
        .iter()
        .any(|part| matches!(part, Protocol::P2pCircuit))
}

/// Where the other end of a connection is, without its peer. Of one that came through a relay that is the
/// way to the relay: the library says it of its own end only.
pub(crate) fn remote_of(endpoint: &ConnectedPoint) -> Multiaddr {
    match endpoint {
        ConnectedPoint::Listener { local_addr, .. } if is_relayed(local_addr) => {
            let mut circuit = false;
            local_addr
                .iter()
                .take_while(|part| !std::mem::replace(&mut circuit, *part == Protocol::P2pCircuit))
                .collect()
        }
        _ => without_peer(endpoint.get_remote_address()),
    }
}

/// The relay and the rest of an address that does not say where the relay is: `/p2p/X/p2p-circuit/…`.
pub(crate) fn through(address: &Multiaddr) -> Option<(PeerId, Multiaddr)> {
    let mut parts = address.iter();
    let Some(Protocol::P2p(relay)) = parts.next() else {
        return None;
    };
    let rest: Multiaddr = parts.collect();
    (rest.iter().next() == Some(Protocol::P2pCircuit)).then_some((relay, rest))
}

/// Whether anybody may be at an IP address, as far as the Internet goes.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast();
    !special
        && match ip.octets() {
            // This network, and what is reserved.
            [0 | 240..=255, ..] => false,
            // Of providers who share addresses.
            [100, 64..=127, ..] => false,
            [192, 0, 0, ..=63] | [192, 88, 99, _] => false,
            // Of measurements.
            [198, 18..=19, ..] => false,
            _ => true,
        }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        [0x2001, 0xdb8, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Whether a listener is one of secure WebSocket, which takes a certificate.
pub(crate) fn is_secure(address: &Multiaddr) -> bool {
    address
        .iter()
        .any(|part| matches!(part, Protocol::Tls | Protocol::Wss(_)))
}

/// The address of a listener without the name that clients say it has: any that the certificate is for.
pub(crate) fn without_name(address: &Multiaddr) -> Multiaddr {
    let parts = address.iter();
    parts
        .filter(|part| !matches!(part, Protocol::Sni(_)))
        .collect()
}

/// The first protocol of a listener's address that this node does not speak.
pub(crate) fn unsupported(address: &Multiaddr, options: &Options) -> Option<Unsupported> {
    let used = &options.transports;
    let tcp_alone = |address: &Multiaddr| {
        let websocket = |part| matches!(part, Protocol::Ws(_) | Protocol::Wss(_));
        !address.iter().any(websocket)
    };
    let protocol = address.iter().find_map(|part| match part {
        Protocol::QuicV1 if !used.quic => Some("quic-v1"),
        Protocol::Tcp(_) if !used.tcp && tcp_alone(address) => Some("tcp"),
        Protocol::Ws(_) | Protocol::Wss(_) if !used.websocket => Some("ws"),
        Protocol::WebTransport => Some("webtransport"),
        Protocol::WebRTCDirect => Some("webrtc-direct"),
        Protocol::Quic => Some("quic"),
        _ => None,
    })?;
    Some(Unsupported {
        address: address.clone(),
        protocol,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_told_from_addresses() {
        let peer = PeerId::random();
        let plain: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let full = with_peer(&plain, peer);
        assert_eq!(full.to_string(), format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}"));
        assert_eq!(with_peer(&full, peer), full);
        assert_eq!(peer_of(&full), Some(peer));
        assert_eq!(peer_of(&plain), None);
        assert_eq!(without_peer(&full), plain);
        assert_eq!(without_peer(&plain), plain);
    }

    #[test]
    fn the_way_through_a_relay_is_told() {
        let (relay, peer) = (PeerId::random(), PeerId::random());
        let circuit: Multiaddr = format!("/ip4/1.2.3.4/tcp/1/p2p/{relay}/p2p-circuit")
            .parse()
            .unwrap();
        let came = |local: &Multiaddr| ConnectedPoint::Listener {
            local_addr: local.clone(),
            send_back_addr: Protocol::P2p(peer).into(),
        };
        assert_eq!(remote_of(&came(&circuit)), circuit);
        assert_eq!(remote_of(&came(&with_peer(&circuit, peer))), circuit);
        let full = with_peer(&circuit, peer);
        assert_eq!(through(&full), None);
        let short: Multiaddr = format!("/p2p/{relay}/p2p-circuit/p2p/{peer}")
            .parse()
            .unwrap();
        let (found, rest) = through(&short).unwrap();
        assert_eq!(found, relay);
        assert_eq!(rest.to_string(), format!("/p2p-circuit/p2p/{peer}"));
    }

    #[test]
    fn public_addresses_are_told_from_others() {
        for public in ["1.2.3.4", "100.128.0.1", "192.0.1.1", "5.10.0.2", "2a00::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "127.0.0.1",
            "10.1.2.3",
            "100.64.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "0.0.0.0",
            "203.0.113.9",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn listeners_that_are_not_there_are_named() {
        let options = Options::new(crate::Keypair::generate_ed25519(), "x");
        let secure = [
            "/ip4/0.0.0.0/tcp/1/tls/ws",
            "/ip4/0.0.0.0/tcp/1/wss",
            "/ip4/0.0.0.0/tcp/1/tls/sni/*.libp2p.direct/ws",
        ];
        for address in secure.map(|a| a.parse().unwrap()) {
            assert!(is_secure(&address));
            assert_eq!(unsupported(&address, &options), None);
            assert!(!without_name(&address).to_string().contains("sni"));
        }
        let what = |a: &str| unsupported(&a.parse().unwrap(), &options).map(|u| u.protocol);
        assert_eq!(what("/ip4/0.0.0.0/tcp/1"), None);
        assert_eq!(what("/ip4/0.0.0.0/udp/1/quic-v1"), None);
        assert_eq!(what("/ip4/0.0.0.0/tcp/1/ws"), None);
        assert_eq!(
            what("/ip4/0.0.0.0/udp/1/quic-v1/webtransport"),
            Some("webtransport")
        );
        assert_eq!(
            what("/ip4/0.0.0.0/udp/1/webrtc-direct"),
            Some("webrtc-direct")
        );
        assert!(is_link_local(&"/ip6/fe80::1/tcp/1".parse().unwrap()));
        assert!(!is_link_local(&"/ip6/::1/tcp/1".parse().unwrap()));
    }
}
