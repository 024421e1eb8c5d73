//! From a path to the block it ends in, and the roots on the way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use basalt_block::{Block, Cid, codec};
use basalt_ipld::dag_pb::{Field, fields};
use basalt_ipld::{Path, Value, decode_block};
use basalt_unixfs::{BlockSource, Data, Kind, resolve_name};
use bytes::Bytes;

use crate::backend::Backend;
use crate::directories::{self, Opened};
use crate::error::Error;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// What each segment but the last leads to, the root first.
    pub(crate) roots: Vec<Cid>,
    /// The last block. It has not been loaded if there is no remainder.
    pub(crate) cid: Cid,
    /// The segments that lead to a value inside that block.
    pub(crate) remainder: Vec<Vec<u8>>,
}

impl Found {
    /// What `X-Ipfs-Roots` says.
    pub(crate) fn roots_header(&self) -> String {
        let mut text = String::new();
        for cid in &self.roots {
            text.push_str(&cid.to_string());
            text.push(',');
        }
        text.push_str(&self.cid.to_string());
        text
    }
}

/// Follows an immutable path. Loads a block for each segment, and of sharded directories the shards
/// on the way to a name.
pub(crate) async fn resolve(backend: &Backend, path: &Path) -> Result<Found, Error> {
    let root = *path.immutable_root()?;
    let mut found = Found {
        roots: Vec::new(),
        cid: root,
        remainder: Vec::new(),
    };
    // The value inside the last block that the remainder leads to.
    let mut inside: Option<Value> = None;
    for name in path.segments() {
        let before = found.cid;
        found.roots.push(before);
        let step = match inside.take() {
            Some(value) => within(value, name),
            None => step(backend, &before, name).await,
        };
        match step {
            Ok(Step::Link(next)) => {
                found.cid = next;
                found.remainder.clear();
            }
            Ok(Step::Inside(value)) => {
                found.remainder.push(name.to_vec());
                inside = Some(value);
            }
            Err(error) if error.is_not_found() => {
                return Err(Error::NoLink {
                    name: name.to_vec(),
                    node: Box::new(before),
                });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What one segment leads to.
enum Step {
    Link(Cid),
    Inside(Value),
}

/// What a segment leads to from a block.
async fn step(backend: &Backend, cid: &Cid, name: &[u8]) -> Result<Step, Error> {
    match directories::open(backend, cid).await? {
        Opened::Block(block) => enter(&*backend.source(), &block, name).await,
        Opened::Names(names) => match directories::find(backend, names, name).await? {
            Some(next) => Ok(Step::Link(next)),
            None => Err(no_link(cid, name)),
        },
    }
}

/// What a segment leads to from a block that is at hand.
async fn enter(source: &dyn BlockSource, block: &Block, name: &[u8]) -> Result<Step, Error> {
    let cid = block.cid();
    if cid.codec() != codec::DAG_PB {
        let value = decode_block(cid.codec(), block.data());
        return within(value.map_err(|e| Error::from(e).retrieving())?, name);
    }
    match look(block.data(), name).map_err(Error::retrieving)? {
        Look::Link(cid) => Ok(Step::Link(cid)),
        Look::Missing => Err(no_link(cid, name)),
        Look::Sharded => Ok(Step::Link(resolve_name(source, block, name).await?.cid)),
    }
}

fn within(value: Value, name: &[u8]) -> Result<Step, Error> {
    let child = value.child(name).map_err(|error| match error {
        // A name where a list wants a number is a mistake of whoever asks.
        basalt_ipld::Error::NoIndex(_) => Error::from(error).retrieving(),
        error => Error::Missing(error.to_string()),
    })?;
    Ok(match child {
        Value::Link(cid) => Step::Link(**cid),
        child => Step::Inside(child.clone()),
    })
}

fn no_link(cid: &Cid, name: &[u8]) -> Error {
    Error::NoLink {
        name: name.to_vec(),
        node: Box::new(*cid),
    }
}

/// What a look into one dag-pb block finds.
enum Look {
    Link(Cid),
    Missing,
    Sharded,
}

/// Looks for a name in a block without taking the block apart: a directory of thousands of entries
/// is read once from end to end, and nothing of it is copied.
fn look(block: &Bytes, name: &[u8]) -> Result<Look, Error> {
    let mut found = None;
    let mut data = None;
    for field in fields(block) {
        match field? {
            Field::Data(bytes) => data = Some(bytes),
            Field::Link(link) if found.is_none() && link.name.unwrap_or_default() == name => {
                found = Some(link.cid);
            }
            Field::Link(_) => {}
        }
    }
    let data = data.and_then(|bytes| Data::decode(&block.slice_ref(bytes)).ok());
    Ok(match data.map(|data| data.kind) {
        Some(Kind::HamtShard) => Look::Sharded,
        Some(Kind::Directory) | None => found.map_or(Look::Missing, Look::Link),
        Some(_) => Look::Missing,
    })
}

/// The blocks that a path leads through.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// In the order in which they are needed.
    pub(crate) cids: Vec<Cid>,
    /// Whether one of them is not to be had.
    pub(crate) missing: bool,
}

/// More blocks than any path leads through.
const MAX_TRACE: usize = 16 << 10;

/// The blocks that an immutable path leads through, up to its end or to where it breaks off. What it
/// leads to is not among them.
pub(crate) async fn trace(backend: &Backend, path: &Path) -> Result<Trace, Error> {
    let noted = Arc::new(Noted {
        source: backend.source(),
        trace: Mutex::default(),
    });
    let mut cid = *path.immutable_root()?;
    let mut inside: Option<Value> = None;
    for name in path.segments() {
        let step = match inside.take() {
            Some(value) => within(value, name),
            None => {
                noted.note(&cid);
                match backend.block(&cid).await {
                    Ok(block) => enter(&*noted, &block, name).await,
                    Err(error) if error.is_not_found() => {
                        noted.lock().missing = true;
                        break;
                    }
                    Err(error) => Err(error),
                }
            }
        };
        match step {
            Ok(Step::Link(next)) => cid = next,
            Ok(Step::Inside(value)) => inside = Some(value),
            Err(error) if error.is_not_found() => {
                noted.lock().missing |=
                    matches!(error, Error::Missing(_)) && cid.codec() == codec::DAG_PB;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(std::mem::take(&mut *noted.lock()))
}

/// Blocks that are noted as they are read.
struct Noted {
    source: Arc<dyn BlockSource>,
    trace: Mutex<Trace>,
}

impl Noted {
    fn lock(&self) -> MutexGuard<'_, Trace> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, cid: &Cid) {
        let mut trace = self.lock();
        if trace.cids.len() < MAX_TRACE {
            trace.cids.push(*cid);
        }
    }
}

#[async_trait]
impl BlockSource for Noted {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<Block> {
        self.note(cid);
        self.source.get(cid).await
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<Block>> {
        cids.iter().for_each(|cid| self.note(cid));
        self.source.get_many(cids).await
    }
}
