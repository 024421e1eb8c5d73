use basalt_ipld::Path;
use basalt_ipns::{Draft, MAX_RECORD_SIZE, Moment, Name, Record};
use libp2p_identity::Keypair;

use crate::world::{Known, World, cid};

const RECORD: &str = "application/vnd.ipfs.ipns-record";
const HOUR: i64 = 3_600_000_000_000;

/// A record that is valid for an hour and may be kept for `ttl` nanoseconds.
fn record(key: &Keypair, lifetime: i64, ttl: i64) -> Record {
    let draft = Draft {
        value: Path::parse("/ipfs/bafkqaaa").unwrap(),
        sequence: 1,
        validity: Moment::now().after(lifetime),
        ttl,
        v1: true,
    };
    let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
    draft.sign(&key.public(), sign).unwrap()
}

#[tokio::test]
async fn records_are_kept_and_given() {
    let world = World::new(Known::default()).await;
    let key = Keypair::generate_ed25519();
    let name = Name::of(&key.public());
    let (client, peer) = (world.client(), name.multihash().to_bytes());
    assert_eq!(client.record(&peer).await.unwrap(), None);
    let own = record(&key, HOUR, HOUR / 2);
    client.put_record(&peer, own.bytes().clone()).await.unwrap();
    let found = client.record(&peer).await.unwrap();
    assert_eq!(found.as_ref(), Some(own.bytes()));

    let answer = world.get(&format!("ipns/{name}")).await;
    assert_eq!(
        (answer.status, answer.header("Content-Type").as_str()),
        (200, RECORD)
    );
    let kept = answer.header("Cache-Control");
    assert!(
        kept.starts_with("public, max-age=1800, stale-while-revalidate=1"),
        "{kept}"
    );
    assert_eq!(answer.header("Vary"), "Accept");
    assert_eq!(answer.header("Etag").len(), 18);
    assert!(answer.header("Expires").ends_with("GMT"));
    let file = format!("attachment; filename=\"{name}.ipns-record\"");
    assert_eq!(answer.header("Content-Disposition"), file);
}

#[tokio::test]
async fn nobody_keeps_a_record_past_its_end() {
    let world = World::new(Known::default()).await;
    let key = Keypair::generate_ed25519();
    let name = Name::of(&key.public());
    let kept = async |lifetime: i64, ttl: i64| {
        let own = record(&key, lifetime, ttl).bytes().clone();
        world.known.records.lock().unwrap().insert(name, own);
        world
            .get(&format!("ipns/{name}"))
            .await
            .header("Cache-Control")
    };
    assert_eq!(kept(-HOUR, HOUR).await, "no-store");
    assert!(kept(HOUR, 2 * HOUR).await.ends_with("stale-if-error=0"));
}

#[tokio::test]
async fn wrong_requests_for_names_are_told_why() {
    let world = World::new(Known::default()).await;
    let key = Keypair::generate_ed25519();
    let name = Name::of(&key.public());
    let path = format!("ipns/{name}");
    let none = world.get(&path).await;
    assert_eq!(
        (none.status, none.body.as_str()),
        (200, "delegate error: routing: not found\n")
    );
    let html = world
        .ask("GET", &path, &[("Accept", "text/html")], b"")
        .await;
    assert_eq!(html.status, 406);
    for wrong in ["ipns/foo".to_owned(), format!("ipns/{}", cid())] {
        assert_eq!(world.get(&wrong).await.status, 400);
    }
    let put = async |path: &str, kind: &str, body: &[u8]| {
        let fields = [("Content-Type", kind)];
        world.ask("PUT", path, &fields, body).await.status
    };
    let own = record(&key, HOUR, HOUR);
    assert_eq!(put(&path, "text/plain", own.bytes()).await, 406);
    assert_eq!(put(&path, RECORD, b"nonsense").await, 400);
    assert_eq!(put(&path, RECORD, &vec![0; MAX_RECORD_SIZE * 2]).await, 400);
    let stranger = Name::of(&Keypair::generate_ed25519().public());
    assert_eq!(
        put(&format!("ipns/{stranger}"), RECORD, own.bytes()).await,
        400
    );
    let old = record(&key, -HOUR, HOUR);
    assert_eq!(put(&path, RECORD, old.bytes()).await, 400);
    assert!(world.known.records.lock().unwrap().is_empty());
    let broken = World::new(Known {
        broken: true,
        ..Known::default()
    })
    .await;
    let fields = [("Content-Type", RECORD)];
    let answer = broken.ask("PUT", &path, &fields, own.bytes()).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (500, "delegate error: broken")
    );
}
