//! The fetch protocol between nodes.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;

use crate::{at, node};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_has_under_a_key() {
    let (here, there) = (node().await, node().await);
    let addresses = at(&there, "/tcp").await;
    here.connect(there.local_peer(), addresses).await.unwrap();
    let ask = async |key: &[u8]| here.fetch(there.local_peer(), key).await;
    assert!(ask(b"key").await.is_err(), "it does not speak the protocol");
    let large = Bytes::from(vec![7; 900_000]);
    let kept = large.clone();
    let lookup = move |key: Bytes| {
        let value = match &key[..] {
            b"key" => Some(Bytes::from_static(b"value")),
            b"empty" => Some(Bytes::new()),
            b"large" => Some(kept.clone()),
            b"too large" => Some(Bytes::from(vec![7; (1 << 20) + 1])),
            _ => None,
        };
        std::future::ready(value).boxed()
    };
    there.serve_fetch(Arc::new(lookup)).await.unwrap();
    assert_eq!(ask(b"key").await.unwrap().unwrap(), "value");
    assert_eq!(ask(b"empty").await.unwrap().unwrap(), "");
    assert_eq!(ask(b"large").await.unwrap().unwrap(), large);
    assert_eq!(ask(b"\x00\xff").await.unwrap(), None);
    assert!(ask(b"too large").await.is_err());
    assert!(ask(&vec![0; 2 << 20]).await.is_err());
    assert_eq!(ask(b"key").await.unwrap().unwrap(), "value");
}
