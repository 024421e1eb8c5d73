//! What Kubo 0.43 answered to `add`: see tests/data/record.py.

use std::{collections::HashSet, sync::Arc};

use basalt_block::{Hasher, Version, hash_code};
use basalt_unixfs::{
    Added, BlockSink, CidFormat, DirectoryOptions, FileBuilder, FileNode, FileOptions, Layout,
    Mtime, OnlyHash, Result, SizeEstimation, Stat, TreeBuilder, TreeOptions,
};
use bytes::Bytes;
use futures::TryStreamExt;
use serde_json::Value;

use crate::{content, store};

fn recorded() -> Value {
    let text = include_str!("../data/kubo.json");
    serde_json::from_str(text).unwrap()
}

struct Options(Value);

impl Options {
    fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key).map(|v| v.as_i64().unwrap())
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|v| v.as_str().unwrap())
    }

    fn flag(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }

    fn cids(&self) -> CidFormat {
        let hash = hash_code(self.text("hash").unwrap_or("sha2-256")).unwrap();
        let v1 = self.number("cid-version") == Some(1) || hash != 0x12;
        CidFormat {
            version: if v1 { Version::V1 } else { Version::V0 },
            hasher: Hasher::new(hash),
            inline: self
                .flag("inline")
                .then(|| self.number("inline-limit").unwrap_or(32) as usize),
        }
    }

    fn stat(&self) -> Stat {
        let nanos = self.number("mtime-nsecs").unwrap_or(0) as u32;
        Stat {
            // Kubo takes the number for Go's own bits, of which nine are permissions.
            mode: self.number("mode").map(|mode| mode as u32 & 0o777),
            mtime: self.number("mtime").map(|seconds| Mtime { seconds, nanos }),
        }
    }

    fn file(&self) -> FileOptions {
        let cids = self.cids();
        let stat = self.stat();
        let raw = self.flag("raw-leaves") || cids.version == Version::V1 && stat.is_empty();
        FileOptions {
            chunker: self.text("chunker").unwrap_or_default().parse().unwrap(),
            layout: if self.flag("trickle") {
                Layout::Trickle
            } else {
                Layout::Balanced
            },
            raw_leaves: raw,
            max_links: self.number("max-file-links").unwrap_or(0) as usize,
            cids,
            stat,
            ..FileOptions::default()
        }
    }

    fn tree(&self, estimation: &str) -> TreeOptions {
        let estimation = match estimation {
            "links" => SizeEstimation::Links,
            "block" => SizeEstimation::Block,
            _ => SizeEstimation::Disabled,
        };
        TreeOptions {
            directory: DirectoryOptions {
                cids: self.cids(),
                max_links: self.number("max-directory-links").unwrap_or(0) as usize,
                fanout: self.number("max-hamt-fanout").unwrap_or(0) as usize,
                estimation,
                ..DirectoryOptions::default()
            },
            stat: self.stat(),
            empty_directories: self.text("empty-dirs") != Some("false"),
        }
    }
}

