use basalt_block::{Block, Hasher, codec};

use super::*;
use crate::{write_header, write_section};

fn raw(text: &'static str) -> Block {
    Block::hash(1, codec::RAW, Hasher::SHA2_256, text.into()).unwrap()
}

fn car(roots: &[&Block], blocks: &[&Block]) -> Vec<u8> {
    let mut car = Vec::new();
    let roots: Vec<Cid> = roots.iter().map(|block| *block.cid()).collect();
    write_header(&roots, &mut car);
    for block in blocks {
        write_section(block.cid(), block.data(), &mut car);
    }
    car
}

fn version_two(payload: &[u8], offset: u64, size: u64, index: u64) -> Vec<u8> {
    let mut car = hex::decode("0aa16776657273696f6e02").unwrap();
    car.extend([0; 16]);
    for field in [offset, size, index] {
        car.extend(field.to_le_bytes());
    }
    car.resize(offset.clamp(51, 100) as usize, 0);
    car.extend(payload);
    car
}

fn headed(cbor: &[u8]) -> Vec<u8> {
    let mut car = Vec::new();
    basalt_block::varint::write(cbor.len() as u64, &mut car);
    car.extend(cbor);
    car
}

/// Reads all of it in pieces of `cut` bytes: the roots, the blocks, and how it ended.
fn read(car: &[u8], cut: usize) -> (Vec<Cid>, Vec<Block>, Result<(), Error>) {
    let (mut roots, mut blocks) = (Vec::new(), Vec::new());
    let mut decoder = Decoder::default();
    let mut pieces = car.chunks(cut.max(1));
    let end = loop {
        match decoder.next() {
            Ok(Some(Event::Header(header))) => roots.extend(header.roots()),
            Ok(Some(Event::Section(section))) => match section.verify() {
                Ok(block) => blocks.push(block),
                Err(error) => break Err(error),
            },
            Ok(None) => match pieces.next() {
                Some(piece) => decoder.feed(Bytes::copy_from_slice(piece)),
                None => break decoder.finish(),
            },
            Err(error) => {
                assert!(decoder.next().unwrap().is_none() && decoder.finish().is_ok());
                break Err(error);
            }
        }
    };
    (roots, blocks, end)
}

