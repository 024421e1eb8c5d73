//! Multipart bodies.

use std::fs::File;
use std::io::{Read, Write};

use crate::data::{PIECE, Stream};

/// Separates parts. It cannot occur in test data, which is noise.
const BOUNDARY: &str = "----------------------basalt-bench-6f1d0c9a";

pub(super) fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// A body in memory, one part after another.
#[derive(Debug, Default)]
pub(crate) struct Form {
    bytes: Vec<u8>,
}

impl Form {
    /// Adds a file whose content `fill` appends.
    pub(crate) fn file(&mut self, name: &str, fill: impl FnOnce(&mut Vec<u8>)) {
        self.part(name, "application/octet-stream");
        fill(&mut self.bytes);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Adds a directory: files named `name/...` that follow are in it.
    pub(crate) fn directory(&mut self, name: &str) {
        self.part(name, "application/x-directory");
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn part(&mut self, name: &str, kind: &str) {
        let name = name.replace('/', "%2F");
        let _ = write!(
            self.bytes,
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: {kind}\r\n\r\n"
        );
    }

    /// The body's bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let _ = write!(self.bytes, "--{BOUNDARY}--\r\n");
        self.bytes
    }
}

/// A body that is sent in pieces of at most [`PIECE`].
#[derive(Debug)]
pub(crate) struct Body {
    head: Vec<u8>,
    sent: usize,
    stream: Option<Stream>,
    file: Option<File>,
    piece: Vec<u8>,
    tail: Option<Vec<u8>>,
}

impl Body {
    /// One file that is made while it is sent.
    pub(crate) fn stream(name: &str, stream: Stream) -> Self {
        let mut head = Form::default();
        head.part(name, "application/octet-stream");
        let tail = format!("\r\n--{BOUNDARY}--\r\n").into_bytes();
        Self {
            head: head.bytes,
            sent: 0,
            stream: Some(stream),
            file: None,
            piece: Vec::new(),
            tail: Some(tail),
        }
    }

    /// A file of the disk, which is read while it is sent.
    pub(crate) fn file(name: &str, file: File) -> Self {
        Self {
            stream: None,
            file: Some(file),
            piece: vec![0; PIECE],
            ..Self::stream(name, Stream::new(0, 0, PIECE))
        }
    }

    /// The next piece, none at the end.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        if self.sent < self.head.len() {
            let start = self.sent;
            self.sent = self.head.len().min(start + PIECE);
            return Some(&self.head[start..self.sent]);
        }
        if let Some(piece) = self.stream.as_mut().and_then(Stream::next) {
            return Some(piece);
        }
        // A file that cannot be read further is cut, and what is missing will be told.
        if let Some(Ok(len @ 1..)) = self.file.as_mut().map(|file| file.read(&mut self.piece)) {
            return Some(&self.piece[..len]);
        }
        // The last piece takes the place of the first, to be borrowed from.
        self.head = self.tail.take()?;
        self.sent = self.head.len();
        Some(&self.head)
    }
}

impl From<Form> for Body {
    fn from(form: Form) -> Self {
        Self {
            head: form.finish(),
            sent: 0,
            stream: None,
            file: None,
            piece: Vec::new(),
            tail: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(mut body: Body) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(piece) = body.next() {
            assert!(!piece.is_empty() && piece.len() <= PIECE);
            bytes.extend_from_slice(piece);
        }
        bytes
    }

    #[test]
    fn a_stream_is_framed_like_a_file_in_memory() {
        let mut content = Vec::new();
        let mut stream = Stream::new(3, 2 * PIECE as u64 + 9, PIECE);
        while let Some(piece) = stream.next() {
            content.extend_from_slice(piece);
        }
        let mut form = Form::default();
        form.file("a/b", |bytes| bytes.extend_from_slice(&content));
        let streamed = collect(Body::stream(
            "a/b",
            Stream::new(3, content.len() as u64, PIECE),
        ));
        assert_eq!(collect(Body::from(form)), streamed);
        assert!(String::from_utf8_lossy(&streamed).contains("filename=\"a%2Fb\""));
    }
}
