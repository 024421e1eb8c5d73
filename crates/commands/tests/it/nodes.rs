//! `dag`, `resolve` and `get`.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use basalt::block::codec;
use basalt::ipld::dag_pb;
use basalt::unixfs::{DirectoryOptions, Mtime, Stat};
use basalt::{Cid, ImportOptions};
use basalt_commands::files::{FileEntry, Files, NodeKind};
use basalt_commands::{Context, Error, Frame, Request, Terminal, parse};
use bytes::Bytes;

use crate::ask::{answered, leaf, lose, process, refused, told};

/// Files in memory.
struct Given {
    files: std::vec::IntoIter<&'static str>,
    present: Option<Bytes>,
}

#[async_trait]
impl Files for Given {
    async fn next(&mut self) -> Result<Option<FileEntry>, Error> {
        let Some(text) = self.files.next() else {
            return Ok(None);
        };
        self.present = Some(text.into());
        Ok(Some(FileEntry {
            path: Bytes::new(),
            kind: NodeKind::File,
            mode: None,
            mtime: None,
            abspath: None,
            size: None,
        }))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(self.present.take())
    }
}

fn request(path: &str, options: &[(&str, &str)], files: Vec<&'static str>) -> Request {
    let pairs: Vec<_> = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let files: Box<dyn Files> = Box::new(Given {
        files: files.into_iter(),
        present: None,
    });
    parse::rpc(path, &pairs, Some(files)).unwrap()
}

async fn put(ctx: &Context, options: &[(&str, &str)], text: &'static str) -> String {
    let mut options = options.to_vec();
    options.push(("encoding", "text"));
    let (cids, end) = answered(ctx, request("dag/put", &options, vec![text])).await;
    end.unwrap();
    cids.trim_end().to_owned()
}

