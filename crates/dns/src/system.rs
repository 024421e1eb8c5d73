//! The DNS as the system is set up to ask it.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use basalt_ipns::Texts;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};

use crate::question::text;

/// Nothing is kept longer, whatever a name server says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Asks the name servers of `/etc/resolv.conf`, from the first question on.
#[derive(Default)]
pub(crate) struct System {
    resolver: OnceLock<Result<TokioResolver, String>>,
}

impl System {
    fn resolver(&self) -> Result<&TokioResolver, String> {
        let made = self.resolver.get_or_init(|| {
            let builder = TokioResolver::builder_tokio().map_err(|e| e.to_string())?;
            builder.build().map_err(|e| e.to_string())
        });
        made.as_ref().map_err(Clone::clone)
    }

    pub(crate) async fn texts(&self, domain: &str) -> Result<Texts, String> {
        let found = match self.resolver()?.txt_lookup(domain).await {
            Ok(found) => found,
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => return Ok(Texts::default()),
            Err(error) => return Err(format!("lookup {domain}: {error}")),
        };
        let now = Instant::now();
        let kept = found.valid_until().saturating_duration_since(now);
        let texts = found.answers().iter();
        Ok(Texts {
            texts: texts.filter_map(|record| text(&record.data)).collect(),
            ttl: kept.min(LONGEST),
        })
    }

    /// By the C library, which knows `/etc/hosts` too.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let found = tokio::net::lookup_host((name, 0)).await;
        let found = found.map_err(|e| format!("lookup {name}: {e}"))?;
        let mut all: Vec<IpAddr> = found.map(|socket| socket.ip()).collect();
        all.dedup();
        Ok(all)
    }
}
