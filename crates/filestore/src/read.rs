//! Reading the bytes of a reference. Whatever is read is checked against the hash: what a file or a
//! server says is never believed.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use basalt_block::{Block, Cid, Multihash, codec};
use basalt_http::{Headers, fetch};
use bytes::{Bytes, BytesMut};

use crate::row::Reference;
use crate::write::{FILES_OFF, URLS_OFF};
use crate::{Broken, Filestore, Status};

/// How long a server may take for one block.
const PATIENCE: Duration = Duration::from_secs(60);

impl Filestore {
    /// The bytes that `reference` points to, if they are those of `hash`.
    pub(crate) async fn read(
        &self,
        hash: &Multihash,
        reference: &Reference,
    ) -> Result<Bytes, Broken> {
        // Never closed.
        let _turn = self.0.readers.clone().acquire_owned().await;
        let data = if reference.is_url() {
            if !self.0.options.urls {
                return Err(Broken::new(Status::Other, URLS_OFF));
            }
            let fetched = tokio::time::timeout(PATIENCE, fetch_range(reference)).await;
            fetched.unwrap_or_else(|_| {
                Err(Broken::new(Status::FileError, "context deadline exceeded"))
            })?
        } else {
            if !self.0.options.files {
                return Err(Broken::new(Status::Other, FILES_OFF));
            }
            let (root, reference) = (self.0.options.root.clone(), reference.clone());
            let read = tokio::task::spawn_blocking(move || read_file(&root, &reference));
            read.await
                .unwrap_or_else(|e| Err(Broken::new(Status::Other, e.to_string())))?
        };
        match Block::verified(Cid::new_v1(codec::RAW, *hash), data) {
            Ok(block) => Ok(block.into_data()),
            Err(_) => {
                let (path, offset) = (text(&reference.path), reference.offset);
                let message = format!("data in file did not match. {path} offset {offset}");
                Err(Broken::new(Status::Changed, message))
            }
        }
    }
}

fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// The absolute path, if it lies in `root`. Links on the way are followed.
fn absolute(root: &Path, path: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let within = path.components().all(|c| matches!(c, Component::Normal(_)));
    (within && !path.as_os_str().as_bytes().contains(&0)).then(|| root.join(path))
}

fn read_file(root: &Path, reference: &Reference) -> Result<Bytes, Broken> {
    let Some(path) = absolute(root, &reference.path) else {
        let message = format!("{} is outside of the root", text(&reference.path));
        return Err(Broken::new(Status::FileError, message));
    };
    let failed = |doing: &str, error: io::Error| {
        let words = match error.raw_os_error() {
            Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
            None => error.to_string(),
        };
        let status = match error.kind() {
            ErrorKind::NotFound => Status::NoFile,
            _ => Status::FileError,
        };
        Broken::new(status, format!("{doing} {}: {words}", path.display()))
    };
    // A pipe in the place of the file must not hold the reader up.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(nix::libc::O_NONBLOCK);
    let file: File = options.open(&path).map_err(|e| failed("open", e))?;
    let stat = file.metadata().map_err(|e| failed("stat", e))?;
    if !stat.is_file() {
        let what = if stat.is_dir() {
            "is a directory"
        } else {
            "not a regular file"
        };
        return Err(failed("read", io::Error::other(what)));
    }
    let place = format!("{} offset {}", text(&reference.path), reference.offset);
    if stat.len() < reference.offset.saturating_add(reference.size) {
        return Err(Broken::new(Status::Changed, "EOF").at(place));
    }
    // The row was found to be within bounds when it was decoded.
    let mut data = BytesMut::zeroed(usize::try_from(reference.size).unwrap_or(0));
    match file.read_exact_at(&mut data, reference.offset) {
        Ok(()) => Ok(data.freeze()),
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
            Err(Broken::new(Status::Changed, "EOF").at(place))
        }
        Err(e) => Err(failed("read", e)),
    }
}

async fn fetch_range(reference: &Reference) -> Result<Bytes, Broken> {
    let url = text(&reference.path);
    let failed = |text: String| Broken::new(Status::FileError, text).at(url.clone());
    let last = reference.offset + reference.size.max(1) - 1;
    let range = format!("bytes={}-{last}", reference.offset);
    let headers = Headers::from_iter([("Range", range.as_str())]);
    let mut response = fetch(&url, &headers)
        .await
        .map_err(|e| Broken::new(Status::FileError, e.to_string()))?;
    if !matches!(response.status, 200 | 206) {
        let status = response.status;
        return Err(failed(format!("expected HTTP 200 or 206 got {status}")));
    }
    let size = usize::try_from(reference.size).unwrap_or(0);
    let mut data = BytesMut::with_capacity(size);
    while data.len() < size {
        let chunk = match response.body.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) | Err(basalt_http::Error::UnexpectedEof) => {
                let what = if data.is_empty() {
                    "EOF"
                } else {
                    "unexpected EOF"
                };
                return Err(Broken::new(Status::Changed, what).at(url.clone()));
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let room = size - data.len();
        data.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(data.freeze())
}
