//! A server on loopback that knows what a test tells it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use basalt_block::{Cid, parse_cid};
use basalt_delegated::{Client, Endpoint, Router, Server};
use basalt_http::{Handler, Headers, Listener, Options, Request, Responder, Target, Upload, serve};
use basalt_ipns::{Name, Record};
use basalt_routing::PeerInfo;
use bytes::Bytes;
use libp2p_identity::PeerId;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a server knows.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) providers: Vec<PeerInfo>,
    pub(crate) peers: Vec<PeerInfo>,
    pub(crate) closest: Vec<PeerInfo>,
    pub(crate) records: Mutex<HashMap<Name, Bytes>>,
    /// Routing does not work.
    pub(crate) broken: bool,
}

#[async_trait]
impl Router for Known {
    async fn providers(&self, _: &Cid, out: mpsc::Sender<PeerInfo>) {
        for peer in &self.providers {
            if out.send(peer.clone()).await.is_err() {
                return;
            }
        }
    }

    async fn peer(&self, peer: PeerId) -> Option<PeerInfo> {
        self.peers.iter().find(|known| known.id == peer).cloned()
    }

    async fn record(&self, name: &Name) -> Result<Option<Bytes>, String> {
        Ok(self.records.lock().unwrap().get(name).cloned())
    }

    async fn put_record(&self, name: &Name, record: &Record) -> Result<(), String> {
        if self.broken {
            return Err("broken".to_owned());
        }
        let mut records = self.records.lock().unwrap();
        records.insert(*name, record.bytes().clone());
        Ok(())
    }

    async fn closest_peers(&self, _: &[u8]) -> Result<Vec<PeerInfo>, String> {
        match self.broken {
            true => Err("broken".to_owned()),
            false => Ok(self.closest.clone()),
        }
    }
}

struct Face(Server);

impl Handler for Face {
    async fn handle(&self, request: Request, responder: Responder) {
        let common = Headers::from_iter([("Access-Control-Allow-Origin", "*")]);
        self.0.answer(request, &common, responder).await.unwrap();
    }
}

/// A server that is running.
pub(crate) struct World {
    pub(crate) known: Arc<Known>,
    pub(crate) server: Server,
    address: String,
    _stop: DropGuard,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).unwrap_or_default().into_owned()
    }
}

impl World {
    pub(crate) async fn new(known: Known) -> Self {
        let known = Arc::new(known);
        let server = Server::new(known.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        let listeners = vec![Listener::Tcp(listener)];
        let face = Face(server.clone());
        tokio::spawn(serve(listeners, face, Options::default(), stop.clone()));
        Self {
            known,
            server,
            address,
            _stop: stop.drop_guard(),
        }
    }

    pub(crate) fn client(&self) -> Client {
        let url = format!("http://{}", self.address);
        Client::new(Endpoint::parse(&url).unwrap(), "test")
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let http = basalt_http::Client::new(Target::Tcp(self.address.clone()));
        let headers = Headers::from_iter(fields.iter().copied());
        let upload = match body {
            [] => Upload::Empty,
            body => Upload::Whole(body.to_vec().into()),
        };
        let path = format!("/routing/v1/{path}");
        let sent = http.send(method, &path, &headers, upload).await;
        let mut response = sent.unwrap();
        let body = response.body.all(1 << 20).await.unwrap();
        Answer {
            status: response.status,
            headers: response.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }

    pub(crate) async fn lines(&self, path: &str) -> Answer {
        let accept = [("Accept", "application/x-ndjson")];
        self.ask("GET", path, &accept, b"").await
    }
}

pub(crate) fn cid() -> Cid {
    parse_cid("bafkreidcd7frenco2m6ch7mny63wztgztv3q6fctaffgowkro6kljre5ei")
        .unwrap()
        .0
}

pub(crate) fn peer(addresses: &[&str]) -> PeerInfo {
    let addresses = addresses.iter().map(|a| a.parse().unwrap());
    PeerInfo::new(PeerId::random(), addresses.collect())
}
