//! Records: batches apply in order and whole, scans are ordered and of one moment.

use bytes::Bytes;
use futures::TryStreamExt;

use super::{fresh, nth};
use crate::{Batch, Blockstore, Datastore};

pub(super) async fn check<S: Blockstore + Datastore>(open: &impl AsyncFn() -> S) {
    batches_apply_in_order(&*fresh(open).await).await;
    scans_are_ordered(&*fresh(open).await).await;
    scans_are_of_one_moment(&*fresh(open).await).await;
    records_and_blocks_are_apart(&*fresh(open).await).await;
}

async fn rows(store: &impl Datastore, prefix: &[u8], from: Option<&[u8]>) -> Vec<(Bytes, Bytes)> {
    store.scan(prefix, from).try_collect().await.unwrap()
}

async fn batches_apply_in_order(store: &(impl Blockstore + Datastore)) {
    let mut batch = Batch::default();
    batch.put("t/a", "1").put("t/b", "2").put("t/a", "3");
    batch.delete("t/b").delete("t/never").put("t/empty", "");
    Datastore::write(store, batch).await.unwrap();
    Datastore::write(store, Batch::default()).await.unwrap();
    let keys = ["t/empty", "t/b", "t/a", "t/a"].map(|k| Bytes::from_static(k.as_bytes()));
    let got = Datastore::get_many(store, &keys).await.unwrap();
    let want = [Some(""), None, Some("3"), Some("3")];
    assert_eq!(got, want.map(|v| v.map(Bytes::from)));
    assert_eq!(
        Datastore::get(store, b"t/a").await.unwrap(),
        Some("3".into())
    );
    assert_eq!(Datastore::get(store, b"t/").await.unwrap(), None);
    assert_eq!(Datastore::get(store, b"").await.unwrap(), None);
    let big = Bytes::from(vec![1; 1 << 20]);
    let mut batch = Batch::default();
    batch.put("t/big", big.clone()).delete("t/a");
    Datastore::write(store, batch).await.unwrap();
    assert_eq!(Datastore::get(store, b"t/big").await.unwrap(), Some(big));
    assert_eq!(Datastore::get(store, b"t/a").await.unwrap(), None);
}

async fn scans_are_ordered(store: &(impl Blockstore + Datastore)) {
    let mut batch = Batch::default();
    for n in (0..5000u32).rev() {
        batch.put(format!("pins/{n:05}"), n.to_string());
    }
    batch.put("pin", "before").put("pins", "no slash");
    batch.put("pins0", "after").put(&b"\xff\xff"[..], "last");
    Datastore::write(store, batch).await.unwrap();

    let all = rows(store, b"pins/", None).await;
    assert_eq!(all.len(), 5000);
    assert!(all.is_sorted());
    assert_eq!(all[17], ("pins/00017".into(), "17".into()));
    let late = rows(store, b"pins/", Some(b"pins/04990")).await;
    assert_eq!(late, all[4990..]);
    assert_eq!(rows(store, b"pins/", Some(b"a")).await, all);
    assert!(rows(store, b"pins/", Some(b"pins0")).await.is_empty());
    assert!(rows(store, b"nothing/", None).await.is_empty());
    assert_eq!(rows(store, b"\xff", None).await.len(), 1);
    assert_eq!(rows(store, b"", None).await.len(), 5004);
    let from_gap = rows(store, b"pins/", Some(b"pins/00017x")).await;
    assert_eq!(from_gap, all[18..]);
}

async fn scans_are_of_one_moment(store: &(impl Blockstore + Datastore)) {
    let write = async |value: &'static str, from: u32| {
        let mut batch = Batch::default();
        for n in from..from + 3000 {
            batch.put(format!("t/{n:05}"), value);
        }
        Datastore::write(store, batch).await.unwrap();
    };
    write("old", 0).await;
    let scan = store.scan(b"t/", None);
    write("new", 1000).await;
    let seen: Vec<_> = scan.try_collect().await.unwrap();
    assert_eq!(seen.len(), 3000);
    assert!(seen.iter().all(|(_, value)| value == "old"));
    assert_eq!(rows(store, b"t/", None).await.len(), 4000);
}

async fn records_and_blocks_are_apart(store: &(impl Blockstore + Datastore)) {
    let block = nth(1);
    store.put_many(vec![block.clone()]).await.unwrap();
    assert!(rows(store, b"", None).await.is_empty());
    let key = block.multihash().to_bytes();
    assert_eq!(Datastore::get(store, &key).await.unwrap(), None);
    let mut batch = Batch::default();
    batch.put(key, "a record");
    Datastore::write(store, batch).await.unwrap();
    assert_eq!(
        Blockstore::get(store, block.cid()).await.unwrap(),
        Some(block)
    );
    assert_eq!(store.usage().blocks, 1);
}
