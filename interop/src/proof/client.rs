//! A client of the RPC that keeps its connection, streams what it sends, and knows an answer that was
//! fully received from one that was not.

use std::io::{self, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::content::Content;

const TIME_LIMIT: Duration = Duration::from_secs(60);
const BOUNDARY: &str = "basalt-proof-boundary";

/// A connection to the RPC of one daemon.
#[derive(Debug)]
pub(crate) struct Client {
    at: SocketAddr,
    socket: Option<TcpStream>,
    buffer: Vec<u8>,
    limit: Duration,
    /// What the last answer held before it ended in an error.
    pub(crate) partial: Vec<u8>,
}

/// An answer that was fully received: its body, or the message of the error.
pub(crate) type Answer = std::result::Result<Vec<u8>, String>;

/// A part of a multipart request.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    File(String, Content),
    /// A file that lies at this absolute path.
    Lying(String, Content, String),
    Bytes(String, Vec<u8>),
    Directory(String),
}

impl Client {
    pub(crate) fn new(at: SocketAddr) -> Self {
        Self {
            at,
            socket: None,
            buffer: Vec::new(),
            limit: TIME_LIMIT,
            partial: Vec::new(),
        }
    }

    /// With another limit for silence on the connection.
    pub(crate) fn patient(at: SocketAddr, limit: Duration) -> Self {
        Self {
            limit,
            ..Self::new(at)
        }
    }

    /// Calls `command`, a path below `/api/v0/` with its query. An error here means that nothing is
    /// known of the outcome.
    pub(crate) fn call(&mut self, command: &str) -> Result<Answer> {
        self.send(command, &[])
    }

    /// Calls and takes an error as an error.
    pub(crate) fn get(&mut self, command: &str) -> Result<Vec<u8>> {
        match self.call(command)? {
            Ok(body) => Ok(body),
            Err(message) => bail!("{command}: {message}"),
        }
    }

    /// The lines of an answer in JSON.
    pub(crate) fn lines(&mut self, command: &str) -> Result<Vec<Value>> {
        lines(&self.get(command)?)
    }

    /// Calls with a multipart body of `parts`.
    pub(crate) fn send(&mut self, command: &str, parts: &[Part]) -> Result<Answer> {
        let outcome = self.exchange(command, parts);
        if outcome.is_err() {
            self.socket = None;
            self.buffer.clear();
        }
        outcome.with_context(|| format!("{command}: no full answer"))
    }

    fn exchange(&mut self, command: &str, parts: &[Part]) -> Result<Answer> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => {
                self.buffer.clear();
                let socket = TcpStream::connect_timeout(&self.at, Duration::from_secs(10))?;
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(self.limit))?;
                socket.set_write_timeout(Some(self.limit))?;
                socket
            }
        };
        // A server may answer and close before it has read a body that it refuses.
        let sent = write_request(&socket, self.at, command, parts);
        let mut reader = Reader {
            socket: &socket,
            buffer: &mut self.buffer,
        };
        let (status, body, failure, keep) = reader.answer().with_context(|| match &sent {
            Ok(()) => "nothing more came".to_owned(),
            Err(error) => format!("while sending: {error}"),
        })?;
        self.partial = match failure {
            Some(_) => body.clone(),
            None => Vec::new(),
        };
        let answer = judge(status, body, failure);
        // A server that refuses a body may close the connection behind its answer.
        if keep && sent.is_ok() && answer.is_ok() {
            self.socket = Some(socket);
        }
        Ok(answer)
    }
}

/// Reads JSON lines.
pub(crate) fn lines(body: &[u8]) -> Result<Vec<Value>> {
    serde_json::Deserializer::from_slice(body)
        .into_iter()
        .collect::<std::result::Result<_, _>>()
        .context("the answer is no JSON")
}

fn write_request(
    socket: &TcpStream,
    at: SocketAddr,
    command: &str,
    parts: &[Part],
) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(64 << 10, socket);
    write!(to, "POST /api/v0/{command} HTTP/1.1\r\nHost: {at}\r\n")?;
    if parts.is_empty() {
        write!(to, "Content-Length: 0\r\n\r\n")?;
        return to.flush();
    }
    let heads: Vec<String> = parts.iter().map(head).collect();
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let bodies = parts.iter().map(|part| match part {
        Part::File(_, content) | Part::Lying(_, content, _) => content.len,
        Part::Bytes(_, bytes) => bytes.len() as u64,
        Part::Directory(_) => 0,
    });
    let length = heads.iter().map(|head| head.len() as u64).sum::<u64>()
        + bodies.sum::<u64>()
        + end.len() as u64;
    write!(
        to,
        "Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n"
    )?;
    for (head, part) in heads.iter().zip(parts) {
        to.write_all(head.as_bytes())?;
        match part {
            Part::File(_, content) | Part::Lying(_, content, _) => content.write(&mut to)?,
            Part::Bytes(_, bytes) => to.write_all(bytes)?,
            Part::Directory(_) => {}
        }
    }
    to.write_all(end.as_bytes())?;
    to.flush()
}

