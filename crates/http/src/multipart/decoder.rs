use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::Finder;

use crate::Headers;
use crate::headers::is_token;
use crate::{Error, Result};

/// The longest boundary (RFC 2046, 5.1.1).
const MAX_BOUNDARY: usize = 70;
/// The longest line outside of parts.
const MAX_LINE: usize = 4 << 10;
/// The longest head of a part in bytes: two escaped paths of 4 KiB fit twice.
const MAX_HEAD: usize = 64 << 10;
/// How many fields a part may have.
const MAX_FIELDS: usize = 64;

/// What a multipart body consists of, in order: parts (head, data, end), and the end of all.
#[derive(Debug, Clone)]
pub enum Event {
    /// A part begins.
    Part(Headers),
    /// Bytes of the part, never empty.
    Data(Bytes),
    /// The part is over.
    PartEnd,
    /// The closing boundary was read; what follows is ignored.
    End,
}

/// Reads multipart from the pieces it is fed, wherever they are cut. Data is handed on in slices of
/// what was fed; only bytes that could be the beginning of a boundary are copied.
///
/// ```
/// # use basalt_http::multipart::{Decoder, Event};
/// let mut decoder = Decoder::new(b"b").unwrap();
/// decoder.feed("--b\r\n\r\nhello\r\n--b--".into());
/// decoder.finish();
/// assert!(matches!(decoder.next(), Ok(Some(Event::Part(_)))));
/// assert!(matches!(decoder.next(), Ok(Some(Event::Data(data))) if data == "hello"));
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// A line break, two hyphens, the boundary. The line break is LF alone if that ends the first
    /// boundary's line.
    delimiter: Vec<u8>,
    finder: Finder<'static>,
    state: State,
    /// Fed and not yet looked at.
    input: Bytes,
    /// Whether nothing more will be fed.
    finished: bool,
    /// A line that is not whole, or the head of a part.
    line: BytesMut,
    /// How much of the delimiter, and of the hyphens after it, the input has shown.
    matched: usize,
    /// Whether the line break that `matched` counts was not data but the end of the head.
    assumed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary, in the rest of its line.
    BoundaryLine,
    /// In the head of a part; `line` holds it up to here.
    Head,
    /// In the data of a part.
    Data,
    /// Behind the data; the boundary is read.
    PartEnd {
        last: bool,
    },
    /// All is read.
    End,
    Failed,
}

