//! The parts of `crates/http` that read bytes, compiled from their files: the crate keeps them to itself.

#![allow(dead_code, unreachable_pub, missing_docs)]

#[rustfmt::skip]
#[path = "../../crates/http/src/framing.rs"]
pub(crate) mod framing;
#[rustfmt::skip]
#[path = "../../crates/http/src/head.rs"]
pub(crate) mod head;
#[rustfmt::skip]
#[path = "../../crates/http/src/headers.rs"]
pub(crate) mod headers;
#[rustfmt::skip]
#[path = "../../crates/http/src/multipart/decoder.rs"]
mod decoder;
#[rustfmt::skip]
#[path = "../../crates/http/src/multipart/media_type.rs"]
pub(crate) mod media_type;
#[rustfmt::skip]
#[path = "../../crates/http/src/query.rs"]
pub(crate) mod query;

pub(crate) use headers::Headers;

use bytes::{Bytes, BytesMut};
use decoder::{Decoder, Event};
use framing::{Framing, Step};

/// Reads a head and its body, whole and in pieces of `cut` bytes: both must say the same.
pub fn check_head(data: &[u8], cut: usize) {
    let Some(length) = head::end(data, 0) else {
        return;
    };
    for seen in 0..length.min(64) {
        assert_eq!(
            head::end(data, seen),
            Some(length),
            "the end of the head moves"
        );
    }
    let mut buf = BytesMut::from(data);
    if let Ok(response) = head::response(&mut buf.clone(), length) {
        assert!(response.headers.len() <= 100);
    }
    let Ok(request) = head::request(&mut buf, length) else {
        return;
    };
    assert_eq!(
        buf.len(),
        data.len() - length,
        "a head takes what it is long"
    );
    assert!(!request.method.is_empty() && !request.target.is_empty());
    for (name, value) in request.headers.iter() {
        assert!(!name.is_empty() && !value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)));
    }
    let again = head::request(&mut BytesMut::from(data), length).expect("it was read before");
    check_body(request.framing, again.framing, &data[length..], cut);
}

/// Reads a body in two framings that are the same, whole and in pieces.
fn check_body_pieces(mut framing: Framing, data: &[u8], cut: usize) -> (Vec<u8>, bool, bool) {
    let (mut buf, mut body) = (BytesMut::new(), Vec::new());
    let mut pieces = data.chunks(cut.max(1));
    loop {
        match framing.step(&mut buf) {
            Ok(Step::Data(bytes)) => {
                assert!(!bytes.is_empty(), "a step without progress");
                body.extend_from_slice(&bytes);
            }
            Ok(Step::End(_)) => return (body, true, true),
            Ok(Step::More) => match pieces.next() {
                Some(piece) => buf.extend_from_slice(piece),
                None => return (body, false, true),
            },
            Err(_) => return (body, false, false),
        }
    }
}

/// See [`check_head`].
pub(crate) fn check_body(whole: Framing, pieces: Framing, data: &[u8], cut: usize) {
    let whole = check_body_pieces(whole, data, data.len());
    assert!(
        whole.0.len() <= data.len(),
        "a body is never longer than what was sent"
    );
    let pieces = check_body_pieces(pieces, data, cut);
    assert_eq!(whole, pieces, "a body depends on how it was cut");
}

/// Decodes a multipart body, whole and in pieces of `cut` bytes: both must say the same.
pub fn check_multipart(boundary: &[u8], data: &[u8], cut: usize) {
    let whole = multipart(boundary, data, data.len());
    assert_eq!(
        whole,
        multipart(boundary, data, cut),
        "parts depend on how they were cut"
    );
    let read: usize = whole.0.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(read <= data.len(), "parts are never longer than the body");
    for (headers, _) in &whole.0 {
        for (name, value) in headers {
            if name == "Content-Disposition" || name == "Content-Type" {
                let _ = media_type::MediaType::parse(value)
                    .map(|t| t.param("filename").map(<[u8]>::to_vec));
            }
        }
    }
}

type Parts = Vec<(Vec<(String, Vec<u8>)>, Vec<u8>)>;

fn multipart(boundary: &[u8], data: &[u8], cut: usize) -> (Parts, bool) {
    let mut parts = Parts::new();
    let Ok(mut decoder) = Decoder::new(boundary) else {
        return (parts, false);
    };
    let (mut pieces, mut open, mut finished) = (data.chunks(cut.max(1)), false, false);
    loop {
        match decoder.next() {
            Ok(Some(Event::Part(headers))) => {
                assert!(!open, "a part within a part");
                open = true;
                let fields = headers
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_vec()));
                parts.push((fields.collect(), Vec::new()));
            }
            Ok(Some(Event::Data(bytes))) => {
                assert!(open && !bytes.is_empty(), "data outside of a part");
                if let Some((_, part)) = parts.last_mut() {
                    part.extend_from_slice(&bytes);
                }
            }
            Ok(Some(Event::PartEnd)) => {
                assert!(open, "the end of no part");
                open = false;
            }
            Ok(Some(Event::End)) => {
                assert!(!open, "the end within a part");
                return (parts, true);
            }
            Ok(None) => match pieces.next() {
                Some(piece) => decoder.feed(Bytes::copy_from_slice(piece)),
                None => {
                    assert!(!finished, "a decoder that waits although the body is over");
                    finished = true;
                    decoder.finish();
                }
            },
            Err(_) => return (parts, false),
        }
    }
}

/// Reads a query; what it says is the same after writing and reading it again.
pub fn check_query(data: &[u8]) {
    assert_eq!(
        query::unescape(query::escape(data).as_bytes()).as_deref(),
        Some(data)
    );
    let _ = query::unescape_path(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let pairs = query::parse(text);
    let written = query::encode(
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    assert_eq!(query::parse(&written), pairs);
}
