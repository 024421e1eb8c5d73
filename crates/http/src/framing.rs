//! How a body is delimited, and its bytes taken out of a buffer. No I/O.

use bytes::{Buf, Bytes, BytesMut};

use crate::{Error, Result};
use crate::{Headers, head};

/// The longest line with the size of a chunk.
const MAX_LINE: usize = 4 << 10;
/// The longest trailer section.
const MAX_TRAILERS: usize = 32 << 10;
/// How many bytes of chunk framing may pile up that no data pays for.
const MAX_OVERHEAD: usize = 16 << 10;

/// Where a body that is being read stands.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Nothing (more) to come.
    Done,
    /// So many bytes to come.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
    /// Everything until the connection is closed.
    UntilClose,
}

#[derive(Debug)]
pub(crate) struct Chunked {
    at: At,
    overhead: usize,
}

#[derive(Debug)]
enum At {
    Size,
    Data(u64),
    DataEnd,
    Trailers,
}

/// What a step found.
#[derive(Debug)]
pub(crate) enum Step {
    /// Bytes of the body.
    Data(Bytes),
    /// The buffer must grow first.
    More,
    /// The body is over.
    End(Option<Headers>),
}

impl Framing {
    /// The framing that `headers` announce; `None` if they announce none. Strict, since two
    /// readers that disagree about where a message ends can be played against each other.
    pub(crate) fn of(headers: &Headers, one_one: bool) -> Result<Option<Self>> {
        let mut lengths = headers.all("Content-Length");
        let length = lengths.next();
        if lengths.any(|other| Some(other) != length) {
            return Err(Error::Malformed("Content-Length"));
        }
        let mut codings = headers.all("Transfer-Encoding");
        if let Some(coding) = codings.next() {
            if length.is_some() {
                return Err(Error::Malformed("Transfer-Encoding beside Content-Length"));
            }
            if !one_one || codings.next().is_some() || !coding.eq_ignore_ascii_case(b"chunked") {
                return Err(Error::Unsupported("transfer encoding"));
            }
            return Ok(Some(Self::Chunked(Chunked {
                at: At::Size,
                overhead: 0,
            })));
        }
        let Some(digits) = length else {
            return Ok(None);
        };
        match decimal(digits) {
            Some(0) => Ok(Some(Self::Done)),
            Some(n) => Ok(Some(Self::Length(n))),
            None => Err(Error::Malformed("Content-Length")),
        }
    }

    /// Whether nothing more is to come.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Takes the next piece off `buf`.
    pub(crate) fn step(&mut self, buf: &mut BytesMut) -> Result<Step> {
        match self {
            Self::Done => Ok(Step::End(None)),
            Self::UntilClose if buf.is_empty() => Ok(Step::More),
            Self::UntilClose => Ok(Step::Data(buf.split().freeze())),
            Self::Length(_) if buf.is_empty() => Ok(Step::More),
            Self::Length(left) => {
                let data = take(buf, left);
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(Step::Data(data))
            }
            Self::Chunked(chunked) => {
                let step = chunked.step(buf)?;
                if let Step::End(_) = step {
                    *self = Self::Done;
                }
                Ok(step)
            }
        }
    }

    /// The connection ended: fine where that is the end of the body.
    pub(crate) fn closed(&mut self) -> Result<()> {
        match self {
            Self::Done | Self::UntilClose => {
                *self = Self::Done;
                Ok(())
            }
            _ => Err(Error::UnexpectedEof),
        }
    }
}

impl Chunked {
    fn step(&mut self, buf: &mut BytesMut) -> Result<Step> {
        loop {
            match &mut self.at {
                At::Size => {
                    let Some(line) = line(buf)? else {
                        return Ok(Step::More);
                    };
                    let size = size(&buf[..line])?;
                    // Chunks of one byte are a client's right; a megabyte of extensions is not.
                    let paid = usize::try_from(size)
                        .unwrap_or(usize::MAX)
                        .saturating_mul(2);
                    self.overhead = (self.overhead + line)
                        .saturating_sub(16)
                        .saturating_sub(paid);
                    if self.overhead > MAX_OVERHEAD {
                        return Err(Error::TooLarge {
                            what: "chunk framing",
                            limit: MAX_OVERHEAD,
                        });
                    }
                    buf.advance(line + 2);
                    self.at = if size == 0 {
                        At::Trailers
                    } else {
                        At::Data(size)
                    };
                }
                At::Data(_) if buf.is_empty() => return Ok(Step::More),
                At::Data(left) => {
                    let data = take(buf, left);
                    if *left == 0 {
                        self.at = At::DataEnd;
                    }
                    return Ok(Step::Data(data));
                }
                At::DataEnd => match buf[..] {
                    [b'\r', b'\n', ..] => {
                        buf.advance(2);
                        self.at = At::Size;
                    }
                    [] | [b'\r'] => return Ok(Step::More),
                    _ => return Err(Error::Malformed("chunk is longer than it says")),
                },
                At::Trailers => return trailers(buf),
            }
        }
    }
}

