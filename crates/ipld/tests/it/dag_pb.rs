use basalt_block::Cid;
use basalt_ipld::{
    Error, codec,
    dag_pb::{Link, Node},
    links,
};
use bytes::Bytes;
use proptest::prelude::*;

fn cid(text: &str) -> Cid {
    basalt_block::parse_cid(text).expect(text).0
}

fn decode(hex: &str) -> Result<Node, Error> {
    Node::decode(&hex::decode(hex).expect("hex").into())
}

const RAW_CID: &str = "015500050001020304";

#[test]
fn official_fixtures_come_back() {
    // From the dag-pb specification's test fixtures.
    let short = cid("bafkqabiaaebagba");
    let link = |name: Option<&'static str>, tsize| Link {
        cid: short,
        name: name.map(Bytes::from),
        tsize,
    };
    let links = |links: &[Link]| Node {
        links: links.to_vec(),
        data: None,
    };
    for (hex, node) in [
        (String::new(), Node::default()),
        (
            "0a00".into(),
            Node {
                data: Some(Bytes::new()),
                ..Node::default()
            },
        ),
        (
            "0a050001020304".into(),
            Node {
                data: Some(Bytes::from_static(&[0, 1, 2, 3, 4])),
                ..Node::default()
            },
        ),
        (format!("120b0a09{RAW_CID}"), links(&[link(None, None)])),
        (
            format!("120d0a09{RAW_CID}1200"),
            links(&[link(Some(""), None)]),
        ),
        (
            format!("12160a09{RAW_CID}1209736f6d65206e616d65"),
            links(&[link(Some("some name"), None)]),
        ),
        (
            format!("12140a09{RAW_CID}18ffffffffffffff0f"),
            links(&[link(None, Some((1 << 53) - 1))]),
        ),
        (
            format!("120d0a09{RAW_CID}1800"),
            links(&[link(None, Some(0))]),
        ),
        (
            format!("12100a09{RAW_CID}1203666f6f12100a09{RAW_CID}12036261720a0178"),
            Node {
                data: Some("x".into()),
                links: vec![link(Some("foo"), None), link(Some("bar"), None)],
            },
        ),
    ] {
        assert_eq!(decode(&hex).as_ref(), Ok(&node), "{hex}");
        assert_eq!(node.encoded_len(), hex.len() / 2);
        if node.links.is_sorted_by_key(|l| l.name().to_vec()) {
            assert_eq!(hex::encode(node.encode()), hex);
        }
    }
    let unsorted = format!("12100a09{RAW_CID}1203666f6f12100a09{RAW_CID}12036261720a0178");
    let sorted = format!("12100a09{RAW_CID}120362617212100a09{RAW_CID}1203666f6f0a0178");
    assert_eq!(
        hex::encode(decode(&unsorted).expect("a node").encode()),
        sorted
    );
}

#[test]
fn data_may_stand_before_the_links() {
    let node = decode(&format!("0a0178120b0a09{RAW_CID}120b0a09{RAW_CID}")).expect("a node");
    assert_eq!(node.links.len(), 2);
    assert_eq!(node.data.as_deref(), Some(&b"x"[..]));
}

#[test]
fn refusals_read_as_those_of_kubo() {
    let link = format!("120b0a09{RAW_CID}");
    for (hex, error) in [
        (
            format!("{link}0a0178{link}"),
            "protobuf: (PBNode) duplicate Links section (byte 16)",
        ),
        (
            format!("0a01780a0178{link}"),
            "protobuf: (PBNode) duplicate Data section (byte 3)",
        ),
        (
            "0801".into(),
            "protobuf: (PBNode) invalid wireType, expected 2, got 0 (byte 0)",
        ),
        (
            "1a00".into(),
            "protobuf: (PBNode) invalid fieldNumber, expected 1 or 2, got 3 (byte 0)",
        ),
        ("0200".into(), "proto: invalid field number (byte 0)"),
        ("0a02".into(), "unexpected EOF (byte 1)"),
        (
            "0affffffffffffffffff7f".into(),
            "proto: variable length integer overflow (byte 1)",
        ),
        ("0affffffffffffffffff01".into(), "unexpected EOF (byte 1)"),
        (
            "1200".into(),
            "invalid Hash field found in link, expected CID (byte 2)",
        ),
        (
            "12021800".into(),
            "invalid Hash field found in link, expected CID (byte 4)",
        ),
        (
            "12040a020180".into(),
            "invalid Hash field found in link, expected CID \
             (invalid cid: varints malformed, could not reach the end) (byte 2)",
        ),
        (
            "120412001200".into(),
            "protobuf: (PBLink) duplicate Name section (byte 4)",
        ),
        (
            "120418001800".into(),
            "protobuf: (PBLink) duplicate Tsize section (byte 4)",
        ),
        (
            "120418001200".into(),
            "protobuf: (PBLink) invalid order, found Tsize before Name (byte 4)",
        ),
        (
            format!("120d12000a09{RAW_CID}"),
            "protobuf: (PBLink) invalid order, found Name before Hash (byte 4)",
        ),
        (
            "12021000".into(),
            "protobuf: (PBLink) wrong wireType (0) for Name (byte 2)",
        ),
        (
            "12022000".into(),
            "protobuf: (PBLink) invalid fieldNumber, expected 1, 2 or 3, got 4 (byte 2)",
        ),
    ] {
        assert_eq!(decode(&hex).expect_err(&hex).to_string(), error, "{hex}");
        let block = hex::decode(&hex).expect("hex");
        assert!(links(codec::DAG_PB, &block).is_err(), "{hex}");
    }
}

fn any_node() -> impl Strategy<Value = Node> {
    let cid = (any::<u32>(), proptest::collection::vec(any::<u8>(), 0..64)).prop_map(
        |(codec, digest)| {
            let hash =
                basalt_block::Multihash::wrap(u64::from(codec) + 1, &digest).expect("64 bytes fit");
            Cid::new_v1(codec.into(), hash)
        },
    );
    let name =
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..4).prop_map(Bytes::from));
    let link =
        (cid, name, any::<Option<u64>>()).prop_map(|(cid, name, tsize)| Link { cid, name, tsize });
    let data =
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from));
    (proptest::collection::vec(link, 0..20), data).prop_map(|(links, data)| Node { links, data })
}

proptest! {
    #[test]
    fn nodes_come_back_sorted(mut node in any_node()) {
        let block = Bytes::from(node.encode());
        prop_assert_eq!(block.len(), node.encoded_len());
        let back = Node::decode(&block).expect("what was written is read");
        node.links.sort_by(|a, b| a.name().cmp(b.name()));
        prop_assert_eq!(&back, &node);
        prop_assert_eq!(
            links(codec::DAG_PB, &block).expect("links"),
            node.links.iter().map(|l| l.cid).collect::<Vec<_>>()
        );
    }

    #[test]
    fn damaged_nodes_do_no_harm(node in any_node(), at in any::<usize>(), to in any::<u8>()) {
        let mut block = node.encode();
        if !block.is_empty() {
            let at = at % block.len();
            block[at] = to;
        }
        let found = links(codec::DAG_PB, &block).map(|l| l.len());
        let decoded = Node::decode(&block.into()).map(|n| n.links.len());
        prop_assert_eq!(found, decoded);
    }

    #[test]
    fn any_bytes_do_no_harm(block in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = Node::decode(&block.into());
    }
}
