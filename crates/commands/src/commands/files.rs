//! `ipfs files`: the mutable file tree.

pub(crate) mod chcid;
pub(crate) mod chmod;
pub(crate) mod chroot;
pub(crate) mod cp;
pub(crate) mod flush;
pub(crate) mod ls;
pub(crate) mod mkdir;
pub(crate) mod mv;
pub(crate) mod read;
pub(crate) mod rm;
pub(crate) mod stat;
pub(crate) mod touch;
pub(crate) mod write;

use basalt::block::{Block, Hasher, Version, hash_code};
use basalt::ipld::Path;
use basalt::mfs::{self, Mfs};
use basalt::unixfs::CidFormat;

use crate::spec::{Kind, Opt};
use crate::{Call, Error, Meta, Result, Value};

/// The option of the whole group.
pub(crate) const OPTIONS: &[Opt] = &[Opt {
    names: &["flush", "f"],
    kind: Kind::Bool,
    default: Some("true"),
    about: "Make changes durable before answering",
}];

/// Whether changes are flushed.
fn flushes(meta: &Meta) -> bool {
    !matches!(meta.parsed.get(&OPTIONS[0]), Some(Value::Bool(false)))
}

/// Checks a path of the tree, and makes it as short as it can be; a slash at its end stays.
pub(crate) fn check_path(path: &str) -> Result<String> {
    if path.is_empty() {
        return Err(Error::new("paths must not be empty"));
    }
    if !path.starts_with('/') {
        return Err(Error::new("paths must start with a leading slash"));
    }
    let mut cleaned = mfs::path::clean(path);
    if path.ends_with('/') && path != "/" {
        cleaned.push('/');
    }
    Ok(cleaned)
}

/// As [`check_path`], or a path or URI of content.
fn check_any_path(path: &str) -> Result<String> {
    match Path::parse_uri(path) {
        Ok(path) => Ok(path.to_string()),
        Err(_) => check_path(path),
    }
}

/// The root block of what a path of content, or of the tree, leads to.
async fn block_at<O>(call: &Call<O>, files: &Mfs, path: &str) -> Result<Block> {
    let Ok(content) = Path::parse_uri(path) else {
        return Ok(files.node(path).await?.block);
    };
    let node = call.ctx.node().await?;
    let offline = call.meta.globals.offline;
    let found = node.resolve(&content, offline).await?;
    let blocks = match offline {
        true => node.blocks().offline(),
        false => node.blocks().session(),
    };
    let block = blocks.get(&found.cid).await;
    Ok(block.map_err(basalt::Error::from)?)
}

/// The CID format that options ask for; `None` where they do not.
fn asked_cids(version: Option<i32>, hash: Option<&str>) -> Result<Option<CidFormat>> {
    if version.is_none() && hash.is_none() {
        return Ok(None);
    }
    let version = match version.unwrap_or(0) {
        0 if hash.is_some() => Version::V1,
        0 => Version::V0,
        1 => Version::V1,
        other => return Err(Error::new(format!("unknown CID version: {other}"))),
    };
    let hasher = match hash {
        None => Hasher::SHA2_256,
        Some(name) => match hash_code(&name.to_lowercase()) {
            Some(code) => Hasher::new(code),
            None => return Err(Error::new(format!("unrecognized hash function: {name:?}"))),
        },
    };
    Ok(Some(CidFormat {
        version,
        hasher,
        inline: None,
    }))
}

/// Makes the directories above a path.
async fn make_parents(files: &Mfs, path: &str, cids: CidFormat) -> Result<()> {
    let above = mfs::path::parent(path);
    if above == "/" {
        return Ok(());
    }
    let options = mfs::MkdirOptions {
        parents: true,
        cids: Some(cids),
    };
    Ok(files.mkdir(&above, options).await?)
}
