//! The environment variables about logs.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::Mutex;

use super::Level;
use super::sink::{Format, Sink};

/// What the environment says.
pub(super) struct Setup {
    pub(super) level: Level,
    pub(super) subsystems: Vec<(String, Level)>,
    pub(super) sink: Sink,
}

fn first_of(names: [&str; 2]) -> String {
    let values = names.into_iter().filter_map(|name| env::var(name).ok());
    values
        .into_iter()
        .find(|value| !value.is_empty())
        .unwrap_or_default()
}

/// Reads the environment; faults in it are told on standard error and passed over.
pub(super) fn read() -> Setup {
    let (level, subsystems) = levels(&first_of(["GOLOG_LOG_LEVEL", "IPFS_LOGGING"]));
    let file = env::var_os("GOLOG_FILE").filter(|path| !path.is_empty());
    let output = env::var("GOLOG_OUTPUT").unwrap_or_default();
    let named = |name| output.split('+').any(|part| part == name);
    if named("file") && file.is_none() {
        eprintln!("please specify a GOLOG_FILE value to write to");
    }
    let (stdout, stderr) = match (named("stdout"), named("stderr")) {
        (false, false) => (false, file.is_none()),
        chosen => chosen,
    };
    let file = file.and_then(
        |path| match File::options().append(true).create(true).open(&path) {
            Ok(file) => Some(Mutex::new(file)),
            Err(error) => {
                eprintln!("cannot log to {}: {error}", path.to_string_lossy());
                None
            }
        },
    );
    let seen = (stdout && io::stdout().is_terminal()) || (stderr && io::stderr().is_terminal());
    let format = match first_of(["GOLOG_LOG_FMT", "IPFS_LOGGING_FMT"]).as_str() {
        "color" => Format::Colour,
        "nocolor" => Format::Plain,
        "json" => Format::Json,
        other => {
            if !other.is_empty() {
                eprintln!("ignoring unrecognized log format '{other}'");
            }
            if seen { Format::Colour } else { Format::Plain }
        }
    };
    Setup {
        level,
        subsystems,
        sink: Sink {
            format,
            stdout,
            stderr,
            file,
        },
    }
}

/// Reads `error,bitswap=debug`.
fn levels(text: &str) -> (Level, Vec<(String, Level)>) {
    let mut default = Level::Error;
    let mut own = Vec::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (name, level) = match part.split_once('=') {
            Some((name, level)) => (Some(name), level),
            None => (None, part),
        };
        match (name, level.parse()) {
            (_, Err(error)) => eprintln!("error setting log level {part:?}: {error}"),
            (None, Ok(level)) => default = level,
            (Some(name), Ok(level)) => own.push((name.to_owned(), level)),
        }
    }
    (default, own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_kubo_reads_them() {
        assert_eq!(levels(""), (Level::Error, vec![]));
        assert_eq!(levels("info"), (Level::Info, vec![]));
        let (default, own) = levels("bad,warn,bitswap=debug,x=y");
        assert_eq!(
            (default, own),
            (Level::Warn, vec![("bitswap".to_owned(), Level::Debug)])
        );
    }
}
