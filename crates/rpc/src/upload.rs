//! The files of a multipart request.

use async_trait::async_trait;
use basalt_commands::files::{FileEntry, Files, Mtime, NodeKind};
use basalt_commands::{Error, Result};
use bytes::{Bytes, BytesMut};
use std::os::unix::ffi::OsStringExt;

use crate::http::multipart::{Multipart, Part};
use crate::http::{Body, Headers, query};

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

fn failed(error: crate::Error) -> Error {
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
        let attributes = attributes(&part);
        let of = |name: &str| {
            attributes
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.as_str())
        };
        let secs = of("mtime").map(str::parse).transpose();
        let nanos = of("mtime-nsecs").map(str::parse).transpose();
        let mode = of("mode")
            .map(|text| u32::from_str_radix(text.trim_start_matches("0o"), 8))
            .transpose();
        let bad = |what| Error::client(format!("the {what} of a part is not a number"));
        let nanos = nanos.map_err(|_| bad("mtime-nsecs"))?.unwrap_or(0);
        Ok(Some(FileEntry {
            path: path(&part)?,
            kind,
            mode: mode.map_err(|_| bad("mode"))?,
            mtime: secs
                .map_err(|_| bad("mtime"))?
                .map(|secs| Mtime { secs, nanos }),
            abspath: abspath(&part.headers),
            size: None,
        }))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.parts.chunk().await.map_err(failed)
    }
}

/// Mode and time, which clients append to the part's name as a query.
fn attributes(part: &Part) -> Vec<(String, String)> {
    let name = String::from_utf8_lossy(&part.name).into_owned();
    name.split_once('?')
        .map(|(_, text)| query::parse(text))
        .unwrap_or_default()
}

/// The file name, unescaped and without dots, empty parts and a leading slash.
fn path(part: &Part) -> Result<Bytes> {
    let Some(name) = &part.filename else {
        return Ok(Bytes::new());
    };
    let name = query::unescape(name).ok_or_else(|| {
        Error::client(format!(
            "the file name {:?} is not escaped well",
            String::from_utf8_lossy(name)
        ))
    })?;
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
    Ok(clean.join(&b'/').into())
}

fn abspath(headers: &Headers) -> Option<std::path::PathBuf> {
    let bytes = match headers.get_bytes("Abspath-Encoded") {
        Some(encoded) => query::unescape(encoded)?,
        None => headers.get_bytes("Abspath")?.to_vec(),
    };
    Some(std::ffi::OsString::from_vec(bytes).into())
}
