//! A tiny HTTP/1.1 client that shows what is on the wire: trailers included, though it asks for none,
//! as Go's client does not either.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

const TIME_LIMIT: Duration = Duration::from_secs(30);
const MAX_ANSWER: usize = 64 << 20;

/// A request to the loopback interface.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

/// A response as it was sent.
#[derive(Debug, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
    /// The connection ended, or nothing came for long, before the body was whole.
    pub(crate) cut: bool,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Sends a request to `port` and reads the whole answer, or its head only for an endless one.
pub(crate) fn send(port: u16, request: &Request, head_only: bool) -> Result<Response> {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("cannot connect")?;
    socket.set_read_timeout(Some(TIME_LIMIT))?;
    socket.set_write_timeout(Some(TIME_LIMIT))?;
    // A server may answer and close before it has read a body that it refuses.
    let sent = socket.write_all(&encode(port, request));
    let mut reader = Reader {
        socket,
        buffer: Vec::new(),
        at: 0,
    };
    let mut response = reader
        .head()
        .with_context(|| format!("no answer (request sent: {sent:?})"))?;
    if head_only || request.method == "HEAD" {
        return Ok(response);
    }
    reader.body(&mut response)?;
    Ok(response)
}

fn encode(port: u16, request: &Request) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    let given = |name: &str| {
        request
            .headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    };
    if !given("host") {
        head += &format!("Host: 127.0.0.1:{port}\r\n");
    }
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let body = request.body.as_deref().unwrap_or_default();
    if !given("content-length") && !given("transfer-encoding") {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    [head.as_bytes(), body].concat()
}

struct Reader<S> {
    socket: S,
    buffer: Vec<u8>,
    at: usize,
}

impl<S: Read> Reader<S> {
    /// Reads more; false at the end, or when the peer has been silent for long.
    fn fill(&mut self) -> Result<bool> {
        if self.buffer.len() > MAX_ANSWER {
            bail!("the answer is longer than {MAX_ANSWER} bytes");
        }
        let mut piece = [0; 16 << 10];
        match self.socket.read(&mut piece) {
            Ok(len) => {
                self.buffer.extend_from_slice(&piece[..len]);
                Ok(len > 0)
            }
            Err(_) => Ok(false),
        }
    }

    fn head(&mut self) -> Result<Response> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut parsed = httparse::Response::new(&mut headers);
            let unread = &self.buffer[self.at..];
            if let httparse::Status::Complete(len) = parsed.parse(unread)? {
                let response = Response {
                    status: parsed.code.unwrap_or_default(),
                    headers: parsed.headers.iter().map(owned).collect(),
                    ..Response::default()
                };
                self.at += len;
                if response.status == 100 {
                    continue;
                }
                return Ok(response);
            }
            if !self.fill()? {
                bail!("the connection was closed without an answer");
            }
        }
    }

    fn body(&mut self, response: &mut Response) -> Result<()> {
        if response.status == 204 || response.status == 304 {
            return Ok(());
        }
        if let Some(length) = response.header("content-length") {
            let length: usize = length.parse().context("Content-Length is no number")?;
            while self.buffer.len() - self.at < length {
                if !self.fill()? {
                    response.cut = true;
                    break;
                }
            }
            let end = self.buffer.len().min(self.at + length);
            response.body = self.buffer[self.at..end].to_vec();
            return Ok(());
        }
        if response.header("transfer-encoding") == Some("chunked") {
            response.cut = !self.chunks(response)?;
            return Ok(());
        }
        while self.fill()? {}
        response.body = self.buffer.split_off(self.at);
        Ok(())
    }

    /// Reads chunks and trailers; false when they end early.
    fn chunks(&mut self, response: &mut Response) -> Result<bool> {
        loop {
            let Some(line) = self.line()? else {
                return Ok(false);
            };
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).context("a chunk has no size")?;
            if size == 0 {
                break;
            }
            while self.buffer.len() - self.at < size + 2 {
                if !self.fill()? {
                    let rest = self.buffer[self.at..].iter().take(size);
                    response.body.extend(rest);
                    return Ok(false);
                }
            }
            let end = self.at + size;
            response.body.extend_from_slice(&self.buffer[self.at..end]);
            self.at = end + 2;
        }
        loop {
            match self.line()? {
                None => return Ok(false),
                Some(line) if line.is_empty() => return Ok(true),
                Some(line) => {
                    let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                    let trailer = (name.to_owned(), value.trim().to_owned());
                    response.trailers.push(trailer);
                }
            }
        }
    }

    fn line(&mut self) -> Result<Option<String>> {
        loop {
            let unread = &self.buffer[self.at..];
            if let Some(len) = unread.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&unread[..len]).into_owned();
                self.at += len + 2;
                return Ok(Some(line));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }
}

fn owned(header: &httparse::Header<'_>) -> (String, String) {
    (
        header.name.to_owned(),
        String::from_utf8_lossy(header.value).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Response> {
        let mut reader = Reader {
            socket: bytes,
            buffer: Vec::new(),
            at: 0,
        };
        let mut response = reader.head()?;
        reader.body(&mut response)?;
        Ok(response)
    }

    #[test]
    fn chunks_and_trailers_are_read() {
        let response = read(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Stream-Error\r\n\r\n\
              3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Stream-Error: it broke\r\n\r\n",
        )
        .unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(response.body, b"abcde");
        assert_eq!(
            response.trailers,
            [("X-Stream-Error".to_owned(), "it broke".to_owned())]
        );
        assert!(!response.cut);
    }

    #[test]
    fn what_is_cut_is_said_to_be_cut() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for body in ["", "5\r\nabc", "3\r\nabc\r\n", "0\r\nX: y\r\n"] {
            assert!(
                read(format!("{head}{body}").as_bytes()).unwrap().cut,
                "{body:?}"
            );
        }
        let short = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
        assert!(read(short).unwrap().cut);
        assert!(read(b"").is_err());
    }

    #[test]
    fn a_length_bounds_the_body_and_100_is_passed_over() {
        let response = read(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nabc",
        )
        .unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (404, &b"ab"[..])
        );
    }
}
