use std::fmt;
use std::str::FromStr;

use basalt::repo::go_quote;

/// How grave an event is, under Kubo's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who look for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is wrong and the node goes on.
    Warn,
    /// Something failed.
    Error,
    /// Nothing here logs at this level: it silences.
    DPanic,
    /// Like [`Level::DPanic`].
    Panic,
    /// Like [`Level::DPanic`].
    Fatal,
}

impl Level {
    const NAMES: [(Self, &'static str); 7] = [
        (Self::Debug, "debug"),
        (Self::Info, "info"),
        (Self::Warn, "warn"),
        (Self::Error, "error"),
        (Self::DPanic, "dpanic"),
        (Self::Panic, "panic"),
        (Self::Fatal, "fatal"),
    ];

    /// The name, in lower case.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(level, _)| *level == self)
            .map_or("error", |(_, name)| name)
    }

    /// The level of an event; what is finer than debug has none.
    pub(super) fn of(level: tracing::Level) -> Option<Self> {
        match level {
            tracing::Level::ERROR => Some(Self::Error),
            tracing::Level::WARN => Some(Self::Warn),
            tracing::Level::INFO => Some(Self::Info),
            tracing::Level::DEBUG => Some(Self::Debug),
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a name in any case, also `warning`; an empty one is `info`, as Kubo has it.
impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = match text.to_lowercase().as_str() {
            "" => "info".to_owned(),
            "warning" => "warn".to_owned(),
            name => name.to_owned(),
        };
        let found = Self::NAMES.iter().find(|(_, known)| *known == name);
        found
            .map(|(level, _)| *level)
            .ok_or_else(|| format!("unrecognized level: {}", go_quote(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn names_are_read_as_kubo_reads_them() {
        assert_eq!("WARNING".parse(), Ok(Level::Warn));
        assert_eq!("Dpanic".parse(), Ok(Level::DPanic));
        assert_eq!(
            "foo".parse::<Level>().unwrap_err(),
            "unrecognized level: \"foo\""
        );
        assert!(Level::Debug < Level::Fatal);
    }
}
