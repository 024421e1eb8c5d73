//! Which links of a block belong to what is asked for.

use basalt_block::{Block, Cid, codec};
use basalt_ipld::dag_pb::Node;
use basalt_unixfs::{Data, Kind};
use bytes::Bytes;

use super::ByteRange;
use crate::error::Error;

/// A link to be followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) cid: Cid,
    /// Of a file: the first byte and the last that are wanted of what is below.
    wanted: Option<(u64, u64)>,
}

/// All links.
pub(super) fn all(block: &Block) -> Result<Vec<Link>, Error> {
    let links = basalt_ipld::links(block.cid().codec(), block.data())?;
    let link = |cid| Link { cid, wanted: None };
    Ok(links.into_iter().map(link).collect())
}

/// The links of a whole entity: of a file those with the bytes in `range`, of a sharded directory
/// its shards.
pub(super) fn of_root(block: &Block, range: Option<ByteRange>) -> Result<Vec<Link>, Error> {
    let Some((node, data)) = unixfs(block)? else {
        return Ok(Vec::new());
    };
    Ok(match data.kind {
        Kind::HamtShard => shards(&node, &data),
        Kind::File => {
            let range = range.unwrap_or(ByteRange { from: 0, to: None });
            match range.within(data.size()) {
                Some(wanted) => parts(&node, &data, wanted),
                None => Vec::new(),
            }
        }
        _ => Vec::new(),
    })
}

/// The links of a block below the root of an entity.
pub(super) fn below(block: &Block, link: &Link) -> Result<Vec<Link>, Error> {
    let Some((node, data)) = unixfs(block)? else {
        return Ok(Vec::new());
    };
    Ok(match (data.kind, link.wanted) {
        (Kind::HamtShard, None) => shards(&node, &data),
        (_, Some(wanted)) => parts(&node, &data, wanted),
        _ => Vec::new(),
    })
}

fn unixfs(block: &Block) -> Result<Option<(Node, Data)>, Error> {
    if block.cid().codec() != codec::DAG_PB {
        return Ok(None);
    }
    let node = Node::decode(block.data())?;
    let data = Data::decode(node.data.as_ref().unwrap_or(&Bytes::new()));
    Ok(data.ok().map(|data| (node, data)))
}

/// The links to other shards: their names are a number and nothing behind it.
fn shards(node: &Node, data: &Data) -> Vec<Link> {
    let fanout = data.fanout.unwrap_or(256).clamp(1, 1024);
    let digits = format!("{:X}", fanout - 1).len();
    let links = node.links.iter().filter(|link| link.name().len() == digits);
    links
        .map(|link| Link {
            cid: link.cid,
            wanted: None,
        })
        .collect()
}

/// The links to parts of a file that have some of the bytes.
fn parts(node: &Node, data: &Data, (first, last): (u64, u64)) -> Vec<Link> {
    // A node may have bytes of its own before those below it.
    let mut at = data.data.as_ref().map_or(0, |own| own.len() as u64);
    let mut found = Vec::new();
    for (link, size) in node.links.iter().zip(&data.block_sizes) {
        let end = at.saturating_add(*size);
        if *size > 0 && first < end && last >= at {
            let wanted = (first.saturating_sub(at), last.min(end - 1) - at);
            found.push(Link {
                cid: link.cid,
                wanted: Some(wanted),
            });
        }
        at = end;
    }
    found
}
