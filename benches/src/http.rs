//! A small HTTP/1.1 client for one purpose: to cost little beside the server that it measures.
//!
//! Answers are not parsed beyond their framing; bodies are sent in large writes, while the answer is
//! read on another thread, since `add` answers before it has read everything.

mod answer;
mod body;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub(crate) use answer::Answer;
pub(crate) use body::{Body, Form};

/// Bytes that are read from a socket at once.
pub(crate) const READ: usize = 256 << 10;

/// Why an answer is not taken: it is shown with the request's path.
const SHOWN: usize = 500;

/// A keep-alive connection to a daemon's RPC.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    patience: Duration,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    /// A connection that is opened when it is first used, and whose reads and writes fail after
    /// `patience`.
    pub(crate) fn new(address: SocketAddr, patience: Duration) -> Self {
        Self {
            address,
            patience,
            stream: None,
            buffer: vec![0; READ],
        }
    }

    /// Calls `path` (below `/api/v0/`) without a body, and hands the answer's body to `sink`.
    pub(crate) fn call(&mut self, path: &str, sink: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.exchange(&request(path, None), sink)
            .with_context(|| format!("{path} failed"))
    }

    /// Calls `path` and returns the answer's body.
    pub(crate) fn text(&mut self, path: &str) -> Result<String> {
        let mut bytes = Vec::new();
        self.call(path, &mut |piece| bytes.extend_from_slice(piece))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Sends a request that was rendered before.
    pub(crate) fn exchange(&mut self, request: &[u8], sink: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut stream = self.take()?;
        stream.write_all(request)?;
        let reusable = receive(&mut stream, &mut self.buffer, sink)?;
        self.stream = reusable.then_some(stream);
        Ok(())
    }

    /// Calls `path` with `body`, sent in chunks, and hands the answer's body to `sink` meanwhile.
    pub(crate) fn upload(
        &mut self,
        path: &str,
        body: Body,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        let mut stream = self.take()?;
        let mut writer = stream.try_clone()?;
        let buffer = &mut self.buffer;
        let (sent, received) = std::thread::scope(|scope| {
            let sending = scope.spawn(move || send(&mut writer, path, body));
            let received = receive(&mut stream, buffer, sink);
            // An answer that came before the body was sent is an error: nobody reads the rest.
            if !matches!(received, Ok(true)) && !sending.is_finished() {
                let _ = stream.shutdown(Shutdown::Write);
            }
            (sending.join(), received)
        });
        let reusable = received.with_context(|| format!("{path} failed"))?;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                return Err(error).with_context(|| format!("sending to {path} failed"));
            }
            Err(_) => bail!("sending to {path} panicked"),
        }
        self.stream = reusable.then_some(stream);
        Ok(())
    }

    fn take(&mut self) -> Result<TcpStream> {
        if let Some(stream) = self.stream.take() {
            return Ok(stream);
        }
        let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(30))
            .with_context(|| format!("cannot connect to the RPC at {}", self.address))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(stream)
    }
}

/// Renders a request, with its whole body if it has one.
pub(crate) fn request(path: &str, form: Option<Form>) -> Vec<u8> {
    let body = form.map(Form::finish);
    let mut request = head(path).into_bytes();
    if body.is_some() {
        request.extend_from_slice(format!("Content-Type: {}\r\n", body::content_type()).as_bytes());
    }
    let body = body.unwrap_or_default();
    request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    request.extend_from_slice(&body);
    request
}

/// Renders a request for content.
pub(crate) fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: basalt-bench\r\n\r\n").into()
}

fn head(path: &str) -> String {
    format!("POST /api/v0/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: basalt-bench\r\n")
}

fn send(stream: &mut TcpStream, path: &str, mut body: Body) -> std::io::Result<()> {
    let head = head(path);
    let kind = body::content_type();
    stream.write_all(
        format!("{head}Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes(),
    )?;
    let mut first = true;
    while let Some(piece) = body.next() {
        let end_of_last = if first { "" } else { "\r\n" };
        first = false;
        stream.write_all(format!("{end_of_last}{:x}\r\n", piece.len()).as_bytes())?;
        stream.write_all(piece)?;
    }
    stream.write_all(if first {
        b"0\r\n\r\n"
    } else {
        b"\r\n0\r\n\r\n"
    })
}

/// Reads one answer; whether the connection may be used again.
fn receive(stream: &mut TcpStream, buffer: &mut [u8], sink: &mut dyn FnMut(&[u8])) -> Result<bool> {
    let mut answer = Answer::default();
    let mut refusal = Vec::new();
    while !answer.is_done() {
        let read = match stream.read(buffer) {
            Ok(0) => {
                answer.end()?;
                break;
            }
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                bail!("no answer in time");
            }
            Err(error) => return Err(error.into()),
        };
        answer.feed(&buffer[..read], &mut |status, piece| {
            if status == 200 {
                sink(piece);
            } else if refusal.len() < SHOWN {
                refusal.extend_from_slice(&piece[..piece.len().min(SHOWN)]);
            }
        })?;
    }
    if answer.status() != 200 {
        bail!(
            "status {}: {}",
            answer.status(),
            String::from_utf8_lossy(&refusal).trim()
        );
    }
    if let Some(error) = answer.stream_error() {
        bail!("the answer ended with an error: {error}");
    }
    Ok(!answer.closes())
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;
    use std::net::TcpListener;

    use super::*;

    /// A server that answers one request with `answer`, without looking at it.
    fn server(answer: &'static str) -> (SocketAddr, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
            let mut seen = Vec::new();
            while !seen.ends_with(b"0\r\n\r\n") {
                if reader.read_until(b'\n', &mut seen).unwrap_or(0) == 0 {
                    break;
                }
            }
            stream.write_all(answer.as_bytes()).unwrap();
            seen
        });
        (address, thread)
    }

    #[test]
    fn an_upload_is_sent_whole_and_its_answer_read() {
        let (address, thread) = server(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Stream-Error\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        );
        let mut form = Form::default();
        form.file("f", |bytes| bytes.extend_from_slice(b"hello"));
        let mut got = Vec::new();
        let mut connection = Connection::new(address, Duration::from_secs(5));
        connection
            .upload("add", Body::from(form), &mut |piece| {
                got.extend_from_slice(piece)
            })
            .unwrap();
        assert_eq!(got, b"abc");
        let seen = String::from_utf8(thread.join().unwrap()).unwrap();
        assert!(seen.starts_with("POST /api/v0/add HTTP/1.1\r\n"), "{seen}");
        assert!(
            seen.contains("filename=\"f\"") && seen.contains("hello"),
            "{seen}"
        );
    }

    #[test]
    fn errors_name_the_path_and_the_cause() {
        for (answer, words) in [
            (
                "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nsad!",
                "status 500: sad!",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Stream-Error: torn\r\n\r\n",
                "ended with an error: torn",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", "cut off"),
        ] {
            let (address, thread) = server(answer);
            let mut connection = Connection::new(address, Duration::from_secs(5));
            let error = connection
                .upload("x", Body::from(Form::default()), &mut |_| {})
                .unwrap_err();
            let error = format!("{error:#}");
            assert!(
                error.contains(words) && error.contains("x failed"),
                "{error}"
            );
            thread.join().unwrap();
        }
    }
}
