use super::*;
use crate::Error;
use bytes::Bytes;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers by path.
#[derive(Default)]
struct Paths {
    cancelled: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    late: Arc<Mutex<Option<Body>>>,
    offers: Arc<AtomicUsize>,
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn text() -> Headers {
    Headers::from_iter([("Content-Type", "text/plain")])
}

impl Handler for Paths {
    async fn handle(&self, mut request: Request, mut out: Responder) {
        let trailer = Headers::from_iter([("x-stream-error", "a\nb")]);
        match request.path().to_owned().as_str() {
            "/full" => out.full(200, &text(), request.query().to_owned()).unwrap(),
            "/some" => {
                let _some = request.body.chunk().await;
                drop(request.body);
                out.head(200, &text()).unwrap();
                out.send("some").await.unwrap();
                out.finish(None).unwrap();
            }
            "/echo" => {
                out.head(200, &text()).unwrap();
                loop {
                    match request.body.chunk().await {
                        Ok(Some(chunk)) => out.send(chunk).await.unwrap(),
                        Ok(None) => break,
                        Err(_) => return,
                    }
                }
                out.finish(request.body.trailers()).unwrap();
            }
            "/trailer" => {
                let mut headers = text();
                headers.append("Trailer", "X-Stream-Error");
                out.head(200, &headers).unwrap();
                out.send("one").await.unwrap();
                out.send("two").await.unwrap();
                out.finish(Some(&trailer)).unwrap();
            }
            "/cut" => {
                out.head(200, &text()).unwrap();
                out.send("part").await.unwrap();
                out.flush().await.unwrap();
                out.abort();
            }
            "/short" => {
                out.head(200, &Headers::from_iter([("Content-Length", "10")]))
                    .unwrap();
                out.send("part").await.unwrap();
                assert!(matches!(out.finish(None), Err(Error::WrongLength)));
            }
            "/length" => {
                out.head(200, &Headers::from_iter([("Content-Length", "4")]))
                    .unwrap();
                out.send("part").await.unwrap();
                out.finish(None).unwrap();
            }
            "/empty" => {
                out.head(204, &Headers::new()).unwrap();
                out.finish(None).unwrap();
            }
            "/big" => {
                out.head(200, &text()).unwrap();
                for at in 0..64_u8 {
                    if out.send(vec![at; 100_000]).await.is_err() {
                        return;
                    }
                }
                out.finish(None).unwrap();
            }
            "/lean" => {
                // The file is made again wherever it is read from.
                let all: Bytes = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
                let length = all.len();
                let headers = Headers::from_iter([("Content-Length", length.to_string())]);
                out.head(200, &headers).unwrap();
                let mut at = 0;
                while at < length {
                    let piece = all.slice(at..length.min(at + 1_000_000));
                    match out.offer(piece).await {
                        Ok(taken) => at += taken,
                        Err(_) => return,
                    }
                    self.offers.fetch_add(1, Ordering::SeqCst);
                    if out.flush().await.is_err() {
                        return;
                    }
                    assert!(out.tally().sent() == at as u64);
                }
                out.finish(None).unwrap();
            }
            "/withdrawn" => {
                let all: Bytes = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
                let length = all.len();
                let headers = Headers::from_iter([("Content-Length", length.to_string())]);
                out.head(200, &headers).unwrap();
                let mut at = 0;
                while at < length {
                    let piece = all.slice(at..length.min(at + 1_000_000));
                    at += piece.len();
                    let patience = Duration::from_millis(5);
                    match tokio::time::timeout(patience, out.send(piece)).await {
                        Ok(sent) => sent.unwrap(),
                        Err(_) => {
                            at -= out.withdraw();
                            out.flush().await.unwrap();
                        }
                    }
                }
                out.finish(None).unwrap();
            }
            "/lean-chunks" => {
                out.head(200, &text()).unwrap();
                let taken = out.offer("whole".into()).await.unwrap();
                assert_eq!((taken, out.withdraw()), (5, 0));
                out.finish(None).unwrap();
            }
            "/wait" => {
                drop(request.body);
                let _count = CountDrop(self.dropped.clone());
                request.cancel.cancelled().await;
                self.cancelled.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }
            "/elsewhere" => {
                let task = tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    out.head(200, &text()).unwrap();
                    for _ in 0..40 {
                        out.send(vec![b'x'; 50_000]).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    out.send("end").await.unwrap();
                    out.finish(None).unwrap();
                });
                drop(task);
            }
            "/late" => {
                let body = std::mem::replace(&mut request.body, Body::empty());
                *self.late.lock().unwrap() = Some(body);
                out.head(200, &text()).unwrap();
                out.finish(None).unwrap();
            }
            "/read" => {
                let body = request.body.all(1 << 20).await.unwrap();
                out.full(200, &text(), format!("{}", body.len())).unwrap();
            }
            "/panic" => panic!("a handler's bug"),
            _ => out.full(404, &text(), "404 page not found").unwrap(),
        }
    }
}

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

