//! One step of a case, and the line it is written as.
//!
//! ```text
//! add -q hello.txt |> cid        a command line; its output is kept as {cid}
//! POST /api/v0/cat?arg={cid}     an HTTP request to the daemon
//! GET gateway:/ipfs/{cid} | Range: bytes=0-1    one to its gateway, with header fields
//! @tree out                      what stands on disk below `out`
//! @start daemon --offline        a daemon, until the case or `@stop` ends it
//! @stop                          SIGTERM to that daemon, and how it ended
//! @rm path, @write path text     change the working directory; bytes are `hex:00ff`
//! dag export {cid} |> @x.car     a command line; its output is written to a file
//! ```

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use crate::rules::Rules;

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words of a command line, variables not yet put in.
    Cli(Vec<String>),
    /// Method and target.
    Http(String, String),
    Tree(String),
    Start(Vec<String>),
    Stop,
    Remove(String),
    Write(String, String),
}

/// A step with everything said about it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The line as written.
    pub(crate) line: String,
    pub(crate) kind: Kind,
    /// The variable that takes the output, trimmed.
    pub(crate) capture: Option<String>,
    pub(crate) stdin: Option<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    /// An HTTP request goes to the gateway.
    pub(crate) gateway: bool,
    /// A multipart body.
    pub(crate) parts: Option<Vec<Part>>,
    /// A plain body.
    pub(crate) body: Option<String>,
    pub(crate) rules: Rules,
}

/// One part of a multipart body.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Part {
    /// The field's name; `file` when it is not given.
    pub(crate) name: Option<String>,
    pub(crate) filename: Option<String>,
    #[serde(rename = "type")]
    pub(crate) content_type: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
    /// A file of the working directory whose bytes are the content.
    pub(crate) file: Option<String>,
}

/// What stands before the target of a request to the gateway.
const GATEWAY: &str = "gateway:";

const METHODS: [&str; 6] = ["POST", "GET", "OPTIONS", "HEAD", "PUT", "DELETE"];

impl Step {
    /// Reads a line.
    pub(crate) fn parse(line: &str, rules: Rules) -> Result<Self> {
        let (text, capture) = match line.rsplit_once("|>") {
            Some((text, name)) => (text.trim(), Some(name.trim().to_owned())),
            None => (line.trim(), None),
        };
        let (first, mut rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut headers = BTreeMap::new();
        let gateway = METHODS.contains(&first) && rest.starts_with(GATEWAY);
        if gateway {
            let mut parts = rest[GATEWAY.len()..].split(" | ");
            rest = parts.next().unwrap_or_default();
            for part in parts {
                let (name, value) = part.split_once(": ").unwrap_or((part, ""));
                headers.insert(name.to_owned(), value.to_owned());
            }
        }
        let kind = match first {
            method if METHODS.contains(&method) => Kind::Http(method.to_owned(), rest.to_owned()),
            "@tree" => Kind::Tree(rest.to_owned()),
            "@start" => Kind::Start(words(rest)?),
            "@stop" => Kind::Stop,
            "@rm" => Kind::Remove(rest.to_owned()),
            "@write" => {
                let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
                Kind::Write(path.to_owned(), text.to_owned())
            }
            other if other.starts_with('@') => bail!("unknown kind of step `{other}`"),
            _ => Kind::Cli(words(text)?),
        };
        Ok(Self {
            line: line.to_owned(),
            kind,
            capture,
            stdin: None,
            env: BTreeMap::new(),
            headers,
            gateway,
            parts: None,
            body: None,
            rules,
        })
    }

    /// Whether the step speaks to a daemon that somebody else started.
    pub(crate) fn needs_daemon(&self) -> bool {
        matches!(self.kind, Kind::Http(..))
    }

    /// Whether the step starts a daemon of the case's own.
    pub(crate) fn starts_daemon(&self) -> bool {
        matches!(self.kind, Kind::Start(_))
    }
}

/// Splits as a shell does, with single and double quotes and nothing else.
fn words(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c == ' ' => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    ensure!(quote.is_none(), "a quote is not closed in `{text}`");
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(line: &str) -> Kind {
        Step::parse(line, Rules::default()).unwrap().kind
    }

    #[test]
    fn a_command_line_is_split_like_a_shell_would() {
        let step = Step::parse("add  'a b' \"\" x\"y z\" |> cid", Rules::default()).unwrap();
        assert_eq!(
            step.kind,
            Kind::Cli(["add", "a b", "", "xy z"].map(str::to_owned).to_vec())
        );
        assert_eq!(step.capture.as_deref(), Some("cid"));
        assert!(Step::parse("add 'a", Rules::default()).is_err());
    }

    #[test]
    fn a_request_to_the_gateway_has_its_fields_beside_it() {
        let line = "GET gateway:/ipfs/x | Range: bytes=0-1 | Host: a:1";
        let step = Step::parse(line, Rules::default()).unwrap();
        assert_eq!(step.kind, Kind::Http("GET".into(), "/ipfs/x".into()));
        assert!(step.gateway);
        assert_eq!(step.headers["Range"], "bytes=0-1");
        assert_eq!(step.headers["Host"], "a:1");
    }

    #[test]
    fn other_kinds_begin_with_their_mark() {
        assert_eq!(
            kind("POST /x?y=z"),
            Kind::Http("POST".into(), "/x?y=z".into())
        );
        assert_eq!(kind("@tree out"), Kind::Tree("out".into()));
        assert_eq!(kind("@stop"), Kind::Stop);
        assert!(Step::parse("@bogus", Rules::default()).is_err());
    }
}
