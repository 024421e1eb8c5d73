//! Time, places, and content that is not given out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt_block::Cid;
use basalt_blockstore::{Blockstore, MemoryStore};
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

/// Has everything, and takes its time for each block.
struct Slow(Arc<MemoryStore>, Duration);

#[async_trait]
impl Exchange for Slow {
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event> {
        let (store, pause) = (self.0.clone(), self.1);
        stream::iter(cids)
            .then(move |cid| {
                let store = store.clone();
                async move {
                    tokio::time::sleep(pause).await;
                    let block = Blockstore::get(&*store, &cid).await;
                    Event::Block(block.unwrap().unwrap())
                }
            })
            .boxed()
    }
}

/// A gateway to a file of 20 blocks, each of which takes so long to come.
async fn slow(pause: u64, change: impl FnOnce(&mut Settings)) -> (Served, String) {
    let far = Arc::new(MemoryStore::default());
    let cid = file(&far, &crate::served::noise(20_000, 4), 1000).await;
    let near = Arc::new(MemoryStore::default());
    let exchange = Slow(far, Duration::from_millis(pause));
    let blocks = BlockService::new(near.clone(), Arc::new(exchange));
    let mut settings = Settings::default();
    change(&mut settings);
    let names = names(&near);
    let served = Served::new(settings, blocks, names, Denylists::default()).await;
    (served, format!("/ipfs/{cid}"))
}

#[tokio::test]
async fn a_request_has_so_much_time_and_no_more() {
    // Before anything is found it is an error, in the middle the answer is cut.
    let (served, target) = slow(2000, |settings| {
        settings.max_request_duration = Duration::from_millis(100);
    })
    .await;
    let answer = served.get(&target, "").await.unwrap();
    assert_eq!(answer.status, 504);
    assert!(answer.text().contains("context deadline exceeded"));
    assert_eq!(answer.header("x-ipfs-path"), Some(target.as_str()));
    let (served, target) = slow(60, |settings| {
        settings.max_request_duration = Duration::from_millis(700);
    })
    .await;
    match served.get(&target, "").await {
        Err(error) => assert!(error.starts_with("cut"), "{error}"),
        Ok(answer) => panic!("{} {}", answer.head, answer.body.len()),
    }
}

#[tokio::test]
async fn slow_content_comes_as_long_as_each_piece_comes_in_time() {
    let (served, target) = slow(30, |settings| {
        settings.retrieval_timeout = Some(Duration::from_millis(1500));
    })
    .await;
    let answer = served.get(&target, "").await.unwrap();
    assert_eq!(answer.body, crate::served::noise(20_000, 4));
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