fn refused(car: &[u8]) -> String {
    let whole = read(car, car.len());
    for cut in [1, 2, 7] {
        assert_eq!(read(car, cut), whole, "cut at every {cut}");
    }
    whole.2.unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read_however_it_is_cut() {
    let (a, b) = (raw("a"), raw("b"));
    let one = car(&[&a, &b, &a], &[&b, &a, &a]);
    let size = one.len() as u64;
    for car in [
        one.clone(),
        version_two(&one, 51, size, 0),
        version_two(&one, 60, size, 60 + size),
        // An index, or whatever it is.
        [version_two(&one, 51, size, 51 + size), vec![0xff; 9]].concat(),
    ] {
        for cut in [1, 2, 3, 40, 1000] {
            let (roots, blocks, end) = read(&car, cut);
            assert_eq!(roots, [*a.cid(), *b.cid(), *a.cid()]);
            assert_eq!(blocks, [b.clone(), a.clone(), a.clone()]);
            assert_eq!(end, Ok(()));
        }
    }
}

#[test]
fn a_car_cut_anywhere_else_than_between_sections_is_torn() {
    let (a, b) = (raw("a"), raw("b"));
    let whole = car(&[&a], &[&a, &b]);
    let between = [car(&[&a], &[]).len(), car(&[&a], &[&a]).len(), whole.len()];
    for at in 0..=whole.len() {
        let end = read(&whole[..at], 1000).2;
        assert_eq!(end.is_ok(), between.contains(&at), "{at}: {end:?}");
    }
    let two = version_two(&whole, 55, whole.len() as u64, 0);
    for at in 0..two.len() {
        assert!(read(&two[..at], 1000).2.is_err(), "{at}");
    }
}

#[test]
fn an_error_says_where_and_behind_which_block() {
    let (a, b) = (raw("a"), raw("b"));
    let mut torn = car(&[&a], &[&a, &b]);
    torn.pop();
    let at = car(&[&a], &[&a]).len();
    assert_eq!(
        refused(&torn),
        format!(
            "at byte {at} of the CAR, behind block {}: unexpected EOF",
            a.cid()
        )
    );
    let mut lying = car(&[&a], &[&a]);
    write_section(b.cid(), b"c", &mut lying);
    let c = raw("c");
    assert_eq!(
        refused(&lying),
        format!(
            "at byte {at} of the CAR, behind block {}: mismatch in content integrity, expected: {}, got: {}",
            a.cid(),
            b.cid(),
            c.cid()
        )
    );
}

/// As Kubo answers the same bytes.
#[test]
fn headers_are_read_as_kubo_reads_them() {
    let ok = |cbor: &[u8]| read(&headed(cbor), 1000).2.unwrap();
    ok(b"\xa1\x67version\x01");
    ok(b"\xa2\x65roots\xf6\x67version\x01");
    ok(b"\xa2\x67version\x01\x65roots\x80");
    ok(b"\xa3\x65roots\x80\x65roots\x80\x67version\x01");
    ok(b"\xa2\x65roots\x80\x67version\x01 and more");
    ok(b"\xa2\x65roots\x80\x67version\x18\x01");
    // A tag is not looked at.
    ok(b"\xa2\x65roots\x81\xd8\x2b\x45\x00\x01\x55\x00\x00\x67version\x01");

    let wrong = |cbor: &[u8], why: &str| {
        assert_eq!(
            refused(&headed(cbor)),
            format!("at byte 0 of the CAR: {why}")
        );
    };
    wrong(b"", "invalid header: EOF");
    wrong(b"\xa1\x65roots\x80", "invalid car version: 0");
    wrong(b"\xa1\x67version\x03", "invalid car version: 3");
    wrong(
        b"\xa1\x67version\x611",
        "invalid header: unmarshal error: cannot assign <s:\"1\"> to uint64 field",
    );
    wrong(
        b"\xa1\x67version\x20",
        "invalid header: unmarshal error: cannot assign <i:-1> to uint64 field",
    );
    wrong(
        b"\xa1\x61x\x01",
        "invalid header: unmarshal error: stream contains key \"x\", but there's no such field in structs of type carv1.CarHeader",
    );
    wrong(
        b"\x80",
        "invalid header: malformed stream: invalid appearance of array open token; expected start of map",
    );
    wrong(
        b"\x65hello",
        "invalid header: malformed stream: invalid appearance of string token; expected start of map",
    );
    wrong(
        b"\xa1\x01\x01",
        "invalid header: malformed stream: invalid appearance of uint token; expected map key",
    );
    wrong(b"\xa2\x65roots\x80\x67versio", "invalid header: EOF");
    wrong(
        b"\xa1\x65roots\x81\x01",
        "invalid header: unmarshal error: cannot assign <u:1> to slice field",
    );
    wrong(
        b"\xa1\x65roots\x81\x81\x81\x81",
        "invalid header: unmarshal error: cannot assign <[:1> to slice field",
    );
    wrong(
        b"\xa1\x65roots\x81\xf6",
        "invalid header: link value was empty",
    );
    wrong(
        b"\xa1\x65roots\x81\x41\x00",
        "invalid header: link value should have been bytes",
    );
    wrong(
        b"\xa1\x65roots\x81\x41\x01",
        "invalid header: invalid multibase on IPLD link",
    );
    wrong(
        b"\xbf\x65roots\x80\x67version\x01\xff",
        "invalid header: cbor: indefinite-length encoding rejected",
    );
    // More roots than there are bytes for.
    wrong(
        b"\xa1\x65roots\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        "invalid header: EOF",
    );
}

#[test]
fn lengths_are_limited() {
    let starts = |bytes: &[u8]| refused(bytes).rsplit_once("CAR: ").unwrap().1.to_owned();
    assert_eq!(
        starts(b"\x81\x80\x80\x10"),
        "invalid header data, length of read beyond allowable maximum"
    );
    assert_eq!(
        starts(&[0xff; 9]),
        "varints larger than uint63 not supported"
    );
    assert_eq!(starts(b"\xba\x00"), "varint not minimally encoded");
    let header = car(&[], &[]);
    let section = |bytes: &[u8]| starts(&[&header, bytes].concat());
    assert_eq!(
        section(b"\x81\x80\x80\x04"),
        "invalid section data, length of read beyond allowable maximum"
    );
    assert_eq!(
        section(&[0xff; 9]),
        "varints larger than uint63 not supported"
    );
    assert_eq!(section(b"\xab\x00"), "varint not minimally encoded");
    assert_eq!(
        section(b"\x00"),
        "invalid cid: varints malformed, could not reach the end"
    );
    assert_eq!(
        section(b"\x01\x07"),
        "invalid cid: expected 1 as the cid version number, got: 7"
    );
    assert_eq!(section(b"\xa9"), "unexpected EOF");
}

#[test]
fn a_header_of_version_two_is_checked() {
    let one = car(&[], &[&raw("a")]);
    let size = one.len() as u64;
    let wrong = |offset, size, index, why: &str| {
        let error = refused(&version_two(&one, offset, size, index));
        assert!(error.ends_with(why), "{error}");
    };
    wrong(50, size, 0, "invalid data payload offset: 50");
    wrong(
        1 << 63,
        size,
        0,
        "invalid data payload offset: 9223372036854775808",
    );
    wrong(51, 0, 0, "invalid data payload size: 0");
    wrong(
        51,
        1 << 63,
        0,
        "invalid data payload size: 9223372036854775808",
    );
    wrong(
        51,
        size,
        1 << 63,
        "invalid index offset: 9223372036854775808",
    );
    wrong(51, size - 1, 0, "unexpected EOF");
    wrong(
        51,
        size + 1,
        0,
        "unexpected EOF: the CAR is shorter than its header says",
    );
    wrong(
        90_000,
        size,
        0,
        "unexpected EOF: the CAR is shorter than its header says",
    );
    let twice = version_two(&one, 51, size, 0);
    let error = refused(&version_two(&twice, 51, twice.len() as u64, 0));
    assert!(error.ends_with("invalid data payload header version; expected 1, got 2"));
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    let mut decoder = Decoder::default();
    decoder.feed(headed(b"\xa1\x67version\x01").into());
    assert!(matches!(decoder.next(), Ok(Some(Event::Header(_)))));
    decoder.feed(Bytes::from_static(b"\x80\x80\x80\x04and a few bytes"));
    assert!(decoder.next().unwrap().is_none());
    assert!(decoder.input.room() <= 64 << 10);
}

#[test]
fn what_is_as_long_as_what_came_gets_room_at_once() {
    let block = |byte: u8| {
        let data = vec![byte; 300_000].into();
        Block::hash(1, codec::RAW, Hasher::SHA2_256, data).unwrap()
    };
    let (one, two) = (block(1), block(2));
    let whole = car(&[&one], &[&one, &two]);
    let mut decoder = Decoder::default();
    decoder.feed(whole[..310_000].to_vec().into());
    assert!(matches!(decoder.next(), Ok(Some(Event::Header(_)))));
    assert!(matches!(decoder.next(), Ok(Some(Event::Section(_)))));
    assert!(decoder.next().unwrap().is_none());
    assert!(decoder.input.room() >= 300_000);
}
