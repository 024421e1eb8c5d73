use basalt_ipld::Path;
use basalt_ipns::{Draft, Moment, Record, best};
use libp2p_identity::Keypair;
use proptest::prelude::*;

fn record(key: &Keypair, (sequence, hours, value, v1): (u64, i64, u8, bool)) -> Record {
    let draft = Draft {
        value: Path::parse(format!("/ipfs/bafkqaaa/{value}")).unwrap(),
        sequence,
        validity: Moment {
            secs: 2_000_000_000 + hours * 3600,
            nanos: 0,
        },
        ttl: 0,
        v1,
    };
    let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
    draft.sign(&key.public(), sign).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The best record does not depend on the order in which they are found, and none is better.
    #[test]
    fn the_best_is_the_best_in_any_order(
        parts in prop::collection::vec((0..4_u64, 0..3_i64, 0..3_u8, any::<bool>()), 1..8),
        turn in 0..8_usize,
    ) {
        let key = Keypair::ed25519_from_bytes([7; 32]).unwrap();
        let mut records: Vec<Record> = parts.iter().map(|parts| record(&key, *parts)).collect();
        let first = records[best(&records).unwrap().unwrap()].clone();
        let most = parts.iter().map(|(sequence, ..)| *sequence).max().unwrap();
        prop_assert_eq!(first.sequence().unwrap(), most);
        for other in &records {
            prop_assert!(first.compare(other).unwrap().is_ge());
        }
        let at = turn % records.len();
        records.rotate_left(at);
        records.reverse();
        let again = &records[best(&records).unwrap().unwrap()];
        prop_assert_eq!(again.bytes(), first.bytes());
    }

    #[test]
    fn any_number_is_kept(sequence: u64, ttl in 0..i64::MAX) {
        let key = Keypair::ed25519_from_bytes([7; 32]).unwrap();
        let draft = Draft {
            value: Path::parse("/ipfs/bafkqaaa").unwrap(),
            sequence,
            validity: Moment::now().after(i64::MAX / 2),
            ttl,
            v1: true,
        };
        let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
        let record = draft.sign(&key.public(), sign).unwrap();
        prop_assert_eq!(record.sequence().unwrap(), sequence);
        prop_assert_eq!(record.ttl().unwrap(), ttl);
        let name = basalt_ipns::Name::of(&key.public());
        record.validate(&name, Moment::now()).unwrap();
    }
}

#[test]
fn of_none_there_is_no_best() {
    assert_eq!(best(&[]).unwrap(), None);
}
