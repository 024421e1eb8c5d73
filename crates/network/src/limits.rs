//! How much others may take: connections, streams, descriptors.
//!
//! The figures, how they follow from memory and descriptors, and their names are go-libp2p's, so that a
//! config means the same here. What is enforced is what another side can take: connections that it opens
//! (in all, unfinished, of one peer, from one network) and streams that it opens (in all, of one peer).

mod gate;

use std::collections::BTreeMap;

use libp2p::Multiaddr;

pub(crate) use gate::Behaviour;

/// No limit.
pub const UNLIMITED: i64 = -1;
/// Nothing at all.
pub const BLOCK_ALL: i64 = -2;

/// The limits of one scope, or what is used of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope {
    /// Bytes.
    pub memory: i64,
    /// File descriptors.
    pub descriptors: i64,
    /// Connections.
    pub connections: i64,
    /// Connections that others opened.
    pub connections_inbound: i64,
    /// Connections that this node opened.
    pub connections_outbound: i64,
    /// Streams.
    pub streams: i64,
    /// Streams that others opened.
    pub streams_inbound: i64,
    /// Streams that this node opened.
    pub streams_outbound: i64,
}

impl Scope {
    const fn same(value: i64) -> Self {
        Self {
            memory: value,
            descriptors: value,
            connections: value,
            connections_inbound: value,
            connections_outbound: value,
            streams: value,
            streams_inbound: value,
            streams_outbound: value,
        }
    }
}

/// What a limit is with little memory, and what each GiB adds: inbound, outbound, all streams, MiB.
type Scaled = ([i64; 4], [i64; 4]);

const IDENTIFY: Scaled = ([64, 64, 128, 4], [64, 64, 128, 4]);
const PING: Scaled = ([64, 64, 64, 4], [64, 64, 64, 4]);
const AUTONAT: Scaled = ([64, 64, 64, 4], [4, 4, 4, 2]);
const HOLE_PUNCH: Scaled = ([32, 32, 64, 4], [8, 8, 16, 4]);
const RELAY: Scaled = ([256, 256, 256, 16], [256, 256, 256, 16]);
const CIRCUIT: Scaled = ([640, 640, 640, 16], [640, 640, 640, 16]);

const SERVICES: &[(&str, Scaled)] = &[
    ("libp2p.autonat", AUTONAT),
    ("libp2p.holepunch", HOLE_PUNCH),
    ("libp2p.identify", IDENTIFY),
    ("libp2p.ping", PING),
    ("libp2p.relay/v2", RELAY),
];

const PROTOCOLS: &[(&str, Scaled)] = &[
    ("/ipfs/id/1.0.0", IDENTIFY),
    ("/ipfs/id/push/1.0.0", IDENTIFY),
    ("/ipfs/ping/1.0.0", PING),
    ("/libp2p/autonat/1.0.0", AUTONAT),
    ("/libp2p/circuit/relay/0.2.0/hop", CIRCUIT),
    ("/libp2p/circuit/relay/0.2.0/stop", CIRCUIT),
    ("/libp2p/dcutr", HOLE_PUNCH),
];

/// Which protocols a service speaks.
pub(crate) const SPOKEN: &[(&str, &[&str])] = &[
    ("libp2p.autonat", &["/libp2p/autonat/1.0.0"]),
    ("libp2p.holepunch", &["/libp2p/dcutr"]),
    (
        "libp2p.identify",
        &["/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0"],
    ),
    ("libp2p.ping", &["/ipfs/ping/1.0.0"]),
    (
        "libp2p.relay/v2",
        &[
            "/libp2p/circuit/relay/0.2.0/hop",
            "/libp2p/circuit/relay/0.2.0/stop",
        ],
    ),
];

/// Inbound connections that are always allowed, where connections are managed.
const LEAST_INBOUND: i64 = 800;

/// Limits of connections and streams.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Everything.
    pub system: Scope,
    /// What is not yet known to be of a peer.
    pub transient: Scope,
    /// Parts of the node by name.
    pub services: BTreeMap<String, Scope>,
    /// Protocols by name.
    pub protocols: BTreeMap<String, Scope>,
    /// One peer.
    pub peer: Scope,
    /// Addresses, ranges and peers to which the limits of connections do not apply.
    pub allowed: Vec<Multiaddr>,
}

