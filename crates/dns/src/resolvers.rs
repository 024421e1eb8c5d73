//! Who is asked about which domain.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt_ipns::{Dns, Texts};
use url::Url;

use crate::https::Https;
use crate::system::System;
use crate::{Error, Result};

/// Domains that no public name server knows, and who is asked for them where the table says nothing.
const IMPLICIT: &[(&str, &str)] = &[("eth.", "https://dns.eth.limo/dns-query")];
/// Where a server may be asked in the clear.
const LOCAL: &[&str] = &["localhost", "127.0.0.1", "[::1]"];

/// Asks servers over HTTPS for the domains in a table, and the system for all others.
pub struct Resolvers {
    system: System,
    /// For all domains but those of the table.
    rest: Option<Arc<Https>>,
    domains: HashMap<String, Arc<Https>>,
}

impl Resolvers {
    /// Asks the system alone.
    pub fn system() -> Self {
        Self {
            system: System::default(),
            rest: None,
            domains: HashMap::new(),
        }
    }

    /// Asks the URLs of a table, by domain; the most specific domain counts, and `.` is all of them. An
    /// empty URL leaves a domain to the others. Answers over HTTPS are kept for `longest` at most.
    ///
    /// # Errors
    /// A domain or a URL is none.
    pub fn new(table: &BTreeMap<String, String>, longest: Option<Duration>) -> Result<Self> {
        let mut resolvers = Self::system();
        let mut servers: HashMap<&str, Arc<Https>> = HashMap::new();
        let implicit = IMPLICIT.iter().copied();
        let implicit = implicit.filter(|(domain, _)| !table.contains_key(*domain));
        let given = table.iter().map(|(d, u)| (d.as_str(), u.as_str()));
        for (domain, url) in given.chain(implicit) {
            if !domain.ends_with('.') {
                return Err(Error::Domain(domain.to_owned()));
            }
            if url.is_empty() {
                continue;
            }
            let server = match servers.get(url) {
                Some(server) => server.clone(),
                None => {
                    check(domain, url)?;
                    let server = Arc::new(Https::new(url, longest));
                    servers.insert(url, server.clone());
                    server
                }
            };
            match domain {
                "." => resolvers.rest = Some(server),
                _ => {
                    let domain = domain.to_ascii_lowercase();
                    resolvers.domains.insert(domain, server);
                }
            }
        }
        Ok(resolvers)
    }

    /// Who is asked about a domain; `None` is the system.
    fn server_for(&self, domain: &str) -> Option<&Https> {
        let mut domain = domain.to_ascii_lowercase();
        if !domain.ends_with('.') {
            domain.push('.');
        }
        let mut rest = domain.as_str();
        loop {
            if let Some(server) = self.domains.get(rest) {
                return Some(server);
            }
            match rest.split_once('.') {
                Some((_, parent)) if !parent.is_empty() => rest = parent,
                _ => return self.rest.as_deref(),
            }
        }
    }
}

fn check(domain: &str, url: &str) -> Result<()> {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Error::Url {
            domain: domain.to_owned(),
            url: url.to_owned(),
        });
    }
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(Url::host_str);
    let local = host.is_some_and(|host| LOCAL.contains(&host));
    match url.starts_with("https:") || local {
        true => Ok(()),
        false => Err(Error::Insecure(domain.to_owned())),
    }
}

#[async_trait]
impl Dns for Resolvers {
    async fn texts(&self, domain: &str) -> Result<Texts, String> {
        match self.server_for(domain) {
            Some(server) => server.texts(domain).await,
            None => self.system.texts(domain).await,
        }
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        match self.server_for(name) {
            Some(server) => server.addresses(name).await,
            None => self.system.addresses(name).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
        let rows = rows.iter();
        rows.map(|(d, u)| ((*d).to_owned(), (*u).to_owned()))
            .collect()
    }

    #[test]
    fn the_most_specific_domain_counts() {
        let rows = [
            ("example.com.", "https://one/"),
            ("a.example.com.", "https://two/"),
            ("com.", "https://three/"),
            ("b.example.com.", ""),
        ];
        let resolvers = Resolvers::new(&table(&rows), None).unwrap();
        let url = |domain| resolvers.server_for(domain).map(|s| s.url.as_str());
        for (domain, wanted) in [
            ("_dnslink.example.com.", Some("https://one/")),
            ("x.A.Example.com", Some("https://two/")),
            ("x.b.example.com.", Some("https://one/")),
            ("other.com.", Some("https://three/")),
            ("vitalik.eth.", Some("https://dns.eth.limo/dns-query")),
            ("example.org.", None),
            ("notexample.org", None),
            (".", None),
        ] {
            assert_eq!(url(domain), wanted, "{domain}");
        }
        let all = Resolvers::new(&table(&[(".", "https://all/"), ("eth.", "")]), None).unwrap();
        assert!(all.server_for("example.org").is_some());
        assert!(all.server_for("x.eth").is_some());
    }

    #[test]
    fn what_is_wrong_with_a_table_is_named() {
        let error = |domain, url| {
            let made = Resolvers::new(&table(&[(domain, url)]), None);
            made.map(drop).unwrap_err().to_string()
        };
        assert_eq!(error("x", "https://a/"), "invalid domain x; must be FQDN");
        assert_eq!(
            error("x.", "a"),
            "bad resolver for x.: invalid DoH resolver URL: a"
        );
        assert_eq!(
            error(".", "http://example.com/"),
            "bad resolver for .: insecure URL: non-local DoH resolvers must use HTTPS"
        );
        for far in [
            "http://localhost.example.com/",
            "http://127.0.0.1@x.example/",
        ] {
            assert!(error(".", far).contains("insecure URL"), "{far}");
        }
        for local in [
            "http://localhost:1/",
            "http://127.0.0.1/q",
            "http://[::1]:3/",
        ] {
            assert!(Resolvers::new(&table(&[(".", local)]), None).is_ok());
        }
    }
}
