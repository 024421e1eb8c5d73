//! Time, places, and content that is not given out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt_block::Cid;
use basalt_blockstore::MemoryStore;
use basalt_exchange::{BlockService, Event, Exchange};
use basalt_gateway::{Denylists, Settings};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, future};

use crate::served::{Served, file, names};

const ABSENT: &str = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

/// Never has anything, and never says so.
struct Silent;

#[async_trait]
impl Exchange for Silent {
    fn fetch(&self, _cids: Vec<Cid>) -> BoxStream<'static, Event> {
        stream::once(future::pending()).boxed()
    }
}

async fn silent(change: impl FnOnce(&mut Settings)) -> Served {
    let store = Arc::new(MemoryStore::default());
    let blocks = BlockService::new(store.clone(), Arc::new(Silent));
    let mut settings = Settings {
        retrieval_timeout: Some(Duration::from_millis(50)),
        ..Settings::default()
    };
    change(&mut settings);
    Served::new(settings, blocks, names(&store), Denylists::default()).await
}

#[tokio::test]
async fn content_that_does_not_come_is_a_gateway_timeout() {
    let served = silent(|_| {}).await;
    let target = format!("/ipfs/{ABSENT}");
    let plain = served.get(&target, "").await.unwrap();
    assert_eq!(plain.status, 504);
    assert!(
        plain
            .text()
            .starts_with("Unable to retrieve content within timeout period")
    );
    let page = served.get(&target, "Accept: text/html\r\n").await.unwrap();
    assert_eq!(page.header("content-type"), Some("text/html"));
    assert!(page.text().contains("https://check.ipfs.network"));
    let json = "Accept: application/problem+json\r\n";
    let problem = served.get(&target, json).await.unwrap();
    assert_eq!(
        problem.header("content-type"),
        Some("application/problem+json")
    );
    assert!(problem.text().contains("\"status\":504"));
    let car = served
        .get(&format!("{target}?format=car"), "")
        .await
        .unwrap();
    assert_eq!(car.status, 504);
}

#[tokio::test]
async fn one_too_many_is_sent_away() {
    let served = silent(|settings| {
        settings.max_concurrent_requests = 1;
        settings.retrieval_timeout = None;
    })
    .await;
    let target = format!("/ipfs/{ABSENT}");
    let (first, second) = (served.get(&target, ""), served.get(&target, ""));
    // One of the two waits for ever, the other is told to come back.
    let answer = tokio::select! {
        answer = first => answer,
        answer = second => answer,
    };
    let answer = answer.unwrap();
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("60"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn what_is_on_a_list_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    let cid = file(&store, b"bad", 10).await;
    let good = file(&store, b"good", 10).await;
    std::fs::write(
        dir.path().join("x.deny"),
        format!("/ipfs/{cid} reason=abuse\n"),
    )
    .unwrap();
    let denied = Denylists::new(vec![dir.path().to_owned()]);
    let blocks = BlockService::local(store.clone());
    let served = Served::new(Settings::default(), blocks, names(&store), denied.clone()).await;
    for target in ["", "?format=raw", "?format=car", "?format=tar"] {
        let answer = served
            .get(&format!("/ipfs/{cid}{target}"), "")
            .await
            .unwrap();
        assert_eq!(answer.status, 410, "{target}");
        assert!(
            answer
                .text()
                .contains("is blocked and cannot be provided (abuse)")
        );
    }
    let answer = served.get(&format!("/ipfs/{good}"), "").await.unwrap();
    assert_eq!(answer.text(), "good");
    std::fs::remove_file(dir.path().join("x.deny")).unwrap();
    denied.reload();
    let answer = served.get(&format!("/ipfs/{cid}"), "").await.unwrap();
    assert_eq!(answer.text(), "bad");
}

#[tokio::test]
async fn a_file_under_a_listed_block_is_not_given_out_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::default());
    let data = crate::served::noise(10_000, 9);
    let cid = file(&store, &data, 1000).await;
    let leaf = file(&store, &data[5000..6000], 1000).await;
    std::fs::write(dir.path().join("x.deny"), format!("/ipfs/{leaf}\n")).unwrap();
    let denied = Denylists::new(vec![dir.path().to_owned()]);
    let blocks = BlockService::local(store.clone());
    let served = Served::new(Settings::default(), blocks, names(&store), denied).await;
    for target in ["", "?format=car"] {
        let answer = served.get(&format!("/ipfs/{cid}{target}"), "").await;
        match answer {
            Err(error) => assert!(error.starts_with("cut"), "{target}: {error}"),
            Ok(answer) => panic!("{target}: {} {}", answer.head, answer.body.len()),
        }
    }
}
