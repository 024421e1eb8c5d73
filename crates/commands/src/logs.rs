//! Logs: the level of each subsystem, where lines go, and who follows them.
//!
//! A subsystem is what an event's target names: `basalt::bitswap` is `bitswap`. Where Kubo has a
//! subsystem of the same matter, it has Kubo's name. The environment variables are Kubo's too:
//! `GOLOG_LOG_LEVEL`, `GOLOG_LOG_FMT`, `GOLOG_FILE`, `GOLOG_OUTPUT`, and `IPFS_LOGGING` and
//! `IPFS_LOGGING_FMT` after them.

mod environment;
mod layer;
mod level;
mod line;
mod sink;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use tokio::sync::broadcast;
use tracing_subscriber::layer::SubscriberExt;

pub use level::Level;
use sink::Sink;

/// Lines that a follower may lag behind before it loses some.
const WAITING: usize = 4096;

/// Subsystems that are there from the start.
const KNOWN: [&str; 14] = [
    "bitswap",
    "blockstore",
    "cmd/ipfs",
    "cmds/http",
    "core",
    "core/commands",
    "dht",
    "gateway",
    "gc",
    "ipns",
    "pin",
    "pubsub",
    "repo",
    "swarm2",
];

/// The logs of this process.
pub struct Logs {
    levels: RwLock<Levels>,
    tails: broadcast::Sender<(Level, Bytes)>,
    sink: RwLock<Sink>,
}

struct Levels {
    default: Level,
    own: BTreeMap<String, Level>,
    seen: BTreeSet<String>,
}

static LOGS: LazyLock<Logs> = LazyLock::new(|| Logs {
    levels: RwLock::new(Levels {
        default: Level::Error,
        own: BTreeMap::new(),
        seen: KNOWN.iter().map(|name| (*name).to_owned()).collect(),
    }),
    tails: broadcast::Sender::new(WAITING),
    sink: RwLock::new(Sink::default()),
});

/// The logs of this process.
pub fn logs() -> &'static Logs {
    &LOGS
}

impl Logs {
    /// Begins to log, as the environment says. A subscriber that is there already stays.
    pub fn init(&self) {
        let setup = environment::read();
        {
            let mut levels = self.write_levels();
            levels.default = setup.level;
            levels.own.extend(setup.subsystems);
        }
        *self.sink.write().unwrap_or_else(PoisonError::into_inner) = setup.sink;
        let subscriber = tracing_subscriber::registry().with(layer::Lines);
        // Whoever embeds the node may have a subscriber of their own.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }

    /// The level of subsystems that have none of their own.
    pub fn default_level(&self) -> Level {
        self.levels().default
    }

    /// The level of a subsystem; `None` for one that is not known.
    pub fn level(&self, subsystem: &str) -> Option<Level> {
        let levels = self.levels();
        let own = levels.own.get(subsystem).copied();
        own.or_else(|| levels.seen.contains(subsystem).then_some(levels.default))
    }

    /// The level of every known subsystem.
    pub fn all_levels(&self) -> BTreeMap<String, Level> {
        let levels = self.levels();
        let mut all: BTreeMap<_, _> = levels
            .seen
            .iter()
            .map(|name| (name.clone(), levels.default))
            .collect();
        all.extend(
            levels
                .own
                .iter()
                .map(|(name, level)| (name.clone(), *level)),
        );
        all
    }

    /// The known subsystems.
    pub fn subsystems(&self) -> Vec<String> {
        self.levels().seen.iter().cloned().collect()
    }

    /// Sets the level of a subsystem, known or not.
    pub fn set(&self, subsystem: &str, level: Level) {
        self.write_levels().own.insert(subsystem.to_owned(), level);
        tracing::callsite::rebuild_interest_cache();
    }

    /// Sets the level of every subsystem, and of those to come.
    pub fn set_all(&self, level: Level) {
        {
            let mut levels = self.write_levels();
            levels.default = level;
            levels.own.values_mut().for_each(|own| *own = level);
        }
        tracing::callsite::rebuild_interest_cache();
    }

    /// Follows the lines that are logged from now on, as JSON, each with its end.
    pub fn follow(&self) -> broadcast::Receiver<(Level, Bytes)> {
        self.tails.subscribe()
    }

    fn levels(&self) -> RwLockReadGuard<'_, Levels> {
        self.levels.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_levels(&self) -> RwLockWriteGuard<'_, Levels> {
        self.levels.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether events of a target are wanted; notes its subsystem.
    fn wants(&self, target: &str, level: Level) -> bool {
        let name = subsystem(target);
        if !self.levels().seen.contains(name) {
            self.write_levels().seen.insert(name.to_owned());
        }
        let levels = self.levels();
        level >= levels.own.get(name).copied().unwrap_or(levels.default)
    }

    /// The lowest level that any subsystem has.
    fn lowest(&self) -> Level {
        let levels = self.levels();
        levels
            .own
            .values()
            .copied()
            .fold(levels.default, Level::min)
    }
}

/// The subsystem of an event's target.
fn subsystem(target: &str) -> &str {
    let own = target
        .strip_prefix("basalt::")
        .or_else(|| target.strip_prefix("basalt_"))
        .unwrap_or(target);
    match own.split("::").next().unwrap_or(own) {
        "basalt" | "node" => "core",
        "cli" | "daemon" => "cmd/ipfs",
        "commands" => "core/commands",
        "http" | "rpc" => "cmds/http",
        "store" | "blockstore_rocks" => "blockstore",
        "libp2p_gossipsub" => "pubsub",
        "libp2p_kad" => "dht",
        "libp2p_swarm" => "swarm2",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_kubo_names() {
        for (target, name) in [
            ("basalt::bitswap", "bitswap"),
            ("basalt_pin::collector::run", "pin"),
            ("basalt::store", "blockstore"),
            ("basalt_http", "cmds/http"),
            ("libp2p_kad::behaviour", "dht"),
            ("basalt", "core"),
            ("other::thing", "other"),
        ] {
            assert_eq!(subsystem(target), name, "{target}");
        }
    }
}
