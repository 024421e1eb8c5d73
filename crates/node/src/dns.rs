//! The DNS, as the system is set up to ask it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use basalt_ipns::{Dns, Texts};
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::RData;

/// Asks the name servers of `/etc/resolv.conf`, from the first question on.
#[derive(Default)]
pub(crate) struct SystemDns {
    resolver: OnceLock<Result<TokioResolver, String>>,
}

impl SystemDns {
    fn resolver(&self) -> Result<&TokioResolver, String> {
        let made = self.resolver.get_or_init(|| {
            let builder = TokioResolver::builder_tokio().map_err(|e| e.to_string())?;
            builder.build().map_err(|e| e.to_string())
        });
        made.as_ref().map_err(Clone::clone)
    }
}

#[async_trait]
impl Dns for SystemDns {
    async fn texts(&self, domain: &str) -> Result<Texts, String> {
        let found = match self.resolver()?.txt_lookup(domain).await {
            Ok(found) => found,
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => return Ok(Texts::default()),
            Err(error) => return Err(format!("lookup {domain}: {error}")),
        };
        let now = Instant::now();
        let kept = found.valid_until().saturating_duration_since(now);
        let texts = found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::TXT(text) => {
                    let bytes = text.txt_data.concat();
                    Some(String::from_utf8_lossy(&bytes).into_owned())
                }
                _ => None,
            });
        Ok(Texts {
            texts: texts.collect(),
            ttl: kept.min(LONGEST),
        })
    }
}

/// Nothing is kept longer, whatever a name server says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
