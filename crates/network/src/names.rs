//! Names in addresses.

use std::net::IpAddr;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// Addresses that one name stands for, at most.
const OF_ONE: usize = 16;

/// The address with its name replaced by each of the IP addresses it stands for, so that filters see
/// them. Unchanged where the name is needed later (by TLS), or stands for nothing: then the dial says so.
pub(crate) async fn resolved(address: Multiaddr) -> Vec<Multiaddr> {
    let keeps_name = |part| {
        matches!(
            part,
            Protocol::Wss(_) | Protocol::Tls | Protocol::P2pCircuit
        )
    };
    if address.iter().any(keeps_name) {
        return vec![address];
    }
    let (name, wanted): (String, fn(&IpAddr) -> bool) = match address.iter().next() {
        Some(Protocol::Dns(name)) => (name.into_owned(), |_| true),
        Some(Protocol::Dns4(name)) => (name.into_owned(), IpAddr::is_ipv4),
        Some(Protocol::Dns6(name)) => (name.into_owned(), IpAddr::is_ipv6),
        _ => return vec![address],
    };
    let Ok(found) = tokio::net::lookup_host((name.as_str(), 0)).await else {
        return vec![address];
    };
    let mut ips: Vec<IpAddr> = found.map(|socket| socket.ip()).filter(wanted).collect();
    ips.dedup();
    let all: Vec<Multiaddr> = ips
        .into_iter()
        .take(OF_ONE)
        .map(|ip| {
            let rest = address.iter().skip(1);
            std::iter::once(Protocol::from(ip)).chain(rest).collect()
        })
        .collect();
    if all.is_empty() { vec![address] } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_become_addresses_where_that_does_no_harm() {
        let of = |text: &str| resolved(text.parse().unwrap());
        assert_eq!(
            of("/dns4/localhost/tcp/1").await,
            ["/ip4/127.0.0.1/tcp/1".parse().unwrap()]
        );
        assert_eq!(
            of("/dns4/localhost/tcp/1/ws").await,
            ["/ip4/127.0.0.1/tcp/1/ws".parse().unwrap()]
        );
        for same in [
            "/ip4/1.2.3.4/tcp/1",
            "/dns4/localhost/tcp/1/tls/ws",
            "/dnsaddr/x",
        ] {
            assert_eq!(of(same).await, [same.parse().unwrap()]);
        }
    }
}
