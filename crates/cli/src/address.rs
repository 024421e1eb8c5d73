//! The addresses of RPCs: multiaddrs, read with Kubo's words for what is wrong in them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use basalt::repo::go_quote as quote;

/// An address that an RPC may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A TCP port.
    Tcp(Host, u16),
    /// A TCP port with TLS above it. Only clients speak it.
    Tls(Host, u16),
    /// A multiaddr of something else.
    Other,
}

/// The machine of a TCP port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Name(String),
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::V4(ip) => ip.fmt(f),
            Self::V6(ip) => write!(f, "[{ip}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Protocols without a value.
const BARE: [&str; 16] = [
    "http",
    "https",
    "tls",
    "ws",
    "wss",
    "quic",
    "quic-v1",
    "webtransport",
    "webrtc",
    "webrtc-direct",
    "p2p-circuit",
    "noise",
    "plaintextv2",
    "udt",
    "utp",
    "p2p-websocket-star",
];
/// Protocols with a value that is not looked at here.
const VALUED: [&str; 10] = [
    "p2p",
    "ipfs",
    "certhash",
    "sni",
    "ip6zone",
    "ipcidr",
    "onion3",
    "garlic64",
    "memory",
    "http-path",
];

/// Reads a multiaddr.
pub(crate) fn parse(text: &str) -> Result<Address, String> {
    let text = text.trim_end_matches('/');
    let bad = |why: String| format!("failed to parse multiaddr {}: {why}", quote(text));
    if text.is_empty() {
        return Err(bad("empty multiaddr".to_owned()));
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err(bad("must begin with /".to_owned()));
    };
    let mut words = rest.split('/');
    let mut host = None;
    let mut port = None;
    let (mut tls, mut other) = (false, false);
    while let Some(name) = words.next() {
        if name == "https" || name == "tls" {
            tls = true;
        }
        if BARE.contains(&name) {
            other |= host.is_none() || port.is_none();
            continue;
        }
        let known = [
            "unix", "ip4", "ip6", "dns", "dns4", "dns6", "dnsaddr", "tcp", "udp", "dccp", "sctp",
        ];
        if !known.contains(&name) && !VALUED.contains(&name) {
            return Err(bad(format!("unknown protocol {name}")));
        }
        let Some(value) = words.next() else {
            return Err(bad("unexpected end of multiaddr".to_owned()));
        };
        let wrong = |why: String| {
            bad(format!(
                "invalid value {} for protocol {name}: {why}",
                quote(value)
            ))
        };
        match name {
            // The rest of the address is the path.
            "unix" => {
                let path = std::iter::once(value).chain(words).collect::<Vec<_>>();
                return Ok(Address::Unix(format!("/{}", path.join("/")).into()));
            }
            "ip4" => {
                let ip = value.parse();
                let ip = ip.map_err(|_| wrong(format!("failed to parse ip4 addr: {value}")))?;
                host = host.or(Some(Host::V4(ip)));
            }
            "ip6" => {
                let ip = value.parse();
                let ip = ip.map_err(|_| wrong(format!("failed to parse ip6 addr: {value}")))?;
                host = host.or(Some(Host::V6(ip)));
            }
            "dns" | "dns4" | "dns6" | "dnsaddr" => {
                host = host.or(Some(Host::Name(value.to_owned())));
                other |= name == "dnsaddr";
            }
            "tcp" | "udp" | "dccp" | "sctp" => {
                let number = port_number(value).map_err(wrong)?;
                other |= name != "tcp";
                port = port.or(Some(number));
            }
            _ => other |= host.is_none() || port.is_none(),
        }
    }
    Ok(match (host, port) {
        _ if other => Address::Other,
        (Some(host), Some(port)) if tls => Address::Tls(host, port),
        (Some(host), Some(port)) => Address::Tcp(host, port),
        _ => Address::Other,
    })
}

fn port_number(text: &str) -> Result<u16, String> {
    let why = |what: &str| {
        format!(
            "failed to parse port addr: strconv.ParseUint: parsing {}: {what}",
            quote(text)
        )
    };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(why("invalid syntax"));
    }
    text.parse().map_err(|_| why("value out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubo_listens_on() {
        let tcp = |host, port| Ok(Address::Tcp(host, port));
        let local = || Host::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(parse("/ip4/127.0.0.1/tcp/5001"), tcp(local(), 5001));
        assert_eq!(parse("/ip4/127.0.0.1/tcp/5001/http"), tcp(local(), 5001));
        assert_eq!(parse("/ip4/127.0.0.1/tcp/5001/"), tcp(local(), 5001));
        assert_eq!(
            parse("/ip6/::1/tcp/0"),
            tcp(Host::V6(Ipv6Addr::LOCALHOST), 0)
        );
        assert_eq!(
            parse("/dns4/localhost/tcp/80"),
            tcp(Host::Name("localhost".to_owned()), 80)
        );
        assert_eq!(
            parse("/unix/run/a b/ipfs.sock"),
            Ok(Address::Unix("/run/a b/ipfs.sock".into()))
        );
        assert_eq!(parse("/unix/x"), Ok(Address::Unix("/x".into())));
        let tls = |host, port| Ok(Address::Tls(host, port));
        assert_eq!(parse("/ip4/127.0.0.1/tcp/443/https"), tls(local(), 443));
        assert_eq!(parse("/ip4/127.0.0.1/tcp/443/tls/http"), tls(local(), 443));
        assert_eq!(parse("/ip4/1.2.3.4/udp/443"), Ok(Address::Other));
        assert_eq!(parse("/ip4/1.2.3.4"), Ok(Address::Other));
        assert_eq!(parse("/p2p/Qm"), Ok(Address::Other));
    }

    #[test]
    fn errors_are_those_of_kubo() {
        for (text, why) in [
            ("bogus", "\"bogus\": must begin with /"),
            ("", "\"\": empty multiaddr"),
            ("/", "\"\": empty multiaddr"),
            ("//x", "\"//x\": unknown protocol "),
            ("/bogus/x", "\"/bogus/x\": unknown protocol bogus"),
            ("/ip4", "\"/ip4\": unexpected end of multiaddr"),
            (
                "/ip4/1.2.3/tcp/1",
                "\"/ip4/1.2.3/tcp/1\": invalid value \"1.2.3\" for protocol ip4: failed to parse ip4 addr: 1.2.3",
            ),
            (
                "/ip4/1.2.3.4/tcp/x",
                "\"/ip4/1.2.3.4/tcp/x\": invalid value \"x\" for protocol tcp: failed to parse port addr: strconv.ParseUint: parsing \"x\": invalid syntax",
            ),
            (
                "/ip4/1.2.3.4/tcp/65536",
                "\"/ip4/1.2.3.4/tcp/65536\": invalid value \"65536\" for protocol tcp: failed to parse port addr: strconv.ParseUint: parsing \"65536\": value out of range",
            ),
        ] {
            let want = format!("failed to parse multiaddr {why}");
            assert_eq!(parse(text), Err(want), "{text}");
        }
    }
}
