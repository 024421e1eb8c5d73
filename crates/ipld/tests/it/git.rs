//! Objects of Git. What Kubo does with the same ones is recorded in `interop/cases/codecs.toml`.

use std::io::Write as _;

use basalt_ipld::{Value, codec, decode, encode, links};

const TREE: &str = "52154d4f05ab6996989e0df55359889e44191e";
const WHO: &str = "A. U. Thor <author@example.com> 1700000000 +0100";

fn object(kind: &str, content: &[u8]) -> Vec<u8> {
    [format!("{kind} {}\0", content.len()).as_bytes(), content].concat()
}

fn sha(text: &str) -> String {
    format!("{text:0<40}")
}

fn commit(more: &str) -> Vec<u8> {
    let content = format!(
        "tree {}\nparent {}\nauthor {WHO}\ncommitter {WHO}\n{more}\nA message\n\nof lines\n",
        sha(TREE),
        sha("47")
    );
    object("commit", content.as_bytes())
}

fn text(value: &Value, path: &str) -> String {
    match value.descend(path.split('/')).expect("a value") {
        Value::String(text) => text.to_string(),
        other => panic!("{path} is {other:?}"),
    }
}

fn again(object: &[u8]) -> Vec<u8> {
    let value = decode(codec::GIT_RAW, object).expect("an object");
    encode(codec::GIT_RAW, &value).expect("the object")
}

#[test]
fn objects_come_back() {
    let merged = format!(
        "mergetag object {}\n type commit\n tag v1\n tagger {WHO}\n \n A tag\n \n of lines\n",
        sha("48")
    );
    let signature =
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n =de\n -----END PGP SIGNATURE-----\n";
    let entries = [
        &b"100644 a.txt\x00"[..],
        &[7; 20],
        b"40000 dir\x00",
        &[0xff; 20],
    ];
    let tag = format!(
        "object {}\ntype commit\ntag v2\ntagger {WHO}\n\nThe tag\n",
        sha("49")
    );
    for object in [
        object("blob", b"some\0bytes"),
        object("blob", b""),
        object("tree", b""),
        object("tree", &entries.concat()),
        commit(""),
        commit("encoding ISO-8859-1\n"),
        commit(&merged),
        commit(&format!("{merged}{merged}{signature}HG:extra x\n")),
        object("tag", tag.as_bytes()),
    ] {
        assert_eq!(
            again(&object).escape_ascii().to_string(),
            object.escape_ascii().to_string()
        );
    }
}

#[test]
fn fields_have_the_names_of_the_schema() {
    let value = decode(codec::GIT_RAW, &commit("encoding x\n")).expect("a commit");
    assert_eq!(text(&value, "author/name"), "A. U. Thor");
    assert_eq!(text(&value, "committer/email"), "author@example.com");
    assert_eq!(text(&value, "author/date"), "1700000000");
    assert_eq!(text(&value, "author/timezone"), "+0100");
    assert_eq!(text(&value, "encoding"), "x");
    assert_eq!(text(&value, "message"), "A message\n\nof lines\n");
    assert_eq!(value.get("signature"), Some(&Value::Null));
    let found = links(codec::GIT_RAW, &commit("")).expect("links");
    let names: Vec<String> = found
        .iter()
        .map(|cid| hex::encode(cid.hash().digest()))
        .collect();
    assert_eq!(names, [sha(TREE), sha("47")]);
    assert!(found.iter().all(|cid| cid.codec() == codec::GIT_RAW));
}

#[test]
fn compressed_objects_are_read() {
    let object = commit("");
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(&object).expect("compressed");
    let zlib = zlib.finish().expect("compressed");
    let value = decode(codec::GIT_RAW_ZLIB, &zlib).expect("a commit");
    assert_eq!(encode(codec::GIT_RAW, &value).as_ref(), Ok(&object));
    assert!(encode(codec::GIT_RAW_ZLIB, &value).is_err());
    let refused = decode(codec::GIT_RAW_ZLIB, &object).expect_err("not compressed");
    assert!(refused.to_string().starts_with("zlib: invalid header"));
    assert!(decode(codec::GIT_RAW_ZLIB, &zlib[..zlib.len() / 2]).is_err());
}

#[test]
fn a_little_does_not_inflate_to_a_lot() {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(b"blob 67108864\0").expect("compressed");
    for _ in 0..64 {
        zlib.write_all(&vec![0; 1 << 20]).expect("compressed");
    }
    let zlib = zlib.finish().expect("compressed");
    assert!(zlib.len() < 100_000);
    let refused = decode(codec::GIT_RAW_ZLIB, &zlib).expect_err("too large");
    assert!(refused.to_string().contains("too large"), "{refused}");
}

#[test]
fn what_is_no_object_is_refused() {
    for (bytes, error) in [
        (&b""[..], "unexpected EOF"),
        (b"blob", "unexpected EOF"),
        (b"blob 3", "EOF"),
        (b"blob 3\0", "EOF"),
        (b"blob 3\0ab", "unexpected EOF"),
        (b"blob -1\0ab", "invalid blob size: -1"),
        (b"blob x\0ab", "strconv.Atoi: parsing \"x\": invalid syntax"),
        (
            b"blob 99999999999999999999\0",
            "strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        ),
        (b"bogus 1\0a", "unrecognized object type: \"bogus\""),
        (b"tree 9\x00100644 a\x00short", "unexpected EOF"),
        (
            b"commit 1\0tree zz\n",
            "encoding/hex: invalid byte: U+007A 'z'",
        ),
        (
            b"commit 1\0tree abc\n",
            "encoding/hex: odd length hex string",
        ),
        (
            b"commit 1\0tree ab\n",
            "invalid git sha of 1 bytes, expected 20",
        ),
        (b"commit 1\0\nno tree\n", "git object has no tree"),
    ] {
        let refused = decode(codec::GIT_RAW, bytes)
            .expect_err("refused")
            .to_string();
        let refused = refused.split(" (byte ").next().unwrap_or_default();
        assert_eq!(refused, error, "{}", bytes.escape_ascii());
    }
}

#[test]
fn many_merged_tags_need_no_stack() {
    let tag = format!("mergetag object {}\n \n x\n", sha("1"));
    let object = commit(&tag.repeat(20_000));
    assert_eq!(
        links(codec::GIT_RAW, &object).map(|all| all.len()),
        Ok(20_002)
    );
}
