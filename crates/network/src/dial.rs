//! Why a dial failed, in the words that scripts know.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;

use libp2p::core::transport::TransportError;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::DialError;
use libp2p::{Multiaddr, PeerId};

use crate::address::{ip_of, without_peer};
use crate::{DialFailure, Error};

/// What became of dialling `peer`.
pub(crate) fn failed(peer: PeerId, error: &DialError) -> Error {
    let one = |address: &Multiaddr, reason: String| Error::Dial {
        peer,
        failures: vec![DialFailure {
            address: without_peer(address),
            reason,
        }],
    };
    match error {
        DialError::LocalPeerId { .. } => Error::DialSelf,
        DialError::NoAddresses => Error::NoAddresses(peer),
        DialError::WrongPeerId { obtained, address } => one(
            address,
            format!(
                "failed to negotiate security protocol: peer id mismatch: expected {peer}, but remote key matches {obtained}"
            ),
        ),
        DialError::Transport(errors) => {
            let failures = errors
                .iter()
                .map(|(address, error)| DialFailure {
                    address: without_peer(address),
                    reason: reason(address, error),
                })
                .collect();
            // Nobody was dialled where no transport can.
            match errors.iter().all(|(_, error)| is_unsupported(error)) {
                true => Error::NoGoodAddresses { peer, failures },
                false => Error::Dial { peer, failures },
            }
        }
        DialError::Denied { cause } => Error::Denied {
            peer,
            reason: cause
                .source()
                .map_or_else(|| cause.to_string(), ToString::to_string),
        },
        DialError::DialPeerConditionFalse(_) | DialError::Aborted => Error::Denied {
            peer,
            reason: "context canceled".to_owned(),
        },
    }
}

/// Whether no transport knows the protocol.
fn is_unsupported(error: &TransportError<io::Error>) -> bool {
    match error {
        TransportError::MultiaddrNotSupported(_) => true,
        TransportError::Other(error) => is_unknown(error),
    }
}

/// The transport that resolves names tells in words only that no other knows the protocol.
fn is_unknown(error: &io::Error) -> bool {
    let text = innermost(error).to_string();
    let mut reasons = text
        .lines()
        .filter(|line| !line.starts_with("Multiple dial errors"))
        .map(|line| line.trim_start_matches([' ', '-']))
        .peekable();
    reasons.peek().is_some()
        && reasons.all(|reason| reason.starts_with("Unsupported resolved address"))
}

/// An address that the filters refuse.
pub(crate) fn filtered(address: Multiaddr) -> DialFailure {
    DialFailure {
        address,
        reason: "gater disallows connection to peer".to_owned(),
    }
}

/// Why a listener does not work.
pub(crate) fn listening(address: &Multiaddr, error: &TransportError<io::Error>) -> String {
    match error {
        TransportError::MultiaddrNotSupported(_) => format!("{address}: no transport for protocol"),
        TransportError::Other(error) => match place(address).strip_prefix("dial ") {
            Some(place) => {
                let place = place.trim_end_matches("connect: ");
                format!("listen {place}bind: {}", system(error))
            }
            None => format!("{address}: {error}"),
        },
    }
}

fn reason(address: &Multiaddr, error: &TransportError<io::Error>) -> String {
    match error {
        TransportError::Other(error) if !is_unknown(error) => {
            // An error that stands for another hides it, and has its words.
            let inner = innermost(error);
            let text = inner.to_string();
            let place = place(address);
            match text.split_once(" (os error") {
                Some((words, _)) => format!("{place}{}", words.to_lowercase()),
                None if is_late(inner) => {
                    format!("{}i/o timeout", place.trim_end_matches("connect: "))
                }
                None => text,
            }
        }
        _ => "no transport for protocol".to_owned(),
    }
}

/// Whether nothing was heard for so long that it was given up here.
fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

fn innermost(error: &io::Error) -> &(dyn std::error::Error + 'static) {
    let mut innermost: &(dyn std::error::Error + 'static) = error;
    while let Some(source) = below(innermost) {
        innermost = source;
    }
    innermost
}

/// What is inside an error; an `io::Error` hides it from `source`.
fn below<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a (dyn std::error::Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as _),
        None => error.source(),
    }
}

/// `dial tcp4 127.0.0.1:1: connect: `
fn place(address: &Multiaddr) -> String {
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(("tcp", port)),
        Protocol::Udp(port) => Some(("udp", port)),
        _ => None,
    });
    match (ip_of(address), port) {
        (Some(ip), Some((network, port))) => {
            let version = if ip.is_ipv4() { 4 } else { 6 };
            let socket = SocketAddr::new(ip, port);
            format!("dial {network}{version} {socket}: connect: ")
        }
        _ => String::new(),
    }
}

/// The system's words, in lower case and without the number.
fn system(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_transport_dials_is_no_good_address() {
        let peer = PeerId::random();
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}").parse().unwrap();
        let text =
            format!("Multiple dial errors occurred:\n - Unsupported resolved address: {address}");
        let error = TransportError::Other(io::Error::other(text));
        let error = DialError::Transport(vec![(address, error)]);
        assert_eq!(
            failed(peer, &error).to_string(),
            format!(
                "failed to dial: failed to dial {peer}: no good addresses\n  * [/ip4/127.0.0.1/tcp/1] no transport for protocol"
            )
        );
    }

    #[test]
    fn failures_read_as_kubo_s() {
        let peer = PeerId::random();
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}").parse().unwrap();
        let refused = io::Error::from_raw_os_error(111);
        let nested = io::Error::other(refused);
        let error = DialError::Transport(vec![(address, TransportError::Other(nested))]);
        assert_eq!(
            failed(peer, &error).to_string(),
            format!(
                "failed to dial: failed to dial {peer}: all dials failed\n  * [/ip4/127.0.0.1/tcp/1] dial tcp4 127.0.0.1:1: connect: connection refused"
            )
        );
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}").parse().unwrap();
        let late = io::Error::other(io::Error::from(io::ErrorKind::TimedOut));
        let error = DialError::Transport(vec![(address, TransportError::Other(late))]);
        let said = failed(peer, &error).to_string();
        assert!(
            said.ends_with("] dial tcp4 127.0.0.1:1: i/o timeout"),
            "{said}"
        );
    }
}
