//! What two DAGs of dag-pb nodes do not have in common.

use std::collections::HashSet;

use basalt_block::{Cid, codec};
use basalt_ipld::dag_pb::Link;
use bytes::Bytes;

use super::{load, node_of};
use crate::{Node, Result};

/// A link that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeChange {
    /// The names down to it, with slashes between them.
    pub path: Vec<u8>,
    /// What it leads to on the first side.
    pub before: Option<Cid>,
    /// What it leads to on the second side.
    pub after: Option<Cid>,
}

/// Two nodes whose links are being compared.
struct Pair {
    before: std::vec::IntoIter<Link>,
    after: Vec<Link>,
    /// Links of the first side without a namesake.
    alone: Vec<Link>,
    /// Names that both sides have.
    both: HashSet<Bytes>,
    /// How long the path of the two is.
    path: usize,
}

impl Node {
    /// Compares two nodes, and what is under links of the same name. Nodes that are not both dag-pb,
    /// or have no links, are told as a whole.
    pub async fn compare_nodes(
        &self,
        before: &Cid,
        after: &Cid,
        offline: bool,
    ) -> Result<Vec<NodeChange>> {
        let blocks = self.blocks_for(offline);
        let mut changes = Vec::new();
        let mut path: Vec<u8> = Vec::new();
        // Not by recursion: DAGs may be of any depth.
        let mut pairs: Vec<Pair> = Vec::new();
        let mut next = Some((*before, *after));
        loop {
            if let Some((before, after)) = next.take() {
                let (a, b) = (load(&blocks, &before).await?, load(&blocks, &after).await?);
                let both_pb = before.codec() == codec::DAG_PB && after.codec() == codec::DAG_PB;
                let links = if both_pb {
                    (node_of(&a)?.links, node_of(&b)?.links)
                } else {
                    (Vec::new(), Vec::new())
                };
                if before == after {
                    // Nothing differs under it.
                } else if links.0.is_empty() && links.1.is_empty() {
                    changes.push(NodeChange {
                        path: path.clone(),
                        before: Some(before),
                        after: Some(after),
                    });
                } else {
                    pairs.push(Pair {
                        before: links.0.into_iter(),
                        after: links.1,
                        alone: Vec::new(),
                        both: HashSet::new(),
                        path: path.len(),
                    });
                }
            }
            let Some(pair) = pairs.last_mut() else {
                return Ok(changes);
            };
            path.truncate(pair.path);
            let Some(link) = pair.before.next() else {
                let gone = pair.alone.iter().map(|link| (link, true));
                let new = pair
                    .after
                    .iter()
                    .filter(|link| !pair.both.contains(link.name()));
                for (link, gone) in gone.chain(new.map(|link| (link, false))) {
                    changes.push(NodeChange {
                        path: joined(&path, link.name()),
                        before: gone.then_some(link.cid),
                        after: (!gone).then_some(link.cid),
                    });
                }
                pairs.pop();
                continue;
            };
            let namesake = pair.after.iter().find(|l| l.name() == link.name());
            let Some(namesake) = namesake else {
                pair.alone.push(link);
                continue;
            };
            pair.both.insert(Bytes::copy_from_slice(link.name()));
            if namesake.cid != link.cid {
                next = Some((link.cid, namesake.cid));
                path = joined(&path, link.name());
            }
        }
    }
}

fn joined(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() || name.is_empty() {
        return [path, name].concat();
    }
    [path, b"/", name].concat()
}
