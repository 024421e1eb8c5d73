use std::sync::Arc;

use basalt_block::{Base, Cid, cid_text, codec};
use basalt_blockstore::MemoryStore;
use libp2p_identity::Keypair;

use super::*;
use crate::Publication;

const A: &str = "/ipfs/bafkqaaa";

fn resolver(given: Option<&str>) -> Resolver {
    Resolver::new(Store::new(Arc::new(MemoryStore::default())), given)
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

async fn publish(resolver: &Resolver, key: &Keypair, value: &str) -> Name {
    let publication = Publication {
        value: path(value),
        lifetime: 3_600_000_000_000,
        ttl: 0,
        sequence: None,
        v1: true,
    };
    let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
    let store = resolver.store();
    store
        .publish(&key.public(), publication, sign)
        .await
        .unwrap();
    Name::of(&key.public())
}

async fn error(resolver: &Resolver, text: &str) -> String {
    resolver
        .resolve_all(&path(text), &Find::default())
        .await
        .unwrap_err()
        .to_string()
}

#[tokio::test]
async fn names_lead_to_names() {
    let resolver = resolver(Some("x:/ipns/y,y:/ipfs/bafkqaaa/b,loop:/ipns/loop"));
    let key = Keypair::generate_ed25519();
    let name = publish(&resolver, &key, "/ipns/x/a").await;
    let end = resolver
        .resolve_all(&path(&format!("/ipns/{name}/c/")), &Find::default())
        .await;
    assert_eq!(end.unwrap().to_string(), format!("{A}/b/a/c/"));
    let one = resolver
        .resolve(&path(&format!("/ipns/{name}")), 1, &Find::default())
        .await
        .unwrap();
    assert_eq!(
        (one.path.to_string().as_str(), one.mutable),
        ("/ipns/x/a", true)
    );
    let text = "could not resolve name (recursion limit exceeded)";
    assert_eq!(error(&resolver, "/ipns/loop").await, text);
    assert_eq!(
        resolver
            .resolve_all(&path(A), &Find::default())
            .await
            .unwrap(),
        path(A)
    );
}

#[tokio::test]
async fn what_a_name_is_decides_what_is_said() {
    let resolver = resolver(None);
    let long = "x".repeat(64);
    for (root, text) in [
        (
            "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5",
            "could not resolve name",
        ),
        (
            "QmatmE9msSfkKxoffpHwNLNKgwZG8eT9Bud6YoPab52vpy",
            "could not resolve name",
        ),
        (
            "k51qzi5uqu5dgutdk6i1ynyzgkqngpha5xpgia3a5qqp4jsh0u4csozksxel2r",
            "could not resolve name",
        ),
        (
            "example.com",
            "DNSLink lookup for \"example.com.\" failed: \
             this resolver does not ask the DNS",
        ),
        (&long, &format!("cannot resolve: \"/ipns/{long}\"")),
    ] {
        assert_eq!(error(&resolver, &format!("/ipns/{root}/a")).await, text);
    }
}

#[tokio::test]
async fn a_cid_of_something_else_is_told_how_to_become_a_key() {
    let digest = basalt_block::digest(0x14, b"x", Some(64)).unwrap();
    let cid = Cid::new_v1(codec::RAW, digest);
    // Long enough not to be a domain's label.
    let root = cid_text(&cid, Base::Base32Lower);
    assert!(root.len() > MAX_LABEL, "{root}");
    let text = error(&resolver(None), &format!("/ipns/{root}")).await;
    let begin = "peer ID represented as CIDv1 require libp2p-key multicodec: retry with /ipns/baf";
    assert!(text.starts_with(begin), "{text}");
}

#[tokio::test]
async fn a_bad_environment_breaks_names_alone() {
    for (given, text) in [
        ("a", "IPFS_NS_MAP: \"a\" has no path"),
        (
            "a:foo",
            "IPFS_NS_MAP: invalid path \"foo\": path does not have enough components",
        ),
    ] {
        let resolver = resolver(Some(given));
        assert_eq!(error(&resolver, "/ipns/a").await, text);
        assert!(
            resolver
                .resolve_all(&path(A), &Find::default())
                .await
                .is_ok()
        );
    }
}

/// Other nodes, which say what they are told to say.
#[derive(Default)]
struct Others {
    asked: std::sync::atomic::AtomicUsize,
    /// What is said, one after the other.
    said: tokio::sync::Mutex<Option<mpsc::Receiver<Bytes>>>,
}

#[async_trait::async_trait]
impl Search for Others {
    async fn search(&self, _: &Name, _: usize, out: mpsc::Sender<Bytes>) -> Result<(), String> {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if let Some(said) = self.said.lock().await.as_mut() {
            while let Some(record) = said.recv().await {
                let _ = out.send(record).await;
            }
        }
        Ok(())
    }
}

impl Others {
    fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::SeqCst)
    }
}

