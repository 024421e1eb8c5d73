use proptest::prelude::*;

use super::*;

#[test]
fn well_known_messages_are_those_of_kubo() {
    let hex = |data: &Data| hex::encode(data.encode());
    assert_eq!(hex(&Data::directory(Stat::default())), "0801");
    let empty = Data {
        file_size: Some(0),
        ..Data::new(Kind::File)
    };
    assert_eq!(hex(&empty), "08021800");
    assert_eq!(hex::encode(leaf_block(Kind::File, b"")), "0a0408021800");
    assert_eq!(
        hex::encode(leaf_block(Kind::Raw, b"hi")),
        "0a08080012026869".to_owned() + "1802"
    );
    let stat = Stat {
        mode: Some(0o755),
        mtime: Some(Mtime {
            seconds: -1,
            nanos: 7,
        }),
    };
    assert_eq!(
        hex(&Data::directory(stat)),
        "080138ed03421008ffffffffffffffffff011507000000"
    );
}

#[test]
fn what_protobuf_allows_is_read() {
    let read = |hex: &str| Data::decode(&hex::decode(hex).unwrap().into());
    assert_eq!(read("08022001200318092202"), Err(DecodeError::Wire));
    // Packed and unpacked sizes, an unknown field, a group, and a file size that comes twice.
    let data = read("0802200122020203780918011809c30108010000c401").unwrap_err();
    assert_eq!(data, DecodeError::Wire);
    let data = read("08022001220202037809180118097b0801087c").unwrap_err();
    assert_eq!(data, DecodeError::Wire);
    let data = read("08022001220202037809180118097b08017c").unwrap();
    assert_eq!(data.block_sizes, [1, 2, 3]);
    assert_eq!(data.file_size, Some(9));
    assert_eq!(read(""), Err(DecodeError::NoType));
    assert_eq!(read("0809"), Err(DecodeError::NoType));
    assert_eq!(read("08024200"), Err(DecodeError::NoSeconds));
}

fn any_data() -> impl Strategy<Value = Data> {
    let mtime = (any::<i64>(), 0u32..1_000_000_000);
    (
        0usize..6,
        prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        prop::option::of(any::<u64>()),
        prop::collection::vec(any::<u64>(), 0..5),
        prop::option::of(any::<u64>()),
        prop::option::of(any::<u64>()),
        prop::option::of(any::<u32>()),
        prop::option::of(mtime.prop_map(|(seconds, nanos)| Mtime { seconds, nanos })),
    )
        .prop_map(
            |(kind, data, file_size, block_sizes, hash_type, fanout, mode, mtime)| Data {
                kind: Kind::ALL[kind],
                data: data.map(Bytes::from),
                file_size,
                block_sizes,
                hash_type,
                fanout,
                mode,
                mtime,
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read(data in any_data()) {
        prop_assert_eq!(Data::decode(&data.encode().into()), Ok(data));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Data::decode(&bytes.into());
    }

    #[test]
    fn a_leaf_is_its_message_in_a_node(chunk in prop::collection::vec(any::<u8>(), 0..300)) {
        let data = Data {
            data: (!chunk.is_empty()).then(|| Bytes::from(chunk.clone())),
            file_size: Some(chunk.len() as u64),
            ..Data::new(Kind::File)
        };
        let mut block = Vec::new();
        wire::bytes_field(1, &data.encode(), &mut block);
        prop_assert_eq!(leaf_block(Kind::File, &chunk), block);
    }
}
