//! What multiaddrs say.

use std::net::IpAddr;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use crate::Transports;

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

/// The first protocol of a listener's address that this node does not speak.
pub(crate) fn unsupported(address: &Multiaddr, used: &Transports) -> Option<Unsupported> {
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
    fn listeners_that_are_not_there_are_named() {
        let what =
            |a: &str| unsupported(&a.parse().unwrap(), &Transports::default()).map(|u| u.protocol);
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
