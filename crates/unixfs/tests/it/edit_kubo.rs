//! What Kubo 0.43 makes of directories and files that are changed: see tests/data/edits.py.

use std::sync::Arc;

use basalt_block::{Cid, codec};
use basalt_chunker::Chunker;
use basalt_unixfs::{
    BlockSink, BlockSource, CidFormat, DirectoryEdit, DirectoryOptions, Entry, Error, File,
    FileBuilder, FileEdit, FileEditOptions, FileOptions, Layout, Mtime, SizeEstimation, Stat,
};
use futures::TryStreamExt;
use serde_json::Value;

use crate::store;

/// One case a line. More than the recorded ones are read from a file that the environment names.
fn recorded(kind: &str) -> Vec<Value> {
    let text = match std::env::var("BASALT_EDIT_CASES") {
        Ok(path) => std::fs::read_to_string(path).unwrap(),
        Err(_) => include_str!("../data/edits.jsonl").to_owned(),
    };
    let cases = text.lines().map(|line| serde_json::from_str(line).unwrap());
    cases.filter(|case: &Value| case["kind"] == kind).collect()
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).map_or(0, |v| v.as_u64().unwrap())
}

fn cids(case: &Value) -> CidFormat {
    if case["v1"] == true {
        CidFormat::V1
    } else {
        CidFormat::default()
    }
}

fn entry(op: &Value) -> Entry {
    let len = number(op, "child") as usize;
    let block = CidFormat::V1.block(codec::RAW, vec![len as u8; len].into());
    Entry {
        name: op["name"].as_str().unwrap().to_owned().into(),
        cid: *block.unwrap().cid(),
        dag_size: len as u64,
    }
}

async fn directory(case: &Value) {
    let (_, source, store) = store();
    let options = DirectoryOptions {
        cids: cids(case),
        max_links: number(case, "max_links") as usize,
        fanout: number(case, "fanout") as usize,
        sharding_size: number(case, "threshold"),
        estimation: match case["estimation"].as_str() {
            Some("block") => SizeEstimation::Block,
            Some("disabled") => SizeEstimation::Disabled,
            _ => SizeEstimation::Links,
        },
    };
    let mut edit = DirectoryEdit::new(source.clone(), options.clone()).unwrap();
    let ops = case["ops"].as_array().unwrap();
    for (at, (op, expected)) in ops
        .iter()
        .zip(case["results"].as_array().unwrap())
        .enumerate()
    {
        let expected = expected.as_str().unwrap();
        let mut error = String::new();
        match op["op"].as_str().unwrap() {
            "put" => match edit.put(entry(op)).await {
                Ok(_) => {}
                Err(e @ Error::MaxLinks) => error = format!("error: {e} "),
                Err(e) => panic!("{e}"),
            },
            "rm" => {
                let name = op["name"].as_str().unwrap();
                if edit.remove(name.as_bytes()).await.unwrap().is_none() {
                    error = "error: file does not exist ".into();
                }
            }
            "v1" => edit.set_cids(CidFormat::V1),
            "mode" => edit.set_mode(Some(number(op, "mode") as u32)).unwrap(),
            "mtime" => {
                let seconds = number(op, "secs") as i64;
                edit.set_mtime(Some(Mtime { seconds, nanos: 0 })).unwrap();
            }
            "reopen" => {
                let cid = edit.flush(&store).await.unwrap().cid;
                edit = DirectoryEdit::open(source.clone(), &cid, options.clone())
                    .await
                    .unwrap();
            }
            other => panic!("{other}"),
        }
        if edit.is_sharded() && expected.contains("maxLinks reached") {
            // Kubo takes a HAMT for smaller than it is, and fails; the change is as good as any.
            return;
        }
        let node = edit.flush(&store).await.unwrap();
        let answer = format!("{error}{} {}", node.cid, node.dag_size);
        assert_eq!(answer, expected, "after {at}: {op} of {case}");
    }
}

#[tokio::test]
async fn changed_directories_have_the_cids_of_kubo() {
    for case in recorded("dir") {
        directory(&case).await;
    }
}

