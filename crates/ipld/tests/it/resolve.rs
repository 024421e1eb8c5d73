//! Paths through blocks; the results and errors are those that `ipfs dag resolve` printed.

use std::collections::HashMap;

use basalt_block::{Block, Cid, Hasher};
use basalt_ipld::{Error, LinkSource, Lookup, Path, codec, decode, encode, resolve};
use bytes::Bytes;

#[derive(Default)]
struct Blocks(HashMap<Cid, Bytes>);

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Ipld(#[from] Error),
    #[error("ipld: could not find {0}")]
    Missing(Cid),
}

impl LinkSource for Blocks {
    type Error = Failure;

    async fn block(&self, cid: &Cid) -> Result<Bytes, Failure> {
        self.0.get(cid).cloned().ok_or(Failure::Missing(*cid))
    }
}

/// Raw blocks are files here, and knows one name that no link has.
struct Sharded(Blocks, Cid);

impl LinkSource for Sharded {
    type Error = Failure;

    async fn block(&self, cid: &Cid) -> Result<Bytes, Failure> {
        self.0.block(cid).await
    }

    async fn lookup(&self, _: &Cid, _: Bytes, name: &[u8]) -> Result<Lookup, Failure> {
        Ok(match name {
            b"hidden" => Lookup::Link(self.1),
            b"file" => Lookup::NotADirectory,
            _ => Lookup::Missing,
        })
    }
}

impl Blocks {
    fn put(&mut self, code: u64, json: &str) -> Cid {
        let value = decode(codec::DAG_JSON, json.as_bytes()).expect(json);
        let data = Bytes::from(encode(code, &value).expect(json));
        let block = Block::hash(1, code, Hasher::SHA2_256, data).expect("a block");
        self.0.insert(*block.cid(), block.data().clone());
        *block.cid()
    }
}

async fn outcome<S: LinkSource<Error = Failure>>(source: &S, path: String) -> String {
    match resolve(source, &Path::parse(&path).expect(&path)).await {
        Ok(end) => std::iter::once(end.cid.to_string())
            .chain(
                end.remainder
                    .iter()
                    .map(|s| String::from_utf8_lossy(s).into_owned()),
            )
            .collect::<Vec<_>>()
            .join("/"),
        Err(e) => e.to_string(),
    }
}

