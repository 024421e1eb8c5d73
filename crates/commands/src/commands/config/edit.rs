use std::process::ExitStatus;

use async_trait::async_trait;
use basalt::repo::{config_path, go_quote};
use tokio::process::Command as Process;

use crate::options::NoOptions;
use crate::{About, Call, Command, Error, Output, Result};

/// `ipfs config edit`.
pub(crate) struct Edit;

#[async_trait]
impl Command for Edit {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "config/edit";
    const ABOUT: About = About::new("Open the configuration in $EDITOR.")
        .text("The environment variable EDITOR says which program is used; it may have arguments.")
        .client_only()
        .no_repo()
        .no_text();

    async fn run(call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let editor = std::env::var("EDITOR").unwrap_or_default();
        let words =
            words(&editor).map_err(|e| Error::new(format!("cannot parse $EDITOR value: {e}")))?;
        let Some((program, args)) = words.split_first() else {
            return Err(Error::new("ENV variable $EDITOR not set"));
        };
        let file = config_path(call.ctx.repo(), call.ctx.config_file());
        let status = Process::new(program)
            .args(args)
            .arg(file)
            .status()
            .await
            .map_err(|e| match e.kind() {
                std::io::ErrorKind::NotFound => Error::new(format!(
                    "exec: {}: executable file not found in $PATH",
                    go_quote(program)
                )),
                _ => Error::from(e),
            })?;
        ended(status)
    }
}

fn ended(status: ExitStatus) -> Result<()> {
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Error::new(format!("exit status {code}"))),
        None => Err(Error::new("the editor was killed")),
    }
}

/// The words of a shell's command line, with its quotes and backslashes.
fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '"' => break,
                        '\\' => match chars.next().ok_or("No escaped character")? {
                            c @ ('"' | '\\') => word.push(c),
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => word
                .get_or_insert_default()
                .push(chars.next().ok_or("No escaped character")?),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            words(" vim  -c 'set nu' \"a \\\"b\" c\\ d ''").unwrap(),
            ["vim", "-c", "set nu", "a \"b", "c d", ""]
        );
        assert_eq!(words("  ").unwrap(), Vec::<String>::new());
        assert_eq!(words("cat '").unwrap_err(), "No closing quotation");
        assert_eq!(words("cat \\").unwrap_err(), "No escaped character");
    }
}
