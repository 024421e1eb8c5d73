use basalt_ipns::{Draft, Error, Moment, Name, Record, SignatureType};
use libp2p_identity::Keypair;

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../../testdata/ipns/", $name)).as_slice()
    };
}

/// A record and the key that signed it.
const VECTORS: [(&[u8], &[u8]); 5] = [
    (file!("ed25519.rec"), file!("ed25519.key")),
    (file!("ed25519-v2.rec"), file!("ed25519.key")),
    (file!("ed25519-expired.rec"), file!("ed25519.key")),
    (file!("rsa.rec"), file!("rsa.key")),
    (file!("secp256k1.rec"), file!("secp256k1.key")),
];

/// When they were all valid.
fn then() -> Moment {
    "2026-11-21T14:56:42Z".parse().unwrap()
}

fn vectors() -> impl Iterator<Item = (Record, Keypair)> {
    VECTORS.iter().map(|(record, key)| {
        (
            Record::decode(*record).unwrap(),
            Keypair::from_protobuf_encoding(key).unwrap(),
        )
    })
}

#[test]
fn records_are_signed_as_kubo_signs_them() {
    for (record, key) in vectors() {
        let draft = Draft {
            value: record.value().unwrap(),
            sequence: record.sequence().unwrap(),
            validity: record.validity().unwrap(),
            ttl: record.ttl().unwrap(),
            v1: record.signature_type() == SignatureType::V1AndV2,
        };
        let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
        let again = draft.sign(&key.public(), sign).unwrap();
        assert_eq!(again.bytes(), record.bytes());
        assert_eq!(again.size(), record.bytes().len());
    }
}

#[test]
fn records_hold_for_their_own_names_alone() {
    let keys: Vec<_> = vectors().map(|(_, key)| key).collect();
    for (record, own) in vectors() {
        for key in &keys {
            let result = record.validate(&Name::of(&key.public()), then());
            let same = key.public() == own.public();
            assert_eq!(result.is_ok(), same, "{result:?}");
        }
        let end = record.validity().unwrap().after(1);
        let late = record.validate(&Name::of(&own.public()), end);
        assert!(matches!(late, Err(Error::Expired)));
    }
}

#[test]
fn no_bit_of_a_record_can_be_changed() {
    for (record, key) in vectors() {
        let name = Name::of(&key.public());
        for bit in 0..record.bytes().len() * 8 {
            let mut bytes = record.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(changed) = Record::decode(bytes) else {
                continue;
            };
            if changed.validate(&name, then()).is_err() {
                continue;
            }
            // The signature of the first version is the one thing that nobody checks any more, and
            // ECDSA has two signatures for each.
            assert_eq!(changed.value().unwrap(), record.value().unwrap());
            assert_eq!(changed.sequence().unwrap(), record.sequence().unwrap());
            assert_eq!(changed.validity().unwrap(), record.validity().unwrap());
            assert_eq!(changed.ttl().unwrap(), record.ttl().unwrap());
        }
    }
}

#[test]
fn what_is_no_record() {
    let error = |bytes: &[u8]| Record::decode(bytes.to_vec()).unwrap_err().to_string();
    assert_eq!(
        error(b"vm\n"),
        "record is malformed\nproto: cannot parse invalid wire-format data"
    );
    assert_eq!(
        error(b""),
        "record is malformed\nrecord is missing the dag-cbor data field"
    );
    assert_eq!(error(&[0; 10241]), "record exceeds allowed size limit");
    // A group within a group, as deep as a record has room for.
    let deep = [0x7b_u8; 10240];
    assert!(error(&deep).starts_with("record is malformed\n"));
    let record = Record::decode([&[0x7b, 0x08, 1, 0x7c], VECTORS[0].0].concat()).unwrap();
    assert_eq!(record.size(), record.bytes().len());
}
