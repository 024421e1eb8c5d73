//! Heads: the request line or status line, and the fields after it.

use bytes::{Buf, BytesMut};

use crate::Headers;
use crate::framing::Framing;
use crate::headers::is_token;
use crate::{Error, Result};

/// The longest head in bytes.
pub(crate) const MAX_HEAD: usize = 64 << 10;
/// How many fields a head may have.
const MAX_FIELDS: usize = 100;

/// What a request says before its body.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Whether the client speaks HTTP/1.1 and not only 1.0.
    pub(crate) one_one: bool,
    pub(crate) headers: Headers,
    pub(crate) framing: Framing,
}

/// What a response says before its body.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
}

/// Where the head in `buf` ends, looking at what came after `seen` only.
pub(crate) fn end(buf: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(2);
    memchr::memchr_iter(b'\n', buf.get(from..)?).find_map(|at| {
        let after = from + at + 1;
        match buf.get(after..)? {
            [b'\n', ..] => Some(after + 1),
            [b'\r', b'\n', ..] => Some(after + 2),
            _ => None,
        }
    })
}

/// Takes a whole head of `length` bytes off `buf`.
pub(crate) fn request(buf: &mut BytesMut, length: usize) -> Result<RequestHead> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let status = parsed.parse(&buf[..length]).map_err(malformed)?;
    if !matches!(status, httparse::Status::Complete(n) if n == length) {
        return Err(Error::Malformed("head"));
    }
    let headers = take_fields(parsed.headers);
    let one_one = parsed.version == Some(1);
    let method = parsed.method.unwrap_or_default().to_owned();
    let target = parsed.path.unwrap_or_default().to_owned();
    if !method.bytes().all(is_token) {
        return Err(Error::Malformed("method"));
    }
    // A second Host is how one proxy is shown another site than the next.
    if headers.all("Host").count() > 1 || (one_one && !headers.contains("Host")) {
        return Err(Error::Malformed("Host header"));
    }
    let framing = Framing::of(&headers, one_one)?.unwrap_or(Framing::Done);
    buf.advance(length);
    Ok(RequestHead {
        method,
        target,
        one_one,
        headers,
        framing,
    })
}

/// Takes a whole head of `length` bytes off `buf`.
pub(crate) fn response(buf: &mut BytesMut, length: usize) -> Result<ResponseHead> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut fields);
    let status = parsed.parse(&buf[..length]).map_err(malformed)?;
    if !matches!(status, httparse::Status::Complete(n) if n == length) {
        return Err(Error::Malformed("head"));
    }
    let head = ResponseHead {
        status: parsed.code.unwrap_or_default(),
        headers: take_fields(parsed.headers),
    };
    buf.advance(length);
    Ok(head)
}

/// Reads the lines of a trailer section, without the empty line at its end.
pub(crate) fn fields(lines: &[u8]) -> Result<Headers> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    match httparse::parse_headers(lines, &mut fields).map_err(malformed)? {
        httparse::Status::Complete((used, fields)) if used == lines.len() => {
            Ok(take_fields(fields))
        }
        _ => Err(Error::Malformed("trailers")),
    }
}

fn take_fields(fields: &[httparse::Header<'_>]) -> Headers {
    fields
        .iter()
        .map(|field| (field.name, field.value))
        .collect()
}

fn malformed(error: httparse::Error) -> Error {
    match error {
        httparse::Error::TooManyHeaders => Error::TooLarge {
            what: "head",
            limit: MAX_HEAD,
        },
        httparse::Error::Version => Error::Unsupported("HTTP version"),
        httparse::Error::HeaderName => Error::Malformed("header name"),
        httparse::Error::HeaderValue => Error::Malformed("header value"),
        _ => Error::Malformed("head"),
    }
}

/// The words after a status code.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        417 => "Expectation Failed",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<RequestHead> {
        let mut buf = BytesMut::from(text);
        let length = end(&buf, 0).expect("a whole head");
        request(&mut buf, length)
    }

    #[test]
    fn a_request() {
        let head =
            parse("POST /api/v0/id?a=b HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n").unwrap();
        assert_eq!(
            (head.method.as_str(), head.target.as_str()),
            ("POST", "/api/v0/id?a=b")
        );
        assert!(head.one_one);
        assert!(matches!(head.framing, Framing::Length(5)));
        assert!(!parse("GET / HTTP/1.0\n\n").unwrap().one_one);
    }

    #[test]
    fn smuggling_is_refused() {
        let with = |fields: &str| parse(&format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
        for bad in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length:\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding : chunked\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
            " folded: 1\r\n",
            "Host: y\r\n",
            "X\0: 1\r\n",
        ] {
            assert!(with(bad).is_err(), "{bad:?}");
        }
        assert!(with("Content-Length: 5\r\nContent-Length: 5\r\n").is_ok());
        assert!(
            parse("POST / HTTP/1.1\r\n\r\n").is_err(),
            "HTTP/1.1 needs a Host"
        );
        assert!(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(parse("POST / HTTP/2.0\r\nHost: x\r\n\r\n").is_err());
    }

    #[test]
    fn bounds() {
        let many = "X: 1\r\n".repeat(101);
        let error = parse(&format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n")).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }));
    }

    #[test]
    fn the_end_is_found_at_every_split() {
        let text = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
        let whole = text.len() - 4;
        for seen in 0..whole {
            assert_eq!(end(&text[..seen], 0), None);
            assert_eq!(end(text, seen), Some(whole), "seen {seen}");
        }
    }

    proptest! {
        #[test]
        fn survives_anything(bytes: Vec<u8>) {
            for text in [bytes.clone(), [b"POST / HTTP/1.1\r\n".to_vec(), bytes, b"\r\n\r\n".to_vec()].concat()] {
                let mut buf = BytesMut::from(&text[..]);
                if let Some(length) = end(&buf, 0) {
                    let _ = request(&mut buf.clone(), length);
                    let _ = response(&mut buf, length);
                }
                let _ = fields(&text);
            }
        }
    }
}