impl Limits {
    /// The limits that follow from the memory and the descriptors that the network may use; with
    /// `high_water` where connections are managed.
    pub fn scaled(memory: u64, descriptors: u64, high_water: Option<u64>) -> Self {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let (memory, descriptors) = (signed(memory), signed(descriptors));
        let mebibytes = if memory > 128 << 20 { memory >> 20 } else { 0 };
        let grow = |base: i64, more: i64| base + ((more * mebibytes) >> 10);
        let scope = |(base, more): &Scaled| Scope {
            memory: (base[3] << 20) + (((more[3] << 20) * mebibytes) >> 10),
            streams_inbound: grow(base[0], more[0]),
            streams_outbound: grow(base[1], more[1]),
            streams: grow(base[2], more[2]),
            ..Scope::same(BLOCK_ALL)
        };
        let named = |list: &[(&str, Scaled)]| {
            let all = list.iter();
            all.map(|(name, scaled)| ((*name).to_owned(), scope(scaled)))
                .collect()
        };
        let inbound = memory >> 20;
        let system = match high_water {
            Some(high) if inbound > 0 => inbound.max(signed(high) * 2).max(LEAST_INBOUND),
            _ => inbound,
        };
        let blocked = |n: i64| if n == 0 { BLOCK_ALL } else { n };
        Self {
            system: Scope {
                memory,
                descriptors,
                connections_inbound: blocked(system),
                ..Scope::same(UNLIMITED)
            },
            transient: Scope {
                memory: memory / 4,
                descriptors: descriptors / 4,
                connections_inbound: blocked(inbound / 4),
                ..Scope::same(UNLIMITED)
            },
            services: named(SERVICES),
            protocols: named(PROTOCOLS),
            peer: Scope {
                connections_inbound: 8,
                streams_inbound: grow(256, 128),
                ..Scope::same(UNLIMITED)
            },
            allowed: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::scaled(1 << 30, 4096, None)
    }
}

/// What is in use.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Usage {
    /// Everything.
    pub system: Scope,
    /// What is not yet known to be of a peer.
    pub transient: Scope,
    /// Parts of the node by name.
    pub services: BTreeMap<String, Scope>,
    /// Protocols by name.
    pub protocols: BTreeMap<String, Scope>,
    /// Peers by ID.
    pub peers: BTreeMap<String, Scope>,
}

/// A limit as a number of things; `None` for no limit.
pub(crate) fn most(limit: i64) -> Option<usize> {
    match limit {
        UNLIMITED | 0 => None,
        BLOCK_ALL => Some(0),
        n => usize::try_from(n).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from `ipfs swarm resources` of Kubo 0.43.0 on a machine with 24 GB.
    #[test]
    fn limits_are_kubo_s() {
        let limits = Limits::scaled(12_638_255_104, 10_000, Some(96));
        assert_eq!(limits.system.connections_inbound, 12_052);
        assert_eq!(limits.transient.memory, 3_159_563_776);
        assert_eq!(limits.transient.connections_inbound, 3013);
        let autonat = limits.services["libp2p.autonat"];
        assert_eq!((autonat.memory, autonat.streams), (28_876_800, 111));
        let identify = limits.protocols["/ipfs/id/1.0.0"];
        assert_eq!(identify.memory, 53_559_296);
        assert_eq!((identify.streams, identify.streams_inbound), (1634, 817));
        let stop = limits.protocols["/libp2p/circuit/relay/0.2.0/stop"];
        assert_eq!((stop.memory, stop.streams), (214_237_184, 8172));
        assert_eq!(stop.connections, BLOCK_ALL);
        let small = Limits::scaled(100 << 20, 10, Some(96));
        assert_eq!(small.system.connections_inbound, LEAST_INBOUND);
        assert_eq!(small.services["libp2p.ping"].streams, 64);
    }
}
