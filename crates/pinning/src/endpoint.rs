//! Where a service is.

use basalt_http::{Target, mux, query};

/// The URL of a service's API, as Kubo keeps it: without what is doubled in its path, and without a
/// slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    secure: bool,
    /// As it stands in the URL.
    authority: String,
    /// Escaped; empty or beginning with a slash.
    path: String,
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEndpoint {
    /// Not `http://…` or `https://…`.
    #[error("service endpoint must be a valid HTTP URL")]
    NotHttp,
    /// It has a query.
    #[error("service endpoint should be provided without any query parameters")]
    Query,
    /// It names what requests add.
    #[error("service endpoint should be provided without the /pins suffix")]
    Pins,
}

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// It is none, or one of something else.
    pub fn parse(url: &str) -> Result<Self, NotAnEndpoint> {
        if url.bytes().any(|b| b.is_ascii_control()) {
            return Err(NotAnEndpoint::NotHttp);
        }
        let (scheme, rest) = url.split_once(':').ok_or(NotAnEndpoint::NotHttp)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(NotAnEndpoint::NotHttp),
        };
        let (rest, asked) = rest.split_once('?').unwrap_or((rest, ""));
        let rest = rest.strip_prefix("//").ok_or(NotAnEndpoint::NotHttp)?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        check_authority(authority)?;
        let path = clean(path)?;
        if !asked.is_empty() {
            return Err(NotAnEndpoint::Query);
        }
        if path.ends_with("/pins") {
            return Err(NotAnEndpoint::Pins);
        }
        Ok(Self {
            secure,
            authority: authority.to_owned(),
            path,
        })
    }

    /// Whether requests go over TLS.
    pub(crate) fn target(&self) -> Target {
        let host = self
            .authority
            .rsplit_once('@')
            .map_or(&*self.authority, |(_, host)| host);
        let port = if self.secure { 443 } else { 80 };
        let address = match port_of(host) {
            Some("") => format!("{host}{port}"),
            Some(_) => host.to_owned(),
            None => format!("{host}:{port}"),
        };
        if self.secure {
            Target::Tls(address)
        } else {
            Target::Tcp(address)
        }
    }

    /// The path of requests, without what each adds.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// What is after the colon of `host:port`.
fn port_of(host: &str) -> Option<&str> {
    let after = host.rfind(']').map_or(host, |at| &host[at..]);
    after.rsplit_once(':').map(|(_, port)| port)
}

fn check_authority(authority: &str) -> Result<(), NotAnEndpoint> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let port = port_of(host).unwrap_or_default();
    let brackets = (host.starts_with('['), host.contains(']'));
    let fits = port.bytes().all(|b| b.is_ascii_digit())
        && brackets.0 == brackets.1
        && !authority
            .bytes()
            .any(|b| b == b' ' || b == b'"' || b == b'<' || b == b'>' || b == b'\\' || b == b'^');
    fits.then_some(()).ok_or(NotAnEndpoint::NotHttp)
}

/// The path without empty parts, `.` and `..`.
fn clean(path: &str) -> Result<String, NotAnEndpoint> {
    let path = query::unescape_path(path.as_bytes()).ok_or(NotAnEndpoint::NotHttp)?;
    let mut out = String::new();
    for part in mux::segments(&path) {
        out.push('/');
        out.push_str(&escape(part));
    }
    Ok(out)
}

/// Escapes a part of a path as Go's `url.URL` does; request IDs too, which come from services.
pub(crate) fn escape(part: &[u8]) -> String {
    let mut out = String::with_capacity(part.len());
    for &byte in part {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+:=@".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_tidied() {
        for (given, kept) in [
            ("http://a.example", "http://a.example"),
            ("HTTPS://a.example/", "https://a.example"),
            ("https://a.example//x///y/", "https://a.example/x/y"),
            ("https://a.example/x/./y/../z", "https://a.example/x/z"),
            ("https://a.example/.", "https://a.example"),
            ("http://u:p@[::1]:5001/a b", "http://u:p@[::1]:5001/a%20b"),
            ("http://a.example?", "http://a.example"),
            ("http://a.example/x#y", "http://a.example/x%23y"),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap().to_string(), kept);
        }
    }

    #[test]
    fn what_is_none() {
        use NotAnEndpoint::*;
        for (given, why) in [
            ("", NotHttp),
            ("a.example", NotHttp),
            ("/a", NotHttp),
            ("ftp://a.example", NotHttp),
            ("http://a b", NotHttp),
            ("http://a:b", NotHttp),
            ("http://[::1", NotHttp),
            ("http://a/%zz", NotHttp),
            ("http://a/\n", NotHttp),
            ("http://a/?x=y", Query),
            ("http://a/pins?x=y", Query),
            ("http://a/pins", Pins),
            ("http://a/x/pins//", Pins),
        ] {
            assert_eq!(Endpoint::parse(given), Err(why), "{given}");
        }
    }

    #[test]
    fn where_requests_go() {
        let target = |url| Endpoint::parse(url).unwrap().target();
        assert_eq!(target("http://a"), Target::Tcp("a:80".into()));
        assert_eq!(target("http://a:"), Target::Tcp("a:80".into()));
        assert_eq!(target("https://a/x"), Target::Tls("a:443".into()));
        assert_eq!(target("https://u@a:44"), Target::Tls("a:44".into()));
        assert_eq!(target("http://[::1]"), Target::Tcp("[::1]:80".into()));
        assert_eq!(target("http://[::1]:9"), Target::Tcp("[::1]:9".into()));
    }
}
