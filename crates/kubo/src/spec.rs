//! What of a repository is kept in which datastore: `datastore_spec`, or `Datastore.Spec` of the
//! config.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Error, Result};

/// Wrappers around a datastore that are looked through.
const MAX_DEPTH: usize = 8;

/// A kind of datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One file a block.
    Flatfs,
    /// A leveldb database.
    Level,
    /// Another, under the name that Kubo gives it.
    Other(String),
}

/// A datastore and the keys that are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What the keys begin with: `/blocks`, or `/`.
    pub at: String,
    /// The kind of datastore.
    pub kind: Kind,
    /// Its directory.
    pub path: PathBuf,
}

/// Reads a specification; relative paths are in the repository `dir`.
///
/// # Errors
/// It is not of a shape that Kubo writes.
pub fn mounts(dir: &Path, spec: &Value) -> Result<Vec<Mount>> {
    let bad = |reason: &str| Error::NotKubo {
        path: dir.to_owned(),
        reason: format!("its datastore specification {reason}"),
    };
    let spec = unwrapped(spec);
    let mounts = match spec["type"].as_str() {
        Some("mount") => spec["mounts"]
            .as_array()
            .ok_or_else(|| bad("has no mounts"))?
            .iter()
            .map(|mount| {
                let at = mount["mountpoint"].as_str();
                let at = at.ok_or_else(|| bad("has a mount without a mountpoint"))?;
                one(dir, at, mount).ok_or_else(|| bad("has a mount without type or path"))
            })
            .collect::<Result<Vec<_>>>()?,
        _ => vec![one(dir, "/", spec).ok_or_else(|| bad("names no type or no path"))?],
    };
    Ok(mounts)
}

fn one(dir: &Path, at: &str, spec: &Value) -> Option<Mount> {
    let spec = unwrapped(spec);
    let kind = match spec["type"].as_str()? {
        "flatfs" => Kind::Flatfs,
        "levelds" => Kind::Level,
        other => Kind::Other(other.to_owned()),
    };
    Some(Mount {
        at: format!("/{}", at.trim_matches('/')),
        kind,
        path: dir.join(spec["path"].as_str()?),
    })
}

/// The datastore within those that only count or log what is done with it.
fn unwrapped(mut spec: &Value) -> &Value {
    for _ in 0..MAX_DEPTH {
        match spec.get("child") {
            Some(child) => spec = child,
            None => break,
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_specifications_of_kubos_profiles() {
        let flatfs = json!({"mounts":[
            {"mountpoint":"/blocks","path":"blocks","shardFunc":"/repo/flatfs/shard/v1/next-to-last/2","type":"flatfs"},
            {"mountpoint":"/","path":"/data/datastore","type":"levelds"}],"type":"mount"});
        let dir = Path::new("/repo");
        let got = mounts(dir, &flatfs).unwrap();
        assert_eq!(got[0].at, "/blocks");
        assert_eq!(
            (&got[0].kind, got[0].path.as_path()),
            (&Kind::Flatfs, Path::new("/repo/blocks"))
        );
        assert_eq!(
            (got[1].at.as_str(), got[1].path.as_path()),
            ("/", Path::new("/data/datastore"))
        );
        let measured =
            json!({"type":"measure","prefix":"x","child":{"type":"pebbleds","path":"pebbleds"}});
        let got = mounts(dir, &measured).unwrap();
        assert_eq!(got[0].kind, Kind::Other("pebbleds".into()));
        for bad in [
            json!(null),
            json!({"type":"mount"}),
            json!({"type":"mount","mounts":[{}]}),
        ] {
            assert!(mounts(dir, &bad).is_err(), "{bad}");
        }
    }
}
