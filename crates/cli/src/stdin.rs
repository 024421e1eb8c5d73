//! Standard input as a file.

use async_trait::async_trait;
use basalt_commands::Result;
use basalt_commands::files::{FileEntry, Files, NodeKind};
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;

/// Standard input, read as one file.
pub(crate) struct Stdin {
    name: Bytes,
    began: bool,
    notice: bool,
}

impl Stdin {
    /// Standard input under a file name, which may be empty.
    pub(crate) fn new(name: Bytes) -> Self {
        Self {
            name,
            began: false,
            notice: is_character_device(),
        }
    }

    /// Its file name.
    pub(crate) fn name(&self) -> &Bytes {
        &self.name
    }
}

/// Whether a user may be typing: a terminal, and like Kubo any character device.
fn is_character_device() -> bool {
    use nix::sys::stat::{SFlag, fstat};
    fstat(std::io::stdin())
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFCHR)
}

#[async_trait]
impl Files for Stdin {
    async fn next(&mut self) -> Result<Option<FileEntry>> {
        if self.began {
            return Ok(None);
        }
        self.began = true;
        Ok(Some(FileEntry {
            path: self.name.clone(),
            kind: NodeKind::File,
            mode: None,
            mtime: None,
            abspath: Some("/dev/stdin".into()),
            size: None,
        }))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if std::mem::take(&mut self.notice) {
            eprintln!("ipfs: Reading from /dev/stdin; send Ctrl-d to stop.");
        }
        let mut buffer = BytesMut::with_capacity(256 << 10);
        let read = tokio::io::stdin().read_buf(&mut buffer).await?;
        Ok((read > 0).then(|| buffer.freeze()))
    }
}
