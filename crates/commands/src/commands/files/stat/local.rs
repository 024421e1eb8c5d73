//! How much of a DAG is here.

use std::collections::HashMap;

use basalt::Cid;
use basalt::block::{Block, codec};
use basalt::exchange::BlockService;

use crate::{Error, Result};

/// What of a DAG is here; a block that is linked to twice counts twice.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) whole: bool,
    pub(super) bytes: u64,
}

/// A block on the way down, and what of its links is not looked at yet.
struct Level {
    cid: Cid,
    links: std::vec::IntoIter<Cid>,
    found: Found,
}

/// Goes through the DAG under `root`, asking nobody for what is missing. Each block is looked at
/// once.
pub(super) async fn walk(blocks: &BlockService, root: &Block) -> Result<Found> {
    let mut known: HashMap<Cid, Found> = HashMap::new();
    let mut levels = vec![level(root)?];
    loop {
        let Some(top) = levels.last_mut() else {
            return Err(Error::new("the walk has no end"));
        };
        let Some(cid) = top.links.next() else {
            let (cid, found) = (top.cid, top.found);
            levels.pop();
            match levels.last_mut() {
                None => return Ok(found),
                Some(above) => above.found.add(found),
            }
            known.insert(cid, found);
            continue;
        };
        if let Some(found) = known.get(&cid) {
            top.found.add(*found);
            continue;
        }
        let missing = Found {
            whole: false,
            bytes: 0,
        };
        if cid.codec() == codec::RAW {
            let stat = blocks
                .stat_local(&[cid])
                .await
                .map_err(basalt::Error::from)?;
            let found = stat
                .into_iter()
                .next()
                .flatten()
                .map_or(missing, |stat| Found {
                    whole: true,
                    bytes: stat.size,
                });
            top.found.add(found);
            continue;
        }
        let block = blocks
            .get_local(&[cid])
            .await
            .map_err(basalt::Error::from)?;
        match block.into_iter().next().flatten() {
            None => {
                top.found.add(missing);
                known.insert(cid, missing);
            }
            Some(block) => levels.push(level(&block)?),
        }
    }
}

fn level(block: &Block) -> Result<Level> {
    let links = match block.cid().codec() {
        codec::RAW => Vec::new(),
        other => basalt::ipld::links(other, block.data()).map_err(basalt::Error::from)?,
    };
    Ok(Level {
        cid: *block.cid(),
        links: links.into_iter(),
        found: Found {
            whole: true,
            bytes: block.data().len() as u64,
        },
    })
}

impl Found {
    fn add(&mut self, below: Self) {
        self.whole &= below.whole;
        self.bytes = self.bytes.saturating_add(below.bytes);
    }
}
