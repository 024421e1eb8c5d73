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
///
/// Without a signed record of them: the library signs one of its own kind only, and a peer that checks it as
/// the specification says believes nothing of the whole message. Helia does, and would not know that this
/// node speaks Bitswap.
pub(crate) fn behaviour(options: &Options) -> Behaviour {
    let config = Config::new(String::new(), options.key.public())
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
