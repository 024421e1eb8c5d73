//! What the host of a request says: a known gateway, a root as its subdomain, a website.

use std::collections::BTreeMap;

use basalt_ipld::Path;
use basalt_ipns::Name;

use crate::backend::Backend;
use crate::settings::{PublicGateway, Settings};

/// The hosts that are known.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    exact: BTreeMap<String, PublicGateway>,
    /// Names with stars, each of which stands for one label or a part of one.
    patterns: Vec<(String, PublicGateway)>,
}

/// A host with a root as its subdomain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subdomain<'a> {
    pub(crate) gateway: &'a PublicGateway,
    /// The known host.
    pub(crate) host: String,
    /// `ipfs`, `ipns`, or what was before them.
    pub(crate) namespace: String,
    /// A CID, a key or a domain.
    pub(crate) root: String,
}

impl Hosts {
    /// The hosts of the settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut hosts = Self::default();
        for (name, gateway) in &settings.public_gateways {
            if gateway.use_subdomains && is_ip(without_port(name)) {
                tracing::warn!(
                    target: "basalt::gateway",
                    "Gateway.PublicGateways: an IP address has no subdomains: {name} is left out"
                );
                continue;
            }
            if name.contains('*') {
                hosts.patterns.push((name.clone(), gateway.clone()));
            } else {
                hosts.exact.insert(name.clone(), gateway.clone());
            }
        }
        hosts
    }

    /// The settings of a host, with its port or without it.
    pub(crate) fn known(&self, host: &str) -> Option<&PublicGateway> {
        let exact = self.exact.get(host);
        exact
            .or_else(|| self.exact.get(without_port(host)))
            .or_else(|| {
                let mut found = self.patterns.iter();
                let found = found.find(|(pattern, _)| fits(pattern, host))?;
                Some(&found.1)
            })
    }

    /// Takes `root.namespace.known-host` apart.
    pub(crate) fn subdomain(&self, host: &str) -> Option<Subdomain<'_>> {
        let labels: Vec<&str> = host.split('.').collect();
        (2..labels.len()).rev().find_map(|at| {
            let known = labels[at..].join(".");
            let gateway = self.known(&known)?;
            let namespace = labels[at - 1];
            is_namespace(namespace).then(|| Subdomain {
                gateway,
                host: known,
                namespace: namespace.to_owned(),
                root: labels[..at - 1].join("."),
            })
        })
    }
}

/// Whether a pattern with stars fits a host, with a port or without.
fn fits(pattern: &str, host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            (name, true)
        }
        _ => (host, false),
    };
    star(pattern, name) || port && star(pattern, host)
}

/// Whether a text fits a pattern in which a star is one character or more, none of them a dot.
fn star(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => {
            let Some(rest) = text.strip_prefix(before) else {
                return false;
            };
            let label = rest.find('.').unwrap_or(rest.len());
            // Hosts are short, and so are patterns.
            (1..=label)
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| star(after, &rest[at..]))
        }
    }
}

/// Whether a label may stand between a root and a host.
pub(crate) fn is_namespace(label: &str) -> bool {
    matches!(label, "ipfs" | "ipns" | "p2p" | "ipld")
}

/// Whether the roots of a namespace are keys.
pub(crate) fn is_key_namespace(label: &str) -> bool {
    matches!(label, "ipns" | "p2p")
}

/// A host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[')
        && let Some((ip, after)) = rest.split_once(']')
        && after.starts_with(':')
    {
        return ip;
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains([':', '[', ']']) => name,
        _ => host,
    }
}

fn is_ip(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// Whether a path is one of `prefixes` or below one.
pub(crate) fn has_prefix(path: &[u8], prefixes: &[String]) -> bool {
    prefixes.iter().any(|prefix| {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix).as_bytes();
        let rest = path.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

/// Whether a host is a domain that has a DNSLink.
pub(crate) async fn has_dns_link(backend: &Backend, host: &str) -> bool {
    let name = without_port(host);
    if is_ip(name) || !is_domain_and_no_key(name) {
        return false;
    }
    let Ok(path) = Path::parse(format!("/ipns/{name}")) else {
        return false;
    };
    let find = backend.find();
    backend.names.resolve(&path, 1, &find).await.is_ok()
}

/// Whether a text may be a domain and is no key.
pub(crate) fn is_domain_and_no_key(text: &str) -> bool {
    let labels = text.strip_suffix('.').unwrap_or(text);
    let fits = |label: &str| (1..=63).contains(&label.len());
    !text.is_empty()
        && text.parse::<Name>().is_err()
        && labels.len() <= 253
        && labels.split('.').all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(names: &[&str]) -> Hosts {
        let mut settings = Settings::default();
        for name in names {
            let gateway = PublicGateway::local();
            settings.public_gateways.insert((*name).to_owned(), gateway);
        }
        Hosts::new(&settings)
    }

    #[test]
    fn hosts_are_known_with_ports_and_stars() {
        let hosts = hosts(&[
            "dweb.link",
            "*.wild.com",
            "foo.*.bar.boo",
            "host:80",
            "127.0.0.1",
        ]);
        for known in [
            "localhost:8080",
            "dweb.link",
            "a.wild.com",
            "a.wild.com:1",
            "foo.x.bar.boo",
            "host:80",
        ] {
            assert!(hosts.known(known).is_some(), "{known}");
        }
        for unknown in [
            "x.dweb.link",
            "wild.com",
            "a.b.wild.com",
            "host",
            "127.0.0.1",
            ".wild.com",
        ] {
            assert!(hosts.known(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn subdomains_fall_into_parts() {
        let hosts = hosts(&["dweb.link", "gw.dweb.link"]);
        let parts = |host: &str| {
            let found = hosts.subdomain(host)?;
            Some(format!("{} {} {}", found.root, found.namespace, found.host))
        };
        let of = |host: &str| parts(host).unwrap_or_default();
        assert_eq!(of("cid.ipfs.dweb.link:80"), "cid ipfs dweb.link:80");
        assert_eq!(of("a.b.com.ipns.localhost"), "a.b.com ipns localhost");
        assert_eq!(of("x.ipfs.gw.dweb.link"), "x ipfs gw.dweb.link");
        for none in ["ipfs.dweb.link", "x.foo.dweb.link", "dweb.link", ""] {
            assert_eq!(parts(none), None, "{none}");
        }
    }

    #[test]
    fn ports_come_off() {
        for (host, name) in [
            ("a:1", "a"),
            ("a", "a"),
            ("[::1]:80", "::1"),
            ("::1", "::1"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
