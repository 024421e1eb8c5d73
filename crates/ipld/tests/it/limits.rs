//! Hostile input: depth, claimed lengths, any bytes at all.

use basalt_block::Cid;
use basalt_ipld::{Text, Value, codec, decode, decode_block, encode, links};
use proptest::prelude::*;

const ALL: [u64; 6] = [
    codec::RAW,
    codec::DAG_PB,
    codec::DAG_CBOR,
    codec::CBOR,
    codec::DAG_JSON,
    codec::JSON,
];

fn nested(open: &str, middle: &str, close: &str, depth: usize) -> Vec<u8> {
    [open.repeat(depth), middle.into(), close.repeat(depth)]
        .concat()
        .into_bytes()
}

#[test]
fn depth_ends_where_it_ends_in_kubo() {
    let too_deep = "message structure exceeded maximum nesting depth";
    for (code, open, middle, close) in [
        (codec::DAG_JSON, "[", "1", "]"),
        (codec::JSON, r#"{"a":"#, "1", "}"),
        (codec::DAG_JSON, r#"{"a":"#, "1", "}"),
    ] {
        let deep = decode(code, &nested(open, middle, close, 1024)).expect("1024 are allowed");
        assert!(encode(code, &deep).is_ok());
        let error = decode(code, &nested(open, middle, close, 1025)).expect_err("1025 are not");
        assert!(error.to_string().starts_with(too_deep));
    }
    for open in [&b"\x81"[..], b"\xa1\x61a"] {
        let block = |depth| [open.repeat(depth), b"\x01".to_vec()].concat();
        let deep = decode(codec::DAG_CBOR, &block(1024)).expect("1024 are allowed");
        assert_eq!(encode(codec::DAG_CBOR, &deep), Ok(block(1024)));
        assert!(links(codec::DAG_CBOR, &block(1024)).is_ok());
        for error in [
            decode(codec::DAG_CBOR, &block(1025)).expect_err("1025 are not"),
            links(codec::DAG_CBOR, &block(1025)).expect_err("1025 are not"),
        ] {
            assert!(error.to_string().starts_with(too_deep));
        }
    }
}

#[test]
fn a_claimed_length_takes_no_memory() {
    for head in [
        &b"\x9a\x00\x0f\xff\xff"[..],
        b"\xba\x00\x0f\xff\xff",
        b"\x5a\x01\xff\xff\xff",
    ] {
        // Many claims one inside the other are what would add up.
        let claims = if head[0] == 0xba {
            [head, b"\x61a"].concat()
        } else {
            head.to_vec()
        };
        assert!(decode(codec::DAG_CBOR, &claims.repeat(1000)).is_err());
        assert!(links(codec::DAG_CBOR, &claims.repeat(1000)).is_err());
    }
}

#[test]
fn many_small_items_meet_the_budget() {
    let list = |n: u32| [&b"\x9a"[..], &n.to_be_bytes(), &vec![0xf6; n as usize]].concat();
    assert!(decode(codec::DAG_CBOR, &list(2_000_000)).is_ok());
    let error = decode(codec::DAG_CBOR, &list(2_100_000)).expect_err("over the budget");
    assert!(
        error
            .to_string()
            .starts_with("message structure demanded too many resources")
    );
}

#[test]
fn text_that_is_not_utf8_is_kept() {
    let value = decode(codec::DAG_CBOR, b"\xa1\x61\xff\x62\xe2\x82").expect("a value");
    assert_eq!(
        value.get(b"\xff"),
        Some(&Value::String(Text::from(&b"\xe2\x82"[..])))
    );
    assert_eq!(
        encode(codec::DAG_CBOR, &value).expect("a block"),
        b"\xa1\x61\xff\x62\xe2\x82"
    );
    let json = encode(codec::DAG_JSON, &value).expect("a block");
    assert_eq!(json, br#"{"\ufffd":"\ufffd\ufffd"}"#);
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = || prop_oneof![any::<String>(), "[a-c/]{0,2}"].prop_map(Text::from);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|i| Value::Int(i.into())),
        // JSON forgets that a float was one when it has no fraction.
        any::<i32>().prop_map(|i| Value::Float(f64::from(i) + 0.5)),
        any::<f64>()
            .prop_filter("finite, with a fraction", |f| f.is_finite()
                && f.fract() != 0.0)
            .prop_map(Value::Float),
        text().prop_map(Value::String),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        any::<[u8; 20]>().prop_map(|digest| {
            let hash = basalt_block::Multihash::wrap(0x11, &digest).expect("20 bytes fit");
            Value::Link(Box::new(Cid::new_v1(codec::RAW, hash)))
        }),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let map = proptest::collection::btree_map(text(), inner.clone(), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Value::List),
            map.prop_map(|map| Value::Map(map.into_iter().collect())),
        ]
    })
}

/// The value with the names of its maps in the order that DAG-JSON has.
fn sorted(value: Value) -> Value {
    match value {
        Value::List(list) => Value::List(list.into_iter().map(sorted).collect()),
        Value::Map(map) => {
            let mut map: Vec<_> = map.into_iter().map(|(n, v)| (n, sorted(v))).collect();
            map.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Map(map)
        }
        value => value,
    }
}

/// Maps that DAG-JSON takes for links or bytes have no form of their own.
fn is_ambiguous(value: &Value) -> bool {
    match value {
        Value::List(list) => list.iter().any(is_ambiguous),
        Value::Map(map) => {
            (map.len() == 1 && map[0].0.as_bytes() == b"/")
                || map.iter().any(|(_, v)| is_ambiguous(v))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn values_come_back_from_dag_cbor(value in any_value()) {
        let block = encode(codec::DAG_CBOR, &value).expect("a block");
        let back = decode(codec::DAG_CBOR, &block).expect("a value");
        prop_assert_eq!(encode(codec::DAG_CBOR, &back).expect("a block"), block.clone());
        prop_assert_eq!(sorted(back.clone()), sorted(value));
        let mut found = Vec::new();
        back.for_each_link(|cid| found.push(*cid));
        prop_assert_eq!(links(codec::DAG_CBOR, &block).expect("links"), found);
    }

    #[test]
    fn values_come_back_from_dag_json(value in any_value()) {
        prop_assume!(!is_ambiguous(&value));
        let block = encode(codec::DAG_JSON, &value).expect("a block");
        let back = decode(codec::DAG_JSON, &block).expect("a value");
        prop_assert_eq!(back, sorted(value));
    }

    #[test]
    fn any_bytes_do_no_harm(block in any::<Vec<u8>>()) {
        for code in ALL {
            let _ = links(code, &block);
            let _ = decode_block(code, &block);
            if let Ok(value) = decode(code, &block) {
                for code in ALL {
                    let _ = encode(code, &value);
                }
            }
        }
    }

    #[test]
    fn damaged_blocks_do_no_harm(value in any_value(), at in any::<usize>(), to in any::<u8>()) {
        for code in [codec::DAG_CBOR, codec::DAG_JSON] {
            let mut block = encode(code, &value).expect("a block");
            let at = at % block.len();
            block[at] = to;
            if let Ok(value) = decode(code, &block) {
                let mut found = Vec::new();
                value.for_each_link(|cid| found.push(*cid));
                prop_assert_eq!(links(code, &block), Ok(found));
            }
        }
    }
}
