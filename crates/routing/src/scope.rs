//! Which addresses and peers belong to the DHT of the internet, and which to that of the local network.

use std::net::IpAddr;

use multiaddr::{Multiaddr, Protocol};

/// The two DHTs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The internet's.
    Wan,
    /// The local network's.
    Lan,
}

impl Scope {
    /// The protocol that is spoken.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Wan => "/ipfs/kad/1.0.0",
            Self::Lan => "/ipfs/lan/kad/1.0.0",
        }
    }

    /// Whether an address is told and remembered in this DHT.
    pub fn keeps(self, address: &Multiaddr, loopback: bool) -> bool {
        match self {
            Self::Wan => is_public(address),
            Self::Lan => loopback || !is_loopback(address),
        }
    }

    /// Whether a peer at these addresses may be asked.
    pub fn asks(self, addresses: &[Multiaddr]) -> bool {
        match self {
            Self::Wan => addresses.iter().any(|a| !is_relayed(a) && is_public(a)),
            Self::Lan => !addresses.is_empty(),
        }
    }

    /// Whether a peer may be in the table: by the addresses that it has, and by those at the other
    /// ends of its connections.
    pub fn admits(self, addresses: &[Multiaddr], connections: &[Multiaddr]) -> bool {
        match self {
            Self::Wan => self.asks(addresses),
            Self::Lan => connections.iter().any(|a| !is_relayed(a) && is_private(a)),
        }
    }
}

/// The IP address that an address begins with.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// Whether an address leads through a relay.
pub fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// Whether an address is of the node's own machine alone.
pub fn is_loopback(address: &Multiaddr) -> bool {
    ip_of(address).is_some_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether an address can be reached over the internet. Names are taken for it.
pub fn is_public(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => {
            let [a, b, c, _] = ip.octets();
            let unroutable = a == 0
                || a >= 224
                || (a == 192 && b == 0 && (c == 0 || c == 2))
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (b == 18 || b == 19))
                || (a == 198 && b == 51 && c == 100)
                || (a == 203 && b == 0 && c == 113);
            !unroutable && !is_private(address)
        }
        Some(Protocol::Ip6(ip)) => ip.segments()[0] & 0xe000 == 0x2000,
        Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)) => {
            name != "localhost" && !name.ends_with(".localhost") && !name.ends_with(".local")
        }
        Some(Protocol::Dnsaddr(_)) => true,
        _ => false,
    }
}

/// Whether an address is of a local network or of the machine.
pub fn is_private(address: &Multiaddr) -> bool {
    match ip_of(address) {
        Some(IpAddr::V4(ip)) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared
        }
        Some(IpAddr::V6(ip)) => {
            let first = ip.segments()[0];
            first & 0xe000 != 0x2000 && first & 0xff00 != 0xff00
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_belong_to_networks() {
        let public = [
            "/ip4/1.1.1.1/tcp/1",
            "/ip6/2606:4700::1/tcp/1",
            "/dns4/a.example/tcp/1",
        ];
        for text in public {
            assert!(is_public(&address(text)), "{text}");
            assert!(!is_private(&address(text)), "{text}");
        }
        let private = [
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/10.0.0.1/tcp/1",
            "/ip4/172.16.0.1/tcp/1",
            "/ip4/192.168.1.1/tcp/1",
            "/ip4/100.64.0.1/tcp/1",
            "/ip6/::1/tcp/1",
            "/ip6/fd00::1/tcp/1",
        ];
        for text in private {
            assert!(is_private(&address(text)), "{text}");
            assert!(!is_public(&address(text)), "{text}");
        }
        for text in [
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/224.0.0.1/udp/1",
            "/dns4/localhost/tcp/1",
        ] {
            assert!(!is_public(&address(text)), "{text}");
        }
    }

    #[test]
    fn scopes_choose() {
        let (loopback, public) = (
            address("/ip4/127.0.0.1/tcp/1"),
            address("/ip4/1.1.1.1/tcp/1"),
        );
        assert!(!Scope::Lan.keeps(&loopback, false));
        assert!(Scope::Lan.keeps(&loopback, true));
        assert!(!Scope::Wan.keeps(&loopback, true));
        assert!(Scope::Wan.admits(std::slice::from_ref(&public), &[]));
        assert!(!Scope::Lan.admits(std::slice::from_ref(&loopback), &[public]));
        assert!(Scope::Lan.admits(&[], &[loopback]));
    }
}
