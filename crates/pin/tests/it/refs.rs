//! The order and the choice of links, as real Kubo lists them.

use std::sync::Arc;

use basalt_block::{Block, Cid};
use basalt_blockstore::{Blockstore, MemoryStore};
use basalt_pin::{Error, Refs};
use futures::TryStreamExt;

use crate::dag::{local, node, raw};

/// A DAG whose parts are shared:
///
/// ```text
/// root -> a b c     a -> x y     b -> a     c -> y     x -> y
/// ```
fn shared() -> Vec<(&'static str, Block)> {
    let y = raw("y");
    let x = node("x", &[*y.cid()]);
    let a = node("a", &[*x.cid(), *y.cid()]);
    let b = node("b", &[*a.cid()]);
    let c = node("c", &[*y.cid()]);
    let root = node("root", &[*a.cid(), *b.cid(), *c.cid()]);
    vec![
        ("y", y),
        ("x", x),
        ("a", a),
        ("b", b),
        ("c", c),
        ("root", root),
    ]
}

async fn listed(max_depth: Option<u32>, unique: bool) -> String {
    let blocks = shared();
    let store = MemoryStore::default();
    store
        .put_many(blocks.iter().map(|(_, b)| b.clone()).collect())
        .await
        .unwrap();
    let name = |cid: &Cid| blocks.iter().find(|(_, b)| b.cid() == cid).unwrap().0;
    let root = *blocks.last().unwrap().1.cid();
    let refs = Refs::new(local(&store), vec![root], max_depth, unique);
    let edges: Vec<_> = refs.stream().try_collect().await.unwrap();
    let edges: Vec<String> = edges
        .iter()
        .map(|edge| {
            format!(
                "{}{}",
                name(&edge.from).replace("root", "."),
                name(&edge.to)
            )
        })
        .collect();
    edges.join(" ")
}

#[tokio::test]
async fn links_come_depth_first() {
    assert_eq!(listed(Some(1), false).await, ".a .b .c");
    assert_eq!(listed(Some(0), false).await, "");
    assert_eq!(
        listed(None, false).await,
        ".a ax xy ay .b ba ax xy ay .c cy"
    );
    assert_eq!(listed(Some(2), false).await, ".a ax ay .b ba .c cy");
}

#[tokio::test]
async fn unique_lists_each_block_once() {
    assert_eq!(listed(None, true).await, ".a ax xy .b .c");
    assert_eq!(listed(Some(1), true).await, ".a .b .c");
    assert_eq!(listed(Some(2), true).await, ".a ax ay .b .c");
}

#[tokio::test]
async fn what_was_seen_too_deep_is_gone_through_again() {
    // root -> m, x     m -> x     x -> y: at depth 2 the way by m ends before y.
    let y = raw("y");
    let x = node("x", &[*y.cid()]);
    let m = node("m", &[*x.cid()]);
    let root = node("root", &[*m.cid(), *x.cid()]);
    let store = MemoryStore::default();
    let blocks = vec![y.clone(), x.clone(), m.clone(), root.clone()];
    store.put_many(blocks).await.unwrap();
    let refs = Refs::new(local(&store), vec![*root.cid()], Some(2), true);
    let edges: Vec<_> = refs.stream().try_collect().await.unwrap();
    let to: Vec<Cid> = edges.iter().map(|edge| edge.to).collect();
    assert_eq!(to, [*m.cid(), *x.cid(), *y.cid()]);
}

#[tokio::test]
async fn what_is_missing_ends_the_list() {
    let (leaf, gone) = (raw("here"), raw("gone"));
    let root = node("root", &[*leaf.cid(), *gone.cid(), *leaf.cid()]);
    let store = Arc::new(MemoryStore::default());
    store
        .put_many(vec![leaf.clone(), root.clone()])
        .await
        .unwrap();
    let mut refs = Refs::new(local(&store), vec![*root.cid(), *root.cid()], None, false);
    assert_eq!(refs.next().await.unwrap().unwrap().to, *leaf.cid());
    let error = refs.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Missing(cid) if cid == *gone.cid()));
    // The second root is gone through like the first.
    assert_eq!(refs.next().await.unwrap().unwrap().to, *leaf.cid());
    assert!(refs.next().await.unwrap().is_err());
    assert!(refs.next().await.is_none());
}

#[tokio::test]
async fn names_of_links_are_bytes() {
    let leaf = raw("leaf");
    let mut link = vec![0x0a, leaf.cid().to_bytes().len() as u8];
    link.extend(leaf.cid().to_bytes());
    link.extend([0x12, 2, 0xff, b'/']);
    let mut data = vec![0x12, link.len() as u8];
    data.extend(link);
    let hasher = basalt_block::Hasher::SHA2_256;
    let root = Block::hash(1, basalt_block::codec::DAG_PB, hasher, data.into()).unwrap();
    let store = MemoryStore::default();
    store.put_many(vec![leaf, root.clone()]).await.unwrap();
    let mut refs = Refs::new(local(&store), vec![*root.cid()], None, false);
    assert_eq!(&refs.next().await.unwrap().unwrap().name[..], b"\xff/");
}
