//! Every codec to every codec, against what `ipfs dag put` of Kubo 0.43 made of the same bytes.
//!
//! A line of `kubo-conversions.tsv` is the input's codec, the input in hexadecimal, and for each
//! codec of `OUTPUTS` either `=` and the block that was stored, or `!` and the error.

use basalt_ipld::{Error, Value, codec, decode, decode_block, encode, links};

const OUTPUTS: [&str; 6] = ["raw", "dag-pb", "dag-cbor", "cbor", "dag-json", "json"];

#[test]
fn conversions_are_those_of_kubo() {
    let mut wrong = Vec::new();
    let mut right = 0;
    for line in include_str!("../kubo-conversions.tsv").lines() {
        let mut columns = line.split('\t');
        let mut column = || columns.next().expect("a column");
        let from = column();
        let input = hex::decode(column()).expect("hex");
        let value = decode(codec::parse(from).expect("a codec"), &input);
        for to in OUTPUTS {
            let output = value
                .clone()
                .and_then(|value| encode(codec::parse(to).expect("a codec"), &value));
            let kubo = column();
            match (kubo.split_at(1), &output) {
                (("=", hex), Ok(output)) if hex::encode(output) == hex => right += 1,
                (("!", error), Err(e)) if same_error(error, e) => right += 1,
                _ => wrong.push(format!(
                    "{from} {} to {to}\n  Kubo: {}\n  here: {}",
                    input.escape_ascii(),
                    readable(kubo),
                    match output {
                        Ok(output) => format!("={}", output.escape_ascii()),
                        Err(e) => format!("!{e}"),
                    }
                )),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong, {right} right:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(right > 2000, "only {right} conversions were compared");
}

fn readable(kubo: &str) -> String {
    match kubo.split_at(1) {
        ("=", hex) => format!("={}", hex::decode(hex).expect("hex").escape_ascii()),
        _ => kubo.to_owned(),
    }
}

/// The same text but for the offset, which Kubo does not tell, and for the end of the input.
fn same_error(kubo: &str, ours: &Error) -> bool {
    let ours = ours.to_string();
    let ours = ours.split(" (byte ").next().unwrap_or_default();
    ours == kubo || (ours == "unexpected EOF" && kubo == "EOF")
}

/// A line of `kubo-dag-get.tsv` is a dag-pb block and what `ipfs dag get` wrote as dag-cbor and as
/// dag-json.
#[test]
fn dag_pb_blocks_are_shown_as_kubo_shows_them() {
    let mut blocks = 0;
    for line in include_str!("../kubo-dag-get.tsv").lines() {
        let mut columns = line.split('\t').map(|hex| hex::decode(hex).expect("hex"));
        let block = columns.next().expect("a block");
        let value = decode_block(codec::DAG_PB, &block).expect("a node");
        for to in [codec::DAG_CBOR, codec::DAG_JSON] {
            let kubo = columns.next().expect("an output");
            let output = encode(to, &value).expect("an output");
            assert_eq!(
                output.escape_ascii().to_string(),
                kubo.escape_ascii().to_string()
            );
        }
        blocks += 1;
    }
    assert_eq!(blocks, 18);
}

#[test]
fn codecs_that_nobody_knows_are_named() {
    for (error, text) in [
        (
            decode_block(0x90, b"").expect_err("no value"),
            "could not choose a decoder: no decoder registered for multicodec code 144 (0x90)",
        ),
        (
            links(codec::LIBP2P_KEY, b"").expect_err("no links"),
            "could not choose a decoder: no decoder registered for multicodec code 114 (0x72)",
        ),
        (
            decode(0x90, b"").expect_err("no value"),
            "no decoder registered for multicodec code 144 (0x90)",
        ),
        (
            encode(0x72, &Value::Null).expect_err("no block"),
            "no encoder registered for multicodec code 114 (0x72)",
        ),
        (
            codec::parse("bogus").expect_err("no codec"),
            r#"unknown multicodec: "bogus""#,
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
    for (name, code) in [
        ("dag-pb", 0x70),
        ("0x71", 0x71),
        ("113", 113),
        ("json", 0x0200),
    ] {
        assert_eq!(codec::parse(name), Ok(code));
    }
}
