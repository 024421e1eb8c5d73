//! dag-pb nodes.
#![no_main]

use basalt_fuzz::bounded;
use basalt_ipld::{codec, dag_pb::Node, decode, decode_block, encode, links};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let block = Bytes::copy_from_slice(data);
    // A link of 8 bytes becomes a CID with room for 128, a name and a size.
    bounded(data.len(), 128, 64 << 10, || {
        let node = Node::decode(&block);
        let found = links(codec::DAG_PB, data);
        assert_eq!(node.is_ok(), found.is_ok(), "the two readers disagree");
        let _ = decode_block(codec::DAG_PB, data);
        if let Ok(value) = decode(codec::DAG_PB, data)
            && let Ok(written) = encode(codec::DAG_PB, &value)
        {
            let again = decode(codec::DAG_PB, &written).expect("what was written is read");
            assert_eq!(
                encode(codec::DAG_PB, &again).ok(),
                Some(written),
                "there is one form"
            );
        }
        let (Ok(node), Ok(found)) = (node, found) else {
            return;
        };
        assert_eq!(node.links.iter().map(|l| l.cid).collect::<Vec<_>>(), found);
        let written = node.encode();
        assert_eq!(written.len(), node.encoded_len());
        let again = Node::decode(&written.clone().into()).expect("what was written is read");
        assert_eq!(again.encode(), written);
        assert_eq!(
            (again.links.len(), again.data),
            (node.links.len(), node.data)
        );
    });
});
