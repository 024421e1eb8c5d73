//! Names in addresses.

use std::collections::HashSet;
use std::net::IpAddr;

use async_trait::async_trait;
use basalt_ipns::{Dns, Texts};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use crate::address::peer_of;

/// Addresses that one name stands for, at most.
const OF_ONE: usize = 100;
/// Addresses that are dialled for one.
const DIALLED: usize = 16;
/// Names that are asked for to dial one address.
const LOOKUPS: usize = 32;
/// What a text that is an address begins with.
const PREFIX: &str = "dnsaddr=";

/// The addresses that the first name in an address stands for: of `/dnsaddr` those that end as the
/// address does behind the name. An address without a name stands for itself.
///
/// # Errors
/// The DNS could not be asked.
pub async fn resolve(dns: &dyn Dns, address: &Multiaddr) -> Result<Vec<Multiaddr>, String> {
    let named = address.iter().enumerate().find_map(|(at, part)| {
        let kind: (String, fn(&IpAddr) -> bool) = match part {
            Protocol::Dns(name) => (name.into_owned(), |_| true),
            Protocol::Dns4(name) => (name.into_owned(), IpAddr::is_ipv4),
            Protocol::Dns6(name) => (name.into_owned(), IpAddr::is_ipv6),
            Protocol::Dnsaddr(name) => return Some((at, name.into_owned(), None)),
            _ => return None,
        };
        Some((at, kind.0, Some(kind.1)))
    });
    let Some((at, name, wanted)) = named else {
        return Ok(vec![address.clone()]);
    };
    let before: Multiaddr = address.iter().take(at).collect();
    let after: Multiaddr = address.iter().skip(at + 1).collect();
    let around = |inner: Multiaddr| -> Multiaddr { before.iter().chain(inner.iter()).collect() };
    if let Some(wanted) = wanted {
        let found = dns.addresses(&name).await?.into_iter().filter(wanted);
        let mut ips: Vec<IpAddr> = found.collect();
        ips.dedup();
        let all = ips.into_iter().take(OF_ONE);
        let all = all.map(|ip| {
            std::iter::once(Protocol::from(ip))
                .chain(after.iter())
                .collect()
        });
        return Ok(all.map(around).collect());
    }
    let found = dns.texts(&format!("_dnsaddr.{name}")).await?.texts;
    let found = found.iter().filter_map(|text| text.strip_prefix(PREFIX));
    // What cannot be read is somebody else's.
    let all = found.filter_map(|text| crate::parse_address(text).ok());
    let all = all.filter(|found| found.ends_with(&after)).take(OF_ONE);
    Ok(all.map(around).collect())
}

/// The addresses to dial for one at which `peer` is, without names, so that filters see them. Unchanged
/// where the name is needed later (by TLS), or stands for nothing: then the dial says so.
pub(crate) async fn resolved(dns: &dyn Dns, peer: PeerId, address: Multiaddr) -> Vec<Multiaddr> {
    let (mut all, mut lookups, mut seen) = (Vec::new(), 0, HashSet::new());
    let mut left = vec![address.clone()];
    while let Some(next) = left.pop() {
        // Names may lead to each other.
        if !seen.insert(next.clone()) {
            continue;
        }
        if keeps_name(&next) || !has_name(&next) {
            all.push(next);
            continue;
        }
        lookups += 1;
        if lookups > LOOKUPS || all.len() >= DIALLED {
            break;
        }
        let Ok(found) = resolve(dns, &next).await else {
            continue;
        };
        for found in found.into_iter().rev() {
            match peer_of(&found) {
                Some(other) if other != peer => {}
                Some(_) => left.push(crate::without_peer(&found)),
                None => left.push(found),
            }
        }
    }
    all.truncate(DIALLED);
    if all.is_empty() { vec![address] } else { all }
}

fn has_name(address: &Multiaddr) -> bool {
    address.iter().any(|part| {
        matches!(
            part,
            Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)
        )
    })
}

fn keeps_name(address: &Multiaddr) -> bool {
    let needs = |part| {
        matches!(
            part,
            Protocol::Wss(_) | Protocol::Tls | Protocol::P2pCircuit
        )
    };
    address.iter().any(needs)
}

/// The addresses of hosts as the C library finds them, for a network that was given nothing better.
pub(crate) struct Hosts;

