use basalt_block::{Block, Cid};

use crate::{Error, Result};

/// The blocks that a block links to, in order.
pub(crate) fn links_of(block: &Block) -> Result<Vec<Cid>> {
    basalt_ipld::links(block.cid().codec(), block.data())
        .map_err(|error| undecodable(block, &error))
}

pub(crate) fn undecodable(block: &Block, error: &basalt_ipld::Error) -> Error {
    Error::Undecodable {
        cid: Box::new(*block.cid()),
        reason: error.to_string(),
    }
}
