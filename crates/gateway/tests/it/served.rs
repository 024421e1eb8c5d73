//! A gateway that listens, and a client that takes nothing for granted.

use std::net::SocketAddr;
use std::sync::Arc;

use basalt_block::Cid;
use basalt_blockstore::MemoryStore;
use basalt_exchange::BlockService;
use basalt_gateway::{Denylists, Gateway, Settings};
use basalt_http::{Listener, Options, serve};
use basalt_ipns::{Resolver, Store};
use basalt_unixfs::{
    CidFormat, DirectoryBuilder, DirectoryOptions, FileBuilder, FileOptions, Stat,
};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    _stop: DropGuard,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = fields.filter(|(have, _)| have.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }
}

pub(crate) fn names(store: &Arc<MemoryStore>) -> Resolver {
    Resolver::new(Store::new(store.clone()), None)
}

impl Served {
    pub(crate) async fn of(store: &Arc<MemoryStore>) -> Self {
        let blocks = BlockService::local(store.clone());
        Self::new(
            Settings::default(),
            blocks,
            names(store),
            Denylists::default(),
        )
        .await
    }

    pub(crate) async fn new(
        settings: Settings,
        blocks: BlockService,
        names: Resolver,
        denied: Denylists,
    ) -> Self {
        let gateway = Gateway::with_denylists(settings, blocks, names, denied);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let listeners = vec![Listener::Tcp(listener)];
        tokio::spawn(serve(listeners, gateway, Options::default(), stop.clone()));
        Self {
            address,
            _stop: stop.drop_guard(),
        }
    }

    /// Sends a request and reads the answer to its end; a body that is cut is an error.
    pub(crate) async fn get(&self, target: &str, fields: &str) -> Result<Response, String> {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let host = match fields.contains("Host: ") {
            true => "",
            false => "Host: 127.0.0.1\r\n",
        };
        let request = format!("GET {target} HTTP/1.1\r\n{host}{fields}Connection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        let read = socket.read_to_end(&mut all).await;
        read.map_err(|e| format!("cut: {e}"))?;
        let end = all
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .ok_or("no head")?;
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let mut response = Response {
            status: head[9..12].parse().unwrap(),
            head,
            body: all.split_off(end + 4),
        };
        if response.header("transfer-encoding").is_some() {
            response.body = chunks(&response.body).ok_or("cut in a chunk")?;
        } else if let Some(length) = response.header("content-length")
            && length != response.body.len().to_string()
        {
            return Err(format!("cut: {} of {length} bytes", response.body.len()));
        }
        Ok(response)
    }
}

pub(crate) fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

/// Bytes that do not repeat.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Adds a file in chunks of this size.
pub(crate) async fn file(store: &Arc<MemoryStore>, data: &[u8], chunk: usize) -> Cid {
    let options = FileOptions {
        chunker: format!("size-{chunk}").parse().unwrap(),
        raw_leaves: true,
        max_links: 4,
        cids: CidFormat::V1,
        ..FileOptions::default()
    };
    let mut builder = FileBuilder::new(options, Arc::new(store.clone())).unwrap();
    builder.write(Bytes::copy_from_slice(data)).await.unwrap();
    builder.finish().await.unwrap().cid
}

/// Adds a directory; one of more than `most` entries is sharded.
pub(crate) async fn directory(
    store: &Arc<MemoryStore>,
    entries: &[(&str, Cid)],
    most: usize,
) -> Cid {
    let options = DirectoryOptions {
        cids: CidFormat::V1,
        max_links: most,
        fanout: 8,
        ..DirectoryOptions::default()
    };
    let mut builder = DirectoryBuilder::new(options, Stat::default()).unwrap();
    for (name, cid) in entries {
        builder.add(name.as_bytes(), cid, 1).unwrap();
    }
    builder.finish(store).await.unwrap().cid
}
