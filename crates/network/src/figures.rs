//! What the network has done since the start, counted for those who watch it.
//!
//! There are as many counts however many peers there are: what a peer says is no part of their names.

use std::collections::BTreeMap;
use std::time::Duration;

use basalt_bitswap::Spread;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use crate::limits::{Limits, Usage};
use crate::peers::Direction;
use crate::service::Service;
use crate::{DialFailure, Error, Handle, Reachability, Result};

/// Sixteenths of a second, doubled up to 24 days.
const LIVES: [f64; 25] = {
    let (mut bounds, mut at) = ([1.0 / 16.0; 25], 1);
    while at < bounds.len() {
        bounds[at] = 2.0 * bounds[at - 1];
        at += 1;
    }
    bounds
};

/// A kind of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Kind {
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// `tcp`, also under WebSocket and through relays, or `quic-v1`.
    pub transport: &'static str,
    /// `ip4` or `ip6`, or `unknown`.
    pub ip: &'static str,
}

/// Connections of a kind.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Connections {
    /// How many were made.
    pub opened: u64,
    /// How long those lasted that have ended, in seconds.
    pub lives: Spread,
}

/// A kind of dial that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Failure {
    /// The last protocol of the address that is a transport's, or `other`.
    pub transport: &'static str,
    /// `connection refused`, `timeout` or `other`.
    pub error: &'static str,
    /// `ip4` or `ip6`, or `unknown`.
    pub ip: &'static str,
}

/// How a hole was punched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Punch {
    /// `initiator` or `receiver`.
    pub side: &'static str,
    /// Dials that it took.
    pub dials: usize,
    /// Whether a direct connection came of it.
    pub success: bool,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    connections: BTreeMap<Kind, Connections>,
    failures: BTreeMap<Failure, u64>,
    punches: BTreeMap<Punch, u64>,
}

/// What was counted, and how things stand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Figures {
    /// Connections.
    pub connections: BTreeMap<Kind, Connections>,
    /// Addresses that could not be dialled.
    pub failures: BTreeMap<Failure, u64>,
    /// Holes punched, or not.
    pub punches: BTreeMap<Punch, u64>,
    /// Whether others can reach the node.
    pub reachability: Reachability,
    /// Whether it is a relay for others now.
    pub relays: bool,
    /// Addresses that it announces.
    pub addresses: usize,
    /// What is limited and in use, unless there are no limits. Of protocols, those that the node speaks;
    /// of peers, none.
    pub resources: Option<(Limits, Usage)>,
    /// Protocols that it speaks.
    pub protocols: usize,
}

impl Counts {
    fn of(&mut self, direction: Direction, address: &Multiaddr) -> &mut Connections {
        let kind = Kind {
            direction: match direction {
                Direction::Inbound => "inbound",
                Direction::Outbound => "outbound",
            },
            transport: match transport(address) {
                "quic-v1" => "quic-v1",
                _ => "tcp",
            },
            ip: ip(address),
        };
        self.connections.entry(kind).or_insert_with(|| Connections {
            opened: 0,
            lives: Spread::over(&LIVES),
        })
    }

    pub(crate) fn opened(&mut self, direction: Direction, address: &Multiaddr) {
        self.of(direction, address).opened += 1;
    }

    pub(crate) fn closed(&mut self, direction: Direction, address: &Multiaddr, life: Duration) {
        self.of(direction, address).lives.time(life);
    }

    pub(crate) fn failed(&mut self, error: &Error) {
        let (Error::Dial { failures, .. } | Error::NoGoodAddresses { failures, .. }) = error else {
            return;
        };
        for DialFailure { address, reason } in failures {
            let error = match reason {
                reason if reason.ends_with("connection refused") => "connection refused",
                reason if reason.ends_with("i/o timeout") => "timeout",
                _ => "other",
            };
            let (transport, ip) = (transport(address), ip(address));
            let failure = Failure {
                transport,
                error,
                ip,
            };
            *self.failures.entry(failure).or_default() += 1;
        }
    }

