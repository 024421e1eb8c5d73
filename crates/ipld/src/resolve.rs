//! From a path to the block it ends in.

use basalt_block::Cid;
use bytes::Bytes;

use crate::{Error, Namespace, Path, Value, codec, dag_pb, decode_block};

/// Where paths are resolved.
pub trait LinkSource: Sync {
    /// What can go wrong: what blocks and paths have wrong, and not to get a block.
    type Error: From<Error> + Send;

    /// The bytes of a block.
    fn block(&self, cid: &Cid) -> impl Future<Output = Result<Bytes, Self::Error>> + Send;

    /// Where a name leads from a dag-pb block in the namespace `/ipfs`. By default to the first
    /// link of that name; whoever knows UnixFS looks into sharded directories here.
    fn lookup(
        &self,
        cid: &Cid,
        block: Bytes,
        name: &[u8],
    ) -> impl Future<Output = Result<Lookup, Self::Error>> + Send {
        let _ = cid;
        let found = link_named(&block, name).map_err(Self::Error::from);
        async { found }
    }
}

/// What [`LinkSource::lookup`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The name leads here.
    Link(Cid),
    /// There is no such name.
    Missing,
    /// The block has no names at all: it is a file or the like.
    NotADirectory,
}

/// The end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The last block that the path leads to. It has not been loaded if there is no remainder.
    pub cid: Cid,
    /// The segments that lead to a value inside this block.
    pub remainder: Vec<Vec<u8>>,
}

/// Follows an immutable path through the blocks of `source`.
///
/// In `/ipfs`, segments are names of links in dag-pb blocks; in `/ipld`, and in blocks of other
/// codecs, they are names and numbers of the data model. Loads at most a block per segment.
pub async fn resolve<S: LinkSource>(source: &S, path: &Path) -> Result<Resolved, S::Error> {
    let mut cid = *path.immutable_root()?;
    let segments: Vec<&[u8]> = path.segments().collect();
    let mut rest = segments.as_slice();
    while let [name, after @ ..] = rest {
        let block = source.block(&cid).await?;
        if cid.codec() == codec::DAG_PB && path.namespace() == Namespace::Ipfs {
            cid = match source.lookup(&cid, block, name).await? {
                Lookup::Link(next) => next,
                Lookup::NotADirectory if after.is_empty() => return Err(file_has_no_names().into()),
                Lookup::Missing | Lookup::NotADirectory => return Err(no_link(name, &cid).into()),
            };
            rest = after;
            continue;
        }
        match walk(&cid, &block, rest)? {
            Some((next, after)) => (cid, rest) = (next, after),
            None => {
                return Ok(Resolved {
                    cid,
                    remainder: rest.iter().map(|s| s.to_vec()).collect(),
                });
            }
        }
    }
    Ok(Resolved {
        cid,
        remainder: Vec::new(),
    })
}

/// Follows segments inside a block; returns the first link they meet and the segments behind it.
fn walk<'a, S: AsRef<[u8]>>(
    cid: &Cid,
    block: &[u8],
    segments: &'a [S],
) -> Result<Option<(Cid, &'a [S])>, Error> {
    let value = decode_block(cid.codec(), block)?;
    let mut at = &value;
    let mut rest = segments;
    while let [segment, after @ ..] = rest {
        at = at.child(segment).map_err(|e| match e {
            // Only the last segment gets to say what it missed.
            e if after.is_empty() && !is_schema_miss(cid, block, &e, at, &value) => e,
            _ => no_link(segment.as_ref(), cid),
        })?;
        rest = after;
        if let Value::Link(next) = at {
            return Ok(Some((**next, rest)));
        }
    }
    Ok(None)
}

/// Whether a field is missing of a map that has a schema.
fn is_schema_miss(cid: &Cid, block: &[u8], error: &Error, at: &Value, root: &Value) -> bool {
    let missed = matches!((error, at), (Error::KeyNotFound(_), Value::Map(_)));
    // The entries of a tree have any names.
    let is_tree = || std::ptr::eq(at, root) && block.starts_with(b"tree ");
    match cid.codec() {
        codec::DAG_PB => missed,
        codec::GIT_RAW => missed && !is_tree(),
        _ => false,
    }
}

fn link_named(block: &[u8], name: &[u8]) -> Result<Lookup, Error> {
    let mut found = Lookup::Missing;
    for field in dag_pb::fields(block) {
        match field? {
            dag_pb::Field::Link(link)
                if found == Lookup::Missing && link.name.unwrap_or_default() == name =>
            {
                found = Lookup::Link(link.cid);
            }
            _ => {}
        }
    }
    Ok(found)
}

fn no_link(name: &[u8], cid: &Cid) -> Error {
    Error::NoLink {
        name: name.to_vec(),
        cid: Box::new(*cid),
    }
}

fn file_has_no_names() -> Error {
    Error::WrongKind {
        method: "LookupBySegment",
        node: "data.Bytes".into(),
        kind: "bytes",
        wanted: "map or list",
    }
}
