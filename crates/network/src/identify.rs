//! What peers tell each other about themselves.

use std::collections::BTreeSet;
use std::time::Duration;

use libp2p::identify::{Behaviour, Config, Info};

use crate::Options;
use crate::peers::Identity;

/// Changes are pushed; to ask again is hardly ever of use.
const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Protocols of a peer that are remembered, and bytes of their names.
const PROTOCOLS: usize = 256;
/// Addresses of a peer that are listened to.
const ADDRESSES: usize = 64;
/// Bytes of a name that are remembered.
const LENGTH: usize = 256;

/// The behaviour. Addresses that the node announces are its external ones alone: the rules of what is
/// announced are applied before.
pub(crate) fn behaviour(options: &Options) -> Behaviour {
    let config = Config::new_with_signed_peer_record(String::new(), &options.key)
        .with_agent_version(options.agent.clone())
        .with_interval(AGAIN)
        .with_cache_size(0)
        .with_hide_listen_addrs(true);
    Behaviour::new(config)
}

/// What is kept of what a peer says.
pub(crate) fn identity(info: Info) -> Identity {
    let protocols: BTreeSet<String> = info
        .protocols
        .iter()
        .map(|protocol| protocol.as_ref())
        .filter(|name: &&str| name.len() <= LENGTH)
        .take(PROTOCOLS)
        .map(str::to_owned)
        .collect();
    Identity {
        key: info.public_key,
        agent: cut(&info.agent_version),
        protocols: protocols.into_iter().collect(),
        addresses: info.listen_addrs.into_iter().take(ADDRESSES).collect(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LENGTH).collect()
}
