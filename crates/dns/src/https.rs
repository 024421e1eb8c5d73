//! A server that is asked over HTTPS. <https://www.rfc-editor.org/rfc/rfc8484>

use std::net::IpAddr;
use std::time::Duration;

use basalt_http::{Headers, post};
use basalt_ipns::Texts;
use bytes::Bytes;
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::time::timeout;

use crate::cache::Cache;
use crate::question::{answers, question, text};

const MESSAGE: &str = "application/dns-message";
/// Bytes of an answer, at most: a message of the DNS has no more.
const MOST: usize = 64 << 10;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and what it has said lately.
pub(crate) struct Https {
    pub(crate) url: String,
    cache: Cache,
}

impl Https {
    /// The server at a URL, whose answers are kept for so long at most.
    pub(crate) fn new(url: &str, longest: Option<Duration>) -> Self {
        Self {
            url: url.to_owned(),
            cache: Cache::new(longest),
        }
    }

    pub(crate) async fn texts(&self, domain: &str) -> Result<Texts, String> {
        let (found, ttl) = self.ask(domain, RecordType::TXT).await?;
        Ok(Texts {
            texts: found.iter().filter_map(text).collect(),
            ttl,
        })
    }

    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let asked = futures::future::try_join(
            self.ask(name, RecordType::A),
            self.ask(name, RecordType::AAAA),
        );
        let ((mut found, _), (more, _)) = asked.await?;
        found.extend(more);
        Ok(found.iter().filter_map(RData::ip_addr).collect())
    }

    /// The records of a domain, and for how long they may be kept.
    async fn ask(&self, domain: &str, kind: RecordType) -> Result<(Vec<RData>, Duration), String> {
        let mut domain = domain.to_ascii_lowercase();
        if !domain.ends_with('.') {
            domain.push('.');
        }
        let key = (domain, kind);
        if let Some(kept) = self.cache.get(&key) {
            return Ok(kept);
        }
        let message = Bytes::from(question(&key.0, kind)?);
        let answer = match timeout(PATIENCE, self.send(message)).await {
            Ok(answer) => answer?,
            Err(_) => return Err(format!("Post \"{}\": no answer in time", self.url)),
        };
        let (found, ttl) = answers(&answer, kind)?;
        let kept = self.cache.put(key, &found, ttl);
        Ok((found, kept))
    }

    async fn send(&self, message: Bytes) -> Result<Bytes, String> {
        let headers = Headers::from_iter([("Content-Type", MESSAGE), ("Accept", MESSAGE)]);
        let mut answer = post(&self.url, &headers, message)
            .await
            .map_err(|e| e.to_string())?;
        if answer.status != 200 {
            let status = answer.status;
            let reason = basalt_http::reason(status);
            let url = &self.url;
            return Err(format!(
                "HTTP error: \"{status} {reason}\" [{status}] from \"{url}\""
            ));
        }
        let kind = answer.headers.get("Content-Type").unwrap_or_default();
        if kind != MESSAGE {
            return Err(format!("unexpected Content-Type {kind:?}"));
        }
        answer.body.all(MOST).await.map_err(|e| e.to_string())
    }
}