fn record(key: &Keypair, sequence: u64, value: &str, ttl: Duration) -> Record {
    let draft = crate::Draft {
        value: path(value),
        sequence,
        validity: crate::Moment::now().after(3_600_000_000_000),
        ttl: i64::try_from(ttl.as_nanos()).unwrap(),
        v1: true,
    };
    let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
    draft.sign(&key.public(), sign).unwrap()
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn better_answers_come_as_they_are_found() {
    let resolver = resolver(Some("x:/ipfs/bafkqaaa/x"));
    let key = Keypair::generate_ed25519();
    let others = Arc::new(Others::default());
    let (say, said) = mpsc::channel(8);
    *others.said.lock().await = Some(said);
    resolver.ask(others);
    let root = path(&format!("/ipns/{}/d", Name::of(&key.public())));
    let (out, mut better) = mpsc::channel(8);
    let asking = {
        let resolver = resolver.clone();
        tokio::spawn(async move {
            let find = Find::default();
            resolver.resolve_better(&root, DEPTH, &find, out).await
        })
    };
    let send = async |sequence, value| {
        let record = record(&key, sequence, value, MINUTE);
        say.send(record.bytes().clone()).await.unwrap();
    };
    for (sequence, value, end) in [
        (1, A, format!("{A}/d")),
        (5, "/ipns/x/y", format!("{A}/x/y/d")),
        (6, A, format!("{A}/d")),
    ] {
        send(sequence, value).await;
        assert_eq!(better.recv().await.unwrap().path.to_string(), end);
    }
    // Older ones, renewed ones and what is no record are no answers.
    send(2, "/ipfs/bafkqaaa/old").await;
    send(7, A).await;
    say.send(Bytes::from_static(b"no record")).await.unwrap();
    send(8, "/ipfs/bafkqaaa/last").await;
    let last = better.recv().await.unwrap();
    assert_eq!(last.path.to_string(), format!("{A}/last/d"));
    assert!(last.ttl > MINUTE / 2 && last.ttl <= MINUTE);
    drop(say);
    assert_eq!(better.recv().await, None);
    asking.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_older_answer_that_leads_nowhere_does_not_hide_a_newer_one() {
    let resolver = resolver(None);
    let (key, gone) = (Keypair::generate_ed25519(), Keypair::generate_ed25519());
    let others = Arc::new(Others::default());
    let (say, said) = mpsc::channel(8);
    *others.said.lock().await = Some(said);
    let name = publish(
        &resolver,
        &key,
        &format!("/ipns/{}", Name::of(&gone.public())),
    )
    .await;
    resolver.ask(others);
    let newer = record(&key, 9, A, MINUTE);
    say.send(newer.bytes().clone()).await.unwrap();
    drop(say);
    let root = path(&format!("/ipns/{name}"));
    let end = resolver.resolve_all(&root, &Find::default()).await.unwrap();
    assert_eq!(end, path(A));
}

#[tokio::test]
async fn what_is_remembered_is_answered_at_once_and_refreshed_behind() {
    let resolver = resolver(None);
    let (key, others) = (Keypair::generate_ed25519(), Arc::new(Others::default()));
    resolver.ask(others.clone());
    let (name, find) = (Name::of(&key.public()), Find::default());
    let old = record(&key, 1, A, MINUTE);
    assert_eq!(
        resolver.learn(name, old.bytes().clone()).await.unwrap(),
        Stored::Best
    );
    let root = path(&format!("/ipns/{name}"));
    assert_eq!(resolver.resolve_all(&root, &find).await.unwrap(), path(A));
    assert_eq!(others.asked(), 0, "it is young");
    resolver.cache.age(&name);
    // The search ends when the sender does, so that the old answer is there before the new one.
    let (say, said) = mpsc::channel(8);
    *others.said.lock().await = Some(said);
    for _ in 0..3 {
        assert_eq!(resolver.resolve_all(&root, &find).await.unwrap(), path(A));
    }
    let newer = record(&key, 2, "/ipfs/bafkqaaa/new", MINUTE);
    say.send(newer.bytes().clone()).await.unwrap();
    drop(say);
    while resolver.resolve_all(&root, &find).await.unwrap() == path(A) {
        tokio::task::yield_now().await;
    }
    assert_eq!(others.asked(), 1, "once behind all of them");
    let uncached = Find {
        cached: false,
        ..find
    };
    resolver.resolve_all(&root, &uncached).await.unwrap();
    assert_eq!(others.asked(), 2);
}

#[tokio::test]
async fn nothing_is_remembered_where_that_is_off() {
    let store = Store::new(Arc::new(MemoryStore::default()));
    let key = Keypair::generate_ed25519();
    for (most, longest) in [(0, None), (8, Some(Duration::ZERO))] {
        let resolver = Resolver::new(store.clone(), None).remember(most, longest);
        let others = Arc::new(Others::default());
        resolver.ask(others.clone());
        let name = Name::of(&key.public());
        let known = record(&key, 1, A, MINUTE);
        resolver.learn(name, known.bytes().clone()).await.unwrap();
        let root = path(&format!("/ipns/{name}"));
        for times in 1..3 {
            let end = resolver
                .resolve(&root, DEPTH, &Find::default())
                .await
                .unwrap();
            assert!(
                end.ttl > MINUTE / 2,
                "what others may do is the record's to say"
            );
            assert_eq!(others.asked(), times);
        }
    }
}
