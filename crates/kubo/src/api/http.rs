//! As much of HTTP/1.1 as asking a Kubo takes: POST without a body, answers in chunks.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::Api;
use crate::{Error, Result};

/// A line of a head, of a chunk's size, or of JSON.
const MAX_LINE: u64 = 64 << 10;
const MAX_HEADERS: usize = 100;
/// Kubo may think about an answer, but not be silent for longer.
const PATIENCE: Duration = Duration::from_secs(120);

type Stream = BufReader<TcpStream>;

/// A connection that is kept for the next call.
pub struct Connection {
    api: Api,
    open: Option<Stream>,
}

/// How much of a body is left.
enum Left {
    Bytes(u64),
    /// In the present chunk; `None` before the first.
    Chunk(Option<u64>),
    Close,
    Nothing,
}

struct Body {
    stream: Stream,
    left: Left,
    reusable: bool,
}

impl Connection {
    pub(super) fn new(api: Api) -> Self {
        Self { api, open: None }
    }

    /// The whole answer to a call, at most `limit` bytes.
    pub(super) fn whole(&mut self, call: &str, limit: u64) -> Result<Vec<u8>> {
        // A kept connection may have been closed meanwhile.
        let kept = self.open.is_some();
        match self.try_whole(call, limit) {
            Err(Error::Api { .. }) if kept => self.try_whole(call, limit),
            other => other,
        }
    }

    fn try_whole(&mut self, call: &str, limit: u64) -> Result<Vec<u8>> {
        let api = self.api.clone();
        let mut body = self.send(call)?;
        let mut bytes = Vec::new();
        let read = (&mut body).take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|e| api.error(format!("{call}: {e}")))?;
        if bytes.len() as u64 > limit {
            return Err(api.error(format!("{call}: the answer is over {limit} bytes")));
        }
        if body.reusable && matches!(body.left, Left::Nothing) {
            self.open = Some(body.stream);
        }
        Ok(bytes)
    }

    /// The lines of JSON that answer a call.
    pub(super) fn lines(
        mut self,
        call: &str,
    ) -> Result<impl Iterator<Item = Result<Value>> + Send + use<>> {
        let api = self.api.clone();
        let call = call.to_owned();
        let mut body = BufReader::new(self.send(&call)?);
        let mut ended = false;
        Ok(std::iter::from_fn(move || {
            if ended {
                return None;
            }
            let mut line = Vec::new();
            let read = (&mut body).take(MAX_LINE).read_until(b'\n', &mut line);
            let value = match read {
                Ok(0) => None,
                Ok(_) => Some(serde_json::from_slice(&line).map_err(|e| e.to_string())),
                Err(e) => Some(Err(e.to_string())),
            };
            ended = !matches!(value, Some(Ok(_)));
            value.map(|value| value.map_err(|e: String| api.error(format!("{call}: {e}"))))
        }))
    }

    fn send(&mut self, call: &str) -> Result<Body> {
        let api = self.api.clone();
        let failed = |e: std::io::Error| api.error(format!("{call}: {e}"));
        let mut stream = match self.open.take() {
            Some(stream) => stream,
            None => {
                let host = (api.host.as_str(), api.port);
                let stream = TcpStream::connect(host).map_err(failed)?;
                let _ = stream.set_nodelay(true);
                stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
                BufReader::new(stream)
            }
        };
        let request = format!(
            "POST /api/v0/{call} HTTP/1.1\r\nHost: {}:{}\r\nContent-Length: 0\r\n\r\n",
            api.host, api.port
        );
        stream
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(failed)?;
        let (status, left, reusable) = head(&mut stream).map_err(failed)?;
        let mut body = Body {
            stream,
            left,
            reusable,
        };
        if status == 200 {
            return Ok(body);
        }
        let mut text = Vec::new();
        (&mut body)
            .take(MAX_LINE)
            .read_to_end(&mut text)
            .map_err(failed)?;
        if body.reusable && matches!(body.left, Left::Nothing) {
            self.open = Some(body.stream);
        }
        let message = serde_json::from_slice::<Value>(&text).ok();
        let message = message.and_then(|m| Some(m["Message"].as_str()?.to_owned()));
        Err(Error::Refused(message.unwrap_or_else(|| {
            format!("status {status}: {}", String::from_utf8_lossy(&text).trim())
        })))
    }
}

fn broken(reason: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, reason.to_owned())
}

fn line(stream: &mut Stream) -> std::io::Result<String> {
    let mut line = Vec::new();
    stream.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Status, what follows, and whether the connection can be used again.
fn head(stream: &mut Stream) -> std::io::Result<(u16, Left, bool)> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|s| s.parse().ok());
    let status = status.ok_or_else(|| broken("it does not speak HTTP"))?;
    let (mut left, mut reusable) = (Left::Close, true);
    for _ in 0..MAX_HEADERS {
        let header = line(stream)?;
        if header.is_empty() {
            return Ok((status, left, reusable));
        }
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        let value = value.trim().to_ascii_lowercase();
        match name.to_ascii_lowercase().as_str() {
            "transfer-encoding" if value == "chunked" => left = Left::Chunk(None),
            "content-length" if !matches!(left, Left::Chunk(_)) => {
                left = match value.parse().map_err(|_| broken("a length is no number"))? {
                    0 => Left::Nothing,
                    len => Left::Bytes(len),
                };
            }
            "connection" if value == "close" => reusable = false,
            _ => {}
        }
    }
    Err(broken("its answer has too many headers"))
}

impl Body {
    /// Goes to the next chunk when the present one is used up.
    fn next_chunk(&mut self) -> std::io::Result<()> {
        let Left::Chunk(present) = self.left else {
            return Ok(());
        };
        match present {
            Some(left) if left > 0 => return Ok(()),
            Some(_) if !line(&mut self.stream)?.is_empty() => {
                return Err(broken("a chunk has no end"));
            }
            _ => {}
        }
        let size = line(&mut self.stream)?;
        let size = size.split(';').next().unwrap_or_default();
        let size =
            u64::from_str_radix(size.trim(), 16).map_err(|_| broken("a chunk has no size"))?;
        self.left = Left::Chunk(Some(size));
        if size > 0 {
            return Ok(());
        }
        self.left = Left::Nothing;
        // An error after the answer began is told behind it.
        for _ in 0..MAX_HEADERS {
            let trailer = line(&mut self.stream)?;
            if trailer.is_empty() {
                return Ok(());
            }
            let (name, value) = trailer.split_once(':').unwrap_or((&trailer, ""));
            if name.eq_ignore_ascii_case("x-stream-error") {
                return Err(broken(value.trim()));
            }
        }
        Err(broken("its answer has too many trailers"))
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.next_chunk()?;
        let most = match self.left {
            Left::Nothing => return Ok(0),
            Left::Close => buffer.len(),
            Left::Bytes(left) | Left::Chunk(Some(left)) => buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX)),
            Left::Chunk(None) => 0,
        };
        let read = self.stream.read(&mut buffer[..most])?;
        if read == 0 && most > 0 && !matches!(self.left, Left::Close) {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let read_bytes = read as u64;
        self.left = match self.left {
            Left::Bytes(left) if left == read_bytes => Left::Nothing,
            Left::Bytes(left) => Left::Bytes(left - read_bytes),
            Left::Chunk(Some(left)) => Left::Chunk(Some(left - read_bytes)),
            Left::Close | Left::Chunk(None) | Left::Nothing => return Ok(read),
        };
        Ok(read)
    }
}
