use basalt::Cid;
use basalt::pin::check_name;
use basalt::pinning::{Filter, Status};

use crate::commands::support::parse_path;
use crate::{Error, Result};

/// The pins that options of `ls` and `rm` mean.
pub(super) fn filter(name: Option<&str>, cids: &[String], statuses: &[String]) -> Result<Filter> {
    let mut filter = Filter::default();
    if let Some(name) = name {
        check_name(name).map_err(basalt::Error::from)?;
        filter = filter.name(name);
    }
    let cids: Result<Vec<Cid>> = parts(cids).map(read_cid).collect();
    filter = filter.cids(&cids?);
    let statuses: Result<Vec<Status>> = parts(statuses)
        .map(|name| {
            Status::of_name(name).ok_or_else(|| Error::new(format!("status {name:?} is not valid")))
        })
        .collect();
    Ok(filter.statuses(statuses?))
}

/// Each value may be several, with commas between them.
fn parts(values: &[String]) -> impl Iterator<Item = &str> {
    values.iter().flat_map(|value| value.split(','))
}

/// Reads a CID, or a path that is one and no more.
fn read_cid(text: &str) -> Result<Cid> {
    if let Ok((cid, _)) = basalt::block::parse_cid(text) {
        return Ok(cid);
    }
    let fail = |reason: String| Error::new(format!("CID {text:?} cannot be parsed: {reason}"));
    let path = parse_path(text).map_err(|e| fail(e.message))?;
    let shown = path.to_string();
    let mut words = shown.trim_matches('/').split('/');
    match (words.next(), words.next(), words.next()) {
        (Some("ipfs" | "ipld"), Some(root), None) => {
            let (cid, _) = basalt::block::parse_cid(root).map_err(fail)?;
            Ok(cid)
        }
        (Some("ipns"), ..) => Err(fail(format!("path {shown:?} is not immutable"))),
        _ => Err(fail(format!(
            "{text:?} points below a root CID, expected a single CID"
        ))),
    }
}
