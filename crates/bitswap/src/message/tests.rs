use basalt_block::{Hasher, codec};
use proptest::prelude::*;

use super::*;

fn block(data: &[u8], version: u64) -> Block {
    let codec = if version == 0 {
        codec::DAG_PB
    } else {
        codec::RAW
    };
    Block::hash(
        version,
        codec,
        Hasher::SHA2_256,
        Bytes::copy_from_slice(data),
    )
    .unwrap()
}

/// Without the length in front.
fn body(encoded: &Encoded) -> Bytes {
    let bytes = encoded.concat();
    let (len, at) = basalt_block::varint::read(&bytes).unwrap();
    assert_eq!(
        (len as usize + at, encoded.len()),
        (bytes.len(), bytes.len())
    );
    Bytes::from(bytes).slice(at..)
}

#[test]
fn a_want_is_written_as_the_specification_says() {
    let cid = *block(b"hello", 0).cid();
    let want = Entry {
        cid,
        priority: 1,
        cancel: false,
        want: WantType::Have,
        send_dont_have: true,
    };
    let message = Message {
        wants: vec![want],
        ..Message::default()
    };
    let mut expected = vec![46, 0x0a, 44, 0x0a, 42, 0x0a, 34];
    expected.extend(cid.to_bytes());
    expected.extend([0x10, 1, 0x20, 1, 0x28, 1]);
    assert_eq!(message.encode(Version::V1_2).concat(), expected);
}

#[test]
fn a_block_is_not_copied_and_old_versions_carry_it_bare() {
    let big = block(&[7; 100_000], 0);
    let message = Message {
        blocks: vec![(&big).into()],
        presences: vec![Presence {
            cid: *big.cid(),
            have: true,
        }],
        pending_bytes: 5,
        ..Message::default()
    };
    let encoded = message.encode(Version::V1_2);
    let shared = encoded
        .pieces
        .iter()
        .any(|p| p.as_ptr() == big.data().as_ptr());
    assert!(shared);
    let frame = body(&encoded);
    let read = Message::decode(&frame).unwrap();
    assert_eq!(read, message);
    let inside = frame.as_ptr_range();
    assert!(inside.contains(&read.blocks[0].data.as_ptr()));
    assert_eq!(read.blocks[0].clone().into_block().unwrap(), big);

    let old = Message::decode(&body(&message.encode(Version::V1_0))).unwrap();
    assert_eq!(old.blocks, message.blocks);
    assert!(old.presences.is_empty());
    let between = Message::decode(&body(&message.encode(Version::V1_1))).unwrap();
    assert_eq!(between.blocks, message.blocks);
    assert!(between.presences.is_empty());
}

#[test]
fn a_small_block_does_not_keep_a_large_message() {
    let (big, small) = (block(&[1; 50_000], 1), block(&[2; 50], 1));
    let message = Message {
        blocks: vec![(&big).into(), (&small).into()],
        ..Message::default()
    };
    let frame = body(&message.encode(Version::V1_2));
    let read = Message::decode(&frame).unwrap();
    assert!(frame.as_ptr_range().contains(&read.blocks[0].data.as_ptr()));
    assert!(!frame.as_ptr_range().contains(&read.blocks[1].data.as_ptr()));
}

