use basalt_ipld::{Namespace, Path};

const V0: &str = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn";
const V1: &str = "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

#[test]
fn arguments_become_clean_paths() {
    for (given, clean, namespace) in [
        (
            format!("/ipfs/{V0}"),
            format!("/ipfs/{V0}"),
            Namespace::Ipfs,
        ),
        (
            format!("/ipfs/{V1}/a/b/c/"),
            format!("/ipfs/{V1}/a/b/c/"),
            Namespace::Ipfs,
        ),
        (
            format!("/ipld/{V1}/a"),
            format!("/ipld/{V1}/a"),
            Namespace::Ipld,
        ),
        (
            "/ipns/domain.net/a".into(),
            "/ipns/domain.net/a".into(),
            Namespace::Ipns,
        ),
        (
            "/ipfs///bafkqaaa//".into(),
            "/ipfs/bafkqaaa/".into(),
            Namespace::Ipfs,
        ),
        (
            "/ipfs/bafkqaaa/./a/b/../c".into(),
            "/ipfs/bafkqaaa/a/c".into(),
            Namespace::Ipfs,
        ),
        ("/x/../ipns/a".into(), "/ipns/a".into(), Namespace::Ipns),
        (V0.into(), format!("/ipfs/{V0}"), Namespace::Ipfs),
        (
            format!("{V1}/a//b/"),
            format!("/ipfs/{V1}/a/b/"),
            Namespace::Ipfs,
        ),
        (
            format!("ipfs://{V0}/%20a"),
            format!("/ipfs/{V0}/%20a"),
            Namespace::Ipfs,
        ),
        (
            "IPFS://bafkqaaa".into(),
            "/ipfs/bafkqaaa".into(),
            Namespace::Ipfs,
        ),
        (
            "IpNs:docs.ipfs.tech/x".into(),
            "/ipns/docs.ipfs.tech/x".into(),
            Namespace::Ipns,
        ),
        (
            "ipld:bafkqaaa".into(),
            "/ipld/bafkqaaa".into(),
            Namespace::Ipld,
        ),
    ] {
        let path = Path::parse_argument(&given).expect(&given);
        assert_eq!(path.to_string(), clean);
        assert_eq!(path.namespace(), namespace);
        assert_eq!(path.is_mutable(), namespace == Namespace::Ipns);
        assert_eq!(path.root_cid().is_none(), namespace == Namespace::Ipns);
        assert_eq!(Path::parse(&clean).expect("a clean path is one"), path);
    }
}

#[test]
fn segments_are_bytes() {
    let path = Path::parse(b"/ipfs/bafkqaaa/\xff/b c/").expect("a path");
    assert_eq!(path.segments().collect::<Vec<_>>(), [&b"\xff"[..], b"b c"]);
    assert!(path.has_trailing_slash());
    let longer = path.join(["x/../y", "z"]).expect("a path");
    assert_eq!(longer.as_bytes(), b"/ipfs/bafkqaaa/\xff/b c/y/z");
    assert_eq!(longer.root(), "bafkqaaa");
    assert!(path.join(["../../.."]).is_err());
}

#[test]
fn refusals_read_as_those_of_kubo() {
    let few = "path does not have enough components";
    for (given, error) in [
        ("foo", format!(r#"invalid path "foo": {few}"#)),
        ("", format!(r#"invalid path "": {few}"#)),
        ("/", format!(r#"invalid path "/": {few}"#)),
        ("/ipfs/", format!(r#"invalid path "/ipfs/": {few}"#)),
        ("ipfs:", format!(r#"invalid path "/ipfs/": {few}"#)),
        ("ipfs/foo", format!(r#"invalid path "ipfs/foo": {few}"#)),
        (
            "Qm\u{e9}\nx",
            format!("invalid path \"Qm\u{e9}\\nx\": {few}"),
        ),
        (
            "/foo/bar",
            r#"invalid path "/foo/bar": unknown namespace: "foo""#.into(),
        ),
        (
            "ipfs://notacid",
            r#"invalid path "/ipfs/notacid": invalid cid: selected encoding not supported"#.into(),
        ),
    ] {
        let refused = Path::parse_argument(given).expect_err(given);
        assert_eq!(refused.to_string(), error);
    }
    let name = Path::parse("/ipns/a").expect("a path");
    assert_eq!(
        name.immutable_root().expect_err("no CID").to_string(),
        r#"invalid path "/ipns/a": path was expected to be immutable"#
    );
    assert!(
        Path::parse(V0).is_err(),
        "a strict path begins with a slash"
    );
    assert!(Path::parse("ipfs://bafkqaaa").is_err());
}