#[tokio::test]
async fn nodes_are_put_and_read_in_every_codec() {
    let ctx = process().await;
    let text = r#"{"b":[1,{"c":null}],"a":{"/":"bafkqaaa"}}"#;
    let cid = put(&ctx, &[], text).await;
    // What Kubo answers for the same.
    assert_eq!(
        told(&ctx, &format!("dag/get?arg={cid}")).await,
        r#"{"a":{"/":"bafkqaaa"},"b":[1,{"c":null}]}"#
    );
    for (path, rest) in [("b", "/b"), ("b/1", "/b/1"), ("b/1/c", "/b/1/c")] {
        let told = told(&ctx, &format!("dag/resolve?arg={cid}/{path}")).await;
        assert_eq!(
            told,
            format!("{{\"Cid\":{{\"/\":\"{cid}\"}},\"RemPath\":\"{rest}\"}}\n")
        );
    }
    assert_eq!(
        told(&ctx, &format!("dag/get?arg={cid}/b/1/c")).await,
        "null"
    );
    let resolved = told(&ctx, &format!("resolve?arg={cid}/b/1&encoding=text")).await;
    assert_eq!(resolved, format!("/ipfs/{cid}/b/1\n"));
    let (_, error) = refused(&ctx, &format!("dag/get?arg={cid}&output-codec=libp2p-key")).await;
    assert_eq!(
        error,
        "invalid encoding: libp2p-key - no encoder registered for multicodec code 114 (0x72)"
    );
    let (_, error) = refused(&ctx, &format!("dag/get?arg={cid}/b/7")).await;
    assert!(error.contains('7'), "{error}");
    let json = put(&ctx, &[("store-codec", "dag-json")], r#"{"x":true}"#).await;
    assert!(json.starts_with("bagu"), "{json}");
}

#[tokio::test]
async fn what_was_put_before_a_bad_node_stays() {
    let ctx = process().await;
    let asked = request(
        "dag/put",
        &[("pin", "true")],
        vec![r#"{"good":1}"#, "{bad", "{}"],
    );
    let (told_before, end) = answered(&ctx, asked).await;
    assert_eq!(
        end.unwrap_err().message,
        "invalid char while expecting start of key: 0x62"
    );
    let line: serde_json::Value = serde_json::from_str(&told_before).unwrap();
    let cid = line["Cid"]["/"].as_str().unwrap();
    assert_eq!(
        told(&ctx, &format!("dag/get?arg={cid}")).await,
        r#"{"good":1}"#
    );
    let pinned = told(&ctx, &format!("pin/ls?arg={cid}&encoding=text")).await;
    assert_eq!(pinned, format!("{cid} recursive\n"));
}

#[tokio::test]
async fn wrong_puts_are_refused() {
    let ctx = process().await;
    for (options, error) in [
        (
            vec![("store-codec", "bogus")],
            "unknown multicodec: \"bogus\"",
        ),
        (
            vec![("hash", "SHA2-256")],
            "unknown multicodec: \"SHA2-256\"",
        ),
        (
            vec![("hash", "md5")],
            "potentially insecure hash functions not allowed",
        ),
        (
            vec![("hash", "dag-cbor")],
            "invalid cid: unknown multihash code 113 (0x71): no such hash registered",
        ),
        (
            vec![("input-codec", "sha2-256")],
            "no decoder registered for multicodec code 18 (0x12)",
        ),
    ] {
        let (out, end) = answered(&ctx, request("dag/put", &options, vec!["{}"])).await;
        assert_eq!(
            (out.as_str(), end.unwrap_err().message.as_str()),
            ("", error)
        );
    }
    let big: &'static str = Box::leak(format!("\"{}\"", "x".repeat(3 << 20)).into_boxed_str());
    let (_, end) = answered(&ctx, request("dag/put", &[], vec![big])).await;
    assert!(end.unwrap_err().message.contains("--allow-big-block"));
    let big = request("dag/put", &[("allow-big-block", "true")], vec![big]);
    answered(&ctx, big).await.1.unwrap();
}

const THEN: Mtime = Mtime {
    seconds: 1_234_567_890,
    nanos: 123_456_789,
};

/// A sharded directory with many files, one of them in a directory, with times and a symlink.
async fn tree(ctx: &Context) -> Cid {
    let stat = Stat {
        mode: Some(0o750),
        mtime: Some(THEN),
    };
    let node = ctx.node().await.unwrap();
    let options = ImportOptions {
        directory: DirectoryOptions {
            sharding_size: 1000,
            ..DirectoryOptions::default()
        },
        ..ImportOptions::default()
    };
    let mut import = node.import(options).unwrap();
    import.begin_tree(stat).unwrap();
    for n in 0..40 {
        let mut file = import.file(stat).unwrap();
        file.write(format!("file {n}").into()).await.unwrap();
        file.finish(format!("{n}.txt").as_bytes()).await.unwrap();
    }
    let mut file = import.file(Stat::default()).unwrap();
    file.write(vec![7; 600_000].into()).await.unwrap();
    file.finish(b"sub/big").await.unwrap();
    import
        .symlink(b"sub/link", b"../1.txt", stat)
        .await
        .unwrap();
    let tree = import.end_tree().await.unwrap();
    import.finish().await.unwrap();
    tree.root.cid
}

#[tokio::test]
async fn paths_lead_through_shards_and_end_in_clear_words() {
    let ctx = process().await;
    let root = tree(&ctx).await;
    let found = told(&ctx, &format!("resolve?arg={root}/17.txt")).await;
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let path = found["Path"].as_str().unwrap();
    assert_eq!(told(&ctx, &format!("cat?arg={path}")).await, "file 17");
    for (path, error) in [
        (
            format!("{root}/none"),
            format!("no link named \"none\" under {root}"),
        ),
        (
            format!("{root}/none/x"),
            format!("no link named \"none\" under {root}"),
        ),
        (
            format!("{path}/x"),
            "func called on wrong kind: \"LookupBySegment\" called on a data.Bytes node \
             (kind: bytes), but only makes sense on map or list"
                .to_owned(),
        ),
        (
            "ipns://12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5".to_owned(),
            "could not resolve name".to_owned(),
        ),
    ] {
        for command in ["resolve", "dag/resolve", "dag/get", "dag/stat", "get"] {
            let (out, said) = refused(&ctx, &format!("{command}?arg={path}")).await;
            assert_eq!((out.as_str(), &said), ("", &error), "{command} {path}");
        }
    }
}

#[tokio::test]
async fn shared_blocks_are_counted_once() {
    let ctx = process().await;
    let (one, two) = (leaf(&ctx, "12345").await, leaf(&ctx, "1234567").await);
    let left = crate::ask::node(&ctx, &[("a", one), ("b", one), ("c", two)]).await;
    let right = crate::ask::node(&ctx, &[("c", two)]).await;
    let asked = format!("dag/stat?arg={left}&arg={right}");
    let quiet = told(&ctx, &format!("{asked}&progress=false")).await;
    let said: serde_json::Value = serde_json::from_str(&quiet).unwrap();
    let blocks = |n: usize| said["DagStats"][n]["NumBlocks"].as_u64();
    assert_eq!((blocks(0), blocks(1)), (Some(3), Some(2)));
    assert_eq!(
        (said["UniqueBlocks"].as_u64(), said["SharedSize"].as_u64()),
        (Some(4), Some(7))
    );
    // A result for each block, and the last.
    assert_eq!(told(&ctx, &asked).await.lines().count(), 6);
    lose(&ctx, &two).await;
    let (_, error) = refused(&ctx, &asked).await;
    let missing = format!("block was not found locally (offline): ipld: could not find {two}");
    assert_eq!(error, format!("error traversing DAG: {missing}"));
}

/// Writes that can be looked at.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs `get` as the command line does: what it wrote on standard output, and how it ended.
async fn get(ctx: &Context, options: &[(&str, &str)]) -> (String, Result<(), Error>) {
    let Request { entry, meta, .. } = request("get", options, Vec::new());
    let reply = entry.call(
        ctx.clone(),
        Request {
            entry,
            meta: meta.clone(),
            files: None,
        },
    );
    let out = Shared::default();
    let mut term = Terminal {
        out: Box::new(out.clone()),
        err: Box::new(Shared::default()),
        err_is_terminal: false,
        width: 80,
        exit: 0,
    };
    let end = entry.show(meta, reply, &mut term).await;
    let out = out.0.lock().unwrap().clone();
    (String::from_utf8(out).unwrap(), end)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn trees_come_to_disk_with_their_times() {
    let ctx = process().await;
    let root = tree(&ctx).await.to_string();
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let (said, end) = get(&ctx, &[("arg", &root), ("output", text(&out))]).await;
    end.unwrap();
    assert_eq!(said, format!("Saving file(s) to {}\n", text(&out)));
    assert_eq!(
        std::fs::read_to_string(out.join("31.txt")).unwrap(),
        "file 31"
    );
    assert_eq!(
        std::fs::read(out.join("sub/big")).unwrap(),
        vec![7; 600_000]
    );
    assert_eq!(
        std::fs::read_link(out.join("sub/link")).unwrap(),
        Path::new("../1.txt")
    );
    for path in [out.clone(), out.join("5.txt")] {
        let found = std::fs::metadata(path).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, 0o750);
        assert_eq!(
            (found.mtime(), found.mtime_nsec()),
            (THEN.seconds, THEN.nanos.into())
        );
    }
}

#[tokio::test]
async fn archives_are_saved_and_compressed() {
    let ctx = process().await;
    let root = tree(&ctx).await.to_string();
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let asked = [
        ("arg", &root[..]),
        ("output", text(&out)),
        ("archive", "true"),
        ("compress", "true"),
    ];
    let (said, end) = get(&ctx, &asked).await;
    end.unwrap();
    let saved = temp.path().join("out.tar.gz");
    assert_eq!(said, format!("Saving archive to {}\n", text(&saved)));
    let mut tar = Vec::new();
    let file = std::fs::File::open(saved).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut tar)
        .unwrap();
    let unpacked = temp.path().join("unpacked");
    let extractor = basalt::unixfs::tar::Extractor::new(&unpacked);
    extractor.extract(&tar[..]).unwrap();
    assert_eq!(
        std::fs::read(unpacked.join("sub/big")).unwrap(),
        vec![7; 600_000]
    );

    let (_, end) = get(
        &ctx,
        &[("arg", &root), ("output", text(&out)), ("compress", "true")],
    )
    .await;
    assert_eq!(end.unwrap_err().message, "file is not regular");
    let wrong = [
        ("arg", &root[..]),
        ("compress", "true"),
        ("compression-level", "10"),
    ];
    let (said, end) = get(&ctx, &wrong).await;
    assert_eq!(
        (said.as_str(), end.unwrap_err().message.as_str()),
        ("", "compression level must be between 1 and 9")
    );
}

#[tokio::test]
async fn the_answer_says_what_it_is() {
    let ctx = process().await;
    let root = tree(&ctx).await.to_string();
    for (options, media) in [
        (vec![("arg", &root[..])], "application/x-tar"),
        (
            vec![
                ("arg", &root[..]),
                ("archive", "true"),
                ("compress", "true"),
            ],
            "application/gzip",
        ),
    ] {
        let asked = request("get", &options, Vec::new());
        let mut reply = asked.entry.call(ctx.clone(), asked);
        let (mut length, mut kind) = (None, None);
        while let Some(frame) = reply.next().await.unwrap() {
            match frame {
                Frame::Length(bytes) => length = Some(bytes),
                Frame::ContentType(media) => kind = Some(media),
                Frame::Bytes(_) => break,
                _ => {}
            }
        }
        assert_eq!(kind, Some(media));
        assert!(length.unwrap() > 600_000);
    }
}

#[tokio::test]
async fn nothing_is_written_outside() {
    let ctx = process().await;
    let file = leaf(&ctx, "mine").await;
    let node = ctx.node().await.unwrap();
    let temp = tempfile::tempdir().unwrap();
    let inside = temp.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    for name in ["../evil", "../../evil", "/evil", "..", "a/../../../evil"] {
        let directory = dag_pb::Node {
            links: vec![dag_pb::Link::new(file, name, 4)],
            data: Some("\x08\x01".into()),
        };
        let hasher = basalt::block::Hasher::SHA2_256;
        let block = basalt::block::Block::hash(1, codec::DAG_PB, hasher, directory.encode().into());
        let block = block.unwrap();
        let cid = block.cid().to_string();
        node.blocks().put_many(vec![block]).await.unwrap();
        let out = inside.join("out");
        let (_, _) = get(&ctx, &[("arg", &cid), ("output", text(&out))]).await;
        let beside: Vec<_> = std::fs::read_dir(temp.path()).unwrap().collect();
        assert_eq!(beside.len(), 1, "{name}");
        for found in std::fs::read_dir(&inside).unwrap() {
            assert_eq!(found.unwrap().path(), out, "{name}");
        }
    }
}

#[tokio::test]
async fn a_tree_that_is_not_all_here_says_what_is_missing() {
    let ctx = process().await;
    let root = tree(&ctx).await;
    let gone = told(
        &ctx,
        &format!("dag/resolve?arg={root}/sub/big&encoding=text"),
    )
    .await;
    let gone: Cid = gone.parse().unwrap();
    lose(&ctx, &gone).await;
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("out");
    let root = root.to_string();
    let (_, end) = get(&ctx, &[("arg", &root), ("output", text(&out))]).await;
    let error = end.unwrap_err().message;
    assert!(
        error.ends_with(&format!("ipld: could not find {gone}")),
        "{error}"
    );
    assert!(!out.join("sub/big").exists());
}
