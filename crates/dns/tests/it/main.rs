//! A server of DNS over HTTPS, on loopback.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use basalt_dns::Resolvers;
use basalt_http::{Handler, Headers, Listener, Options, Request, Responder, serve};
use basalt_ipns::Dns;
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::rdata::{A, AAAA, TXT};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A status, the kind of content, and the content.
type Wrong = (u16, &'static str, Vec<u8>);

/// Says of every domain that it is `127.0.0.1`, and in its text which path and domain were asked for.
#[derive(Clone, Default)]
struct Server {
    asked: Arc<AtomicUsize>,
    ttl: u32,
    /// Said in place of an answer.
    wrong: Arc<Mutex<Option<Wrong>>>,
}

const MESSAGE: &str = "application/dns-message";

impl Handler for Server {
    async fn handle(&self, mut request: Request, out: Responder) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let wrong = self.wrong.lock().unwrap().clone();
        if let Some((status, kind, body)) = wrong {
            let headers = Headers::from_iter([("Content-Type", kind)]);
            return out.full(status, &headers, body).unwrap();
        }
        assert_eq!(request.method, "POST");
        assert_eq!(request.headers.get("Content-Type").unwrap(), MESSAGE);
        let path = request.path().to_owned();
        let body = request.body.all(4096).await.unwrap();
        let mut message = Message::from_vec(&body).unwrap().into_response();
        assert!(message.metadata.recursion_desired);
        let query = message.queries[0].clone();
        let name = query.name().clone();
        let data = match query.query_type() {
            RecordType::TXT => RData::TXT(TXT::new(vec![format!("{path} "), name.to_string()])),
            RecordType::A => RData::A(A::new(127, 0, 0, 1)),
            RecordType::AAAA => RData::AAAA(AAAA::new(0, 0, 0, 0, 0, 0, 0, 1)),
            other => panic!("{other}"),
        };
        message.add_answer(Record::from_rdata(name, self.ttl, data));
        let headers = Headers::from_iter([("Content-Type", MESSAGE)]);
        out.full(200, &headers, message.to_vec().unwrap()).unwrap();
    }
}

impl Server {
    async fn start(ttl: u32) -> (Self, String) {
        let server = Self {
            ttl,
            ..Self::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let listeners = vec![Listener::Tcp(listener)];
        let (options, never) = (Options::default(), CancellationToken::new());
        tokio::spawn(serve(listeners, server.clone(), options, never));
        (server, url)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn resolvers(rows: &[(&str, &str)], longest: Option<Duration>) -> Resolvers {
    let rows = rows.iter();
    let rows = rows.map(|(domain, url)| ((*domain).to_owned(), (*url).to_owned()));
    Resolvers::new(&rows.collect(), longest).unwrap()
}

#[tokio::test]
async fn each_domain_is_asked_for_where_the_table_says() {
    let (server, url) = Server::start(60).await;
    let (one, two) = (format!("{url}/one"), format!("{url}/two?x"));
    let dns = resolvers(&[(".", &one), ("test.", &two)], None);
    let text = async |domain| dns.texts(domain).await.unwrap().texts.join("|");
    assert_eq!(text("_dnslink.a.test.").await, "/two _dnslink.a.test.");
    assert_eq!(text("a.example").await, "/one a.example.");
    let found = dns.addresses("A.test").await.unwrap();
    assert_eq!(
        found,
        [
            "127.0.0.1".parse::<std::net::IpAddr>().unwrap(),
            "::1".parse().unwrap()
        ]
    );
    assert_eq!(server.asked(), 4);
    // Names of any case are one.
    assert_eq!(text("_DNSLINK.a.Test").await, "/two _dnslink.a.test.");
    dns.addresses("a.test.").await.unwrap();
    assert_eq!(server.asked(), 4);
}

#[tokio::test]
async fn answers_are_kept_as_long_as_they_and_the_config_say() {
    let minute = Duration::from_secs(60);
    for (ttl, longest, kept, asked) in [
        (60, None, minute, 1),
        (600, Some(minute), minute, 1),
        (0, None, Duration::ZERO, 2),
        (600, Some(Duration::ZERO), Duration::ZERO, 2),
    ] {
        let (server, url) = Server::start(ttl).await;
        let dns = resolvers(&[(".", &url)], longest);
        for _ in 0..2 {
            let told = dns.texts("a.").await.unwrap().ttl;
            assert!(told <= kept && told + minute / 2 >= kept, "{told:?}");
        }
        assert_eq!(server.asked(), asked, "{ttl} {longest:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_told() {
    let (server, url) = Server::start(60).await;
    let dns = resolvers(&[(".", &url)], None);
    for (status, kind, body, text) in [
        (
            500,
            MESSAGE,
            &b""[..],
            format!("HTTP error: \"500 Internal Server Error\" [500] from \"{url}\""),
        ),
        (
            200,
            "text/html",
            b"",
            "unexpected Content-Type \"text/html\"".to_owned(),
        ),
        (200, MESSAGE, b"no message", "dns: ".to_owned()),
        (200, MESSAGE, &[0; 70_000], String::new()),
    ] {
        *server.wrong.lock().unwrap() = Some((status, kind, body.to_vec()));
        let error = dns.texts("a.").await.unwrap_err();
        assert!(error.starts_with(&text), "{error}");
    }
    // Nothing of that is kept.
    *server.wrong.lock().unwrap() = None;
    assert!(dns.texts("a.").await.is_ok());
    let dns = resolvers(&[(".", "http://127.0.0.1:1/q")], None);
    assert_eq!(
        dns.texts("a.").await.unwrap_err(),
        "Post \"http://127.0.0.1:1/q\": dial tcp 127.0.0.1:1: connect: connection refused"
    );
}
