//! What is in a directory.

use basalt_block::{Cid, codec};
use basalt_unixfs::Entry;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use crate::lookup::Found;
use crate::mfs::Mfs;
use crate::node::{Kind, Node};
use crate::{Result, path};

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: Bytes,
    /// Its root.
    pub cid: Cid,
    /// What it is, and the bytes of a file, where that was asked for.
    pub kind: Option<(Kind, u64)>,
}

/// Entries, in the order of the directory.
pub type ListStream = BoxStream<'static, Result<Listed>>;

/// Blocks of entries that are read at once.
const AT_ONCE: usize = 64;

impl Mfs {
    /// The entries of the directory at a path, or the file there itself. With `long`, the block of
    /// each is read to tell what it is. What is changed after the call does not show.
    pub async fn list(&self, at: &str, long: bool) -> Result<(Kind, ListStream)> {
        let dir = match self.find(at).await? {
            Found::Dir(dir) => dir,
            Found::File(file) => {
                let kind = long
                    .then(|| Ok::<_, crate::Error>((Kind::File, file.node.file_size()?)))
                    .transpose()?;
                let one = Listed {
                    name: Bytes::copy_from_slice(path::split(at).1.as_bytes()),
                    cid: *file.node.block.cid(),
                    kind,
                };
                return Ok((Kind::File, stream::iter([Ok(one)]).boxed()));
            }
        };
        // The links to what is open below are those of its last writing.
        if long {
            self.written(&dir).await?;
        }
        let entries = dir.state.read().await.edit.entries();
        let entries = entries.map_err(crate::Error::from);
        if !long {
            let listed = entries.map_ok(|entry| Listed {
                name: entry.name,
                cid: entry.cid,
                kind: None,
            });
            return Ok((Kind::Directory, listed.boxed()));
        }
        let this = self.clone();
        let listed = entries
            .try_chunks(AT_ONCE)
            .map_err(|e| e.1)
            .map(move |batch| {
                let this = this.clone();
                async move {
                    let listed = this.look_at(batch?).await?;
                    Ok::<_, crate::Error>(stream::iter(listed).map(Ok))
                }
            })
            .buffered(2)
            .try_flatten();
        Ok((Kind::Directory, listed.boxed()))
    }

    /// Reads what a batch of entries is. Of raw blocks that are here the size is known without
    /// reading them.
    async fn look_at(&self, batch: Vec<Entry>) -> Result<Vec<Listed>> {
        let raw = |entry: &&Entry| entry.cid.codec() == codec::RAW;
        let raws: Vec<Cid> = batch.iter().filter(raw).map(|e| e.cid).collect();
        let mut stats = match raws.is_empty() {
            true => Vec::new(),
            false => self.store().stat_many(&raws).await?,
        }
        .into_iter();
        let found: Vec<Option<(Kind, u64)>> = batch
            .iter()
            .map(|entry| match entry.cid.codec() {
                codec::RAW => {
                    let stat = stats.next().flatten();
                    stat.map(|stat| (Kind::File, stat.size))
                }
                _ => self.0.known.get(&entry.cid),
            })
            .collect();
        let wanted: Vec<Cid> = batch
            .iter()
            .zip(&found)
            .filter(|(entry, found)| {
                found.is_none() && basalt_block::Block::from_identity(&entry.cid).is_none()
            })
            .map(|(entry, _)| entry.cid)
            .collect();
        let mut blocks = self.0.source.get_many(&wanted).await?.into_iter();
        let mut listed = Vec::with_capacity(batch.len());
        for (entry, found) in batch.into_iter().zip(found) {
            let kind = match found {
                Some(found) => found,
                None => {
                    let inline = basalt_block::Block::from_identity(&entry.cid);
                    let block = inline.or_else(|| blocks.next());
                    let block = block.ok_or(basalt_unixfs::Error::NotFound(entry.cid))?;
                    let node = Node::of(block)?;
                    let found = match node.kind {
                        Kind::File => (Kind::File, node.file_size()?),
                        Kind::Directory => (Kind::Directory, 0),
                    };
                    self.0.known.put(entry.cid, found);
                    found
                }
            };
            listed.push(Listed {
                name: entry.name,
                cid: entry.cid,
                kind: Some(kind),
            });
        }
        Ok(listed)
    }
}
