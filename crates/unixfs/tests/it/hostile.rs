//! DAGs that nobody honest wrote.

use basalt_block::{Block, codec};
use basalt_ipld::dag_pb::{Link, Node};
use basalt_unixfs::{CidFormat, Data, Directory, Error, File, Inode, Kind, Result};
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::store;

fn raw(bytes: &'static str) -> Block {
    CidFormat::V1.block(codec::RAW, bytes.into()).unwrap()
}

fn node(children: &[&Block], data: &Data) -> Block {
    let links = children
        .iter()
        .map(|child| Link::new(*child.cid(), "", 1))
        .collect();
    let node = Node {
        links,
        data: Some(data.encode().into()),
    };
    CidFormat::V1
        .block(codec::DAG_PB, node.encode().into())
        .unwrap()
}

fn file(file_size: u64, block_sizes: &[u64]) -> Data {
    let block_sizes = block_sizes.to_vec();
    Data {
        file_size: Some(file_size),
        block_sizes,
        ..Data::new(Kind::File)
    }
}

async fn read(blocks: &[&Block], offset: u64) -> Result<Vec<u8>> {
    let (sink, source, _) = store();
    sink.put(blocks.iter().map(|b| (*b).clone()).collect())
        .await?;
    let root = blocks.last().unwrap().cid();
    let pieces: Vec<Bytes> = File::open(source, root)
        .await?
        .range(offset, None)
        .try_collect()
        .await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn sizes_that_lie_are_told() {
    let (a, b) = (raw("hello "), raw("world"));
    let honest = node(&[&a, &b], &file(11, &[6, 5]));
    assert_eq!(read(&[&a, &b, &honest], 7).await.unwrap(), b"orld");
    let cases = [
        (node(&[&a, &b], &file(11, &[6, 6])), None),
        (node(&[&a, &b], &file(12, &[6, 6])), Some(&b)),
        (node(&[&a, &b], &file(11, &[5, 6])), Some(&a)),
        (node(&[&a, &b], &file(0, &[u64::MAX, 2])), None),
    ];
    for (root, at) in &cases {
        let error = read(&[&a, &b, root], 0).await.unwrap_err();
        let culprit = at.unwrap_or(root).cid();
        assert!(error.to_string().contains(&culprit.to_string()), "{error}");
    }
    // Without sizes there is nothing to lie about.
    let unsized_root = node(&[&a, &b], &file(11, &[]));
    assert_eq!(read(&[&a, &b, &unsized_root], 8).await.unwrap(), b"rld");
}

#[tokio::test]
async fn a_deep_dag_ends_in_an_error() {
    let mut blocks = vec![raw("x")];
    for _ in 0..100 {
        let top = node(&[blocks.last().unwrap()], &file(1, &[1]));
        blocks.push(top);
    }
    let error = read(&blocks.iter().collect::<Vec<_>>(), 0)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooDeep(_)), "{error}");
}

#[tokio::test]
async fn what_does_not_belong_into_a_file_is_told() {
    let directory = node(&[], &Data::new(Kind::Directory));
    let root = node(&[&directory], &file(0, &[]));
    let error = read(&[&directory, &root], 0).await.unwrap_err().to_string();
    assert!(
        error.ends_with("found Directory node in unexpected place"),
        "{error}"
    );
    let missing = node(&[&raw("absent")], &file(6, &[6]));
    let error = read(&[&missing], 0).await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!("ipld: could not find {}", raw("absent").cid())
    );
}

proptest! {
    #[test]
    fn any_shard_is_survived(
        bits in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        fanout in prop::sample::select(vec![0u64, 7, 8, 256, 1024, 2048, u64::MAX]),
        hash_type in prop::sample::select(vec![0x22u64, 0x12]),
        names in prop::collection::vec("[0-9A-F]{0,3}[a-c]{0,1}", 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let leaf = raw("leaf");
            let links = names.into_iter().map(|name| Link::new(*leaf.cid(), name, 1)).collect();
            let data = Data {
                data: bits.map(Bytes::from),
                fanout: Some(fanout),
                hash_type: Some(hash_type),
                ..Data::new(Kind::HamtShard)
            };
            let node = Node { links, data: Some(data.encode().into()) };
            let root = CidFormat::V1.block(codec::DAG_PB, node.encode().into()).unwrap();
            let (sink, source, _) = store();
            sink.put(vec![leaf, root.clone()]).await.unwrap();
            let directory = Directory::open(source, root.cid()).await.unwrap();
            let _ = directory.entries().try_collect::<Vec<_>>().await;
            for name in [&b"a"[..], b"b", b"c", b""] {
                let _ = directory.lookup(name).await;
            }
        });
    }

    #[test]
    fn any_block_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_, source, _) = store();
            let block = CidFormat::V1.block(codec::DAG_PB, bytes.into()).unwrap();
            let _ = Inode::from_block(source, block).await;
        });
    }
}
