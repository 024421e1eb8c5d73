//! Files on their way into a command: from the command line's file system or from a multipart
//! request, one entry after the other, never all in memory.

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::{Error, Result};

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A file; its bytes follow through [`Files::chunk`].
    File,
    /// A directory; what is in it follows as entries whose paths begin with its path.
    Directory,
    /// A symbolic link and its target.
    Symlink(Bytes),
}

/// A modification time as UnixFS keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mtime {
    /// Seconds since 1970.
    pub secs: i64,
    /// Nanoseconds below a second.
    pub nanos: u32,
}

/// What a file is and who may do what with it, in the bits of Go's `fs.FileMode`: that is how it is
/// sent, and how the options say it. Permissions are as in Unix, all else is further up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMode(pub u32);

/// Bits of Go and of Unix that mean the same.
const SPECIAL: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];

impl FileMode {
    /// The mode of a file on disk: Unix permissions, and Go's bit for what it is.
    pub fn on_disk(permissions: u32, kind: &NodeKind) -> Self {
        let kind = match kind {
            NodeKind::File => 0,
            NodeKind::Directory => 1 << 31,
            NodeKind::Symlink(_) => return Self(1 << 27 | 0o777),
        };
        let special = SPECIAL.iter().filter(|(_, unix)| permissions & unix != 0);
        Self(special.fold(permissions & 0o777 | kind, |mode, (go, _)| mode | go))
    }

    /// What UnixFS stores of it: the bits of Unix, if any is set.
    pub fn stored(self) -> Option<u32> {
        let special = SPECIAL.iter().filter(|(go, _)| self.0 & go != 0);
        let bits = special.fold(self.0 & 0o777, |bits, (_, unix)| bits | unix);
        (bits != 0).then_some(bits)
    }
}

/// A file, directory or symlink that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Slash-separated, relative, without empty or dot parts; bytes, since file names need not be
    /// UTF-8. Empty for a stream without a name.
    pub path: Bytes,
    /// What it is.
    pub kind: NodeKind,
    /// The file's mode, if it was sent.
    pub mode: Option<FileMode>,
    /// Modification time, if it was sent.
    pub mtime: Option<Mtime>,
    /// Where the file lies, for `--nocopy`.
    pub abspath: Option<PathBuf>,
    /// Size of the file in bytes where it is known.
    pub size: Option<u64>,
}

/// A stream of entries.
#[async_trait]
pub trait Files: Send + Sync {
    /// The next entry; what is left of the present one is passed over.
    async fn next(&mut self) -> Result<Option<FileEntry>>;
    /// The next bytes of the present entry; `None` at its end.
    async fn chunk(&mut self) -> Result<Option<Bytes>>;
    /// Bytes of all that comes, for progress; `None` where it is not known.
    fn total_size(&self) -> Option<u64> {
        None
    }
}

/// The longest argument that is read from a body.
const MAX_LINE: usize = 1 << 20;

/// Arguments that come in a body, one a line.
pub struct Lines {
    files: Box<dyn Files>,
    began: bool,
    done: bool,
    buffer: BytesMut,
}

impl Lines {
    /// Reads the lines of the first file.
    pub fn new(files: Box<dyn Files>) -> Self {
        Self {
            files,
            began: false,
            done: false,
            buffer: BytesMut::new(),
        }
    }

    /// The next line without its end; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<String>> {
        if !self.began {
            self.began = true;
            self.done = self.files.next().await?.is_none();
        }
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer) {
                let mut line = self.buffer.split_to(at + 1);
                line.truncate(at);
                if line.last() == Some(&b'\r') {
                    line.truncate(at - 1);
                }
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.buffer.len() > MAX_LINE {
                return Err(Error::client(format!(
                    "an argument in the body is over {MAX_LINE} bytes"
                )));
            }
            if self.done {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                let rest = self.buffer.split();
                return Ok(Some(String::from_utf8_lossy(&rest).into_owned()));
            }
            match self.files.chunk().await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => self.done = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_go_s_on_the_way_and_unix_s_in_the_store() {
        let directory = FileMode::on_disk(0o1755, &NodeKind::Directory);
        assert_eq!(directory, FileMode(0o20004000755));
        assert_eq!(directory.stored(), Some(0o1755));
        assert_eq!(
            FileMode::on_disk(0o6640, &NodeKind::File).stored(),
            Some(0o6640)
        );
        // The special bits of Unix mean nothing to Go.
        assert_eq!(FileMode(0o7640).stored(), Some(0o640));
        assert_eq!(FileMode(0o1000).stored(), None);
    }
}
