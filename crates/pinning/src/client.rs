use std::sync::Arc;

use basalt_block::Cid;
use basalt_http::Trust;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::endpoint::escape;
use crate::list::Filter;
use crate::model::{Page, PinStatus};
use crate::request::{Ask, ask};
use crate::{Draft, Endpoint, List, Result};

/// What services are told that asks them.
const AGENT: &str = "go-pinning-service-http-client";

/// A pinning service; cheap to clone.
#[derive(Clone)]
pub struct Client {
    endpoint: Arc<Endpoint>,
    http: basalt_http::Client,
}

impl Client {
    /// The service at `endpoint`, which knows us by `key`.
    pub fn new(endpoint: Endpoint, key: &str) -> Self {
        let http = basalt_http::Client::new(endpoint.target())
            .proxied()
            .header("Authorization", &format!("Bearer {key}"))
            .header("User-Agent", AGENT);
        Self {
            endpoint: Arc::new(endpoint),
            http,
        }
    }

    /// Whose certificates are trusted, in place of what the system trusts.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.http = self.http.trust(trust);
        self
    }

    /// Asks for a pin.
    ///
    /// # Errors
    /// The service refuses, or does not answer as one.
    pub async fn add(&self, draft: &Draft) -> Result<PinStatus> {
        self.post("/pins".to_owned(), draft).await
    }

    /// Asks for a pin in place of that of another request.
    ///
    /// # Errors
    /// As [`Client::add`].
    pub async fn replace(&self, request_id: &str, draft: &Draft) -> Result<PinStatus> {
        self.post(one(request_id), draft).await
    }

    /// What became of a request.
    ///
    /// # Errors
    /// As [`Client::add`].
    pub async fn status(&self, request_id: &str) -> Result<PinStatus> {
        self.ask("GET", one(request_id), None).await
    }

    /// Takes a request back, and unpins what it has pinned.
    ///
    /// # Errors
    /// As [`Client::add`].
    pub async fn remove(&self, request_id: &str) -> Result<()> {
        let _: Ignored = self.ask("DELETE", one(request_id), None).await?;
        Ok(())
    }

    /// The requests that fit a filter, the newest first.
    pub fn list(&self, filter: Filter) -> List {
        List::new(self.clone(), filter)
    }

    /// How many requests fit a filter.
    ///
    /// # Errors
    /// As [`Client::add`].
    pub async fn count(&self, filter: &Filter) -> Result<i64> {
        Ok(self.page(filter, 1, None).await?.count)
    }

    pub(crate) async fn page(
        &self,
        filter: &Filter,
        limit: usize,
        before: Option<&str>,
    ) -> Result<Page> {
        let path = format!("/pins?{}", filter.query(limit, before));
        self.ask("GET", path, None).await
    }

    async fn post<T>(&self, path: String, body: &impl Serialize) -> Result<T>
    where
        T: DeserializeOwned + Default,
    {
        // A draft is text and lists of text; there is nothing in it that could not be written.
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.ask("POST", path, Some(body)).await
    }

    async fn ask<T>(&self, method: &'static str, path: String, body: Option<Vec<u8>>) -> Result<T>
    where
        T: DeserializeOwned + Default,
    {
        let what = Ask { method, path, body };
        ask(&self.http, &self.endpoint, what).await
    }
}

impl std::fmt::Debug for Client {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.endpoint)
    }
}

/// The path of a request.
fn one(request_id: &str) -> String {
    format!("/pins/{}", escape(request_id.as_bytes()))
}

/// An answer of which nothing is read.
#[derive(Default)]
struct Ignored;

impl<'de> serde::Deserialize<'de> for Ignored {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(from).map(|_| Self)
    }
}

impl PinStatus {
    /// The CID, if the service wrote one.
    pub fn cid(&self) -> Option<Cid> {
        basalt_block::parse_cid(&self.pin.cid)
            .ok()
            .map(|(cid, _)| cid)
    }
}
