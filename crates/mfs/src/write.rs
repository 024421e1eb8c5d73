//! Writing files.

use std::sync::Arc;

use basalt_block::Cid;
use basalt_blockstore::Lease;
use basalt_unixfs::{CidFormat, Entry, FileEdit, FileEditOptions, FileNode, Mtime};
use bytes::{Bytes, BytesMut};
use tokio::sync::OwnedMutexGuard;

use crate::dir::{Child, Dir, OpenFile};
use crate::lookup::Found;
use crate::mfs::Mfs;
use crate::{Error, Kept, Result, path};

/// How a file is opened for writing.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteOptions {
    /// Makes the file if it is not there, with CIDs of this format.
    pub create: Option<CidFormat>,
    /// Whether new leaves are raw; where nothing is said, as the file's CID has it.
    pub raw_leaves: Option<bool>,
}

/// A file that is being written.
///
/// Nothing of what is written shows before [`Writer::finish`]; dropped before, it leaves the file
/// as it was. One file has one writer at a time, others wait; readers see the file of before.
pub struct Writer {
    /// Where it goes; nowhere if it only lives as long as its writer.
    place: Option<Place>,
    /// There was no such file when the writer came.
    is_new: bool,
    edit: FileEdit,
    /// Where the next bytes go.
    at: u64,
    piece: BytesMut,
    _turn: Option<OwnedMutexGuard<()>>,
    _keeps: (Option<Kept>, Lease),
}

/// Where a file stands.
struct Place {
    dir: Arc<Dir>,
    name: Bytes,
    open: Arc<OpenFile>,
}

/// Kubo hands what it writes on in pieces of this size, which shows in the CIDs of files of more
/// than 2 MiB.
const PIECE: usize = 32 << 10;

impl Mfs {
    /// Opens a file for writing, at its beginning.
    pub async fn writer(&self, at: &str, options: WriteOptions) -> Result<Writer> {
        loop {
            let place = self.place(at, options.create.is_some()).await?;
            let turn = place.open.writing.clone().lock_owned().await;
            // Whoever wrote before may have been here longer than the file.
            let now = place.now().await?;
            if let Some(raw) = options.raw_leaves {
                place.open.set_raw_leaves(raw);
            }
            let edit = FileEditOptions {
                chunker: self.settings().chunker,
                raw_leaves: place.open.raw_leaves(),
                ..FileEditOptions::default()
            };
            let lease = self.store().lease();
            let sink = Arc::new(self.store().clone());
            let source = self.0.parts.source.clone();
            let (edit, kept) = match (now, options.create) {
                (Now::File(cid), _) => {
                    let kept = self.0.parts.keep.protect(cid).await;
                    let edit = FileEdit::open(source, sink, &cid, edit).await?;
                    (edit, Some(kept))
                }
                (Now::Nothing, Some(cids)) => (FileEdit::new(source, sink, cids, edit), None),
                _ => continue,
            };
            return Ok(Writer {
                is_new: kept.is_none(),
                place: Some(place),
                edit,
                at: 0,
                piece: BytesMut::new(),
                _turn: Some(turn),
                _keeps: (kept, lease),
            });
        }
    }

    /// Opens for writing what stands nowhere in the tree: the content of a file that was removed
    /// while it was open.
    pub async fn loose_writer(&self, cid: &Cid) -> Result<Writer> {
        let lease = self.store().lease();
        let kept = self.0.parts.keep.protect(*cid).await;
        let sink = Arc::new(self.store().clone());
        let source = self.0.parts.source.clone();
        let options = FileEditOptions {
            chunker: self.settings().chunker,
            ..FileEditOptions::default()
        };
        Ok(Writer {
            place: None,
            is_new: false,
            edit: FileEdit::open(source, sink, cid, options).await?,
            at: 0,
            piece: BytesMut::new(),
            _turn: None,
            _keeps: (Some(kept), lease),
        })
    }

