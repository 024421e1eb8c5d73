use super::*;
use crate::{Handler, Listener, Options, Request, Responder, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

/// Sends back what comes, as it comes, with the checked fields of the request.
struct Echo;

impl Handler for Echo {
    async fn handle(&self, mut request: Request, mut out: Responder) {
        if request.path() == "/refuse" {
            return out.full(500, &Headers::new(), "refused").unwrap();
        }
        let mut headers = Headers::from_iter([("Trailer", "X-Stream-Error")]);
        for name in ["Host", "Authorization", "User-Agent", "X-Own"] {
            if let Some(value) = request.headers.get_bytes(name) {
                headers.append(&format!("Got-{name}"), value);
            }
        }
        out.head(200, &headers).unwrap();
        while let Ok(Some(chunk)) = request.body.chunk().await {
            if out.send(chunk).await.is_err() {
                return;
            }
        }
        out.finish(Some(&Headers::from_iter([("X-Stream-Error", "it broke")])))
            .unwrap();
    }
}

async fn client() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(serve(
        vec![Listener::Tcp(listener)],
        Echo,
        Options::default(),
        CancellationToken::new(),
    ));
    Client::new(Target::Tcp(address))
}

/// A server that reads a head and then says `answer`.
async fn says(answer: &'static str) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut read).await.unwrap();
            }
            for byte in answer.as_bytes().chunks(3) {
                stream.write_all(byte).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    Client::new(Target::Tcp(address))
}

fn pieces(count: usize, size: usize) -> Upload {
    let piece = Bytes::from(vec![b'x'; size]);
    Upload::Stream(Box::pin(futures::stream::iter(
        (0..count).map(move |_| Ok(piece.clone())),
    )))
}

#[tokio::test]
async fn fields_and_trailers() {
    let client = client()
        .await
        .header("Authorization", "Bearer t")
        .header("user-agent", "u");
    let own = Headers::from_iter([("X-Own", "1"), ("Content-Length", "77")]);
    let mut answer = client
        .send("POST", "/echo", &own, Upload::Whole("hello".into()))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("Authorization", "Bearer t"),
        ("User-Agent", "u"),
        ("X-Own", "1"),
    ] {
        assert_eq!(
            answer.headers.get(&format!("Got-{name}")).as_deref(),
            Some(value)
        );
    }
    assert!(
        answer
            .headers
            .get("got-host")
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert_eq!(answer.body.all(100).await.unwrap(), "hello");
    assert_eq!(
        answer
            .body
            .trailers()
            .unwrap()
            .get("x-stream-error")
            .as_deref(),
        Some("it broke")
    );
    let mut empty = client.send("POST", "/", &own, Upload::Empty).await.unwrap();
    assert!(empty.body.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn both_ways_at_once() {
    // More than any buffer on the way holds: without reading and writing at once this stands still.
    let client = client().await;
    let mut answer = client
        .send("POST", "/", &Headers::new(), pieces(320, 100_000))
        .await
        .unwrap();
    let mut length = 0;
    while let Some(chunk) = answer.body.chunk().await.unwrap() {
        length += chunk.len();
    }
    assert_eq!(length, 32_000_000);
    let mut answer = client
        .send("POST", "/", &Headers::new(), pieces(50_000, 10))
        .await
        .unwrap();
    assert_eq!(answer.body.all(1 << 20).await.unwrap().len(), 500_000);
}

#[tokio::test]
async fn one_piece_at_a_time() {
    let client = client().await;
    let (tx, rx) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
    let stream = futures::stream::unfold(rx, |mut rx| async {
        rx.recv().await.map(|item| (item, rx))
    });
    let mut answer = client
        .send(
            "POST",
            "/",
            &Headers::new(),
            Upload::Stream(Box::pin(stream)),
        )
        .await
        .unwrap();
    for word in ["one", "two"] {
        tx.send(Ok(word.into())).await.unwrap();
        assert_eq!(answer.body.chunk().await.unwrap().unwrap(), word);
    }
    tx.send(Err(io::Error::other("the disk broke")))
        .await
        .unwrap();
    let error = answer.body.chunk().await.unwrap_err();
    assert_eq!(error.to_string(), "the disk broke");
}

#[tokio::test]
async fn an_early_refusal_is_read() {
    let client = client().await;
    let mut answer = client
        .send("POST", "/refuse", &Headers::new(), pieces(1000, 100_000))
        .await
        .unwrap();
    assert_eq!(answer.status, 500);
    assert_eq!(answer.body.all(100).await.unwrap(), "refused");
}

#[tokio::test]
async fn over_a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("api");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(serve(
        vec![Listener::Unix(listener)],
        Echo,
        Options::default(),
        CancellationToken::new(),
    ));
    let client = Client::new(Target::Unix(path.clone()));
    let mut answer = client
        .send("POST", "/", &Headers::new(), Upload::Whole("x".into()))
        .await
        .unwrap();
    assert_eq!(answer.body.all(100).await.unwrap(), "x");
    let nobody = Client::new(Target::Unix(dir.path().join("none")));
    let error = nobody
        .send("GET", "/", &Headers::new(), Upload::Empty)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Connect { source, .. } if source.kind() == io::ErrorKind::NotFound)
    );
    assert!(error.to_string().contains("/none"));
}

#[tokio::test]
async fn other_servers() {
    let get = |client: Client, method: &'static str| async move {
        client
            .send(method, "/a\r\nX: y", &Headers::new(), Upload::Empty)
            .await
    };
    let mut answer = get(
        says("HTTP/1.0 200 OK\r\nA: b\r\n\r\nuntil the end").await,
        "GET",
    )
    .await
    .unwrap();
    assert_eq!(answer.body.all(100).await.unwrap(), "until the end");
    let informed = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nxy";
    let mut answer = get(says(informed).await, "GET").await.unwrap();
    assert_eq!(
        (answer.status, answer.body.all(100).await.unwrap()),
        (201, "x".into())
    );
    let mut answer = get(
        says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await,
        "HEAD",
    )
    .await
    .unwrap();
    assert!(answer.body.chunk().await.unwrap().is_none());
    let mut answer = get(
        says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await,
        "GET",
    )
    .await
    .unwrap();
    assert!(matches!(
        answer.body.all(100).await,
        Err(Error::UnexpectedEof)
    ));
    for bad in [
        "",
        "HTTP/1.1 200",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ] {
        assert!(get(says(bad).await, "GET").await.is_err(), "{bad:?}");
    }
}
