//! DNSLink: domains that say in the DNS what they mean. <https://dnslink.dev/>

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use basalt_ipld::{Namespace, Path};

use crate::{Error, Result};

/// The texts of a domain, and for how long they may be kept; zero when nobody says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// The `TXT` records.
    pub texts: Vec<String>,
    /// The shortest of their lifetimes.
    pub ttl: Duration,
}

/// Asks the DNS.
#[async_trait]
pub trait Dns: Send + Sync + 'static {
    /// The `TXT` records of a domain, which ends in a dot; none where there is no such domain.
    ///
    /// # Errors
    /// Why the DNS could not be asked.
    async fn texts(&self, domain: &str) -> Result<Texts, String>;

    /// The addresses of a host.
    ///
    /// # Errors
    /// Why the DNS could not be asked.
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String>;
}

impl fmt::Debug for dyn Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dns")
    }
}

/// What a domain means, and for how long that may be kept.
pub(crate) async fn look_up(dns: &dyn Dns, domain: &str) -> Result<(Path, Duration)> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let failed = |why: String| Error::DnsLink {
        domain: format!("{domain}."),
        why,
    };
    let found = dns.texts(&format!("_dnslink.{domain}.")).await;
    let found = found.map_err(failed)?;
    let mut paths = found.texts.iter().filter_map(|text| path_of(text));
    match (paths.next(), paths.next()) {
        (Some(path), None) => Ok((path, found.ttl)),
        (None, _) => Err(failed(MISSING.to_owned())),
        (Some(_), Some(_)) => Err(failed(MULTIPLE.to_owned())),
    }
}

const MISSING: &str = "could not resolve name: DNSLink lookup could not find a TXT record (https://docs.ipfs.tech/concepts/dnslink/)";
const MULTIPLE: &str = "could not resolve name: DNSLink lookup found multiple TXT records with a content path (https://docs.ipfs.tech/concepts/dnslink/)";

/// The path in a text: `dnslink=/ipfs/...`, or alone.
fn path_of(text: &str) -> Option<Path> {
    let path = match text.split_once('=') {
        Some(("dnslink", path)) => path,
        _ => text,
    };
    let path = Path::parse(path).ok()?;
    (path.namespace() != Namespace::Ipld).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Vec<&'static str>);

    #[async_trait]
    impl Dns for Fixed {
        async fn texts(&self, domain: &str) -> Result<Texts, String> {
            assert_eq!(domain, "_dnslink.example.com.");
            Ok(Texts {
                texts: self.0.iter().map(|t| (*t).to_owned()).collect(),
                ttl: Duration::from_secs(60),
            })
        }

        async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, String> {
            Ok(Vec::new())
        }
    }

    #[tokio::test]
    async fn one_path_among_the_texts_counts() {
        let ask = async |texts: &[&'static str]| {
            let dns = Fixed(texts.to_vec());
            let found = look_up(&dns, "example.com").await;
            found
                .map(|(path, _)| path.to_string())
                .map_err(|e| e.to_string())
        };
        let path = "/ipfs/bafkqaaa";
        assert_eq!(
            ask(&["v=spf1", "dnslink=/ipfs/bafkqaaa"]).await.as_deref(),
            Ok(path)
        );
        assert_eq!(ask(&[path]).await.as_deref(), Ok(path));
        let none = ask(&["dnslink=", "dnslink=/ipld/bafkqaaa"])
            .await
            .unwrap_err();
        assert!(
            none.starts_with(
                "DNSLink lookup for \"example.com.\" failed: could not resolve name: "
            )
        );
        let two = ask(&["dnslink=/ipns/a.b", path]).await.unwrap_err();
        assert!(two.contains("multiple"), "{two}");
    }
}
