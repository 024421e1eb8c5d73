//! What the metrics say of the host of a request: one of a few words, whatever clients send.

use std::sync::Arc;

use basalt_http::Request;
use basalt_http::metrics::Series;

/// The domains that requests are counted by.
pub(super) struct Domains {
    /// Known hosts without their ports, the longest first.
    known: Vec<Arc<str>>,
    localhost: Arc<str>,
    loopback: Arc<str>,
    other: Arc<str>,
}

impl Domains {
    /// Those of the hosts in the config, and what is known without it.
    pub(super) fn new<'a>(hosts: impl Iterator<Item = &'a str>) -> Self {
        let mut known: Vec<Arc<str>> = hosts.map(|host| without_port(host).into()).collect();
        known.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        known.dedup();
        Self {
            known,
            localhost: "localhost".into(),
            loopback: "loopback".into(),
            other: "other".into(),
        }
    }

    /// Where a request is counted.
    pub(super) fn series(&self, request: &Request) -> Series {
        let host = request.headers.get("Host").unwrap_or_default();
        let path = request.path();
        // What is asked by host and what is asked by path are two layers in Kubo, which both count.
        let routes: &[&str] = if path.starts_with("/ipfs/") {
            &["/", "/ipfs/"]
        } else if path.starts_with("/ipns/") {
            &["/", "/ipns/"]
        } else {
            &["/"]
        };
        Series {
            domain: self.of(&host),
            routes,
        }
    }

    fn of(&self, host: &str) -> Arc<str> {
        let host = without_port(host);
        if host == "localhost" || host.ends_with(".localhost") {
            return self.localhost.clone();
        }
        if host.starts_with("127.") || host == "::1" {
            return self.loopback.clone();
        }
        let mut known = self.known.iter();
        let known = known.find(|known| host.ends_with(&***known));
        known.unwrap_or(&self.other).clone()
    }
}

fn without_port(host: &str) -> &str {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(name, _)| name),
        None => host.rsplit_once(':').map(|(name, _)| name),
    };
    name.unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_come_to_few_words() {
        let domains = Domains::new(["example.com", "sub.example.com:8080"].into_iter());
        for (host, domain) in [
            ("localhost:8080", "localhost"),
            ("bafy.ipfs.localhost", "localhost"),
            ("127.0.0.1:8080", "loopback"),
            ("[::1]:8080", "loopback"),
            ("bafy.ipfs.example.com", "example.com"),
            ("x.sub.example.com:1", "sub.example.com"),
            ("attacker.invalid", "other"),
            ("", "other"),
        ] {
            assert_eq!(&*domains.of(host), domain, "{host}");
        }
    }
}