fn take(buf: &mut BytesMut, left: &mut u64) -> Bytes {
    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(buf.len());
    *left -= length as u64;
    buf.split_to(length).freeze()
}

/// The length of the line at the start of `buf`, which must end in CRLF.
fn line(buf: &[u8]) -> Result<Option<usize>> {
    let within = &buf[..buf.len().min(MAX_LINE)];
    match memchr::memchr(b'\n', within) {
        Some(at) if at > 0 && buf[at - 1] == b'\r' => Ok(Some(at - 1)),
        Some(_) => Err(Error::Malformed("chunk size line")),
        None if buf.len() >= MAX_LINE => Err(Error::TooLarge {
            what: "chunk size line",
            limit: MAX_LINE,
        }),
        None => Ok(None),
    }
}

fn size(line: &[u8]) -> Result<u64> {
    let bad = Error::Malformed("chunk size");
    let (digits, extension) = match memchr::memchr(b';', line) {
        Some(at) => line.split_at(at),
        None => (line, &[][..]),
    };
    let digits = digits.trim_ascii_end();
    if digits.is_empty() || digits.len() > 16 || extension.iter().any(|&b| b < b' ' && b != b'\t') {
        return Err(bad);
    }
    let mut size = 0_u64;
    for &digit in digits {
        let Some(value) = (digit as char).to_digit(16) else {
            return Err(bad);
        };
        size = size << 4 | u64::from(value);
    }
    if i64::try_from(size).is_ok() {
        Ok(size)
    } else {
        Err(bad)
    }
}