    pub(crate) fn punched(&mut self, side: &'static str, dials: usize, success: bool) {
        let punch = Punch {
            side,
            dials,
            success,
        };
        *self.punches.entry(punch).or_default() += 1;
    }
}

fn transport(address: &Multiaddr) -> &'static str {
    let named = |part| match part {
        Protocol::P2pCircuit => Some("p2p-circuit"),
        Protocol::QuicV1 => Some("quic-v1"),
        Protocol::Ws(_) => Some("ws"),
        Protocol::Wss(_) => Some("wss"),
        Protocol::Tcp(_) => Some("tcp"),
        _ => None,
    };
    address.iter().filter_map(named).last().unwrap_or("other")
}

fn ip(address: &Multiaddr) -> &'static str {
    match address.iter().next() {
        Some(Protocol::Ip4(_) | Protocol::Dns4(_)) => "ip4",
        Some(Protocol::Ip6(_) | Protocol::Dns6(_)) => "ip6",
        _ => "unknown",
    }
}

impl Service {
    fn figures(&self, limits: Option<Limits>) -> Figures {
        let counts = self.counts.clone();
        let protocols = self.protocols();
        let resources = limits.map(|limits| {
            let mut usage = self.usage();
            usage.peers.clear();
            usage.protocols.retain(|name, _| protocols.contains(name));
            (limits, usage)
        });
        Figures {
            connections: counts.connections,
            failures: counts.failures,
            punches: counts.punches,
            reachability: self.reach.overall(),
            relays: self.is_relay(),
            addresses: self.announced.len(),
            resources,
            protocols: protocols.len(),
        }
    }
}

impl Handle {
    /// What was counted, and how things stand.
    pub async fn figures(&self) -> Result<Figures> {
        let limits = self.limits.as_ref().clone();
        self.call(move |service| service.figures(limits)).await
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;

    #[test]
    fn connections_and_dials_are_counted_by_kind() {
        let mut counts = Counts::default();
        let tcp: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let quic: Multiaddr = "/ip6/::1/udp/1/quic-v1".parse().unwrap();
        let web: Multiaddr = "/dns4/example.com/tcp/1/ws".parse().unwrap();
        for address in [&tcp, &web, &quic] {
            counts.opened(Direction::Outbound, address);
        }
        counts.opened(Direction::Inbound, &quic);
        counts.closed(Direction::Inbound, &quic, Duration::from_secs(3));
        let kinds: Vec<_> = counts.connections.iter().collect();
        let [(inbound, one), (_, two), (outbound, three)] = kinds[..] else {
            panic!("{kinds:?}");
        };
        assert_eq!(
            (inbound.direction, inbound.transport),
            ("inbound", "quic-v1")
        );
        assert_eq!((one.opened, one.lives.sum), (1, 3.0));
        assert_eq!((outbound.ip, two.opened, three.opened), ("ip4", 1, 2));
        let failures = [
            (&tcp, "dial tcp4 127.0.0.1:1: connect: connection refused"),
            (&tcp, "dial tcp4 127.0.0.1:1: i/o timeout"),
            (&web, "whatever"),
        ];
        let failures = failures.map(|(address, reason)| DialFailure {
            address: address.clone(),
            reason: reason.to_owned(),
        });
        let peer = PeerId::random();
        counts.failed(&Error::Dial {
            peer,
            failures: failures.into(),
        });
        counts.failed(&Error::DialSelf);
        let failures: Vec<_> = counts.failures.iter().collect();
        let words = failures.iter().map(|(f, n)| (f.transport, f.error, **n));
        assert_eq!(
            words.collect::<Vec<_>>(),
            [
                ("tcp", "connection refused", 1),
                ("tcp", "timeout", 1),
                ("ws", "other", 1)
            ]
        );
    }
}
