//! What a path leads to, opened.

use basalt_block::{Block, Cid, codec};
use basalt_ipld::codec as codecs;
use basalt_ipld::dag_pb::Node;
use basalt_unixfs::{Directory, File, Inode, Mtime, Stat, Symlink};

use crate::backend::Backend;
use crate::error::Error;

/// Content.
pub(crate) enum Content {
    /// A file of UnixFS, a raw block, or a block of a codec that is not looked into.
    File(File),
    /// A file that is one raw block, of which only the length is wanted.
    Length(u64),
    /// A block that is shown as it is.
    Block(Block),
    Symlink(Symlink),
    Directory(Directory),
}

impl Content {
    /// Reads the first block of what `cid` names.
    pub(crate) async fn open(backend: &Backend, cid: &Cid) -> Result<Self, Error> {
        let block = backend.block(cid).await?;
        match cid.codec() {
            codec::DAG_PB => {
                let node = Node::decode(block.data());
                node.map_err(|e| Error::from(e).retrieving())?;
            }
            codec::RAW => {}
            // Kubo knows these by plugins, and shows them as files.
            codecs::GIT_RAW | codecs::DAG_JOSE => return Ok(Self::Block(block)),
            code => {
                // What does not decode is not shown as what it claims to be.
                let decoded = basalt_ipld::decode_block(code, block.data());
                decoded.map_err(|e| Error::from(e).retrieving())?;
                return Ok(Self::Block(block));
            }
        }
        Ok(match Inode::from_block(backend.source(), block).await? {
            Inode::File(file) => Self::File(file),
            Inode::Directory(directory) => Self::Directory(directory),
            Inode::Symlink(symlink) => Self::Symlink(symlink),
        })
    }

    /// When it was last changed, where that is stored.
    pub(crate) fn mtime(&self) -> Option<Mtime> {
        let stat = match self {
            Self::File(file) => file.stat(),
            Self::Directory(directory) => directory.stat(),
            Self::Symlink(symlink) => symlink.stat,
            Self::Length(_) | Self::Block(_) => Stat::default(),
        };
        stat.mtime
    }
}

/// Whether blocks of this codec are documents: shown by their codec, not as files.
pub(crate) fn is_document(code: u64) -> bool {
    matches!(
        code,
        codecs::JSON | codecs::CBOR | codec::DAG_JSON | codec::DAG_CBOR
    )
}