#[test]
fn what_is_malformed_is_refused_and_what_is_unknown_passed_over() {
    let decode = |data: &[u8]| Message::decode(&Bytes::copy_from_slice(data));
    assert_eq!(decode(&[]).unwrap(), Message::default());
    for bad in [
        &[0x0a][..],
        &[0x0a, 5, 1],
        &[0x08, 1],
        &[0x0a, 2, 0x0a, 0],
        &[0x0a, 5, 0x0a, 3, 0x0a, 1, 0xff],
        &[0x1a, 0],
        &[0x1a, 3, 0x0a, 1, 7],
        &[0x22, 0],
        &[0x02, 0],
        &[0x0b],
        &[0xff; 11],
    ] {
        assert!(decode(bad).is_err(), "{bad:x?}");
    }
    // Field 9 in each kind, then `full`.
    let unknown = [
        0x48, 1, 0x49, 0, 0, 0, 0, 0, 0, 0, 0, 0x4a, 1, 0, 0x4d, 0, 0, 0, 0, 0x0a, 2, 0x10, 1,
    ];
    assert!(decode(&unknown).unwrap().full);
    // A digest of 200 bytes is of no use, but no reason to hang up.
    let mut entry = vec![1, 0x55, 0x12, 0xc8, 1];
    entry.extend([0; 200]);
    let mut inner = vec![0x0a];
    varint(entry.len(), &mut inner);
    inner.extend(entry);
    let mut list = vec![0x0a];
    varint(inner.len(), &mut list);
    list.extend(inner);
    let mut message = vec![0x0a];
    varint(list.len(), &mut message);
    message.extend(list);
    assert!(decode(&message).unwrap().wants.is_empty());
}

fn varint(n: usize, out: &mut Vec<u8>) {
    basalt_block::varint::write(n as u64, out);
}

#[test]
fn a_million_wants_are_cut_off() {
    let cid = block(b"x", 1).cid().to_bytes();
    let mut entry = vec![0x0a, cid.len() as u8];
    entry.extend(cid);
    let mut list = Vec::new();
    for _ in 0..90_000 {
        list.push(0x0a);
        list.push(entry.len() as u8);
        list.extend(&entry);
    }
    let mut message = vec![0x0a];
    varint(list.len(), &mut message);
    message.extend(list);
    assert!(message.len() <= MAX_MESSAGE);
    let read = Message::decode(&message.into()).unwrap();
    assert_eq!(read.wants.len(), MAX_ENTRIES);
}

#[test]
fn a_block_of_an_unknown_kind_has_no_name() {
    let mut payload = Payload::from(&block(b"a", 1));
    payload.prefix = Prefix::read(&[1, 0x55, 0x7f, 32]).unwrap();
    assert_eq!(payload.clone().into_block(), None);
    payload.prefix = Prefix::read(&[1, 0x55, 0, 1]).unwrap();
    assert_eq!(payload.clone().into_block(), None);
    // A CIDv0 is nothing but dag-pb and sha2-256.
    payload.prefix = Prefix::read(&[0, 0x55, 0x12, 32]).unwrap();
    assert_eq!(payload.into_block(), None);
}

fn messages() -> impl Strategy<Value = Message> {
    let cid = (any::<[u8; 4]>(), 0..2u64).prop_map(|(data, v)| *block(&data, v).cid());
    let entry =
        (cid.clone(), any::<i32>(), any::<[bool; 3]>()).prop_map(|(cid, priority, f)| Entry {
            cid,
            priority,
            cancel: f[0],
            want: if f[1] {
                WantType::Have
            } else {
                WantType::Block
            },
            send_dont_have: f[2],
        });
    let payload = (prop::collection::vec(any::<u8>(), 0..6000), 0..2u64)
        .prop_map(|(data, v)| Payload::from(&block(&data, v)));
    let presence = (cid, any::<bool>()).prop_map(|(cid, have)| Presence { cid, have });
    (
        any::<bool>(),
        prop::collection::vec(entry, 0..8),
        prop::collection::vec(payload, 0..4),
        prop::collection::vec(presence, 0..8),
        any::<i32>(),
    )
        .prop_map(|(full, wants, blocks, presences, pending_bytes)| Message {
            full,
            wants,
            blocks,
            presences,
            pending_bytes,
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in messages()) {
        let read = Message::decode(&body(&message.encode(Version::V1_2)));
        prop_assert_eq!(read.unwrap(), message);
    }

    #[test]
    fn nothing_makes_the_reader_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::decode(&data.into());
    }
}