#[async_trait]
impl Dns for Hosts {
    async fn texts(&self, domain: &str) -> Result<Texts, String> {
        Err(format!("lookup {domain}: nobody is asked for texts"))
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let found = tokio::net::lookup_host((name, 0)).await;
        let found = found.map_err(|e| format!("lookup {name}: {e}"))?;
        Ok(found.map(|socket| socket.ip()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a.test` and `b.test` lead to each other and to addresses; `ip.test` has two of those.
    struct Fixed(PeerId);

    #[async_trait]
    impl Dns for Fixed {
        async fn texts(&self, domain: &str) -> Result<Texts, String> {
            let (own, other) = (self.0, "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN");
            let texts = match domain {
                "_dnsaddr.a.test" => vec![
                    format!("dnsaddr=/ip4/1.2.3.4/tcp/1/p2p/{own}"),
                    format!("dnsaddr=/dnsaddr/b.test/p2p/{own}"),
                    format!("dnsaddr=/ip4/1.2.3.4/tcp/2/p2p/{other}"),
                    "dnsaddr=nonsense".to_owned(),
                    "/ip4/1.2.3.4/tcp/3".to_owned(),
                    "dnsaddr=/ip4/1.2.3.4/tcp/4".to_owned(),
                ],
                "_dnsaddr.b.test" => vec![
                    format!("dnsaddr=/dnsaddr/a.test/p2p/{own}"),
                    format!("dnsaddr=/dns4/ip.test/udp/5/quic-v1/p2p/{own}"),
                ],
                "_dnsaddr.fails.test" => return Err("it fails".to_owned()),
                _ => vec![],
            };
            Ok(Texts {
                texts,
                ..Texts::default()
            })
        }

        async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
            let all = ["127.0.0.1", "::1"].map(|ip| ip.parse().unwrap());
            Ok(if name == "ip.test" {
                all.into()
            } else {
                vec![]
            })
        }
    }

    fn dns() -> Fixed {
        Fixed(PeerId::random())
    }

    fn at(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    fn texts(all: &[Multiaddr]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn a_name_is_followed_one_step() {
        let dns = dns();
        let own = dns.0;
        let of = async |text: &str| texts(&resolve(&dns, &at(text)).await.unwrap());
        assert_eq!(
            of("/dns/ip.test/tcp/1").await,
            ["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"]
        );
        assert_eq!(of("/dns6/ip.test/tcp/1").await, ["/ip6/::1/tcp/1"]);
        assert_eq!(of("/dns4/none.test/tcp/1").await, Vec::<String>::new());
        assert_eq!(of("/ip4/1.1.1.1/tcp/1").await, ["/ip4/1.1.1.1/tcp/1"]);
        assert_eq!(of("/dnsaddr/a.test").await.len(), 4);
        assert_eq!(
            of(&format!("/dnsaddr/a.test/p2p/{own}")).await,
            [
                format!("/ip4/1.2.3.4/tcp/1/p2p/{own}"),
                format!("/dnsaddr/b.test/p2p/{own}")
            ]
        );
        let failed = resolve(&dns, &at("/dnsaddr/fails.test")).await;
        assert_eq!(failed.unwrap_err(), "it fails");
    }

    #[tokio::test]
    async fn names_become_addresses_where_that_does_no_harm() {
        let dns = dns();
        let of = async |text: &str| texts(&resolved(&dns, dns.0, at(text)).await);
        assert_eq!(of("/dns4/ip.test/tcp/1").await, ["/ip4/127.0.0.1/tcp/1"]);
        assert_eq!(
            of("/dns4/ip.test/tcp/1/ws").await,
            ["/ip4/127.0.0.1/tcp/1/ws"]
        );
        for same in [
            "/ip4/1.2.3.4/tcp/1",
            "/dns4/ip.test/tcp/1/tls/ws",
            "/dnsaddr/none.test",
            "/dnsaddr/fails.test",
        ] {
            assert_eq!(of(same).await, [same]);
        }
        // Only what is said of this peer counts, and a circle has an end.
        let found = of("/dnsaddr/a.test").await;
        assert!(
            found.contains(&"/ip4/1.2.3.4/tcp/1".to_owned()),
            "{found:?}"
        );
        let quic = "/ip4/127.0.0.1/udp/5/quic-v1".to_owned();
        assert!(found.contains(&quic), "{found:?}");
        assert!(!found.iter().any(|a| a.contains("tcp/2")), "{found:?}");
        assert!(found.len() <= DIALLED);
    }
}
