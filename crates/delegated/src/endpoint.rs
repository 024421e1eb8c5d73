use std::fmt;

use basalt_http::Target;

use crate::{Error, Result};

/// What every path begins with.
const BASE: &str = "/routing/v1";

/// What a server is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Providers,
    Peers,
    Names,
}

/// A server, and what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    secure: bool,
    /// Host and port.
    authority: String,
    /// Before [`BASE`]; empty or beginning with a slash.
    path: String,
    scope: Scope,
}

impl Endpoint {
    /// Reads a URL. One that ends with `/routing/v1/providers`, `peers` or `ipns` is asked for that alone.
    ///
    /// # Errors
    /// It is no URL of HTTP.
    pub fn parse(url: &str) -> Result<Self> {
        let wrong = || Error::Endpoint(url.to_owned());
        let printable = url.bytes().all(|b| b.is_ascii_graphic());
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong()),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if !printable || authority.is_empty() || authority.contains(['@', '?', '#']) {
            return Err(wrong());
        }
        if path.contains(['?', '#']) {
            return Err(wrong());
        }
        let path = path.trim_end_matches('/');
        let (path, scope) = match path.rsplit_once(BASE) {
            Some((before, "")) => (before, Scope::All),
            Some((before, "/providers")) => (before, Scope::Providers),
            Some((before, "/peers")) => (before, Scope::Peers),
            Some((before, "/ipns")) => (before, Scope::Names),
            _ => (path, Scope::All),
        };
        Ok(Self {
            secure,
            authority: authority.to_owned(),
            path: path.to_owned(),
            scope,
        })
    }

    /// Whether it is asked for providers.
    pub fn knows_providers(&self) -> bool {
        matches!(self.scope, Scope::All | Scope::Providers)
    }

    /// Whether it is asked for peers.
    pub fn knows_peers(&self) -> bool {
        matches!(self.scope, Scope::All | Scope::Peers)
    }

    /// Whether it is asked for names, and given their records.
    pub fn knows_names(&self) -> bool {
        matches!(self.scope, Scope::All | Scope::Names)
    }

    /// Whether the URL is that of a server alone, with `/routing/v1` behind it or not.
    pub fn is_plain(&self) -> bool {
        self.path.is_empty() && self.scope == Scope::All
    }

    pub(crate) fn target(&self) -> Target {
        let has_port = match self.authority.rsplit_once(':') {
            // A colon in brackets belongs to the address.
            Some((_, port)) => !port.contains(']'),
            None => false,
        };
        let address = match (has_port, self.secure) {
            (true, _) => self.authority.clone(),
            (false, true) => format!("{}:443", self.authority),
            (false, false) => format!("{}:80", self.authority),
        };
        match self.secure {
            true => Target::Tls(address),
            false => Target::Tcp(address),
        }
    }

    /// The path of what is asked.
    pub(crate) fn path(&self, what: &str, key: &str) -> String {
        format!("{}{BASE}/{what}/{key}", self.path)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let all = Endpoint::parse("https://a.example").unwrap();
        assert!(all.knows_providers() && all.knows_peers() && all.knows_names());
        assert_eq!(all.path("providers", "x"), "/routing/v1/providers/x");
        assert!(matches!(all.target(), Target::Tls(a) if a == "a.example:443"));
        let one = Endpoint::parse("http://[::1]:80/x/routing/v1/ipns/").unwrap();
        assert!(one.knows_names() && !one.knows_providers() && !one.knows_peers());
        assert_eq!(one.path("ipns", "k"), "/x/routing/v1/ipns/k");
        assert!(matches!(one.target(), Target::Tcp(a) if a == "[::1]:80"));
        assert_eq!(one.to_string(), "http://[::1]:80/x");
        for wrong in [
            "",
            "ftp://a",
            "a.example",
            "http://",
            "http://a?b",
            "http://u@a",
            "http://a/ b",
        ] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }
}