async fn build(options: FileOptions, bytes: Bytes) -> Result<FileNode> {
    let mut builder = FileBuilder::new(options, Arc::new(OnlyHash))?;
    // Frames as a network would cut them.
    for frame in bytes.chunks(70_001) {
        builder.write(bytes.slice_ref(frame)).await?;
    }
    builder.finish().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_have_the_cids_of_kubo() {
    let recorded = recorded();
    let mut wrong = Vec::new();
    let whole = content(45_613_057);
    for case in recorded["files"].as_array().unwrap() {
        let options = Options(case["options"].clone());
        let bytes = whole.slice(..case["len"].as_u64().unwrap() as usize);
        let node = build(options.file(), bytes).await.unwrap();
        let event = &case["events"][0];
        let found = (node.cid.to_string(), node.dag_size);
        if event[1] != found.0 || event[2] != found.1 {
            wrong.push(format!("{case}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(recorded["files"].as_array().unwrap().len() > 400);
}

enum What {
    File(usize),
    Directory,
    Symlink(String),
}

fn entries(spec: &Value) -> Vec<(String, What)> {
    if let Some(entries) = spec.get("entries") {
        let entry = |e: &Value| {
            let what = match e[1].as_str().unwrap() {
                "file" => What::File(e[2].as_u64().unwrap() as usize),
                "dir" => What::Directory,
                _ => What::Symlink(e[2].as_str().unwrap().to_owned()),
            };
            (e[0].as_str().unwrap().to_owned(), what)
        };
        return entries.as_array().unwrap().iter().map(entry).collect();
    }
    let number =
        |key: &str, default| spec.get(key).map_or(default, |v| v.as_u64().unwrap()) as usize;
    let is_dir = spec.get("kind").is_some();
    let entry = |i: usize| {
        let len = number("name_len", 0) + if i == 0 { number("extra", 0) } else { 0 };
        let name = format!("entry-{i:06}-{}", "x".repeat(len))[..len].to_owned();
        if is_dir {
            (format!("{name}/f"), What::File(i % 5))
        } else {
            (name, What::File(i % number("sizes", 3)))
        }
    };
    (0..number("n", 0)).map(entry).collect()
}

async fn build_tree(case: &Value, backwards: bool, sink: Arc<dyn BlockSink>) -> Result<Vec<Added>> {
    let options = Options(case["options"].clone());
    let tree_options = options.tree(case["estimation"].as_str().unwrap());
    let mut tree = TreeBuilder::new(tree_options, sink)?;
    let mut events = Vec::new();
    let mut seen = HashSet::new();
    let mut entries = entries(&case["tree"]);
    if backwards {
        entries.reverse();
    }
    for (path, what) in entries {
        let parts: Vec<&str> = path.split('/').collect();
        let above = if matches!(what, What::Directory) {
            parts.len()
        } else {
            parts.len() - 1
        };
        for depth in 1..=above {
            let directory = parts[..depth].join("/");
            if seen.insert(directory.clone()) {
                tree.directory(directory.as_bytes(), options.stat())?;
            }
        }
        match what {
            What::File(len) => {
                let mut builder = FileBuilder::new(options.file(), tree.sink())?;
                builder.write(content(len)).await?;
                let file = builder.finish().await?;
                events.push(tree.file(path.as_bytes(), &file)?);
            }
            What::Symlink(target) => {
                let stat = options.stat();
                events.push(
                    tree.symlink(path.as_bytes(), target.as_bytes(), stat)
                        .await?,
                );
            }
            What::Directory => {}
        }
    }
    events.extend(tree.finish().await?.directories);
    Ok(events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trees_have_the_events_of_kubo() {
    let recorded = recorded();
    let mut wrong = Vec::new();
    for case in recorded["trees"].as_array().unwrap() {
        let built = build_tree(case, false, Arc::new(OnlyHash)).await;
        let Some(expected) = case.get("events") else {
            let error = case["error"].as_str().unwrap();
            match built {
                Err(found) if found.to_string() == error => {}
                other => wrong.push(format!("{case}: {other:?}")),
            }
            continue;
        };
        let event = |added: &Added| {
            let path = String::from_utf8_lossy(&added.path).into_owned();
            let name = if path.is_empty() {
                "d".to_owned()
            } else {
                format!("d/{path}")
            };
            (name, added.cid.to_string(), added.dag_size)
        };
        let built = built.unwrap();
        let found: Vec<_> = built.iter().map(event).collect();
        let expected: Vec<_> = expected
            .as_array()
            .unwrap()
            .iter()
            .map(|e| {
                let text = |i: usize| e[i].as_str().unwrap().to_owned();
                (text(0), text(1), e[2].as_u64().unwrap())
            })
            .collect();
        // Of large trees only the last events are recorded.
        if !found.ends_with(&expected) {
            let found = &found[found.len().saturating_sub(expected.len())..];
            wrong.push(format!("{}\n  {expected:?}\n  {found:?}", case["options"]));
        }
        let backwards = build_tree(case, true, Arc::new(OnlyHash)).await.unwrap();
        assert_eq!(
            backwards.last(),
            built.last(),
            "the order of entries must not matter"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(recorded["trees"].as_array().unwrap().len() > 70);
}

#[tokio::test]
async fn archives_are_those_of_kubo() {
    let now = Mtime {
        seconds: 0,
        nanos: 0,
    };
    for case in recorded()["tars"].as_array().unwrap() {
        let (sink, source, _) = store();
        let built = build_tree(case, false, sink).await.unwrap();
        let root = built.last().unwrap().cid;
        assert_eq!(case["root"], root.to_string());
        let pieces: Vec<Bytes> = basalt_unixfs::tar::archive(
            source,
            root,
            root.to_string(),
            now,
            basalt_unixfs::tar::Times::Seconds,
        )
        .try_collect()
        .await
        .unwrap();
        let tar = pieces.concat();
        let trimmed = |block: &[u8]| {
            let len = block.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
            hex::encode(&block[..len])
        };
        let blocks: Vec<String> = tar.chunks(512).map(trimmed).collect();
        let expected: Vec<&str> = case["tar"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b.as_str().unwrap())
            .collect();
        for (at, (found, expected)) in blocks.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "block {at} of {}", case["options"]);
        }
        assert_eq!(blocks.len(), expected.len());
    }
}