async fn start(handler: Paths, options: Options) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(
        vec![Listener::Tcp(listener)],
        handler,
        options,
        stop.clone(),
    ));
    Running {
        address,
        stop,
        served,
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `text` and reads until the server closes.
    async fn exchange(&self, text: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text).await.unwrap();
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut buf = [0; 4096];
    loop {
        match tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buf))
            .await
            .unwrap()
        {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&all).into_owned(),
            Ok(n) => all.extend_from_slice(&buf[..n]),
        }
    }
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut all = String::new();
    let mut buf = [0; 4096];
    while !all.ends_with(end) {
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buf));
        let n = read
            .await
            .unwrap_or_else(|_| panic!("no {end:?} after {all:?}"))
            .unwrap();
        assert!(n > 0, "closed after {all:?}");
        all.push_str(std::str::from_utf8(&buf[..n]).unwrap());
    }
    all
}

fn without_date(text: &str) -> String {
    let lines = text
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Date: "));
    lines.collect()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()
}

fn last(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn bytes_on_the_wire() {
    let server = start(Paths::default(), Options::default()).await;
    let answer = server.exchange(&last("/full?a=b")).await;
    assert!(answer.contains("\r\nDate: "));
    assert_eq!(
        without_date(&answer),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=b"
    );
    // No TE header was sent: the trailer comes all the same.
    assert_eq!(
        without_date(&server.exchange(&last("/trailer")).await),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTrailer: X-Stream-Error\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         3\r\none\r\n3\r\ntwo\r\n0\r\nX-Stream-Error: a b\r\n\r\n"
    );
    assert_eq!(
        without_date(&server.exchange(&last("/empty")).await),
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    );
    let head = server
        .exchange(b"HEAD /full?abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(
        head.contains("Content-Length: 3\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn old_clients() {
    let server = start(Paths::default(), Options::default()).await;
    assert_eq!(
        without_date(&server.exchange(b"GET /trailer HTTP/1.0\r\n\r\n").await),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTrailer: X-Stream-Error\r\nConnection: close\r\n\r\nonetwo"
    );
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /full?a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        .await
        .unwrap();
    let answer = read_until(&mut stream, "\r\n\r\na").await;
    assert!(answer.contains("Connection: keep-alive\r\n"));
    stream
        .write_all(b"GET /full?b HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("\r\n\r\nb"));
}

#[tokio::test]
async fn pipelined_requests() {
    let server = start(Paths::default(), Options::default()).await;
    let post = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    let all = [
        &get("/full?1")[..],
        &get("/trailer"),
        post.as_bytes(),
        b"\r\n",
        &last("/full?2"),
    ]
    .concat();
    let whole = server.exchange(&all).await;
    assert_eq!(whole.matches("HTTP/1.1 200 OK").count(), 4);
    assert!(whole.contains("5\r\nhello\r\n0\r\n\r\n"));
    assert!(whole.ends_with("\r\n\r\n2"));
    for piece in [1, 7, 50] {
        let mut stream = server.connect().await;
        for bytes in all.chunks(piece) {
            stream.write_all(bytes).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(
            without_date(&read_to_end(&mut stream).await),
            without_date(&whole),
            "{piece}"
        );
    }
}

#[tokio::test]
async fn answers_while_it_reads() {
    let server = start(Paths::default(), Options::default()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    for word in ["one", "two"] {
        stream
            .write_all(format!("3\r\n{word}\r\n").as_bytes())
            .await
            .unwrap();
        let end = format!("{word}\r\n");
        assert_eq!(read_until(&mut stream, &end).await, format!("3\r\n{end}"));
    }
    stream.write_all(b"0\r\nX-Check: 1\r\n\r\n").await.unwrap();
    assert_eq!(
        read_until(&mut stream, "\r\n\r\n").await,
        "0\r\nX-Check: 1\r\n\r\n"
    );
    stream.write_all(&get("/full?again")).await.unwrap();
    read_until(&mut stream, "again").await;
}

#[tokio::test]
async fn expectations() {
    let server = start(Paths::default(), Options::default()).await;
    let expect = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n"
        )
    };
    let mut stream = server.connect().await;
    stream.write_all(expect("/read").as_bytes()).await.unwrap();
    assert_eq!(
        read_until(&mut stream, "\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    stream.write_all(b"ab").await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n2").await;
    assert!(!answer.contains("close"), "{answer}");
    // The body was not wanted: whether it comes cannot be known.
    stream
        .write_all(expect("/full?x").as_bytes())
        .await
        .unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("Connection: close"),
        "{answer}"
    );
    let other = server
        .exchange(b"GET / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n")
        .await;
    assert!(other.starts_with("HTTP/1.1 417 "), "{other}");
}

#[tokio::test]
async fn broken_requests() {
    let server = start(Paths::default(), Options::default()).await;
    for (text, status) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "400"),
        (b"nonsense\r\n\r\n", "400"),
        (b"\x16\x03\x01\x00\xa5\n\n", "400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
        (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505"),
    ] {
        let answer = server.exchange(text).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{text:?}: {answer}");
        assert!(answer.contains("Connection: close"));
    }
    let large = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(70_000)
    );
    assert!(
        server
            .exchange(large.as_bytes())
            .await
            .starts_with("HTTP/1.1 431 ")
    );
    let endless = vec![b'x'; 70_000];
    assert!(server.exchange(&endless).await.starts_with("HTTP/1.1 431 "));
    // A body that breaks in the middle cuts the answer.
    let bad =
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n";
    let answer = server.exchange(bad).await;
    assert!(answer.ends_with("3\r\nabc\r\n"), "{answer}");
}

#[tokio::test]
async fn cut_answers_look_cut() {
    let server = start(Paths::default(), Options::default()).await;
    assert!(
        server
            .exchange(&get("/cut"))
            .await
            .ends_with("4\r\npart\r\n")
    );
    assert!(server.exchange(&get("/short")).await.ends_with("part"));
    assert_eq!(server.exchange(&get("/panic")).await, "");
    assert!(server.exchange(&last("/full?well")).await.ends_with("well"));
}

#[tokio::test]
async fn unread_bodies() {
    let handler = Paths::default();
    let late = handler.late.clone();
    let server = start(handler, Options::default()).await;
    let post = |path: &str, length: usize| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), &vec![b'x'; length]].concat()
    };
    // A short one is read and the connection goes on.
    let answer = server
        .exchange(&[post("/late", 100_000), last("/full?2")].concat())
        .await;
    assert!(answer.ends_with("\r\n\r\n2"), "{answer}");
    let mut body = late.lock().unwrap().take().unwrap();
    assert!(matches!(body.chunk().await, Err(Error::Closed)));
    // A long one ends the connection, and the answer arrives.
    let answer = server.exchange(&post("/missing", 3_000_000)).await;
    assert!(
        answer.starts_with("HTTP/1.1 404 ") && answer.contains("Connection: close"),
        "{answer}"
    );
    assert!(answer.ends_with("not found"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_left_is_told_of() {
    // A client would send its next request in vain.
    for (length, closes) in [(3_000_000, true), (100_000, false)] {
        let server = start(Paths::default(), Options::default()).await;
        let mut stream = server.connect().await;
        let head = format!("POST /some HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        let request = [head.as_bytes(), &vec![b'x'; length]].concat();
        stream.write_all(&request).await.unwrap();
        let answer = read_until(&mut stream, "0\r\n\r\n").await;
        assert_eq!(answer.contains("Connection: close"), closes, "{answer}");
    }
}

#[tokio::test]
async fn large_answers_to_slow_readers() {
    let server = start(Paths::default(), Options::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(&last("/big")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert!(all.ends_with(b"0\r\n\r\n"));
    assert_eq!(all.iter().filter(|&&b| b == 63).count(), 100_000);
    // A responder in another task, whose connection's task must write for it.
    stream = server.connect().await;
    stream.write_all(&get("/elsewhere")).await.unwrap();
    all.clear();
    while !all.ends_with(b"0\r\n\r\n") {
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_buf(&mut all)).await;
        assert!(read.unwrap().unwrap() > 0);
    }
    assert!(all.ends_with(b"3\r\nend\r\n0\r\n\r\n"));
    assert_eq!(
        all.iter().filter(|&&b| b == b'x').count(),
        2_000_001,
        "with that of text/plain"
    );
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_work() {
    let handler = Paths::default();
    let (cancelled, dropped) = (handler.cancelled.clone(), handler.dropped.clone());
    let server = start(handler, Options::default()).await;
    let unread = b"POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\nsome of it";
    for (round, text) in [&get("/wait")[..], unread].into_iter().enumerate() {
        let mut stream = server.connect().await;
        stream.write_all(text).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(cancelled.load(Ordering::SeqCst), round);
        drop(stream);
        let began = Instant::now();
        while dropped.load(Ordering::SeqCst) == round {
            assert!(began.elapsed() < Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(cancelled.load(Ordering::SeqCst), round + 1);
    }
}

#[tokio::test]
async fn timeouts() {
    let quick = Duration::from_millis(100);
    let options = Options {
        head_timeout: quick,
        idle_timeout: quick,
        stall_timeout: Some(quick),
        ..Options::default()
    };
    let server = start(Paths::default(), options).await;
    let began = Instant::now();
    assert_eq!(server.exchange(b"").await, "");
    assert_eq!(server.exchange(b"GET / HTTP").await, "");
    let mut stream = server.connect().await;
    stream.write_all(&get("/full?a")).await.unwrap();
    assert!(
        read_to_end(&mut stream).await.ends_with('a'),
        "idle after a request"
    );
    assert!(began.elapsed() < Duration::from_secs(3));
    // Nobody reads: the handler ends by itself.
    let mut stream = server.connect().await;
    stream.write_all(&get("/big")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!read_to_end(&mut stream).await.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn connections_are_bounded() {
    let server = start(
        Paths::default(),
        Options {
            max_connections: 1,
            ..Options::default()
        },
    )
    .await;
    let first = server.connect().await;
    let mut second = server.connect().await;
    second.write_all(&last("/full?b")).await.unwrap();
    let mut byte = [0];
    let waiting = tokio::time::timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(waiting.is_err());
    drop(first);
    assert!(read_to_end(&mut second).await.ends_with('b'));
}

#[tokio::test]
async fn stopping() {
    let handler = Paths::default();
    let dropped = handler.dropped.clone();
    let server = start(
        handler,
        Options {
            drain: Duration::from_millis(100),
            ..Options::default()
        },
    )
    .await;
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    let mut writing = server.connect().await;
    busy.write_all(&get("/wait")).await.unwrap();
    writing.write_all(&get("/elsewhere")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    server.stop.cancel();
    let began = Instant::now();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(
        read_to_end(&mut writing)
            .await
            .ends_with("end\r\n0\r\n\r\n"),
        "what runs is finished"
    );
    assert_eq!(read_to_end(&mut busy).await, "");
    server.served.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[test]
fn paths_and_queries() {
    let of = |target: &str| {
        let request = Request {
            method: "GET".into(),
            target: target.into(),
            headers: Headers::new(),
            peer: Peer::Unix,
            body: Body::empty(),
            cancel: CancellationToken::new(),
        };
        (request.path().to_owned(), request.query().to_owned())
    };
    assert_eq!(of("/a%20b?c=d?e"), ("/a%20b".into(), "c=d?e".into()));
    assert_eq!(of("http://h:1/a?b"), ("/a".into(), "b".into()));
    assert_eq!(of("http://h"), ("/".into(), String::new()));
    assert_eq!(of("*"), ("*".into(), String::new()));
}

#[tokio::test]
async fn what_a_slow_client_does_not_take_is_given_back_and_comes_all_the_same() {
    for path in ["/lean", "/withdrawn"] {
        let handler = Paths::default();
        let offers = handler.offers.clone();
        let running = start(handler, Options::default()).await;
        let mut stream = running.connect().await;
        stream.write_all(&last(path)).await.unwrap();
        // Nothing is read for a while: the offers end when the system takes no more.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let stalled = offers.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(stalled, offers.load(Ordering::SeqCst));
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        let body = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        let expected: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
        assert!(
            all[body..] == expected,
            "{path}: {} bytes",
            all.len() - body
        );
    }
}

#[tokio::test]
async fn chunks_are_offered_whole() {
    let running = start(Paths::default(), Options::default()).await;
    let answer = running.exchange(&last("/lean-chunks")).await;
    assert!(answer.ends_with("5\r\nwhole\r\n0\r\n\r\n"), "{answer}");
}
