//! The words of the command line, with Kubo's shorthands unfolded.

use std::ffi::{OsStr, OsString};

/// The command line of this process without the program's name.
pub(crate) fn of_process() -> Vec<OsString> {
    unfold(std::env::args_os().skip(1).collect())
}

/// `--version` is `version`, `help X` is `X --help`.
fn unfold(mut words: Vec<OsString>) -> Vec<OsString> {
    match words.first().and_then(|w| w.to_str()) {
        Some("--version") => words[0] = "version".into(),
        Some("help") if words.len() == 1 => words[0] = "--help".into(),
        Some("help") => {
            words.remove(0);
            if words[0] != OsStr::new("--help") {
                words.push("--help".into());
            }
        }
        _ => {}
    }
    words
}

#[cfg(test)]
mod tests {
    use super::unfold;

    fn words(line: &str) -> Vec<std::ffi::OsString> {
        line.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn shorthands_are_unfolded() {
        assert_eq!(unfold(words("--version")), words("version"));
        assert_eq!(unfold(words("help")), words("--help"));
        assert_eq!(unfold(words("help pin ls")), words("pin ls --help"));
        assert_eq!(unfold(words("pin help")), words("pin help"));
    }
}
