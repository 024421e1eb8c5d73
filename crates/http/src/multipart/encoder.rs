use bytes::{BufMut, Bytes, BytesMut};

use crate::query;

/// Writes the frame around parts, as the client of Kubo's command line does.
#[derive(Debug)]
pub struct Encoder {
    boundary: String,
    begun: bool,
    raw_abspath: bool,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file; its bytes follow.
    File,
    /// A directory; nothing follows.
    Directory,
    /// A symbolic link; its target follows.
    Symlink,
}

/// What the head of a part says.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// What it is.
    pub kind: EntryKind,
    /// Path with slashes; bytes, since names need not be UTF-8.
    pub path: &'a [u8],
    /// Where it lies on the client's disk, for `--nocopy`.
    pub abspath: Option<&'a [u8]>,
    /// The mode in the bits of Go's `fs.FileMode`.
    pub mode: Option<u32>,
    /// Modification time: seconds since 1970, and nanoseconds.
    pub mtime: Option<(i64, u32)>,
}

impl Encoder {
    /// An encoder with a random boundary.
    pub fn new() -> Self {
        let random: [u8; 30] = rand::random();
        Self {
            boundary: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            begun: false,
            raw_abspath: false,
        }
    }

    /// Whether the places of files are sent as they are, as servers before Kubo 0.23 want them.
    pub fn raw_abspath(mut self, raw: bool) -> Self {
        self.raw_abspath = raw;
        self
    }

    /// The `Content-Type` of the request.
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// What stands before the bytes of a part. Every part is written with one call, even a directory.
    pub fn part(&mut self, entry: &Entry<'_>) -> Bytes {
        let mut out = BytesMut::with_capacity(256 + 3 * entry.path.len());
        if self.begun {
            out.put_slice(b"\r\n");
        }
        self.begun = true;
        let mut line = |pieces: &[&[u8]]| {
            for piece in pieces {
                out.put_slice(piece);
            }
            out.put_slice(b"\r\n");
        };
        line(&[b"--", self.boundary.as_bytes()]);
        match entry.abspath {
            // A line break would end the field.
            Some(abspath) if self.raw_abspath && !abspath.iter().any(|b| b"\r\n".contains(b)) => {
                line(&[b"Abspath: ", abspath]);
            }
            Some(abspath) => line(&[b"Abspath-Encoded: ", query::escape(abspath).as_bytes()]),
            None => {}
        }
        let filename = query::escape(entry.path);
        line(&[
            b"Content-Disposition: form-data; name=\"file",
            entry.attributes().as_bytes(),
            b"\"; filename=\"",
            filename.as_bytes(),
            b"\"",
        ]);
        line(&[b"Content-Type: ", entry.kind.content_type().as_bytes()]);
        line(&[]);
        out.freeze()
    }

    /// What stands after the last part.
    pub fn end(&mut self) -> Bytes {
        format!("\r\n--{}--\r\n", self.boundary).into()
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl EntryKind {
    /// The media type that says what a part is.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::File => "application/octet-stream",
            Self::Directory => "application/x-directory",
            Self::Symlink => "application/symlink",
        }
    }
}

impl Entry<'_> {
    /// Mode and time, as a query that is appended to the part's name.
    fn attributes(&self) -> String {
        let mode = self
            .mode
            .filter(|&mode| mode != 0)
            .map(|mode| format!("0{mode:o}"));
        let secs = self.mtime.map(|(secs, _)| secs.to_string());
        let nanos = self
            .mtime
            .map(|(_, nanos)| nanos)
            .filter(|&n| n != 0)
            .map(|n| n.to_string());
        let all = [("mode", mode), ("mtime", secs), ("mtime-nsecs", nanos)];
        let query = query::encode(
            all.iter()
                .filter_map(|(name, value)| Some((*name, value.as_deref()?))),
        );
        if query.is_empty() {
            query
        } else {
            format!("?{query}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_kubo_writes_it() {
        let mut encoder = Encoder::new();
        let boundary = encoder.boundary.clone();
        assert_eq!(boundary.len(), 60);
        let file = Entry {
            kind: EntryKind::File,
            path: b"dir/a \xff",
            abspath: Some(b"/tmp/a b"),
            mode: Some(0o644),
            mtime: Some((1_600_000_000, 5)),
        };
        assert_eq!(
            encoder.part(&file),
            format!(
                "--{boundary}\r\nAbspath-Encoded: %2Ftmp%2Fa+b\r\nContent-Disposition: form-data; \
                 name=\"file?mode=0644&mtime=1600000000&mtime-nsecs=5\"; filename=\"dir%2Fa+%FF\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            )
        );
        let dir = Entry {
            kind: EntryKind::Directory,
            path: b"dir",
            abspath: None,
            mode: None,
            mtime: Some((-1, 0)),
        };
        let text = String::from_utf8(encoder.part(&dir).to_vec()).unwrap();
        assert!(
            text.starts_with(&format!("\r\n--{boundary}\r\nContent-Disposition: ")),
            "{text}"
        );
        assert!(text.contains("name=\"file?mtime=-1\"; filename=\"dir\"\r\nContent-Type: application/x-directory\r\n\r\n"));
        assert_eq!(encoder.end(), format!("\r\n--{boundary}--\r\n"));
    }

    #[test]
    fn old_servers_want_places_as_they_are() {
        let mut encoder = Encoder::new().raw_abspath(true);
        let mut part = |abspath: &[u8]| {
            let entry = Entry {
                kind: EntryKind::File,
                path: b"a",
                abspath: Some(abspath),
                mode: None,
                mtime: None,
            };
            String::from_utf8(encoder.part(&entry).to_vec()).expect("text")
        };
        assert!(part(b"/tmp/a b").contains("\r\nAbspath: /tmp/a b\r\n"));
        assert!(part(b"/tmp/a\nX: y").contains("\r\nAbspath-Encoded: %2Ftmp%2Fa%0AX%3A+y\r\n"));
    }
}