fn trailers(buf: &mut BytesMut) -> Result<Step> {
    if buf.starts_with(b"\r\n") {
        buf.advance(2);
        return Ok(Step::End(None));
    }
    let within = &buf[..buf.len().min(MAX_TRAILERS)];
    let Some(at) = memchr::memmem::find(within, b"\r\n\r\n") else {
        if buf.len() >= MAX_TRAILERS {
            return Err(Error::TooLarge {
                what: "trailer section",
                limit: MAX_TRAILERS,
            });
        }
        return Ok(Step::More);
    };
    let mut fields = head::fields(&buf[..at + 4])?;
    for framing in ["Content-Length", "Transfer-Encoding", "Trailer", "Host"] {
        fields.remove(framing);
    }
    buf.advance(at + 4);
    Ok(Step::End(Some(fields)))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let clean = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let value = std::str::from_utf8(digits)
        .ok()
        .filter(|_| clean)?
        .parse()
        .ok()?;
    i64::try_from(value).ok().map(|_| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunked() -> Framing {
        Framing::of(
            &Headers::from_iter([("Transfer-Encoding", "chunked")]),
            true,
        )
        .unwrap()
        .unwrap()
    }

    /// Feeds `pieces` one by one; gives the body, its trailers and what was left over.
    fn read(mut framing: Framing, pieces: &[&[u8]]) -> Result<(Vec<u8>, Option<Headers>, Vec<u8>)> {
        let (mut buf, mut body) = (BytesMut::new(), Vec::new());
        let mut pieces = pieces.iter();
        loop {
            match framing.step(&mut buf)? {
                Step::Data(data) => {
                    assert!(!data.is_empty());
                    body.extend_from_slice(&data);
                }
                Step::More => match pieces.next() {
                    Some(piece) => buf.extend_from_slice(piece),
                    None => {
                        framing.closed()?;
                        return Ok((body, None, Vec::new()));
                    }
                },
                Step::End(trailers) => {
                    for piece in pieces {
                        buf.extend_from_slice(piece);
                    }
                    return Ok((body, trailers, buf.to_vec()));
                }
            }
        }
    }

    const MESSAGE: &[u8] =
        b"5\r\nhello\r\n1;ext=\"a;b\"\r\n \r\n00A \r\n0123456789\r\n0\r\nX-Stream-Error: no\r\ncontent-length: 1\r\n\r\nNEXT";

    #[test]
    fn chunks_at_every_split() {
        for first in 0..MESSAGE.len() {
            for second in [
                first,
                (first + 1).min(MESSAGE.len()),
                (first + 7).min(MESSAGE.len()),
            ] {
                let pieces = [
                    &MESSAGE[..first],
                    &MESSAGE[first..second],
                    &MESSAGE[second..],
                ];
                let (body, trailers, rest) = read(chunked(), &pieces).unwrap();
                assert_eq!(body, b"hello 0123456789");
                let trailers = trailers.unwrap();
                assert_eq!(trailers.get("x-stream-error").as_deref(), Some("no"));
                assert_eq!(
                    trailers.len(),
                    1,
                    "framing fields do not belong in trailers"
                );
                assert_eq!(rest, b"NEXT");
            }
        }
    }

    #[test]
    fn lengths_and_closing() {
        let (body, _, rest) = read(Framing::Length(3), &[b"a", b"bcd"]).unwrap();
        assert_eq!((&body[..], &rest[..]), (&b"abc"[..], &b"d"[..]));
        assert!(matches!(
            read(Framing::Length(3), &[b"ab"]),
            Err(Error::UnexpectedEof)
        ));
        assert_eq!(read(Framing::UntilClose, &[b"ab", b"c"]).unwrap().0, b"abc");
        assert!(matches!(
            read(chunked(), &[&MESSAGE[..20]]),
            Err(Error::UnexpectedEof)
        ));
    }

    #[test]
    fn bad_chunks() {
        for bad in [
            &b"g\r\n"[..],
            b"\r\n",
            b"5\nhello",
            b"-1\r\n",
            b"0x5\r\nhello",
            b"5 5\r\nhello",
            b"8000000000000000\r\n",
            b"00000000000000005\r\nhello",
            b"3\r\nhello\r\n",
            b"5\r\nhelloX",
            b"5;a\rb\r\nhello",
            b"0\r\nno colon\r\n\r\n",
            b"0\r\n folded: x\r\n\r\n",
        ] {
            assert!(
                matches!(read(chunked(), &[bad]), Err(Error::Malformed(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn framing_is_bounded() {
        let too_large =
            |text: &[u8]| matches!(read(chunked(), &[text]), Err(Error::TooLarge { .. }));
        assert!(too_large(&[b'0'; MAX_LINE]));
        assert!(too_large(
            &[&b"0\r\nX: "[..], &[b'x'; MAX_TRAILERS]].concat()
        ));
        let greedy = format!("1;{}\r\nx\r\n", "x".repeat(1000)).repeat(20);
        assert!(too_large(greedy.as_bytes()));
        let thrifty = [&b"1\r\nx\r\n".repeat(100_000)[..], b"0\r\n\r\n"].concat();
        assert_eq!(read(chunked(), &[&thrifty]).unwrap().0.len(), 100_000);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8), cuts: Vec<prop::sample::Index>) {
            let mut message = Vec::new();
            for chunk in &chunks {
                message.extend(format!("{:x}\r\n", chunk.len()).bytes());
                message.extend(chunk);
                message.extend(b"\r\n");
            }
            message.extend(b"0\r\n\r\n");
            let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(message.len() + 1)).collect();
            at.extend([0, message.len()]);
            at.sort_unstable();
            let pieces: Vec<_> = at.windows(2).map(|w| &message[w[0]..w[1]]).collect();
            let (body, trailers, rest) = read(chunked(), &pieces).unwrap();
            prop_assert_eq!(body, chunks.concat());
            prop_assert!(trailers.is_none() && rest.is_empty());
        }

        #[test]
        fn survives_anything(bytes: Vec<u8>) {
            let _ = read(chunked(), &[&bytes]);
            let _ = read(chunked(), &[b"2\r\n", &bytes]);
            let _ = read(chunked(), &[b"0\r\n", &bytes]);
        }
    }
}
