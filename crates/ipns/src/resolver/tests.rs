use std::sync::Arc;

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
