//! The framing of an HTTP/1.1 answer, fed in pieces of any size.

use anyhow::{Context, Result, bail, ensure};

/// A longer line of a head or trailer ends the answer with an error.
const LINE: usize = 64 << 10;
const LINES: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum State {
    #[default]
    Status,
    Head,
    Length(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailer,
    UntilClose,
    Done,
}

/// Follows one answer through its bytes.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    state: State,
    line: Vec<u8>,
    lines: usize,
    status: u16,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    stream_error: Option<String>,
}

impl Answer {
    /// Takes the next bytes and hands those of the body, with the status, to `sink`.
    pub(crate) fn feed(
        &mut self,
        mut bytes: &[u8],
        sink: &mut dyn FnMut(u16, &[u8]),
    ) -> Result<()> {
        while !bytes.is_empty() {
            match self.state {
                State::Length(left) | State::Chunk(left) => {
                    let len = left.min(bytes.len() as u64) as usize;
                    let (piece, rest) = bytes.split_at(len);
                    bytes = rest;
                    sink(self.status, piece);
                    let left = left - len as u64;
                    self.state = match self.state {
                        State::Length(_) if left == 0 => State::Done,
                        State::Length(_) => State::Length(left),
                        _ if left == 0 => State::ChunkEnd,
                        _ => State::Chunk(left),
                    };
                }
                State::UntilClose => {
                    sink(self.status, bytes);
                    return Ok(());
                }
                State::Done => bail!("bytes follow the end of the answer"),
                _ => {
                    let end = bytes.iter().position(|&byte| byte == b'\n');
                    let (piece, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
                    bytes = rest;
                    ensure!(
                        self.line.len() + piece.len() <= LINE,
                        "a line of the answer's head is too long"
                    );
                    self.line.extend_from_slice(piece);
                    if end.is_some() {
                        let line = std::mem::take(&mut self.line);
                        let line = String::from_utf8_lossy(&line);
                        self.line(line.trim_end())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Says that the connection ended.
    pub(crate) fn end(&mut self) -> Result<()> {
        ensure!(
            matches!(self.state, State::UntilClose | State::Done),
            "the answer was cut off"
        );
        self.state = State::Done;
        self.close = true;
        Ok(())
    }

    /// Whether the answer is complete.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The status, 0 until it is known.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Whether the server closes the connection after this answer.
    pub(crate) fn closes(&self) -> bool {
        self.close
    }

    /// The trailer in which an RPC reports an error after its answer began.
    pub(crate) fn stream_error(&self) -> Option<&str> {
        self.stream_error.as_deref()
    }

    fn line(&mut self, line: &str) -> Result<()> {
        match self.state {
            State::Status => {
                let status = line
                    .strip_prefix("HTTP/1.")
                    .and_then(|rest| rest.split(' ').nth(1));
                self.status = status
                    .and_then(|status| status.parse().ok())
                    .with_context(|| format!("not an HTTP answer: {line:.80}"))?;
                self.close = line.starts_with("HTTP/1.0");
                self.state = State::Head;
            }
            State::Head if line.is_empty() => {
                self.state = match (self.status, self.chunked, self.length) {
                    (100..200, ..) => State::Status,
                    (204 | 304, ..) | (_, false, Some(0)) => State::Done,
                    (_, true, _) => State::ChunkSize,
                    (_, false, Some(length)) => State::Length(length),
                    (_, false, None) => State::UntilClose,
                };
            }
            State::Head => {
                self.count()?;
                let Some((name, value)) = line.split_once(':') else {
                    return Ok(());
                };
                let value = value.trim();
                if name.eq_ignore_ascii_case("content-length") {
                    self.length = Some(
                        value
                            .parse()
                            .context("the answer's length is not a number")?,
                    );
                } else if name.eq_ignore_ascii_case("transfer-encoding") {
                    self.chunked = value.eq_ignore_ascii_case("chunked");
                } else if name.eq_ignore_ascii_case("connection") {
                    self.close |= value.eq_ignore_ascii_case("close");
                }
            }
            State::ChunkSize => {
                let digits = line.split(';').next().unwrap_or_default().trim();
                let size =
                    u64::from_str_radix(digits, 16).context("a chunk's size is not a number")?;
                self.state = if size == 0 {
                    State::Trailer
                } else {
                    State::Chunk(size)
                };
            }
            State::ChunkEnd => {
                ensure!(line.is_empty(), "a chunk is longer than its size");
                self.state = State::ChunkSize;
            }
            State::Trailer if line.is_empty() => self.state = State::Done,
            State::Trailer => {
                self.count()?;
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("x-stream-error")
                {
                    self.stream_error = Some(value.trim().to_owned());
                }
            }
            State::Length(_) | State::Chunk(_) | State::UntilClose | State::Done => {}
        }
        Ok(())
    }

    fn count(&mut self) -> Result<()> {
        self.lines += 1;
        ensure!(self.lines <= LINES, "the answer's head has too many lines");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<(Answer, Vec<u8>)> {
        let mut answer = Answer::default();
        let mut body = Vec::new();
        for piece in pieces {
            answer.feed(piece, &mut |_, bytes| body.extend_from_slice(bytes))?;
        }
        Ok((answer, body))
    }

    const CHUNKED: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n\
        4;x=y\r\nabcd\r\nA\r\n0123456789\r\n0\r\nX-Stream-Error: late\r\n\r\n";

    proptest! {
        #[test]
        fn where_the_pieces_are_cut_does_not_matter(first in 0..CHUNKED.len(), second in 0..CHUNKED.len()) {
            let (low, high) = (first.min(second), first.max(second));
            let (answer, body) = read(&[&CHUNKED[..low], &CHUNKED[low..high], &CHUNKED[high..]]).unwrap();
            prop_assert_eq!(body, b"abcd0123456789");
            prop_assert!(answer.is_done() && answer.closes());
            prop_assert_eq!(answer.stream_error(), Some("late"));
        }

        #[test]
        fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = read(&[&bytes]);
            let _ = read(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &bytes]);
        }
    }

    #[test]
    fn a_length_ends_the_answer() {
        let (answer, body) = read(&[b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"]).unwrap();
        assert!(answer.is_done() && !answer.closes());
        assert_eq!(body, b"abc");
        assert!(read(&[b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd"]).is_err());
    }

    #[test]
    fn an_answer_without_length_lasts_until_the_end() {
        let (mut answer, body) = read(&[b"HTTP/1.1 200 OK\r\n\r\nabc"]).unwrap();
        assert!(!answer.is_done());
        answer.end().unwrap();
        assert!(answer.is_done() && answer.closes());
        assert_eq!(body, b"abc");
    }

    #[test]
    fn a_line_without_end_is_refused() {
        assert!(read(&[&vec![b'a'; LINE + 1]]).is_err());
    }
}
