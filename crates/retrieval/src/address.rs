//! Servers, as multiaddrs name them.

use std::fmt;
use std::net::IpAddr;

use basalt_http::Target;
use multiaddr::{Multiaddr, Protocol};

/// An HTTP server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server {
    host: String,
    port: u16,
    tls: bool,
    /// The name that it is known under, where that is not its host.
    name: Option<String>,
}

/// Whether an address is that of an HTTP server, of whatever kind.
pub fn is_http(address: &Multiaddr) -> bool {
    let http = |part| matches!(part, Protocol::Http | Protocol::Https);
    address.iter().any(http)
}

impl Server {
    /// The server at an address; `None` where there is none, and where it would have to be asked in the
    /// clear over the internet: only servers on this machine or in private networks are.
    pub fn of(address: &Multiaddr) -> Option<Self> {
        let (mut host, mut port, mut name) = (None, None, None);
        let (mut tls, mut http) = (false, false);
        let mut ip: Option<IpAddr> = None;
        for part in address.iter() {
            match part {
                Protocol::Ip4(address) => ip = Some(address.into()),
                Protocol::Ip6(address) => ip = Some(address.into()),
                Protocol::Dns(text) | Protocol::Dns4(text) | Protocol::Dns6(text) => {
                    host = Some(text.into_owned());
                }
                Protocol::Tcp(number) | Protocol::Udp(number) => port = Some(number),
                Protocol::Tls => tls = true,
                Protocol::Http => http = true,
                Protocol::Https => (tls, http) = (true, true),
                Protocol::Sni(text) => {
                    tls = true;
                    name = Some(text.into_owned());
                }
                // Somebody who is reached through another is no server of the web.
                Protocol::P2pCircuit => return None,
                _ => {}
            }
        }
        let host = match (host, ip) {
            (Some(host), _) => host,
            (None, ip) => ip?.to_string(),
        };
        if !http || !is_host(&host) || !name.as_deref().is_none_or(is_host) {
            return None;
        }
        if !tls && !ip.is_some_and(is_near) {
            return None;
        }
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        Some(Self {
            host,
            port,
            tls,
            name,
        })
    }

    /// The host, a name or an IP address, which the lists of the configuration are about.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The name that it is asked under, where that is not its host.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn target(&self) -> Target {
        let address = match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        };
        match self.tls {
            true => Target::Tls(address),
            false => Target::Tcp(address),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = match self.tls {
            true => ("https", 443),
            false => ("http", 80),
        };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]", self.host)?,
            false => write!(f, "{scheme}://{}", self.host)?,
        }
        match self.port == usual {
            true => Ok(()),
            false => write!(f, ":{}", self.port),
        }
    }
}

/// Whether a text that others chose may stand in a request and in the log.
fn is_host(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(allowed)
}

fn is_near(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        // fc00::/7.
        IpAddr::V6(ip) => ip.is_loopback() || ip.segments()[0] & 0xfe00 == 0xfc00,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(address: &str) -> Option<String> {
        Some(Server::of(&address.parse().unwrap())?.to_string())
    }

    #[test]
    fn addresses_are_servers() {
        for (address, expected) in [
            ("/dns4/a.example/tcp/443/https", "https://a.example"),
            ("/dns/a.example/tcp/443/tls/http", "https://a.example"),
            (
                "/dns6/a.example/tcp/8443/tls/http",
                "https://a.example:8443",
            ),
            ("/dns/a.example/https", "https://a.example"),
            (
                "/ip4/1.2.3.4/tcp/443/tls/sni/a.example/http",
                "https://1.2.3.4",
            ),
            ("/ip6/2001:db8::1/tcp/443/https", "https://[2001:db8::1]"),
            ("/ip4/127.0.0.1/tcp/80/http", "http://127.0.0.1"),
            ("/ip4/10.1.2.3/tcp/8080/http", "http://10.1.2.3:8080"),
            ("/ip6/::1/tcp/8080/http", "http://[::1]:8080"),
            ("/ip6/fd00::1/tcp/8080/http", "http://[fd00::1]:8080"),
        ] {
            assert_eq!(url(address).as_deref(), Some(expected), "{address}");
        }
        let named = "/ip4/1.2.3.4/tcp/443/tls/sni/a.example/http"
            .parse()
            .unwrap();
        assert_eq!(Server::of(&named).unwrap().name(), Some("a.example"));
    }

    #[test]
    fn others_are_not() {
        for address in [
            "/ip4/1.2.3.4/tcp/80/http",
            "/dns4/a.example/tcp/80/http",
            "/ip6/2001:db8::1/tcp/80/http",
            "/ip4/127.0.0.1/tcp/4001",
            "/ip4/127.0.0.1/tcp/4001/ws",
            "/ip4/127.0.0.1/tcp/443/tls/ws",
            "/tcp/443/https",
        ] {
            assert_eq!(url(address), None, "{address}");
        }
        let peer = libp2p_identity::PeerId::random();
        let relayed = format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}/p2p-circuit/http");
        assert_eq!(url(&relayed), None);
    }

    proptest! {
        #[test]
        fn hosts_forge_nothing(host in ".{0,40}") {
            let address = Multiaddr::empty()
                .with(Protocol::Dns(host.into()))
                .with(Protocol::Https);
            if let Some(server) = Server::of(&address) {
                let shown = server.to_string();
                prop_assert!(!shown.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@'));
            }
        }
    }
}
