use std::str::FromStr;

use crate::Error;
use crate::go_text::quote;

/// Which blocks are announced, as `Provide.Strategy` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProvideStrategy {
    /// Every block.
    pub all: bool,
    /// The blocks below pins.
    pub pinned: bool,
    /// The roots of pins.
    pub roots: bool,
    /// The blocks of the mutable file tree.
    pub mfs: bool,
    /// A block that several of these reach is announced once a cycle.
    pub unique: bool,
    /// Only the blocks at which files and directories begin; implies `unique`.
    pub entities: bool,
}

impl FromStr for ProvideStrategy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut strategy = Self::default();
        let invalid = |problem: String| Error::Setting(format!("{problem} in {}", quote(text)));
        for part in text.split('+') {
            match part {
                "all" | "flat" => strategy.all = true,
                "" if text.is_empty() => strategy.all = true,
                "" => return Err(invalid("invalid provide strategy: empty token".to_owned())),
                "pinned" => strategy.pinned = true,
                "roots" => strategy.roots = true,
                "mfs" => strategy.mfs = true,
                "unique" => strategy.unique = true,
                "entities" => {
                    strategy.entities = true;
                    strategy.unique = true;
                }
                other => {
                    let token = quote(other);
                    return Err(invalid(format!("unknown provide strategy token: {token}")));
                }
            }
        }
        let only_all = Self {
            all: true,
            ..Self::default()
        };
        if strategy.all && strategy != only_all {
            return Err(invalid(
                "\"all\" strategy cannot be combined with other strategies".to_owned(),
            ));
        }
        if strategy.unique && !(strategy.pinned || strategy.mfs) {
            return Err(invalid(
                "+unique/+entities must combine with pinned and/or mfs".to_owned(),
            ));
        }
        if strategy.unique && strategy.roots {
            return Err(invalid(
                "+unique/+entities is incompatible with roots".to_owned(),
            ));
        }
        Ok(strategy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies() {
        for good in [
            "",
            "all",
            "flat",
            "pinned",
            "roots",
            "pinned+mfs",
            "pinned+mfs+entities",
        ] {
            assert!(good.parse::<ProvideStrategy>().is_ok(), "{good}");
        }
        for (bad, message) in [
            (
                "pinned+",
                "invalid provide strategy: empty token in \"pinned+\"",
            ),
            ("x", "unknown provide strategy token: \"x\" in \"x\""),
            (
                "all+mfs",
                "\"all\" strategy cannot be combined with other strategies in \"all+mfs\"",
            ),
            (
                "unique",
                "+unique/+entities must combine with pinned and/or mfs in \"unique\"",
            ),
            (
                "mfs+roots+unique",
                "+unique/+entities is incompatible with roots in \"mfs+roots+unique\"",
            ),
        ] {
            assert_eq!(
                bad.parse::<ProvideStrategy>().unwrap_err().to_string(),
                message
            );
        }
    }
}
