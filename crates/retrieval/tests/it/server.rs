//! A gateway of blocks that can be told to misbehave.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use basalt_block::{Block, Cid, parse_cid};
use bytes::Bytes;
use multiaddr::{Multiaddr, Protocol};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a server does with a request for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It gives it.
    Good,
    /// It knows no `HEAD`.
    NoHead,
    /// It gives other bytes.
    Lies,
    /// It gives more bytes than any block has.
    Endless,
    /// It ends the connection in the middle of the block.
    Cuts,
    /// It ends the connection after every answer, without a word.
    Hangs,
    /// It says nothing.
    Silent,
    /// It gives bytes that are not HTTP.
    Garbage,
    /// It wants to be left alone.
    Busy,
    /// It says that it is broken.
    Broken,
    /// It sends elsewhere.
    Redirects,
    /// It is no gateway.
    Site,
}

pub(crate) struct Server {
    pub(crate) address: Multiaddr,
    pub(crate) asked: Arc<AtomicUsize>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) hosts: Arc<Mutex<HashSet<String>>>,
}

#[derive(Clone)]
struct Shared {
    manner: Manner,
    blocks: Arc<HashMap<Cid, Bytes>>,
    asked: Arc<AtomicUsize>,
    hosts: Arc<Mutex<HashSet<String>>>,
}

impl Server {
    pub(crate) async fn start(manner: Manner, blocks: &[Block]) -> Self {
        Self::start_with(manner, blocks, None).await
    }

    /// With TLS, a server with that certificate.
    pub(crate) async fn start_with(
        manner: Manner,
        blocks: &[Block],
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = listener.local_addr().unwrap();
        let held = blocks.iter().map(|b| (*b.cid(), b.data().clone()));
        let shared = Shared {
            manner,
            blocks: Arc::new(held.collect()),
            asked: Arc::default(),
            hosts: Arc::default(),
        };
        let server = Self {
            address: address(socket, tls.is_some()),
            asked: shared.asked.clone(),
            connections: Arc::default(),
            hosts: shared.hosts.clone(),
        };
        let connections = server.connections.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::Relaxed);
                let (shared, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, shared).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, shared).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        server
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

fn address(socket: SocketAddr, tls: bool) -> Multiaddr {
    let address = Multiaddr::empty()
        .with(socket.ip().into())
        .with(Protocol::Tcp(socket.port()));
    match tls {
        false => address.with(Protocol::Http),
        true => address.with(Protocol::Tls).with(Protocol::Http),
    }
}

/// Answers one request after the other.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: Shared) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await.ok()? == 0 {
                return None;
            }
        }
        let head = String::from_utf8(head).unwrap();
        let field = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(n, _)| *n == name).map(|(_, v)| v.to_owned())
        };
        shared.hosts.lock().unwrap().insert(field("Host").unwrap());
        assert_eq!(field("Accept").unwrap(), "application/vnd.ipld.raw");
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let cid = target.strip_prefix("/ipfs/").unwrap();
        let cid = cid.strip_suffix("?format=raw").unwrap();
        shared.asked.fetch_add(1, Ordering::Relaxed);
        let (answer, close) = shared.answer(method == "HEAD", cid).await;
        stream.write_all(&answer).await.ok()?;
        if close {
            return None;
        }
    }
}

impl Shared {
    /// An answer, and whether the connection ends after it.
    async fn answer(&self, head: bool, cid: &str) -> (Vec<u8>, bool) {
        if cid == "bafkqaaa" {
            return match self.manner {
                Manner::Site => (plain(404, ""), false),
                Manner::NoHead if head => (plain(405, ""), false),
                Manner::Hangs => (plain(200, ""), true),
                _ => (plain(200, ""), false),
            };
        }
        let (cid, _) = parse_cid(cid).unwrap();
        let Some(data) = self.blocks.get(&cid) else {
            return (plain(404, "no such block"), false);
        };
        let whole = || {
            let mut answer = start(200, data.len(), "");
            if !head {
                answer.extend_from_slice(data);
            }
            answer
        };
        match self.manner {
            Manner::Good => (whole(), false),
            Manner::NoHead if head => (plain(405, ""), false),
            Manner::NoHead => (whole(), false),
            Manner::Lies => (start(200, 4, "lies"), false),
            Manner::Endless => {
                let mut answer = start(200, 100 << 20, "");
                answer.resize(8 << 20, 0);
                (answer, true)
            }
            Manner::Cuts => {
                let mut answer = whole();
                answer.pop();
                (answer, true)
            }
            Manner::Hangs => (whole(), true),
            Manner::Silent => std::future::pending().await,
            Manner::Garbage => (b"SSH-2.0-nothing\r\n\r\n".to_vec(), false),
            Manner::Busy => {
                let answer = "HTTP/1.1 429 Slow\r\nRetry-After: 50\r\nContent-Length: 0\r\n\r\n";
                (answer.into(), false)
            }
            Manner::Broken => (plain(500, "oops"), false),
            Manner::Redirects => {
                let answer = "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
                (answer.into(), false)
            }
            Manner::Site => (plain(404, ""), false),
        }
    }
}

fn plain(status: u16, body: &str) -> Vec<u8> {
    start(status, body.len(), body)
}

fn start(status: u16, length: usize, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}
