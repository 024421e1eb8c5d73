use super::*;
use proptest::prelude::*;

/// Parts with their first field and data; data joined.
type Parts = Vec<(Option<String>, Vec<u8>)>;

fn decode(boundary: &str, pieces: &[&[u8]]) -> Result<Parts> {
    let mut decoder = Decoder::new(boundary.as_bytes())?;
    let mut parts: Parts = Vec::new();
    let mut pieces = pieces.iter();
    let mut open = false;
    loop {
        match decoder.next()? {
            Some(Event::Part(headers)) => {
                assert!(!open);
                open = true;
                parts.push((
                    headers.iter().next().map(|(name, _)| name.to_owned()),
                    Vec::new(),
                ));
            }
            Some(Event::Data(data)) => {
                assert!(open && !data.is_empty());
                parts.last_mut().unwrap().1.extend_from_slice(&data);
            }
            Some(Event::PartEnd) => open = false,
            Some(Event::End) => {
                assert!(!open);
                assert!(matches!(decoder.next(), Ok(Some(Event::End))));
                return Ok(parts);
            }
            None => match pieces.next() {
                Some(piece) => decoder.feed(Bytes::copy_from_slice(piece)),
                None => decoder.finish(),
            },
        }
    }
}

const BODY: &[u8] =
    b"preamble\r\n--xx\r\nA: 1\r\nB: 2\r\n\r\nhello\r\n--x\r\n--xxy \r\r\n--xx-a\r\n--xx \t\r\n\
    \r\n\r\n--xx\r\nC: d\r\n e\r\n\r\n--xx\r\n\r\n\r\n\r\n--xx--epilogue\r\n--xx\r\n";

fn expected() -> Parts {
    vec![
        (
            Some("A".into()),
            b"hello\r\n--x\r\n--xxy \r\r\n--xx-a".to_vec(),
        ),
        (None, Vec::new()),
        (Some("C".into()), Vec::new()),
        (None, b"\r\n".to_vec()),
    ]
}

#[test]
fn every_split() {
    for first in 0..=BODY.len() {
        for second in first..=BODY.len() {
            let pieces = [&BODY[..first], &BODY[first..second], &BODY[second..]];
            assert_eq!(
                decode("xx", &pieces).unwrap(),
                expected(),
                "{first} {second}"
            );
        }
    }
    let single: Vec<_> = BODY.chunks(1).collect();
    assert_eq!(decode("xx", &single).unwrap(), expected());
}

#[test]
fn line_feeds_alone() {
    let body = b"--b\nA: 1\n\nx\r\n--b\n\ny\n--b\n\n\n--b--\n";
    let parts = decode("b", &[body]).unwrap();
    assert_eq!(
        parts,
        [
            (Some("A".into()), b"x\r".to_vec()),
            (None, b"y".to_vec()),
            (None, Vec::new())
        ]
        .map(|p: (Option<String>, Vec<u8>)| p)
        .to_vec()
    );
}

#[test]
fn no_parts() {
    assert_eq!(decode("b", &[b"--b--"]).unwrap(), []);
    assert_eq!(decode("b", &[b"--b-", b"- \r\n"]).unwrap(), []);
    assert!(matches!(decode("b", &[b""]), Err(Error::UnexpectedEof)));
    assert!(matches!(
        decode("b", &[b"hello"]),
        Err(Error::UnexpectedEof)
    ));
}

#[test]
fn cut_off_anywhere() {
    let closing = BODY.windows(6).position(|w| w == b"--xx--").unwrap() + 6;
    for end in 0..closing {
        assert!(
            matches!(decode("xx", &[&BODY[..end]]), Err(Error::UnexpectedEof)),
            "{end}"
        );
    }
    assert_eq!(decode("xx", &[&BODY[..closing]]).unwrap(), expected());
}

#[test]
fn malformed_heads() {
    for bad in ["A\r\n", ": x\r\n", "A B: x\r\n", "\u{e9}: x\r\n"] {
        let body = format!("--b\r\n{bad}\r\n\r\n--b--\r\n");
        assert!(
            matches!(decode("b", &[body.as_bytes()]), Err(Error::Multipart(_))),
            "{bad:?}"
        );
    }
    let after = b"--b\r\n\r\nx\r\n--b junk\r\n\r\n--b--\r\n";
    assert!(matches!(decode("b", &[after]), Err(Error::Multipart(_))));
}

#[test]
fn bounds() {
    let too_large = |body: Vec<u8>| matches!(decode("b", &[&body]), Err(Error::TooLarge { .. }));
    assert!(too_large(vec![b'x'; MAX_LINE + 1]));
    assert!(too_large(
        [&b"--b\r\nA: "[..], &vec![b'x'; MAX_HEAD]].concat()
    ));
    assert!(too_large(
        [&b"--b\r\n\r\nx\r\n--b"[..], &vec![b' '; MAX_LINE + 1]].concat()
    ));
    let many = format!("--b\r\n{}\r\n\r\n--b--", "A: 1\r\n".repeat(MAX_FIELDS + 2));
    assert!(matches!(
        decode("b", &[many.as_bytes()]),
        Err(Error::Multipart(_))
    ));
    for bad in [&b""[..], &[b'x'; 71], b"a\r\nb", b"\xff"] {
        assert!(Decoder::new(bad).is_err());
    }
}

#[test]
fn data_is_not_copied() {
    let mut decoder = Decoder::new(b"b").unwrap();
    let fed = Bytes::from([&b"--b\r\n\r\n"[..], &[7; 10_000]].concat());
    decoder.feed(fed.clone());
    assert!(matches!(decoder.next(), Ok(Some(Event::Part(_)))));
    let Ok(Some(Event::Data(data))) = decoder.next() else {
        panic!("no data")
    };
    assert_eq!(data.as_ptr(), fed[7..].as_ptr());
    assert_eq!(data.len(), 10_000);
}

proptest! {
    #[test]
    fn round_trip_at_any_split(
        // Few symbols, so that data looks like a boundary often.
        parts in prop::collection::vec(prop::collection::vec(prop::sample::select(b"\r\n-xa".to_vec()), 0..40), 1..5),
        cuts: Vec<prop::sample::Index>,
    ) {
        let boundary = "xxa-x";
        prop_assume!(parts.iter().all(|p| !p.windows(7).any(|w| w == b"--xxa-x")));
        let mut body = Vec::new();
        for part in &parts {
            body.extend(format!("--{boundary}\r\nA: 1\r\n\r\n").bytes());
            body.extend(part);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        at.extend([0, body.len()]);
        at.sort_unstable();
        let pieces: Vec<_> = at.windows(2).map(|w| &body[w[0]..w[1]]).collect();
        let got: Vec<_> = decode(boundary, &pieces).unwrap().into_iter().map(|(_, data)| data).collect();
        prop_assert_eq!(got, parts);
    }

    #[test]
    fn any_bytes_at_any_split_say_the_same(
        text in prop::collection::vec(prop::sample::select(b"\r\n- xb:".to_vec()), 0..80),
        cut: prop::sample::Index,
    ) {
        let body = [b"--b\r\n", &text[..], b"\r\n--b--"].concat();
        let cut = cut.index(body.len());
        let (whole, split) = (decode("b", &[&body]), decode("b", &[&body[..cut], &body[cut..]]));
        prop_assert_eq!(whole.map_err(|e| e.to_string()), split.map_err(|e| e.to_string()));
    }

    #[test]
    fn survives_anything(bytes: Vec<u8>) {
        let _ = decode("b", &[&bytes]);
        let _ = decode("b", &[b"--b\r\n\r\n", &bytes]);
    }
}
