//! dag-pb nodes made out of others and compared: what is left of `ipfs object`.

mod compare;
mod patch;

pub use compare::NodeChange;
pub use patch::PatchOptions;

use basalt_block::{Block, Cid, codec};
use basalt_exchange::BlockService;
use basalt_ipld::dag_pb;

use crate::{Error, Result};

/// A block that decodes.
async fn load(blocks: &BlockService, cid: &Cid) -> Result<Block> {
    let block = blocks.get(cid).await?;
    basalt_ipld::for_each_link(cid.codec(), block.data(), |_| {}).map_err(Error::Undecodable)?;
    Ok(block)
}

/// The node of a dag-pb block.
fn node_of(block: &Block) -> Result<dag_pb::Node> {
    if block.cid().codec() != codec::DAG_PB {
        return Err(Error::NotDagPb);
    }
    dag_pb::Node::decode(block.data()).map_err(Error::Undecodable)
}