/// The numbers of a xorshift generator.
fn content(len: u64, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

async fn build(case: &Value, sink: Arc<dyn BlockSink>) -> Cid {
    let mut cids = cids(case);
    let bytes = content(number(case, "len"), 1);
    if case["inline"] == true {
        cids.inline = Some(128);
    }
    match case["build"].as_str().unwrap() {
        "empty" => {
            let options = FileEditOptions::default();
            let mut edit = FileEdit::new(Arc::new(MemorySource), sink, cids, options);
            edit.flush().await.unwrap().cid
        }
        "raw" => {
            let block = cids.block(codec::RAW, bytes.into()).unwrap();
            let cid = *block.cid();
            sink.put(vec![block]).await.unwrap();
            cid
        }
        layout => {
            let seconds = number(case, "secs") as i64;
            let options = FileOptions {
                chunker: Chunker::Size(number(case, "chunk") as usize),
                layout: if layout == "trickle" {
                    Layout::Trickle
                } else {
                    Layout::Balanced
                },
                raw_leaves: case["raw"] == true,
                max_links: number(case, "links") as usize,
                cids,
                stat: Stat {
                    mode: None,
                    mtime: (seconds > 0).then_some(Mtime { seconds, nanos: 0 }),
                },
                ..FileOptions::default()
            };
            let mut builder = FileBuilder::new(options, sink).unwrap();
            builder.write(bytes.into()).await.unwrap();
            builder.finish().await.unwrap().cid
        }
    }
}

/// What has no blocks but those in their CIDs.
struct MemorySource;

#[async_trait::async_trait]
impl BlockSource for MemorySource {
    async fn get(&self, cid: &Cid) -> basalt_unixfs::Result<basalt_block::Block> {
        Err(Error::NotFound(*cid))
    }

    async fn get_many(&self, cids: &[Cid]) -> basalt_unixfs::Result<Vec<basalt_block::Block>> {
        Err(Error::NotFound(cids[0]))
    }
}

async fn file(case: &Value) {
    let (sink, source, _) = store();
    let root = build(case, sink.clone()).await;
    let results = case["results"].as_array().unwrap();
    assert_eq!(root.to_string(), results[0].as_str().unwrap(), "{case}");

    let options = FileEditOptions {
        chunker: Chunker::Size(number(case, "chunk") as usize),
        raw_leaves: case.get("raw_mod").map(|raw| raw.as_bool().unwrap()),
        max_links: number(case, "links") as usize,
    };
    let open = async |cid: Cid| {
        FileEdit::open(source.clone(), sink.clone(), &cid, options.clone())
            .await
            .unwrap()
    };
    let mut edit = open(root).await;
    let mut model = content(number(case, "len"), 1);
    let mut at = 0;
    let write = |model: &mut Vec<u8>, at: u64, bytes: &[u8]| {
        let at = at as usize;
        model.resize(model.len().max(at + bytes.len()), 0);
        model[at..at + bytes.len()].copy_from_slice(bytes);
    };
    let ops = case["ops"].as_array().unwrap();
    for (index, (op, expected)) in ops.iter().zip(&results[1..]).enumerate() {
        let expected = expected.as_str().unwrap();
        let lossy = expected.contains("digest too large") || expected.ends_with(" lossy");
        let mut answer = String::new();
        let offset = number(op, "offset");
        let bytes = content(number(op, "len"), number(op, "seed"));
        match op["op"].as_str().unwrap() {
            "write" => {
                edit.seek(offset).await.unwrap();
                edit.write_at(offset, &bytes).await.unwrap();
                write(&mut model, offset, &bytes);
                at = offset + bytes.len() as u64;
            }
            "more" => {
                edit.write_at(at, &bytes).await.unwrap();
                write(&mut model, at, &bytes);
                at += bytes.len() as u64;
            }
            "truncate" => {
                edit.truncate(offset).await.unwrap();
                model.resize(offset as usize, 0);
            }
            "flush" | "reopen" => {
                let mut node = edit.flush().await.unwrap();
                let file = File::open(source.clone(), &node.cid).await.unwrap();
                let read: Vec<bytes::Bytes> = file.stream().try_collect().await.unwrap();
                assert!(read.concat() == model, "after {index}: {op} of {case}");
                let mut mark = "";
                let cid = node.cid;
                let seconds = number(case, "secs") as i64;
                if file
                    .stat()
                    .mtime
                    .is_some_and(|mtime| mtime.seconds != seconds)
                {
                    mark = " touched";
                    let mut told = open(cid).await;
                    told.set_mtime(Some(Mtime { seconds, nanos: 0 }))
                        .await
                        .unwrap();
                    node = told.flush().await.unwrap();
                }
                answer = format!("{} {}{mark}", node.cid, node.dag_size);
                if op["op"] == "reopen" {
                    edit = open(cid).await;
                }
            }
            other => panic!("{other}"),
        }
        assert_eq!(edit.size(), model.len() as u64);
        if lossy {
            // Kubo makes CIDs with more in them than it permits, and then fails.
            return;
        }
        if answer.is_empty() {
            answer = model.len().to_string();
        }
        assert_eq!(answer, expected, "after {index}: {op} of {case}");
    }
}

#[tokio::test]
async fn changed_files_have_the_cids_of_kubo() {
    for case in recorded("file") {
        file(&case).await;
    }
}
