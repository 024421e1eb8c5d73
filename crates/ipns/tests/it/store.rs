use std::sync::Arc;

use basalt_blockstore::MemoryStore;
use basalt_ipld::Path;
use basalt_ipns::{Error, Name, Publication, Record, Store, Stored};
use libp2p_identity::Keypair;

const HOUR: i64 = 3_600_000_000_000;

fn store() -> Store {
    Store::new(Arc::new(MemoryStore::default()))
}

fn publication(value: &str, sequence: Option<u64>) -> Publication {
    Publication {
        value: Path::parse(format!("/ipfs/bafkqaaa/{value}")).unwrap(),
        lifetime: HOUR,
        ttl: 0,
        sequence,
        v1: true,
    }
}

async fn publish(store: &Store, key: &Keypair, what: Publication) -> Result<Record, Error> {
    let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
    store.publish(&key.public(), what, sign).await
}

#[tokio::test]
async fn the_sequence_counts_changes() {
    let (store, key) = (store(), Keypair::generate_ed25519());
    let name = Name::of(&key.public());
    assert!(store.get(&name).await.unwrap().is_none());
    for (value, asked, expected) in [
        ("a", Some(0), None),
        ("a", None, Some(0)),
        ("a", None, Some(0)),
        ("b", None, Some(1)),
        ("b", Some(1), None),
        ("b", Some(7), Some(7)),
        ("c", None, Some(8)),
        ("d", Some(u64::MAX), Some(u64::MAX)),
        ("e", None, None),
    ] {
        match (
            publish(&store, &key, publication(value, asked)).await,
            expected,
        ) {
            (Ok(record), Some(sequence)) => {
                assert_eq!(record.sequence().unwrap(), sequence, "{value}");
                let kept = store.get(&name).await.unwrap().unwrap();
                assert_eq!(kept.bytes(), record.bytes());
            }
            (Err(Error::Sequence), None) => {}
            (other, _) => panic!("{value}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn worse_records_change_nothing() {
    let (here, there, key) = (store(), store(), Keypair::generate_ed25519());
    let name = Name::of(&key.public());
    let old = publish(&there, &key, publication("a", None)).await.unwrap();
    let new = publish(&there, &key, publication("b", None)).await.unwrap();
    for (record, expected) in [
        (&old, Stored::Best),
        (&old, Stored::Worse),
        (&new, Stored::Best),
        (&old, Stored::Worse),
    ] {
        assert_eq!(
            here.put(&name, record.bytes().clone()).await.unwrap(),
            expected
        );
    }
    // Whoever has the key too goes on from what others published.
    let next = publish(&here, &key, publication("c", None)).await.unwrap();
    assert_eq!(next.sequence().unwrap(), 2);
    let other = Name::of(&Keypair::generate_ed25519().public());
    let refused = here.put(&other, new.bytes().clone()).await;
    assert!(matches!(refused, Err(Error::Signature)), "{refused:?}");
    assert!(here.put(&name, "junk".into()).await.is_err());
}

#[tokio::test]
async fn a_record_whose_time_is_over_hides_nothing() {
    let (store, key) = (store(), Keypair::generate_ed25519());
    let name = Name::of(&key.public());
    let first = publish(&store, &key, publication("a", None)).await.unwrap();
    let mut brief = publication("b", None);
    brief.lifetime = 1;
    let brief = publish(&store, &key, brief).await.unwrap();
    assert_eq!(brief.sequence().unwrap(), 1);
    let kept = store.get(&name).await.unwrap().unwrap();
    assert_eq!(kept.bytes(), first.bytes());
    let next = publish(&store, &key, publication("c", None)).await.unwrap();
    assert_eq!(next.sequence().unwrap(), 2);
}

/// Two at once never give the same number to different values.
#[tokio::test(flavor = "multi_thread")]
async fn publishers_wait_for_one_another() {
    let (store, key) = (store(), Keypair::generate_ed25519());
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move {
                let record = publish(&store, &key, publication(&n.to_string(), None)).await;
                record.unwrap().sequence().unwrap()
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..16).collect::<Vec<_>>());
}
