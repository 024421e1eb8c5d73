//! What `auto` stands for is fetched, kept, and asked for again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use basalt::Node;
use basalt::repo::InitOptions;
use basalt_http::{Handler, Headers, Listener, Options, Request, Responder, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A server of a document whose version is also its ETag; 0 is no document.
#[derive(Clone, Default)]
struct Server {
    version: Arc<AtomicI64>,
    asked: Arc<AtomicUsize>,
    unchanged: Arc<AtomicUsize>,
}

impl Handler for Server {
    async fn handle(&self, request: Request, out: Responder) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let version = self.version.load(Ordering::SeqCst);
        let etag = format!("\"{version}\"");
        if version == 0 {
            out.full(500, &Headers::new(), "no").unwrap();
            return;
        }
        let headers = Headers::from_iter([("ETag", etag.as_str())]);
        if request.headers.get("If-None-Match").as_deref() == Some(&etag) {
            self.unchanged.fetch_add(1, Ordering::SeqCst);
            out.full(304, &headers, "").unwrap();
            return;
        }
        let document = json!({
            "AutoConfVersion": version, "AutoConfSchema": 1,
            "SystemRegistry": {"AminoDHT": {"NativeConfig": {
                "Bootstrap": [format!("/ip4/127.0.0.{version}/tcp/1")]
            }}},
        });
        out.full(200, &headers, document.to_string()).unwrap();
    }
}

async fn served() -> (Server, String) {
    let server = Server::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/autoconf.json", listener.local_addr().unwrap());
    let listeners = vec![Listener::Tcp(listener)];
    tokio::spawn(serve(
        listeners,
        server.clone(),
        Options::default(),
        CancellationToken::new(),
    ));
    (server, url)
}

async fn node(dir: &tempfile::TempDir, url: &str, every: &str) -> Node {
    if !dir.path().join("config").exists() {
        Node::init(dir.path(), InitOptions::default(), |_: &str| {})
            .await
            .unwrap();
    }
    let path = dir.path().join("config");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config["AutoConf"] = json!({"URL": url, "RefreshInterval": every});
    std::fs::write(&path, config.to_string()).unwrap();
    Node::builder().repo(dir.path()).open().await.unwrap()
}

fn bootstrap(node: &Node) -> Vec<String> {
    node.require_repo().unwrap().config().bootstrap_resolved()
}

#[tokio::test]
async fn what_a_server_says_is_followed_and_kept() {
    let (server, url) = served().await;
    let dir = tempfile::tempdir().unwrap();
    // A server that fails keeps nobody from starting; then it is as if nobody had been asked.
    let one = node(&dir, &url, "1h").await;
    one.start_auto_conf().await.unwrap();
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
    assert_eq!(bootstrap(&one).len(), 7);
    one.close().await;
    drop(one);

    server.version.store(2, Ordering::SeqCst);
    let two = node(&dir, &url, "1h").await;
    two.start_auto_conf().await.unwrap();
    assert_eq!(bootstrap(&two), ["/ip4/127.0.0.2/tcp/1"]);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    two.close().await;
    drop(two);

    // It is fresh, and nobody is asked.
    server.version.store(3, Ordering::SeqCst);
    let three = node(&dir, &url, "1h").await;
    three.start_auto_conf().await.unwrap();
    assert_eq!(bootstrap(&three), ["/ip4/127.0.0.2/tcp/1"]);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    three.close().await;
    drop(three);

    // Each time it is old it is asked for again, and what has not changed is not sent again.
    let four = node(&dir, &url, "20ms").await;
    four.start_auto_conf().await.unwrap();
    while server.unchanged.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bootstrap(&four), ["/ip4/127.0.0.3/tcp/1"]);
    four.close().await;
}
