//! What is in use of what is limited.

use std::collections::BTreeMap;

use libp2p::multiaddr::Protocol;

use crate::limits::{SPOKEN, Scope, Usage};
use crate::peers::Direction;
use crate::service::Service;
use crate::traffic::StreamCount;

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn add_streams(scope: &mut Scope, count: StreamCount) {
    scope.streams_inbound += signed(count.inbound);
    scope.streams_outbound += signed(count.outbound);
    scope.streams = scope.streams_inbound + scope.streams_outbound;
}

impl Service {
    pub(crate) fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for open in self.open() {
            let of_peer = usage.peers.entry(open.peer.to_string()).or_default();
            for scope in [of_peer, &mut usage.system] {
                scope.connections += 1;
                match open.direction {
                    Direction::Inbound => scope.connections_inbound += 1,
                    Direction::Outbound => scope.connections_outbound += 1,
                }
                let has_socket = |part| matches!(part, Protocol::Tcp(_));
                scope.descriptors += i64::from(open.address.iter().any(has_socket));
            }
        }
        let (_, unfinished) = self.swarm.behaviour().limits.count();
        usage.transient.connections_inbound = signed(unfinished);
        usage.transient.connections = usage.transient.connections_inbound;
        let (all, by_protocol) = self.traffic().count();
        add_streams(&mut usage.system, all);
        for (name, count) in &by_protocol {
            let scope = usage.protocols.entry(name.clone()).or_default();
            add_streams(scope, *count);
        }
        for (peer, count) in self.traffic().count_by_peer() {
            add_streams(usage.peers.entry(peer.to_string()).or_default(), count);
        }
        let services: BTreeMap<_, _> = SPOKEN
            .iter()
            .map(|(service, protocols)| {
                let mut scope = Scope::default();
                for name in *protocols {
                    add_streams(
                        &mut scope,
                        by_protocol.get(*name).copied().unwrap_or_default(),
                    );
                }
                ((*service).to_owned(), scope)
            })
            .collect();
        usage.services = services;
        usage
    }
}
