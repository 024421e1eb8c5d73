//! A running Kubo, asked over its RPC for what its files do not tell.

mod http;

use std::path::PathBuf;

use basalt_block::{Cid, Multihash};
use serde_json::Value;

use crate::{Error, Found, Pin, Result};
pub use http::Connection;

/// An answer that is read as a whole is not longer.
const MAX_ANSWER: u64 = 16 << 20;
/// A block that is larger is not asked for.
pub(crate) const MAX_BLOCK: u64 = 64 << 20;

/// The RPC of a running Kubo.
#[derive(Debug, Clone)]
pub struct Api {
    host: String,
    port: u16,
}

impl Api {
    /// The RPC at a multiaddr: `/ip4/127.0.0.1/tcp/5001`.
    ///
    /// # Errors
    /// It is not of that shape.
    pub fn new(address: &str) -> Result<Self> {
        let parts: Vec<&str> = address.trim_end_matches('/').split('/').collect();
        let parsed = match parts[..] {
            [
                "",
                "ip4" | "ip6" | "dns" | "dns4" | "dns6",
                host,
                "tcp",
                port,
            ] => port.parse().ok().map(|port| (host, port)),
            _ => None,
        };
        let (host, port) = parsed.ok_or_else(|| Error::Api {
            address: address.to_owned(),
            reason: "is no address of the form /ip4/127.0.0.1/tcp/5001".to_owned(),
        })?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }

    pub(crate) fn error(&self, reason: impl Into<String>) -> Error {
        Error::Api {
            address: format!("{}:{}", self.host, self.port),
            reason: reason.into(),
        }
    }

    /// A connection of its own, for one thread.
    pub fn connection(&self) -> Connection {
        Connection::new(self.clone())
    }

    fn json(&self, call: &str) -> Result<Value> {
        let bytes = self.connection().whole(call, MAX_ANSWER)?;
        serde_json::from_slice(&bytes).map_err(|e| self.error(format!("{call}: {e}")))
    }

    /// The peer ID of the node, and the directory of its repo as it knows it.
    ///
    /// # Errors
    /// It does not answer.
    pub fn identity(&self) -> Result<(String, PathBuf)> {
        let id = self.json("id")?["ID"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let repo = self.json("repo/stat?size-only=true")?;
        Ok((id, repo["RepoPath"].as_str().unwrap_or_default().into()))
    }

    /// How many blocks there are and how many bytes they take. Kubo goes over all of them for it.
    ///
    /// # Errors
    /// It does not answer.
    pub fn size(&self) -> Result<u64> {
        let stat = self.json("repo/stat?size-only=true")?;
        Ok(stat["RepoSize"].as_u64().unwrap_or(0))
    }

    /// Every block, to be fetched with [`Connection::block`].
    ///
    /// # Errors
    /// It does not answer.
    pub fn blocks(&self) -> Result<impl Iterator<Item = Result<Found>> + Send + use<>> {
        let api = self.clone();
        let lines = self.connection().lines("refs/local?enc=json")?;
        Ok(lines.map(move |line| {
            let line = line?;
            if let Some(error) = line["Err"].as_str().filter(|e| !e.is_empty()) {
                return Err(api.error(format!("refs/local: {error}")));
            }
            let text = line["Ref"].as_str().unwrap_or_default();
            Ok(match text.parse::<Cid>() {
                Ok(cid) => Found::Remote(*cid.hash()),
                Err(_) => Found::Strange(text.to_owned()),
            })
        }))
    }

    /// The pins, with their names.
    ///
    /// # Errors
    /// It does not answer.
    pub fn pins(&self) -> Result<impl Iterator<Item = Result<Pin>> + Send + use<>> {
        let mut all: Vec<Box<dyn Iterator<Item = Result<Pin>> + Send>> = Vec::new();
        for (kind, recursive) in [("recursive", true), ("direct", false)] {
            let api = self.clone();
            let call = format!("pin/ls?type={kind}&stream=true&names=true");
            let lines = self.connection().lines(&call)?;
            all.push(Box::new(lines.map(move |line| {
                let line = line?;
                let cid = line["Cid"].as_str().and_then(|text| text.parse().ok());
                Ok(Pin {
                    cid: cid.ok_or_else(|| api.error(format!("pin/ls: {line}")))?,
                    recursive,
                    name: line["Name"].as_str().unwrap_or_default().to_owned(),
                })
            })));
        }
        Ok(all.into_iter().flatten())
    }

    /// The root of the files of `ipfs files`.
    ///
    /// # Errors
    /// It does not answer.
    pub fn files_root(&self) -> Result<Option<Cid>> {
        let _ = self.json("files/flush?arg=/");
        let stat = self.json("files/stat?arg=/&hash=true")?;
        Ok(stat["Hash"].as_str().and_then(|text| text.parse().ok()))
    }
}

impl Connection {
    /// The bytes of a block that is there.
    ///
    /// # Errors
    /// The block is not there, cannot be read, or the connection broke.
    pub fn block(&mut self, hash: &Multihash) -> Result<Vec<u8>> {
        let cid = Cid::new_v1(basalt_block::codec::RAW, *hash);
        self.whole(&format!("block/get?offline=true&arg={cid}"), MAX_BLOCK)
    }
}
