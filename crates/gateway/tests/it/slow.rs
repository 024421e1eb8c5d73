//! Clients that take their time.

use std::sync::Arc;
use std::time::Duration;

use basalt_blockstore::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::served::{Served, directory, file, noise};

/// More clients than there are lanes stand still, then read on: each gets all of it.
#[tokio::test]
async fn a_crowd_that_stands_still_gets_everything_in_the_end() {
    const CLIENTS: usize = 70;
    let store = Arc::new(MemoryStore::default());
    let data = noise(12_000_000, 1);
    let cid = file(&store, &data, 300_000).await;
    let block = noise(1_500_000, 2);
    let raw = file(&store, &block, 1_600_000).await;
    let root = directory(&store, &[("big", cid), ("raw", raw)], 0).await;
    let served = Served::of(&store).await;
    let part = format!("GET /ipfs/{cid} HTTP/1.1\r\nRange: bytes=1000-11999999\r\n");
    let requests = [
        (format!("GET /ipfs/{cid} HTTP/1.1\r\n"), Some(&data[..])),
        (
            format!("GET /ipfs/{root}/raw HTTP/1.1\r\n"),
            Some(&block[..]),
        ),
        (part, Some(&data[1000..])),
        (format!("GET /ipfs/{root}?format=car HTTP/1.1\r\n"), None),
    ];
    let whole = served.get(&format!("/ipfs/{root}?format=car"), "").await;
    let whole = whole.unwrap().body.len();
    let mut crowd = Vec::new();
    for number in 0..CLIENTS {
        let (request, body) = &requests[number % requests.len()];
        let mut socket = TcpStream::connect(served.address).await.unwrap();
        let request = format!("{request}Host: x\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        crowd.push((socket, *body));
    }
    // Longer than a client may keep its lane where others want it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for (mut socket, body) in crowd {
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        let head = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        match body {
            Some(body) => assert!(answer[head..] == *body, "{} bytes", answer.len() - head),
            // In chunks, which take a few bytes more.
            None => {
                assert!(answer.len() - head > whole);
                assert!(answer.ends_with(b"\r\n0\r\n\r\n"));
            }
        }
    }
}

/// A path through a large directory finds the same the second time, when the directory is known, and
/// nothing once the directory is gone.
#[tokio::test]
async fn a_known_directory_says_the_same_and_goes_with_its_block() {
    let store = Arc::new(MemoryStore::default());
    let names: Vec<String> = (0..400).map(|n| format!("file-{n}")).collect();
    let mut entries = Vec::new();
    for name in &names {
        entries.push((name.as_str(), file(&store, name.as_bytes(), 100).await));
    }
    for most in [0, 10] {
        let root = directory(&store, &entries, most).await;
        let served = Served::of(&store).await;
        for _ in 0..2 {
            for name in ["file-0", "file-399"] {
                let answer = served
                    .get(&format!("/ipfs/{root}/{name}"), "")
                    .await
                    .unwrap();
                assert_eq!((answer.status, answer.text().as_str()), (200, name));
            }
            let answer = served.get(&format!("/ipfs/{root}/none"), "").await.unwrap();
            assert_eq!(answer.status, 404);
            assert!(answer.text().contains("no link named"), "{}", answer.text());
        }
        basalt_blockstore::Blockstore::delete_many(&*store, &[*root.hash()])
            .await
            .unwrap();
        let answer = served
            .get(&format!("/ipfs/{root}/file-0"), "")
            .await
            .unwrap();
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
}
