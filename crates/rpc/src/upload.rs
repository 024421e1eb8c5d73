//! The files of a multipart request.

use async_trait::async_trait;
use basalt_commands::files::{FileEntry, FileMode, Files, Mtime, NodeKind};
use basalt_commands::{Error, Result};
use bytes::{Bytes, BytesMut};
use std::os::unix::ffi::OsStringExt;

use basalt_http::multipart::{Multipart, Part};
use basalt_http::{Body, Headers, query};

/// The longest target of a symbolic link, in bytes.
const MAX_TARGET: usize = 64 << 10;

/// Files as they come in a request.
pub(crate) struct Upload {
    parts: Multipart,
}

impl Upload {
    /// The files of a request, if its body is one of files. An error is what a client is told.
    pub(crate) fn of(headers: &Headers, body: Body) -> Result<Option<Box<dyn Files>>, String> {
        let Some(content_type) = headers.get_bytes("Content-Type") else {
            return Ok(None);
        };
        if !content_type
            .to_ascii_lowercase()
            .starts_with(b"multipart/form-data")
        {
            return Ok(None);
        }
        let parts = Multipart::new(content_type, body).map_err(|e| e.to_string())?;
        Ok(Some(Box::new(Self { parts })))
    }

    async fn target(&mut self) -> Result<Bytes> {
        let mut target = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if target.len() + chunk.len() > MAX_TARGET {
                return Err(Error::client(format!(
                    "the target of a symlink is over {MAX_TARGET} bytes"
                )));
            }
            target.extend_from_slice(&chunk);
        }
        Ok(target.freeze())
    }
}

fn failed(error: basalt_http::Error) -> Error {
    Error::new(error.to_string())
}

#[async_trait]
impl Files for Upload {
    async fn next(&mut self) -> Result<Option<FileEntry>> {
        let Some(part) = self.parts.next_part().await.map_err(failed)? else {
            return Ok(None);
        };
        let kind = match part.content_type.as_str() {
            "application/x-directory" => NodeKind::Directory,
            "application/symlink" => NodeKind::Symlink(self.target().await?),
            _ => NodeKind::File,
        };
        let (mode, mtime) = attributes(&part);
        Ok(Some(FileEntry {
            path: path(&part),
            kind,
            mode,
            mtime,
            abspath: abspath(&part.headers),
            size: None,
        }))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.parts.chunk().await.map_err(failed)
    }
}

/// Mode and time, which clients append to the part's name as a query. What is not a number counts as
/// nothing; a query without a time means 1970.
fn attributes(part: &Part) -> (Option<FileMode>, Option<Mtime>) {
    let name = String::from_utf8_lossy(&part.name).into_owned();
    let Some((_, text)) = name.split_once('?') else {
        return (None, None);
    };
    let pairs = query::parse(text);
    let of = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let mode = of("mode").and_then(|text| u32::from_str_radix(text, 8).ok());
    let mode = mode.map(FileMode);
    let Ok(secs) = of("mtime").unwrap_or("0").parse::<i64>() else {
        return (mode, None);
    };
    let nanos = of("mtime-nsecs").and_then(|text| text.parse::<i64>().ok());
    let nanos = nanos.unwrap_or(0);
    const SECOND: i64 = 1_000_000_000;
    let mtime = Mtime {
        secs: secs.saturating_add(nanos.div_euclid(SECOND)),
        nanos: u32::try_from(nanos.rem_euclid(SECOND)).unwrap_or(0),
    };
    (mode, Some(mtime))
}

/// The file name, unescaped and without dots, empty parts and a leading slash.
fn path(part: &Part) -> Bytes {
    let Some(name) = &part.filename else {
        return Bytes::new();
    };
    // A name that is not escaped well is meant as it is.
    let name = query::unescape(name).unwrap_or_else(|| name.to_vec());
    let mut clean: Vec<&[u8]> = Vec::new();
    for piece in name.split(|b| *b == b'/') {
        match piece {
            b"" | b"." => {}
            b".." => {
                clean.pop();
            }
            piece => clean.push(piece),
        }
    }
    clean.join(&b'/').into()
}

fn abspath(headers: &Headers) -> Option<std::path::PathBuf> {
    let bytes = match headers.get_bytes("Abspath-Encoded") {
        Some(encoded) => query::unescape(encoded)?,
        None => headers.get_bytes("Abspath")?.to_vec(),
    };
    Some(std::ffi::OsString::from_vec(bytes).into())
}
