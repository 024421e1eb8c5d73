//! Reading files.

use basalt_unixfs::{File, Inode};

use crate::mfs::Mfs;
use crate::node::{Kind, Node};
use crate::{Error, Result};

impl Mfs {
    /// The content of a file that was found at `path`. It is that of now, whatever is written
    /// while it is read.
    pub async fn open_file(&self, path: &str, node: Node) -> Result<File> {
        if node.kind == Kind::Directory {
            return Err(Error::WasNotFile(path.to_owned()));
        }
        // Content is waited for as long as its reader likes.
        let source = self.0.parts.source.clone();
        match Inode::from_block(source, node.block).await? {
            Inode::File(file) => Ok(file),
            Inode::Directory(_) => Err(Error::WasNotFile(path.to_owned())),
            Inode::Symlink(_) => Err(Error::Symlink),
        }
    }
}