    /// Where a file stands, or is going to.
    async fn place(&self, at: &str, create: bool) -> Result<Place> {
        let (dir, name) = match self.find(at).await {
            Ok(Found::File(file)) => {
                file.check_content()?;
                (file.dir, file.name)
            }
            Ok(Found::Dir(_)) => return Err(Error::WasNotFile(at.to_owned())),
            Err(Error::NotExist) if create => {
                let (above, name) = path::split(at);
                let name = Bytes::copy_from_slice(name.as_bytes());
                (self.find_parent(above).await?, name)
            }
            Err(error) => return Err(error),
        };
        if name.is_empty() {
            return Err(Error::EmptyName);
        }
        let mut state = dir.state.write().await;
        let open = match state.open.get(&name) {
            Some(Child::Dir(_)) => return Err(Error::WasNotFile(at.to_owned())),
            Some(Child::File(open)) => open.clone(),
            None => {
                let open = Arc::new(OpenFile::default());
                let child = Child::File(open.clone());
                state.open.insert(name.clone(), child);
                open
            }
        };
        drop(state);
        Ok(Place { dir, name, open })
    }
}

/// What stands at a place.
enum Now {
    File(Cid),
    Nothing,
    /// The place is another's by now.
    Other,
}

impl Place {
    /// What stands there now.
    async fn now(&self) -> Result<Now> {
        let state = self.dir.state.read().await;
        if !self.is_in(&state) {
            return Ok(Now::Other);
        }
        let entry = state.edit.get(&self.name).await?;
        Ok(entry.map_or(Now::Nothing, |entry| Now::File(entry.cid)))
    }

    fn is_in(&self, state: &crate::dir::State) -> bool {
        matches!(state.open.get(&self.name), Some(Child::File(open)) if Arc::ptr_eq(open, &self.open))
    }

    /// Puts what was written into the directory, unless the file was removed meanwhile.
    async fn put(&self, node: FileNode, is_new: bool) -> Result<()> {
        let mut state = self.dir.state.write().await;
        match self.is_in(&state) {
            true => {}
            // Somebody made a directory there.
            false if is_new => return Err(Error::HasEntry),
            false => return Ok(()),
        }
        let entry = Entry {
            name: self.name.clone(),
            cid: node.cid,
            dag_size: node.dag_size,
        };
        state.edit.put(entry).await?;
        drop(state);
        self.dir.touch();
        Ok(())
    }
}

impl Writer {
    /// Cuts the file off, or fills it up with zeros.
    pub async fn truncate(&mut self, size: u64) -> Result<()> {
        self.send().await?;
        Ok(self.edit.truncate(size).await?)
    }

    /// Goes to a place in the file. What lies between the end and the place is filled with zeros,
    /// also if nothing is written there.
    pub async fn seek(&mut self, offset: u64) -> Result<()> {
        self.send().await?;
        self.edit.seek(offset).await?;
        self.at = offset;
        Ok(())
    }

    /// Writes bytes where the last ones ended.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            let more = (PIECE - self.piece.len()).min(bytes.len());
            self.piece.extend_from_slice(&bytes.split_to(more));
            if self.piece.len() == PIECE {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Writes bytes at a place, in one piece. A hole before it is filled with zeros.
    pub async fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.send().await?;
        self.edit.write_at(offset, bytes).await?;
        self.at = offset + bytes.len() as u64;
        Ok(())
    }

    /// How many bytes the file has with what was written.
    pub fn size(&self) -> u64 {
        let end = match self.piece.len() as u64 {
            0 => 0,
            more => self.at + more,
        };
        self.edit.size().max(end)
    }

    /// Sets the permission bits; zero forgets them.
    pub async fn set_mode(&mut self, mode: u32) -> Result<()> {
        self.send().await?;
        Ok(self.edit.set_mode(Some(mode)).await?)
    }

    /// Sets the modification time.
    pub async fn set_mtime(&mut self, mtime: Mtime) -> Result<()> {
        self.send().await?;
        Ok(self.edit.set_mtime(Some(mtime)).await?)
    }

    /// Mode and modification time as they will be.
    pub fn stat(&self) -> basalt_unixfs::Stat {
        self.edit.stat()
    }

    /// Stores the file as it is now, for reading: it can be had as long as the writer is there. It
    /// does not show in the tree.
    pub async fn snapshot(&mut self) -> Result<Cid> {
        self.send().await?;
        Ok(self.edit.flush().await?.cid)
    }

    async fn send(&mut self) -> Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = self.piece.split();
        self.edit.write_at(self.at, &piece).await?;
        self.at += piece.len() as u64;
        Ok(())
    }

    /// Puts what was written into the tree. It is durable after a flush.
    pub async fn finish(mut self) -> Result<()> {
        Mfs::to_its_end(async move {
            self.send().await?;
            let node = self.edit.flush().await?;
            match &self.place {
                Some(place) => place.put(node, self.is_new).await,
                None => Ok(()),
            }
        })
        .await
    }
}
