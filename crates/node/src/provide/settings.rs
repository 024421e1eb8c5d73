//! `Provide` in the config.

use std::fmt;
use std::time::Duration;

use basalt_repo::{Config, GoDuration};

use super::KeptBy;

const INTERVAL: Duration = Duration::from_secs(22 * 60 * 60);
const SEND: Duration = Duration::from_secs(10);

/// What is announced: `Provide.Strategy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Strategy {
    /// Every block.
    pub all: bool,
    /// What is under pins.
    pub pinned: bool,
    /// The roots of pins.
    pub roots: bool,
    /// The file tree.
    pub files: bool,
    /// Of files and directories only their roots, and not the blocks that they are made of.
    pub entities: bool,
    /// Nothing twice. That is so in any case; it is only kept to be shown.
    pub unique: bool,
}

impl Strategy {
    /// Reads a strategy; what it does not know is passed over, since the config was checked before.
    pub fn of(text: &str) -> Self {
        let mut strategy = Self::default();
        for word in text.split('+') {
            match word {
                "all" | "flat" | "" => strategy.all = true,
                "pinned" => strategy.pinned = true,
                "roots" => strategy.roots = true,
                "mfs" => strategy.files = true,
                "entities" => strategy.entities = true,
                "unique" => strategy.unique = true,
                _ => {}
            }
        }
        strategy
    }

    /// Whether a root that is kept so is announced.
    pub(super) fn announces(&self, kept: KeptBy) -> bool {
        self.all || ((self.pinned || self.roots) && kept.pin) || (self.files && kept.files)
    }

    /// Whether what is under such a root is announced too.
    pub(super) fn announces_below(&self, kept: KeptBy) -> bool {
        self.all || (self.pinned && kept.pin) || (self.files && kept.files)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.all, "all"),
            (self.pinned, "pinned"),
            (self.roots, "roots"),
            (self.files, "mfs"),
            (self.unique, "unique"),
            (self.entities, "entities"),
        ];
        let words: Vec<_> = words
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, w)| *w)
            .collect();
        f.write_str(&words.join("+"))
    }
}

/// What is announced, how often and with how much effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProvideSettings {
    /// Whether anything is.
    pub enabled: bool,
    /// What is.
    pub strategy: Strategy,
    /// How long a cycle takes; zero for none.
    pub interval: Duration,
    /// Whether a cycle goes on where it was when the node was closed.
    pub resume: bool,
    /// Workers, as Kubo counts them: at most, for what is told again, for what is new.
    pub workers: (i64, i64, i64),
    /// Peers that are told side by side.
    pub connections: usize,
    /// How long a peer may take.
    pub send_time: Duration,
}

impl ProvideSettings {
    /// Why the workers cannot be shared out, in Kubo's words.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self.workers {
            (most, again, new) if again < 0 || new < 0 || most < 0 => {
                Err("provider config: the number of workers must be non-negative")
            }
            (most, again, new) if most > 0 && again.saturating_add(new) > most => {
                Err("provider config: total dedicated workers exceed max workers")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn of(config: &Config) -> Self {
        let time = |key: &str, default| {
            let time = config.duration(key).and_then(GoDuration::to_std);
            time.unwrap_or(default)
        };
        let number = |key: &str, default| config.integer(key).unwrap_or(default);
        let connections = number("Provide.DHT.MaxProvideConnsPerWorker", 20).clamp(1, 256);
        Self {
            enabled: config.flag("Provide.Enabled").unwrap_or(true),
            strategy: Strategy::of(config.string("Provide.Strategy").unwrap_or("all")),
            interval: time("Provide.DHT.Interval", INTERVAL),
            resume: config.flag("Provide.DHT.ResumeEnabled").unwrap_or(true),
            workers: (
                number("Provide.DHT.MaxWorkers", 16),
                number("Provide.DHT.DedicatedPeriodicWorkers", 2),
                number("Provide.DHT.DedicatedBurstWorkers", 1),
            ),
            connections: usize::try_from(connections).unwrap_or(20),
            send_time: time("Provide.DHT.SendProviderRecordTimeout", SEND),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_say_what_is_announced() {
        let (pinned, files) = (
            KeptBy {
                pin: true,
                files: false,
            },
            KeptBy {
                pin: false,
                files: true,
            },
        );
        let none = KeptBy::default();
        let case = |text: &str, kept| {
            let strategy = Strategy::of(text);
            (strategy.announces(kept), strategy.announces_below(kept))
        };
        assert_eq!(case("all", none), (true, true));
        assert_eq!(case("pinned", none), (false, false));
        assert_eq!(case("pinned", pinned), (true, true));
        assert_eq!(case("roots", pinned), (true, false));
        assert_eq!(case("mfs", pinned), (false, false));
        assert_eq!(case("mfs", files), (true, true));
        assert_eq!(case("pinned+mfs+entities", files), (true, true));
        assert_eq!(
            Strategy::of("pinned+mfs+unique").to_string(),
            "pinned+mfs+unique"
        );
    }
}
