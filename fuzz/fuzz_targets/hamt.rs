//! HAMT directories that somebody stored, opened, listed and changed.
#![no_main]

use std::sync::Arc;

use basalt_block::{Cid, codec};
use basalt_blockstore::MemoryStore;
use basalt_fuzz::bounded;
use basalt_ipld::dag_pb::{Link, Node};
use basalt_unixfs::{
    BlockSink, CidFormat, Data, DirectoryEdit, DirectoryOptions, Entry, Kind, SizeEstimation,
};
use bytes::Bytes;
use futures::TryStreamExt;
use libfuzzer_sys::fuzz_target;

/// More entries than this are not asked for.
const LISTED: usize = 4096;

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// A shard whose links lead to shards before it, to itself as good as never, or nowhere.
async fn shard(input: &mut Input<'_>, before: &[Cid], store: &Arc<MemoryStore>) -> Option<Cid> {
    let shape = input.byte();
    let bits = input.take(usize::from(shape >> 3));
    let leaf = CidFormat::V1.block(codec::RAW, Bytes::new()).ok()?;
    let mut links = Vec::new();
    for _ in 0..input.byte() % 40 {
        let how = input.byte();
        let name = input.take(usize::from(how & 7));
        let target = before.get(usize::from(how >> 3)).unwrap_or(leaf.cid());
        links.push(Link::new(
            *target,
            Bytes::copy_from_slice(name),
            u64::from(how),
        ));
    }
    let data = Data {
        data: Some(Bytes::copy_from_slice(bits)),
        hash_type: Some(0x22),
        fanout: Some([8, 16, 256, 1024, 8, 7, 0, 1 << 40][usize::from(shape & 7)]),
        ..Data::new(Kind::HamtShard)
    };
    let node = Node {
        links,
        data: Some(data.encode().into()),
    };
    let block = CidFormat::V1
        .block(codec::DAG_PB, node.encode().into())
        .ok()?;
    let cid = *block.cid();
    BlockSink::put(store, vec![block]).await.ok()?;
    Some(cid)
}

async fn run(data: &[u8]) -> Option<()> {
    let mut input = Input(data);
    let store = Arc::new(MemoryStore::default());
    let options = DirectoryOptions {
        estimation: match input.byte() % 3 {
            0 => SizeEstimation::Links,
            1 => SizeEstimation::Block,
            _ => SizeEstimation::Disabled,
        },
        sharding_size: 1 << (input.byte() % 12),
        max_links: usize::from(input.byte() % 9),
        fanout: 8,
        ..DirectoryOptions::default()
    };
    let mut shards = Vec::new();
    for _ in 0..1 + input.byte() % 12 {
        shards.push(shard(&mut input, &shards, &store).await?);
    }
    let root = shards.pop()?;
    let source = Arc::new(store.clone());
    let mut edit = DirectoryEdit::open(source.clone(), &root, options.clone())
        .await
        .ok()?;
    let mut entries = edit.entries();
    for _ in 0..LISTED {
        let Ok(Some(_)) = entries.try_next().await else {
            break;
        };
    }
    while !input.0.is_empty() {
        let how = input.byte();
        let name = Bytes::copy_from_slice(input.take(1 + usize::from(how >> 5)));
        if name.is_empty() {
            break;
        }
        match how % 5 {
            0 => drop(edit.get(&name).await),
            1 => {
                if let Ok(Some(_)) = edit.remove(&name).await {
                    assert_eq!(edit.get(&name).await.ok()?, None);
                }
            }
            2 => {
                let entry = Entry {
                    name: name.clone(),
                    cid: root,
                    dag_size: how.into(),
                };
                if edit.put(entry.clone()).await.is_ok() {
                    assert_eq!(edit.get(&name).await.ok()?, Some(entry));
                }
            }
            3 => drop(edit.flush(&store).await),
            _ => {
                let node = edit.flush(&store).await.ok()?;
                edit = DirectoryEdit::open(source.clone(), &node.cid, options.clone())
                    .await
                    .ok()?;
                assert_eq!(edit.flush(&store).await.ok()?, node);
            }
        }
    }
    Some(())
}

fuzz_target!(|data: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    bounded(data.len(), 4096, 16 << 20, || runtime.block_on(run(data)));
});