#[tokio::test]
async fn values_of_the_data_model() {
    let mut blocks = Blocks::default();
    let leaf = blocks.put(codec::DAG_CBOR, r#"{"x":[1,{"y":"z"}],"n":null,"i":5}"#);
    assert_eq!(
        leaf.to_string(),
        "bafyreidojk7gtx4c7cn4blzrm56cpsp7rkhxe6h5b26xwt5hpsrwzpt5zi"
    );
    let gone = "bafyreihpns6scypk5j4uhtugso4yetjd2f4t76y4b7falnqa2oezwrgjo4";
    let root = blocks.put(
        codec::DAG_CBOR,
        &format!(r#"{{"a":{{"b":{{"/":"{leaf}"}}}},"l":[{{"/":"{leaf}"}}],"s":"str","gone":{{"/":"{gone}"}}}}"#),
    );
    let wrong_kind = |kind: &str| {
        format!(
            "func called on wrong kind: \"LookupBySegment\" called on a {kind} node \
             (kind: {kind}), but only makes sense on map or list"
        )
    };
    for (path, end) in [
        ("", root.to_string()),
        ("/a", format!("{root}/a")),
        ("/a/b", leaf.to_string()),
        ("/a/b/x", format!("{leaf}/x")),
        ("/a/b/x/1/y", format!("{leaf}/x/1/y")),
        ("/a/b/x/01", format!("{leaf}/x/01")),
        ("/a/b/n", format!("{leaf}/n")),
        ("/l/0/i", format!("{leaf}/i")),
        ("/gone", gone.into()),
        ("/gone/x", format!("ipld: could not find {gone}")),
        ("/a/b/x/1/y/q", wrong_kind("string")),
        ("/a/b/n/x", wrong_kind("null")),
        ("/a/b/i/x", wrong_kind("int")),
        ("/a/b/x/1/w", r#"key not found: "w""#.into()),
        ("/a/b/x/5", r#"key not found: "5""#.into()),
        ("/a/b/x/-1", r#"key not found: """#.into()),
        (
            "/a/b/x/foo",
            "invalid segment for lookup on a list: \"foo\": \
             strconv.ParseInt: parsing \"foo\": invalid syntax"
                .into(),
        ),
        (
            "/a/b/x/foo/bar",
            format!(r#"no link named "foo" under {leaf}"#),
        ),
        ("/a/b/zz/y", format!(r#"no link named "zz" under {leaf}"#)),
        ("/a/c/d", format!(r#"no link named "c" under {root}"#)),
        ("/s/x/y", format!(r#"no link named "x" under {root}"#)),
        ("/nope", r#"key not found: "nope""#.into()),
    ] {
        for namespace in ["ipfs", "ipld"] {
            assert_eq!(
                outcome(&blocks, format!("/{namespace}/{root}{path}")).await,
                end,
                "{path}"
            );
        }
    }
    assert_eq!(
        outcome(&blocks, "/ipns/x/y".into()).await,
        r#"invalid path "/ipns/x/y": path was expected to be immutable"#
    );
}

#[tokio::test]
async fn dag_pb_by_name_and_by_schema() {
    let mut blocks = Blocks::default();
    let file = blocks.put(codec::RAW, r#"{"/":{"bytes":"AAE"}}"#);
    let sub = blocks.put(
        codec::DAG_PB,
        &format!(r#"{{"Links":[{{"Hash":{{"/":"{file}"}},"Name":"f"}}]}}"#),
    );
    let root = blocks.put(
        codec::DAG_PB,
        &format!(r#"{{"Links":[{{"Hash":{{"/":"{sub}"}},"Name":"sub"}}],"Data":{{"/":{{"bytes":"CAE"}}}}}}"#),
    );
    let bytes = "func called on wrong kind: \"LookupBySegment\" called on a bytes node \
                 (kind: bytes), but only makes sense on map or list";
    for (path, end) in [
        (format!("/ipfs/{root}/sub"), sub.to_string()),
        (format!("/ipfs/{root}/sub/f"), file.to_string()),
        (format!("/ipfs/{root}/sub/f/x"), bytes.into()),
        (
            format!("/ipfs/{root}/sub/f/x/y"),
            format!(r#"no link named "x" under {file}"#),
        ),
        (
            format!("/ipfs/{root}/sub/nope"),
            format!(r#"no link named "nope" under {sub}"#),
        ),
        (
            format!("/ipfs/{root}/Links"),
            format!(r#"no link named "Links" under {root}"#),
        ),
        (
            format!("/ipld/{root}/sub"),
            format!(r#"no link named "sub" under {root}"#),
        ),
        (
            format!("/ipld/{root}/Links/0/Name"),
            format!("{root}/Links/0/Name"),
        ),
        (
            format!("/ipld/{root}/Links/0/Tsize"),
            format!("{root}/Links/0/Tsize"),
        ),
        (
            format!("/ipld/{root}/Links/0/Foo"),
            format!(r#"no link named "Foo" under {root}"#),
        ),
        (
            format!("/ipld/{root}/Links/0/Hash/Links/0/Hash"),
            file.to_string(),
        ),
        (
            format!("/ipld/{root}/Links/1"),
            r#"key not found: "1""#.into(),
        ),
        (
            format!("/ipld/{root}/Links/1/Hash"),
            format!(r#"no link named "1" under {root}"#),
        ),
    ] {
        assert_eq!(outcome(&blocks, path.clone()).await, end, "{path}");
    }

    let sharded = Sharded(blocks, file);
    for (path, end) in [
        (format!("/ipfs/{root}/hidden"), file.to_string()),
        (
            format!("/ipfs/{root}/file"),
            bytes.replace("a bytes node", "a data.Bytes node"),
        ),
        (
            format!("/ipfs/{root}/file/x"),
            format!(r#"no link named "file" under {root}"#),
        ),
    ] {
        assert_eq!(outcome(&sharded, path.clone()).await, end, "{path}");
    }
}
