//! JOSE objects. What Kubo does with the same ones is recorded in `interop/cases/codecs.toml`.

use basalt_ipld::{codec, decode, encode, links};

/// The text of a CID in base64url.
const PAYLOAD: &str = "AXESIIlVZVHDkmZ5zFLHLhgqVhkFakcnQJ7pOibQWtcnyhH0";

fn put(json: &str) -> Result<Vec<u8>, String> {
    let value = decode(codec::DAG_JSON, json.as_bytes()).expect("JSON");
    encode(codec::DAG_JOSE, &value).map_err(|e| e.to_string())
}

fn get(block: &[u8]) -> String {
    let value = decode(codec::DAG_JOSE, block).expect("an object");
    let json = encode(codec::DAG_JSON, &value).expect("JSON");
    String::from_utf8(json).expect("text")
}

#[test]
fn signed_objects_link_to_their_payload() {
    let block = put(&format!(
        r#"{{"payload":"{PAYLOAD}","protected":"e30","signature":"AAEC"}}"#
    ))
    .expect("a block");
    assert_eq!(
        get(&block),
        format!(
            r#"{{"link":{{"/":"bafyreiejkvsvdq4smz44yuwhfymcuvqzavveoj2at3utujwqlllspsqr6q"}},"payload":"{PAYLOAD}","signatures":[{{"protected":"e30","signature":"AAEC"}}]}}"#
        )
    );
    let found = links(codec::DAG_JOSE, &block).expect("links");
    assert_eq!(
        found[0].to_string(),
        "bafyreiejkvsvdq4smz44yuwhfymcuvqzavveoj2at3utujwqlllspsqr6q"
    );
    assert_eq!(put(&get(&block)), Ok(block));
}

#[test]
fn encrypted_objects_have_no_links() {
    let block = put(r#"{"ciphertext":"AAEC","iv":"AA","encrypted_key":"_-8","header":{"a":1.0}}"#)
        .expect("a block");
    assert_eq!(
        get(&block),
        r#"{"ciphertext":"AAEC","iv":"AA","recipients":[{"encrypted_key":"_-8","header":{"a":1}}]}"#
    );
    assert_eq!(links(codec::DAG_JOSE, &block), Ok(Vec::new()));
    let none = put(r#"{"ciphertext":"AAEC","recipients":[{}]}"#).expect("a block");
    assert_eq!(get(&none), r#"{"ciphertext":"AAEC"}"#);
}

#[test]
fn numbers_of_headers_go_through_json() {
    let block = put(r#"{"ciphertext":"","header":{"a":9007199254740993,"b":1e30,"c":-0.5,"d":1e-9,"e":1000000,"f":7.0}}"#)
        .expect("a block");
    let header = r#""header":{"a":9007199254740992,"b":1e+30,"c":-0.5,"d":1e-9,"e":1000000,"f":7}"#;
    assert!(get(&block).contains(header), "{}", get(&block));
    // Those of more than six digits are no integers.
    let float = b"\x61e\xfb\x41\x2e\x84\x80";
    assert!(block.windows(float.len()).any(|window| window == float));
}

#[test]
fn what_is_no_jose_is_refused() {
    let signed = |rest: &str| format!(r#"{{"payload":"{PAYLOAD}",{rest}}}"#);
    for (json, error) in [
        ("{}".to_owned(), "invalid JOSE object"),
        (
            r#"{"payload":"AAAA","signature":"AA"}"#.to_owned(),
            "payload is not a valid CID",
        ),
        (signed(r#""link":1"#), "missing required fields: signature"),
        (
            signed(r#""signatures":[],"signature":"AA""#),
            "invalid JWS serialization",
        ),
        (
            r#"{"ciphertext":"","recipients":[{}],"header":{}}"#.to_owned(),
            "invalid JWE serialization",
        ),
        (
            signed(r#""signatures":[{"signature":"*"}]"#),
            "illegal base64 data at input byte 0",
        ),
        (
            signed(r#""signatures":[{"signature":"AA","more":1}]"#),
            "invalid key for map",
        ),
        (
            signed(r#""signature":"AA","header":"text""#),
            "json: cannot unmarshal string",
        ),
        (
            signed(r#""signature":"AA","header":{"a":[null]}"#),
            "cannot match schema: union structure",
        ),
        (
            signed(r#""signature":"AA","header":{"a":{"/":{"bytes":"AA"}}}"#),
            "cannot marshal IPLD bytes to this codec",
        ),
        (
            r#"{"ciphertext":"","recipients":[]}"#.to_owned(),
            "invalid JWE serialization: no recipients",
        ),
        ("5".to_owned(), "func called on wrong kind"),
    ] {
        let refused = put(&json).expect_err("refused");
        assert!(refused.starts_with(error), "{json}: {refused}");
    }
}

#[test]
fn blocks_that_are_no_jose_are_refused() {
    for block in [
        "a0",
        "80",
        "a1677061796c6f616443010203",
        "a16a63697068657274657874f6",
    ] {
        let block = hex::decode(block).expect("hex");
        assert!(decode(codec::DAG_JOSE, &block).is_err(), "{block:?}");
    }
}