fn head(part: &Part) -> String {
    let (name, kind) = match part {
        Part::File(name, _) | Part::Lying(name, ..) | Part::Bytes(name, _) => {
            (name, "application/octet-stream")
        }
        Part::Directory(name) => (name, "application/x-directory"),
    };
    let name = name.replace('/', "%2F");
    let place = match part {
        Part::Lying(.., path) => format!("Abspath: {path}\r\n"),
        _ => String::new(),
    };
    format!(
        "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         {place}Content-Type: {kind}\r\n\r\n"
    )
}

struct Reader<'a> {
    socket: &'a TcpStream,
    buffer: &'a mut Vec<u8>,
}

impl Reader<'_> {
    fn fill(&mut self) -> Result<()> {
        let mut piece = [0; 64 << 10];
        let len = self.socket.read(&mut piece)?;
        if len == 0 {
            bail!("the connection ended");
        }
        self.buffer.extend_from_slice(&piece[..len]);
        Ok(())
    }

    /// The whole answer: status, body, the error it ended in, and whether the connection can be used
    /// again.
    fn answer(&mut self) -> Result<(u16, Vec<u8>, Option<String>, bool)> {
        let (status, length, keep, mut failure) = self.head()?;
        let body = match length {
            Some(length) => self.take(length)?,
            None => self.chunks(&mut failure)?,
        };
        Ok((status, body, failure, keep))
    }

    fn head(&mut self) -> Result<(u16, Option<usize>, bool, Option<String>)> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut parsed = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(len) = parsed.parse(self.buffer)? else {
                self.fill()?;
                continue;
            };
            let status = parsed.code.unwrap_or_default();
            let value = |name: &str| {
                let found = parsed
                    .headers
                    .iter()
                    .find(|header| header.name.eq_ignore_ascii_case(name));
                found.map(|header| String::from_utf8_lossy(header.value).into_owned())
            };
            let length = value("content-length")
                .map(|length| length.parse().context("Content-Length is no number"))
                .transpose()?;
            let chunked = value("transfer-encoding").is_some_and(|coding| coding == "chunked");
            let keep = value("connection").is_none_or(|word| word != "close");
            let failure = value("x-stream-error");
            self.buffer.drain(..len);
            if status == 100 {
                continue;
            }
            if length.is_none() && !chunked {
                bail!("an answer of unknown length (status {status})");
            }
            return Ok((status, length, keep, failure));
        }
    }

    fn take(&mut self, len: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < len {
            self.fill()?;
        }
        let rest = self.buffer.split_off(len);
        Ok(std::mem::replace(self.buffer, rest))
    }

    fn line(&mut self) -> Result<String> {
        let mut seen = 0;
        loop {
            let unseen = &self.buffer[seen..];
            if let Some(at) = unseen.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[..seen + at]).into_owned();
                self.buffer.drain(..seen + at + 2);
                return Ok(line);
            }
            seen = self.buffer.len().saturating_sub(1);
            self.fill()?;
        }
    }

    fn chunks(&mut self, failure: &mut Option<String>) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).context("a chunk has no size")?;
            if size == 0 {
                break;
            }
            while self.buffer.len() < size + 2 {
                self.fill()?;
            }
            body.extend_from_slice(&self.buffer[..size]);
            self.buffer.drain(..size + 2);
        }
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(body);
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("x-stream-error")
            {
                *failure = Some(value.trim().to_owned());
            }
        }
    }
}

/// Kubo's errors are JSON with a message and status 500, or a trailer once the answer has begun.
fn judge(status: u16, body: Vec<u8>, failure: Option<String>) -> Answer {
    if let Some(failure) = failure {
        return Err(failure);
    }
    if status == 200 {
        return Ok(body);
    }
    let message = serde_json::from_slice::<Value>(&body)
        .ok()
        .filter(|error| error["Type"] == "error" && error["Code"].is_number())
        .and_then(|error| Some(error["Message"].as_str()?.to_owned()));
    Err(message.unwrap_or_else(|| {
        let text = String::from_utf8_lossy(&body);
        format!("not in Kubo's shape: status {status}: {text}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_answers() {
        assert_eq!(judge(200, b"x".to_vec(), None), Ok(b"x".to_vec()));
        let trailer = judge(200, b"x".to_vec(), Some("broke".into()));
        assert_eq!(trailer, Err("broke".into()));
        let body = br#"{"Message":"no","Code":0,"Type":"error"}"#.to_vec();
        assert_eq!(judge(500, body, None), Err("no".into()));
        assert!(judge(500, b"no".to_vec(), None).is_err_and(|text| text.contains("shape")));
    }

    #[test]
    fn a_body_is_as_long_as_it_says() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while !request.ends_with(b"boundary--\r\n") {
                let len = socket.read(&mut piece).unwrap();
                request.extend_from_slice(&piece[..len]);
            }
            let answer =
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
            socket.write_all(answer).unwrap();
            request
        });
        let part = Part::File("a/b".into(), Content { seed: 1, len: 5000 });
        let answer = Client::new(at).send("add", &[part]).unwrap();
        assert_eq!(answer, Ok(b"{}".to_vec()));
        let request = server.join().unwrap();
        let head = request.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let text = String::from_utf8_lossy(&request[..head]).into_owned();
        let length = format!("Content-Length: {}", request.len() - head - 4);
        assert!(text.ends_with(&length), "{text}");
    }
}
