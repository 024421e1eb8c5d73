//! A request for content, taken apart.

use std::time::Instant;

use basalt_http::{Headers, Request, query};

/// How the host of a request leads to content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It does not: the path is all there is.
    Path,
    /// The host has the root as a subdomain of this one.
    Subdomain(String),
    /// The host is a domain with a DNSLink.
    DnsLink(String),
}

/// A request for content.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// `GET`, `HEAD` or another.
    pub(crate) method: String,
    /// The path of the content, unescaped, with what the host says put in front.
    pub(crate) path: Vec<u8>,
    /// The path as it came, unescaped.
    pub(crate) original: Vec<u8>,
    /// The path as it came.
    pub(crate) raw: String,
    /// The query as it came.
    pub(crate) query: String,
    /// The query's pairs.
    pub(crate) pairs: Vec<(String, String)>,
    /// The header fields.
    pub(crate) headers: Headers,
    /// How the host leads to content.
    pub(crate) origin: Origin,
    /// The host that is configured, if one is: with it come its settings.
    pub(crate) known_host: Option<String>,
    /// When it came.
    pub(crate) began: Instant,
}

impl Ask {
    /// Takes a request apart, whose path is clean and unescaped in `path`.
    pub(crate) fn new(request: &Request, path: Vec<u8>) -> Self {
        Self {
            method: request.method.clone(),
            original: path.clone(),
            path,
            raw: request.path().to_owned(),
            query: request.query().to_owned(),
            pairs: query::parse(request.query()),
            headers: request.headers.clone(),
            origin: Origin::Path,
            known_host: None,
            began: Instant::now(),
        }
    }

    /// The first value of a parameter; empty without one.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.param_if_any(name).unwrap_or_default()
    }

    /// The first value of a parameter.
    pub(crate) fn param_if_any(&self, name: &str) -> Option<&str> {
        let mut found = self.pairs.iter().filter(|(have, _)| have == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// The first value of a header field; empty without one.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).unwrap_or_default().into_owned()
    }

    /// Whether only the head of the answer is asked for.
    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// Whether the answer is shown to a person.
    pub(crate) fn accepts_html(&self) -> bool {
        self.header("Accept").contains("text/html")
    }

    /// Whether pages of this root share no origin with those of others.
    pub(crate) fn is_isolated(&self) -> bool {
        self.origin != Origin::Path
    }

    /// The host as a proxy in front saw it, or as it came.
    pub(crate) fn host(&self) -> String {
        let forwarded = self.header("X-Forwarded-Host");
        match forwarded.is_empty() {
            true => self.header("Host"),
            false => forwarded,
        }
    }
}
