//! Clients that take their time.

use std::sync::Arc;
use std::time::Duration;

use basalt_blockstore::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::served::{Served, chunks, directory, file, noise};

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
    // Both are in chunks.
    let whole = async |format: &str| {
        let target = format!("/ipfs/{root}?format={format}");
        served.get(&target, "").await.unwrap().body
    };
    let (car, tar) = (whole("car").await, whole("tar").await);
    assert!(car.len() > data.len() + block.len() && tar.len() > car.len() - data.len());
    let part = format!("GET /ipfs/{cid} HTTP/1.1\r\nRange: bytes=1000-11999999\r\n");
    let requests = [
        (format!("GET /ipfs/{cid} HTTP/1.1\r\n"), &data[..]),
        (format!("GET /ipfs/{root}/raw HTTP/1.1\r\n"), &block[..]),
        (part, &data[1000..]),
        (
            format!("GET /ipfs/{root}?format=car HTTP/1.1\r\n"),
            &car[..],
        ),
        (
            format!("GET /ipfs/{root}?format=tar HTTP/1.1\r\n"),
            &tar[..],
        ),
    ];
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
        let chunked = memchr::memmem::find(&answer[..head], b"Transfer-Encoding: chunked");
        let have = match chunked {
            Some(_) => chunks(&answer[head..]).unwrap(),
            None => answer[head..].to_vec(),
        };
        // Times of what has none are those of the request.
        let same = |(a, b): (&u8, &u8)| a == b;
        let differ = have
            .iter()
            .zip(body.iter())
            .filter(|pair| !same(*pair))
            .count();
        assert_eq!(have.len(), body.len());
        assert!(
            differ <= if body.len() == tar.len() { 64 } else { 0 },
            "{differ} bytes"
        );
    }
}

/// What `HEAD` tells of a block is what `GET` does, whether the block is read for it or not.
#[tokio::test]
async fn head_tells_the_same_as_get() {
    let store = Arc::new(MemoryStore::default());
    let raw = file(&store, &noise(500_000, 3), 600_000).await;
    let root = directory(&store, &[("a.jpg", raw), ("b", raw)], 0).await;
    let served = Served::of(&store).await;
    let paths = [
        format!("/ipfs/{root}/a.jpg"),
        format!("/ipfs/{root}/b"),
        format!("/ipfs/{raw}"),
        format!("/ipfs/{raw}?filename=x.txt&download=true"),
        format!("/ipfs/{raw}?format=raw"),
    ];
    for path in &paths {
        for range in ["", "Range: bytes=5-9\r\n", "Range: bytes=-7\r\n"] {
            let mut heads = Vec::new();
            for method in ["GET", "HEAD"] {
                let head = head_of(&served, method, path, range).await;
                let fields = head.lines().filter(|line| !line.starts_with("Date"));
                heads.push(fields.map(str::to_owned).collect::<Vec<_>>());
            }
            assert_eq!(heads[0], heads[1], "{path} {range}");
        }
    }
    let gone = basalt_blockstore::Blockstore::delete_many(&*store, &[*raw.hash()]).await;
    gone.unwrap();
    for path in &paths {
        let head = head_of(&served, "HEAD", path, "").await;
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
    }
}

async fn head_of(served: &Served, method: &str, path: &str, fields: &str) -> String {
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{fields}Connection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").unwrap();
    String::from_utf8_lossy(&answer[..end]).into_owned()
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
