//! The links of a block, found without building what the block means.

use basalt_block::Cid;

use crate::{Error, cbor, codec, dag_pb, decode};

/// The CIDs that a block links to, in the order of the block, repetitions included.
///
/// Fails for blocks that do not decode and for codecs that are not known here; raw, cbor and json
/// blocks have no links.
pub fn links(code: u64, block: &[u8]) -> Result<Vec<Cid>, Error> {
    let mut found = Vec::new();
    for_each_link(code, block, |cid| found.push(*cid))?;
    Ok(found)
}

/// Calls `visit` with each CID that [`links`] would return. Allocates nothing for dag-pb and raw
/// blocks, and only what the nesting takes for dag-cbor; others are decoded whole.
///
/// Of a block that does not decode, some links may have been visited before the error.
pub fn for_each_link(code: u64, block: &[u8], mut visit: impl FnMut(&Cid)) -> Result<(), Error> {
    match code {
        codec::DAG_PB => {
            for field in dag_pb::fields(block) {
                if let dag_pb::Field::Link(link) = field? {
                    visit(&link.cid);
                }
            }
            Ok(())
        }
        codec::RAW => Ok(()),
        codec::DAG_CBOR => cbor::for_each_link(block, cbor::Dialect::DagCbor, &mut visit),
        codec::CBOR => cbor::for_each_link(block, cbor::Dialect::Cbor, &mut visit),
        code if codec::is_decodable(code) => {
            decode(code, block)?.for_each_link(&mut visit);
            Ok(())
        }
        _ => Err(Error::UnknownBlock(code)),
    }
}
