use std::time::Duration;

use basalt_block::{Base, Cid, cid_string, cid_text, codec};
use basalt_http::{Headers, Upload};
use bytes::Bytes;
use libp2p_identity::PeerId;
use tokio::time::timeout;

use crate::{Endpoint, Error, Filters, PeerRecord, Result};

/// How long an answer may take.
const TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const LONGEST: usize = 4 << 20;
/// Records with what is provided, whole or line by line.
const PEERS: &str = "application/x-ndjson, application/json";
const RECORD: &str = "application/vnd.ipfs.ipns-record";

/// A server that is asked; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    endpoint: Endpoint,
    filters: Filters,
    http: basalt_http::Client,
}

impl Client {
    /// The server at `endpoint`, which is told that `agent` asks.
    pub fn new(endpoint: Endpoint, agent: &str) -> Self {
        let http = basalt_http::Client::new(endpoint.target()).proxied();
        let http = http.header("User-Agent", agent);
        Self {
            endpoint,
            filters: Filters::default(),
            http,
        }
    }

    /// What of the answers is wanted. Servers are asked for no more, and what they tell all the same is
    /// left out.
    pub fn filter(mut self, filters: Filters) -> Self {
        self.filters = filters;
        self
    }

    /// The server.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Who has a block.
    ///
    /// # Errors
    /// The server does not answer as one.
    pub async fn providers(&self, cid: &Cid) -> Result<Vec<PeerRecord>> {
        // Servers look at the multihash alone.
        let path = self.endpoint.path("providers", &cid_string(cid));
        self.filtered(path).await
    }

    /// Where a peer is; `None` where the server does not know.
    ///
    /// # Errors
    /// The server does not answer as one.
    pub async fn peer(&self, peer: &PeerId) -> Result<Option<PeerRecord>> {
        let path = self.endpoint.path("peers", &key_text(&peer.to_bytes()));
        let mut found = self.filtered(path).await?;
        found.retain(|found| found.id == *peer);
        Ok(found.pop())
    }

    /// The peers of the server's DHT that are nearest to the place of a block.
    ///
    /// # Errors
    /// The server does not answer as one.
    pub async fn closest_peers(&self, cid: &Cid) -> Result<Vec<PeerRecord>> {
        let path = self.endpoint.path("dht/closest/peers", &cid_string(cid));
        self.peers_at(&path).await
    }

    /// Tells the server what a peer has; see [`Announcement::upload`](crate::Announcement::upload).
    ///
    /// # Errors
    /// The server does not take it. Few do.
    pub async fn announce(&self, upload: Vec<u8>) -> Result<()> {
        let path = self.endpoint.path("providers", "");
        let upload = Upload::Whole(upload.into());
        let put = self.ask("PUT", &path, "application/json", upload).await?;
        put.map(drop).ok_or_else(|| self.status(404))
    }

    /// The record of a name; `None` where the server has none. It is not checked.
    ///
    /// # Errors
    /// The server does not answer as one.
    pub async fn record(&self, name: &[u8]) -> Result<Option<Bytes>> {
        let path = self.endpoint.path("ipns", &key_text(name));
        let found = self.ask("GET", &path, RECORD, Upload::Empty).await?;
        Ok(found
            .filter(|(kind, _)| kind.starts_with(RECORD))
            .map(|(_, record)| record))
    }

    /// Gives the server a record of a name.
    ///
    /// # Errors
    /// The server does not take it.
    pub async fn put_record(&self, name: &[u8], record: Bytes) -> Result<()> {
        let path = self.endpoint.path("ipns", &key_text(name));
        let put = self
            .ask("PUT", &path, RECORD, Upload::Whole(record))
            .await?;
        match put {
            Some(_) => Ok(()),
            None => Err(self.status(404)),
        }
    }

    async fn filtered(&self, mut path: String) -> Result<Vec<PeerRecord>> {
        let query = self.filters.query();
        if !query.is_empty() {
            path = format!("{path}?{query}");
        }
        let found = self.peers_at(&path).await?.into_iter();
        Ok(found.filter_map(|r| self.filters.apply(r)).collect())
    }

    async fn peers_at(&self, path: &str) -> Result<Vec<PeerRecord>> {
        match self.ask("GET", path, PEERS, Upload::Empty).await? {
            Some((kind, answer)) => PeerRecord::read(&answer, kind.contains("ndjson")),
            None => Ok(Vec::new()),
        }
    }

    /// Asks; 404 is how servers say that they know nothing.
    async fn ask(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: Upload,
    ) -> Result<Option<(String, Bytes)>> {
        let name = if method == "PUT" {
            "Content-Type"
        } else {
            "Accept"
        };
        let headers = Headers::from_iter([(name, kind)]);
        let answer = async {
            let mut response = self.http.send(method, path, &headers, body).await?;
            let kind = response.headers.get("Content-Type").unwrap_or_default();
            let kind = kind.to_ascii_lowercase();
            let body = response.body.all(LONGEST).await?;
            Ok((response.status, kind, body))
        };
        let answer = timeout(TIME, answer).await;
        let answer = answer.map_err(|_| Error::Timeout(self.endpoint.to_string()))?;
        let (status, kind, body) = answer.map_err(|source| Error::Http {
            server: self.endpoint.to_string(),
            source,
        })?;
        match status {
            200..300 => Ok(Some((kind, body))),
            404 => Ok(None),
            status => Err(self.status(status)),
        }
    }

    fn status(&self, status: u16) -> Error {
        Error::Status {
            server: self.endpoint.to_string(),
            status,
        }
    }
}

/// A peer or a name as the CID of a key in base36.
fn key_text(multihash: &[u8]) -> String {
    match basalt_block::Multihash::from_bytes(multihash) {
        Ok(hash) => cid_text(&Cid::new_v1(codec::LIBP2P_KEY, hash), Base::Base36Lower),
        // There are no others.
        Err(_) => String::new(),
    }
}
