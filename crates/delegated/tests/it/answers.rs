use basalt_delegated::{Announcement, Error, Filters, PeerRecord};
use basalt_http::metrics::Exposition;
use libp2p_identity::{Keypair, PeerId};

use crate::world::{Known, World, cid, peer};

const TCP: &str = "/ip4/1.2.3.4/tcp/1";
const QUIC: &str = "/ip4/1.2.3.4/udp/1/quic-v1";

fn many(count: usize) -> Known {
    Known {
        providers: (0..count).map(|_| peer(&[TCP, QUIC])).collect(),
        ..Known::default()
    }
}

/// What the server says is what the client understands.
#[tokio::test]
async fn the_client_finds_what_the_server_knows() {
    let known = Known {
        peers: vec![peer(&[TCP])],
        closest: vec![peer(&[QUIC]), peer(&[])],
        ..many(30)
    };
    let world = World::new(known).await;
    let client = world.client();
    let found = client.providers(&cid()).await.unwrap();
    let expected: Vec<PeerRecord> = world
        .known
        .providers
        .iter()
        .cloned()
        .map(Into::into)
        .collect();
    assert_eq!(found, expected);
    let wanted = world.known.peers[0].clone();
    let found = client.peer(&wanted.id).await.unwrap();
    assert_eq!(found, Some(wanted.into()));
    assert_eq!(client.peer(&PeerId::random()).await.unwrap(), None);
    let found = client.closest_peers(&cid()).await.unwrap();
    assert_eq!(found.len(), 2);
    let some = client.filter(Filters::new("quic-v1", "unknown"));
    let found = some.providers(&cid()).await.unwrap();
    assert_eq!(found[0].addresses, [QUIC.parse().unwrap()]);
    let none = world.client().filter(Filters::new("", "transport-bitswap"));
    assert!(none.providers(&cid()).await.unwrap().is_empty());
}

#[tokio::test]
async fn whole_answers_have_twenty_records_and_lines_have_all() {
    let world = World::new(many(30)).await;
    let path = format!("providers/{}", cid());
    let whole = world.get(&path).await;
    assert_eq!(whole.body.matches("Schema").count(), 20);
    let lines = world.lines(&path).await;
    assert_eq!(lines.body.lines().count(), 30);
    for (answer, kind) in [
        (&whole, "application/json"),
        (&lines, "application/x-ndjson"),
    ] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("Content-Type"), kind);
        assert_eq!(answer.header("Vary"), "Accept");
        assert_eq!(answer.header("Access-Control-Allow-Origin"), "*");
        assert!(!answer.header("Last-Modified").is_empty());
        assert_eq!(
            answer.header("Cache-Control"),
            "public, max-age=300, stale-while-revalidate=600, stale-if-error=172800"
        );
    }
    // What is filtered out does not count.
    let none = world.lines(&format!("{path}?filter-addrs=webrtc")).await;
    assert_eq!((none.status, none.body.as_str()), (200, ""));
}

#[tokio::test]
async fn nothing_is_an_answer_too() {
    let world = World::new(Known::default()).await;
    let id = PeerId::random();
    for (path, body) in [
        (format!("providers/{}", cid()), r#"{"Providers":[]}"#),
        (format!("peers/{id}"), r#"{"Peers":[]}"#),
        (format!("dht/closest/peers/{id}"), r#"{"Peers":null}"#),
    ] {
        let answer = world.get(&path).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
        let kept = "public, max-age=15, stale-while-revalidate=60, stale-if-error=3600";
        assert_eq!(answer.header("Cache-Control"), kept);
        let lines = world.lines(&path).await;
        assert_eq!((lines.status, lines.body.as_str()), (200, ""));
        assert_eq!(lines.header("Cache-Control"), kept);
    }
}

#[tokio::test]
async fn wrong_requests_are_told_why() {
    let world = World::new(Known {
        broken: true,
        ..Known::default()
    })
    .await;
    for (method, path, status, begins) in [
        ("GET", "nothing", 404, "404 page not found"),
        ("GET", "providers/a/b", 404, "404 page not found"),
        ("POST", "providers/a", 405, ""),
        ("HEAD", "peers/a", 405, ""),
        ("GET", "providers/foo", 400, "unable to parse CID: "),
        ("GET", "peers/foo", 400, "unable to parse PeerID \"foo\": "),
        (
            "GET",
            "dht/closest/peers/foo",
            400,
            "unable to parse key \"foo\": ",
        ),
        (
            "GET",
            "dht/closest/peers/bafkqaaa",
            500,
            "delegate error: broken",
        ),
        ("PUT", "providers/", 400, "invalid request: "),
    ] {
        let answer = world.ask(method, path, &[], b"").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.body.starts_with(begins), "{path}: {}", answer.body);
    }
    for (accept, why) in [
        ("text/html", "no supported content types"),
        ("x y", "unable to parse Accept header: mime: "),
    ] {
        let fields = [("Accept", accept)];
        let answer = world.ask("GET", "providers/bafkqaaa", &fields, b"").await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.starts_with(why), "{}", answer.body);
    }
}

/// There is nowhere to keep what others announce by HTTP: that is said, and forgeries are told apart.
#[tokio::test]
async fn announcements_are_refused() {
    let world = World::new(Known::default()).await;
    let key = Keypair::generate_ed25519();
    let mut announcement = Announcement {
        keys: vec![cid()],
        timestamp: 1,
        ttl: 1,
        peer: key.public().to_peer_id(),
        addresses: Vec::new(),
    };
    let sign = |bytes: &[u8]| key.sign(bytes).map_err(|e| e.to_string());
    let upload = announcement.upload(sign).unwrap();
    let refused = world.client().announce(upload).await;
    assert!(matches!(refused, Err(Error::Status { status: 500, .. })));
    announcement.peer = PeerId::random();
    let upload = announcement.upload(sign).unwrap();
    let refused = world.client().announce(upload).await;
    assert!(matches!(refused, Err(Error::Status { status: 403, .. })));
    let nothing = world.ask("PUT", "providers/", &[], b"{}").await;
    assert_eq!(nothing.body, r#"{"ProvideResults":null}"#);
    let other = br#"{"Providers":[{"Schema":"x"}]}"#;
    let other = world.ask("PUT", "providers/", &[], other).await;
    assert_eq!(
        (other.status, other.body.as_str()),
        (400, "provider record 0 is not bitswap")
    );
}

#[tokio::test]
async fn requests_are_counted() {
    let world = World::new(many(1)).await;
    world.get(&format!("providers/{}", cid())).await;
    world.get("peers/foo").await;
    world.get("nothing").await;
    let mut out = Exposition::default();
    world.server.write_metrics(&mut out);
    let text = out.text();
    let count = |labels: &str| {
        let line = format!(
            "delegated_routing_server_http_request_duration_seconds_count{{{labels},service=\"\"}} 1\n"
        );
        assert!(text.contains(&line), "{text}");
    };
    count("code=\"200\",handler=\"/routing/v1/providers/{cid}\",method=\"GET\"");
    count("code=\"400\",handler=\"/routing/v1/peers/{peer-id}\",method=\"GET\"");
    assert_eq!(text.matches("_seconds_count").count(), 2, "{text}");
}
