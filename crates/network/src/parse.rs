//! Multiaddrs as people write them, and what is wrong with them in the words that scripts know.

use std::fmt;

use libp2p::multiaddr::{self, Protocol};
use libp2p::{Multiaddr, PeerId};

/// The codec of a public key in a CID.
const LIBP2P_KEY: u8 = 0x72;

/// A text that is no multiaddr.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse multiaddr {}: {reason}", Quoted(.text))]
pub struct NotAnAddress {
    text: String,
    reason: String,
}

/// In quotes, with escapes, as Go writes a text.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}"),
                '\n' => write!(f, "\\n"),
                '\t' => write!(f, "\\t"),
                '\r' => write!(f, "\\r"),
                c if c.is_control() && u32::from(c) < 0x80 => write!(f, "\\x{:02x}", u32::from(c)),
                c => write!(f, "{c}"),
            }?;
        }
        write!(f, "\"")
    }
}

/// Reads a multiaddr. Unlike the library's own reader it takes peers that are written as CIDs, forgives
/// slashes at the end, and says which part is wrong.
///
/// # Errors
/// What is wrong, in Kubo's words.
pub fn parse_address(text: &str) -> Result<Multiaddr, NotAnAddress> {
    let text = text.trim_end_matches('/');
    let fail = |reason: String| NotAnAddress {
        text: text.to_owned(),
        reason,
    };
    let mut parts = text.split('/').peekable();
    if parts.next() != Some("") {
        return Err(fail("must begin with /".to_owned()));
    }
    if parts.peek().is_none() {
        return Err(fail("empty multiaddr".to_owned()));
    }
    let mut address = Multiaddr::empty();
    while let Some(name) = parts.peek().copied() {
        if let Some(peer) = peer_as_cid(&mut parts.clone()) {
            parts.next();
            parts.next();
            address.push(Protocol::P2p(peer));
            continue;
        }
        let value = parts.clone().nth(1);
        let part = Protocol::from_str_parts(&mut parts).map_err(|error| {
            fail(match (error, value) {
                (multiaddr::Error::UnknownProtocolString(name), _) => {
                    format!("unknown protocol {name}")
                }
                (_, None) => "unexpected end of multiaddr".to_owned(),
                (error, Some(value)) => {
                    let reason = invalid(name, value, &error);
                    let name = if name == "ipfs" { "p2p" } else { name };
                    format!(
                        "invalid value {} for protocol {name}: {reason}",
                        Quoted(value)
                    )
                }
            })
        })?;
        address.push(part);
    }
    Ok(address)
}

/// `p2p/k51…`
fn peer_as_cid<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<PeerId> {
    if !matches!(parts.next()?, "p2p" | "ipfs") {
        return None;
    }
    let (_, bytes) = multibase::decode(parts.next()?).ok()?;
    match bytes.as_slice() {
        [1, LIBP2P_KEY, hash @ ..] => PeerId::from_bytes(hash).ok(),
        _ => None,
    }
}

fn invalid(name: &str, value: &str, error: &multiaddr::Error) -> String {
    match name {
        "ip4" | "ip6" => format!("failed to parse {name} addr: {value}"),
        "tcp" | "udp" | "dccp" | "sctp" => {
            let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            let why = if digits {
                "value out of range"
            } else {
                "invalid syntax"
            };
            format!(
                "failed to parse port addr: strconv.ParseUint: parsing {}: {why}",
                Quoted(value)
            )
        }
        "p2p" | "ipfs" if value.len() < 2 => {
            format!("failed to parse p2p addr: {value} invalid cid: cid too short")
        }
        "p2p" | "ipfs" => format!("failed to parse p2p addr: {value} {error}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let same = |text: &str| assert_eq!(parse_address(text).unwrap().to_string(), text);
        same("/ip4/127.0.0.1/tcp/4001");
        same("/ip4/127.0.0.1/udp/4001/quic-v1/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN");
        same("/dns4/x.example/tcp/443/wss");
        same("/unix/tmp");
        assert_eq!(
            parse_address("/ipfs/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN/").unwrap(),
            "/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
                .parse()
                .unwrap()
        );
        let peer: PeerId = "12D3KooWAWuqxKAZkFzySeCX53ZwJpsDfD2Qck7LxaY6UqhDyW8x"
            .parse()
            .unwrap();
        let mut cid = vec![1, LIBP2P_KEY];
        cid.extend(peer.to_bytes());
        let text = multibase::encode(multibase::Base::Base36Lower, cid);
        assert_eq!(
            parse_address(&format!("/ip4/1.1.1.1/tcp/1/p2p/{text}")).unwrap(),
            format!("/ip4/1.1.1.1/tcp/1/p2p/{peer}").parse().unwrap()
        );
    }

    /// Recorded from Kubo 0.43.0.
    #[test]
    fn what_is_wrong_is_told() {
        let error = |text: &str| parse_address(text).unwrap_err().to_string();
        assert_eq!(
            error("foo"),
            "failed to parse multiaddr \"foo\": must begin with /"
        );
        assert_eq!(
            error("/foo/1"),
            "failed to parse multiaddr \"/foo/1\": unknown protocol foo"
        );
        assert_eq!(
            error("/ip4/1.2.3.4/tcp"),
            "failed to parse multiaddr \"/ip4/1.2.3.4/tcp\": unexpected end of multiaddr"
        );
        assert_eq!(
            error("/ip4/1.2.3"),
            "failed to parse multiaddr \"/ip4/1.2.3\": invalid value \"1.2.3\" for protocol ip4: failed to parse ip4 addr: 1.2.3"
        );
        assert_eq!(
            error("/ip4/1.2.3.4/tcp/x"),
            "failed to parse multiaddr \"/ip4/1.2.3.4/tcp/x\": invalid value \"x\" for protocol tcp: failed to parse port addr: strconv.ParseUint: parsing \"x\": invalid syntax"
        );
    }
}