impl Decoder {
    /// A decoder of parts that `boundary` separates.
    pub fn new(boundary: &[u8]) -> Result<Self> {
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
            return Err(Error::Multipart(
                "the boundary must have 1 to 70 characters",
            ));
        }
        if boundary.iter().any(|&b| !(b' '..=b'~').contains(&b)) {
            return Err(Error::Multipart(
                "the boundary has characters that it may not have",
            ));
        }
        let delimiter = [b"\r\n--", boundary].concat();
        Ok(Self {
            finder: Finder::new(&delimiter).into_owned(),
            delimiter,
            state: State::Preamble,
            input: Bytes::new(),
            finished: false,
            line: BytesMut::new(),
            matched: 0,
            assumed: false,
        })
    }

    /// Takes the next bytes. Call [`Decoder::next`] until it gives `None` before feeding more;
    /// what is fed earlier is kept, at the price of a copy.
    pub fn feed(&mut self, bytes: Bytes) {
        if self.input.is_empty() {
            self.input = bytes;
        } else {
            self.input = [&self.input[..], &bytes[..]].concat().into();
        }
    }

    /// The body is over.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next event; `None` if more must be fed. After [`Event::End`] or an error the same comes
    /// again.
    #[allow(
        clippy::should_implement_trait,
        reason = "a decoder that waits for input is not at its end"
    )]
    pub fn next(&mut self) -> Result<Option<Event>> {
        let event = self.step();
        if event.is_err() {
            self.state = State::Failed;
            self.input = Bytes::new();
        }
        event
    }

    fn step(&mut self) -> Result<Option<Event>> {
        loop {
            match self.state {
                State::Preamble => {
                    if !self.take_line()? {
                        return self.end_of_input();
                    }
                    self.preamble_line()?;
                    self.line.clear();
                }
                State::BoundaryLine => {
                    if !self.take_line()? {
                        return self.more();
                    }
                    let rest = self.line.trim_ascii_end();
                    if !rest.is_empty() {
                        return Err(Error::Multipart("text behind a boundary"));
                    }
                    self.line.clear();
                    self.state = State::Head;
                }
                State::Head => {
                    let Some(headers) = self.head()? else {
                        return self.more();
                    };
                    self.state = State::Data;
                    // An empty part may have no line break between its head and the boundary but
                    // the one that ends the head.
                    self.matched = self.delimiter.len() - self.dashed().len();
                    self.assumed = true;
                    return Ok(Some(Event::Part(headers)));
                }
                State::Data => match self.data() {
                    Some(event) => return Ok(Some(event)),
                    None if self.state == State::Data => return self.more(),
                    None => {}
                },
                State::PartEnd { last } => {
                    self.state = if last {
                        State::End
                    } else {
                        State::BoundaryLine
                    };
                    return Ok(Some(Event::PartEnd));
                }
                State::End => {
                    self.input = Bytes::new();
                    return Ok(Some(Event::End));
                }
                State::Failed => return Err(Error::Multipart("the body is malformed")),
            }
        }
    }

    /// Nothing can be said before more is fed.
    fn more(&self) -> Result<Option<Event>> {
        if self.finished {
            Err(Error::UnexpectedEof)
        } else {
            Ok(None)
        }
    }

    /// Like [`Decoder::more`], where a body may end that has a closing boundary and nothing else.
    fn end_of_input(&mut self) -> Result<Option<Event>> {
        if self.finished && self.is_closing(&self.line) {
            self.state = State::End;
            return Ok(Some(Event::End));
        }
        self.more()
    }

    /// The boundary with its hyphens, without the line break.
    fn dashed(&self) -> &[u8] {
        let at = self.delimiter.iter().position(|&b| b == b'-').unwrap_or(0);
        &self.delimiter[at..]
    }

    fn is_closing(&self, line: &[u8]) -> bool {
        let rest = line
            .strip_prefix(self.dashed())
            .and_then(|rest| rest.strip_prefix(b"--"));
        rest.is_some_and(|rest| rest.trim_ascii().is_empty())
    }

    /// Moves input to `line` up to a line feed; whether that came.
    fn take_line(&mut self) -> Result<bool> {
        let end = memchr::memchr(b'\n', &self.input);
        let length = end.map_or(self.input.len(), |at| at + 1);
        if self.line.len() + length > MAX_LINE {
            return Err(Error::TooLarge {
                what: "multipart line",
                limit: MAX_LINE,
            });
        }
        self.line.extend_from_slice(&self.input[..length]);
        self.input.advance(length);
        Ok(end.is_some())
    }

    fn preamble_line(&mut self) -> Result<()> {
        if self.is_closing(&self.line) {
            self.state = State::End;
            return Ok(());
        }
        let Some(rest) = self.line.strip_prefix(self.dashed()) else {
            return Ok(());
        };
        match rest.trim_ascii_start() {
            b"" => {}
            _ => return Ok(()),
        }
        if !rest.ends_with(b"\r\n") {
            self.delimiter.remove(0);
            self.finder = Finder::new(&self.delimiter).into_owned();
        }
        self.state = State::Head;
        Ok(())
    }

    /// The fields of a part, once the empty line after them has come.
    fn head(&mut self) -> Result<Option<Headers>> {
        loop {
            let end = memchr::memchr(b'\n', &self.input);
            let length = end.map_or(self.input.len(), |at| at + 1);
            if self.line.len() + length > MAX_HEAD {
                return Err(Error::TooLarge {
                    what: "head of a part",
                    limit: MAX_HEAD,
                });
            }
            self.line.extend_from_slice(&self.input[..length]);
            self.input.advance(length);
            if end.is_none() {
                return Ok(None);
            }
            let head = &self.line[..];
            if matches!(head, b"\n" | b"\r\n")
                || head.ends_with(b"\n\n")
                || head.ends_with(b"\n\r\n")
            {
                let fields = fields(head)?;
                self.line.clear();
                return Ok(Some(fields));
            }
        }
    }

    /// Data, or `None` if the boundary came (the state says so) or more must be fed.
    fn data(&mut self) -> Option<Event> {
        loop {
            if self.matched == 0 {
                if self.input.is_empty() {
                    return None;
                }
                let (data, matched) = match self.finder.find(&self.input) {
                    Some(at) => (at, self.delimiter.len()),
                    None => {
                        let tail = self.partial();
                        (self.input.len() - tail, tail)
                    }
                };
                self.matched = matched;
                let data = self.input.split_to(data);
                self.input.advance(matched);
                if !data.is_empty() {
                    return Some(Event::Data(data));
                }
            }
            while let Some(&byte) = self.input.first() {
                let length = self.delimiter.len();
                let goes_on = match self.matched {
                    at if at < length => byte == self.delimiter[at],
                    at if at == length && b" \t\r\n".contains(&byte) => {
                        return self.boundary(false);
                    }
                    _ => byte == b'-',
                };
                if !goes_on {
                    match self.release() {
                        Some(data) => return Some(Event::Data(data)),
                        None => break,
                    }
                }
                self.matched += 1;
                self.input.advance(1);
                if self.matched == length + 2 {
                    return self.boundary(true);
                }
            }
            if self.input.is_empty() {
                return None;
            }
        }
    }

    fn boundary(&mut self, last: bool) -> Option<Event> {
        self.matched = 0;
        self.assumed = false;
        self.state = State::PartEnd { last };
        None
    }

    /// How many bytes at the end of the input could begin a delimiter. Its first byte occurs in it
    /// once, so there is one candidate.
    fn partial(&self) -> usize {
        let from = self.input.len().saturating_sub(self.delimiter.len() - 1);
        let tail = &self.input[from..];
        match memchr::memrchr(self.delimiter[0], tail) {
            Some(at) if self.delimiter.starts_with(&tail[at..]) => tail.len() - at,
            _ => 0,
        }
    }

    /// What looked like a boundary was data.
    fn release(&mut self) -> Option<Bytes> {
        let mut data = [&self.delimiter[..], b"--"].concat();
        data.truncate(self.matched);
        if self.assumed {
            data.drain(..self.delimiter.len() - self.dashed().len());
        }
        self.matched = 0;
        self.assumed = false;
        Some(Bytes::from(data)).filter(|data| !data.is_empty())
    }
}

/// Reads the lines of a head: CRLF or LF, continued by lines that begin with white space.
fn fields(head: &[u8]) -> Result<Headers> {
    let mut headers = Headers::new();
    let mut field: Option<(&str, Vec<u8>)> = None;
    for line in head.split(|&b| b == b'\n') {
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        if let (Some((_, value)), [b' ' | b'\t', ..]) = (&mut field, text) {
            value.push(b' ');
            value.extend_from_slice(text.trim_ascii());
            continue;
        }
        if let Some((name, value)) = field.take() {
            headers.append(name, value);
        }
        if text.is_empty() {
            continue;
        }
        let colon =
            memchr::memchr(b':', text).ok_or(Error::Multipart("a field without a colon"))?;
        let (name, value) = (&text[..colon], &text[colon + 1..]);
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|n| !n.is_empty() && n.bytes().all(is_token));
        field = Some((
            name.ok_or(Error::Multipart("malformed field name"))?,
            value.to_vec(),
        ));
        if headers.len() >= MAX_FIELDS {
            return Err(Error::Multipart("a part with too many fields"));
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
