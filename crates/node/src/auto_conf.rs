//! Keeping what `auto` stands for up to date.

use std::time::Duration;

use basalt_http::{Headers, fetch};
use basalt_repo::config::{AutoCache, AutoValues, Validators};

use crate::{Error, Node, Result};

/// How long a request may take, as the start of a daemon may wait for it.
const TIME: Duration = Duration::from_secs(5);
/// The most bytes of a document.
const MOST: usize = 2 << 20;
/// How long after a failure it is tried again, at first and at most.
const AGAIN: Duration = Duration::from_secs(2 * 60);
const AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);

impl Node {
    /// Fetches what `auto` stands for where that is older than `AutoConf.RefreshInterval`, and so
    /// again and again until the node is closed. To be called before the network is started, which
    /// follows what is there then.
    ///
    /// The public network's values are embedded, so nobody waits for theirs; a server of another
    /// network is waited for, but not for long.
    ///
    /// # Errors
    /// The node has no repo.
    pub async fn start_auto_conf(&self) -> Result<()> {
        let repo = self.require_repo()?;
        let config = repo.config();
        let settings = config.auto_conf();
        if !settings.enabled || !config.uses_auto() {
            return Ok(());
        }
        let every = settings.refresh_interval;
        if every.is_zero() {
            tracing::error!(target: "basalt::config", "AutoConf.RefreshInterval must be positive: what auto stands for is not fetched");
            return Ok(());
        }
        let upkeep = Upkeep {
            cache: AutoCache::new(repo.path(), &settings.url),
            agent: self.agent_version(),
            url: settings.url,
        };
        let fresh = upkeep.cache.age().is_some_and(|age| age < every);
        let waits = !fresh && !settings.is_public;
        if waits && let Err(error) = upkeep.refresh().await {
            upkeep.failed(&error);
        }
        let (cancel, wait) = (self.cancelled(), fresh || waits);
        tokio::spawn(async move {
            tokio::select! {
                () = upkeep.run(every, wait) => {}
                () = cancel.cancelled() => {}
            }
        });
        Ok(())
    }
}

/// One server's documents.
struct Upkeep {
    cache: AutoCache,
    url: String,
    agent: String,
}

impl Upkeep {
    /// Asks again and again; first after a while, if `wait`.
    async fn run(self, every: Duration, wait: bool) {
        let mut next = if wait { every } else { Duration::ZERO };
        let mut again = AGAIN;
        loop {
            tokio::time::sleep(next).await;
            let before = self.cache.values().map(|values| values.version);
            next = match self.refresh().await {
                Ok(values) => {
                    if before.is_some_and(|before| before != values.version) {
                        let (version, url) = (values.version, &self.url);
                        tracing::error!(target: "basalt::config", "new autoconf version {version} published at {url} - restart to apply updates");
                    }
                    again = AGAIN;
                    every
                }
                Err(error) => {
                    self.failed(&error);
                    let wait = again;
                    again = (again * 2).min(AT_MOST);
                    wait
                }
            };
        }
    }

    fn failed(&self, error: &Error) {
        match self.cache.age() {
            Some(age) => {
                let hours = age.as_secs() / 3600;
                tracing::error!(target: "basalt::config", "{error}; what auto stands for is what it was {hours} hours ago");
            }
            None => {
                tracing::warn!(target: "basalt::config", "{error}; auto stands for the public network's values");
            }
        }
    }

    /// Asks the server, and keeps what is new.
    async fn refresh(&self) -> Result<AutoValues> {
        let asked = tokio::time::timeout(TIME, self.ask()).await;
        asked.unwrap_or_else(|_| Err(self.wrong("context deadline exceeded")))
    }

    async fn ask(&self) -> Result<AutoValues> {
        let cache = self.cache.clone();
        let known = tokio::task::spawn_blocking(move || cache.validators()).await?;
        let mut headers = Headers::from_iter([("User-Agent", &self.agent)]);
        if let Some(etag) = &known.etag {
            headers.append("If-None-Match", etag);
        } else if let Some(time) = &known.last_modified {
            headers.append("If-Modified-Since", time);
        }
        let mut answer = fetch(&self.url, &headers)
            .await
            .map_err(|e| self.wrong(e))?;
        let cache = self.cache.clone();
        match answer.status {
            200 => {
                let text = answer.body.all(MOST).await.map_err(|e| self.wrong(e))?;
                let field = |name: &str| answer.headers.get(name).map(|v| v.into_owned());
                let said = Validators {
                    etag: field("ETag"),
                    last_modified: field("Last-Modified"),
                };
                let kept = move || cache.store(&text, &said);
                let kept = tokio::task::spawn_blocking(kept).await?;
                kept.map_err(|e| self.wrong(e))
            }
            304 => {
                let touched = move || cache.touch().map(|()| cache.values());
                let values = tokio::task::spawn_blocking(touched).await??;
                values.ok_or_else(|| self.wrong("unexpected status code: 304"))
            }
            status => Err(self.wrong(format!("unexpected status code: {status}"))),
        }
    }

    fn wrong(&self, reason: impl ToString) -> Error {
        Error::AutoConf {
            url: self.url.clone(),
            reason: reason.to_string(),
        }
    }
}
