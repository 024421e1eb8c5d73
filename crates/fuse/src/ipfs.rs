//! `/ipfs`: everything under its CID.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use basalt::block::{Base, cid_text, codec, parse_cid};
use basalt::unixfs::{BlockSource, Directory, File, Inode};
use basalt::{Cid, Node};
use bytes::Bytes;
use fuser::Errno;
use futures::{StreamExt, TryStreamExt};

use crate::attributes::{Attributes, Kind, NAMESPACE, Usual};
use crate::errno::{Answer, number, of_unixfs};
use crate::reader::Reader;
use crate::table::Table;
use crate::tree::{Found, How, Kinds, Opened, Rows, Tree};

/// Nothing under a CID ever changes.
const KEEPS: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Directories whose blocks are kept for the next name that is looked up.
const DIRECTORIES: usize = 16;

/// Everything, under its CID.
pub(crate) struct Ipfs {
    node: Node,
    source: Arc<dyn BlockSource>,
    table: Mutex<Table<Option<Known>>>,
    recent: Mutex<VecDeque<Directory>>,
    open: Mutex<Handles>,
}

/// What is kept of an entry: not its blocks, of which there is no end.
#[derive(Debug, Clone, Copy)]
struct Known {
    cid: Cid,
    attributes: Attributes,
}

#[derive(Default)]
struct Handles {
    next: u64,
    open: HashMap<u64, Arc<Handle>>,
}

struct Handle {
    file: File,
    reader: Reader,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ipfs {
    pub(crate) fn new(node: Node) -> Self {
        Self {
            source: node.unixfs_source(false),
            node,
            table: Mutex::new(Table::new(None)),
            recent: Mutex::default(),
            open: Mutex::default(),
        }
    }

    fn known(&self, ino: u64) -> Answer<Option<Known>> {
        lock(&self.table).get(ino).copied().ok_or(Errno::ENOENT)
    }

    /// Something below the root, which is what stands in for none.
    fn entry(&self, ino: u64) -> Answer<Known> {
        self.known(ino)?.ok_or(Errno::EPERM)
    }

    fn found(&self, parent: u64, name: &[u8], inode: &Inode) -> Found {
        let (kind, size) = match inode {
            Inode::File(file) => (Kind::File, file.size()),
            Inode::Directory(_) => (Kind::Directory, 0),
            Inode::Symlink(link) => (Kind::Symlink, link.target.len() as u64),
        };
        let attributes = Attributes::new(kind, size, inode.stat(), Usual::FIXED);
        let known = Known {
            cid: *inode.cid(),
            attributes,
        };
        // A name means the same for ever.
        let same = |_: &Option<Known>, _: &Option<Known>| true;
        let ino = lock(&self.table).found(parent, name, kind, Some(known), same);
        Found { ino, attributes }
    }

    async fn directory(&self, cid: &Cid) -> Answer<Directory> {
        let recent = lock(&self.recent)
            .iter()
            .find(|directory| directory.cid() == cid)
            .cloned();
        if let Some(directory) = recent {
            return Ok(directory);
        }
        let opened = Directory::open(self.source.clone(), cid).await;
        let directory = opened.map_err(|e| of_unixfs(&e))?;
        let mut recent = lock(&self.recent);
        recent.push_front(directory.clone());
        recent.truncate(DIRECTORIES);
        Ok(directory)
    }

    /// What stands in the root under a name that must be a CID. As in Kubo, all that goes wrong means
    /// that there is no such thing.
    async fn by_cid(&self, name: &[u8]) -> Answer<Inode> {
        let text = std::str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
        let (cid, _) = parse_cid(text).map_err(|_| Errno::ENOENT)?;
        if !matches!(cid.codec(), codec::DAG_PB | codec::RAW) {
            return match self.node.blocks().get(&cid).await {
                Ok(_) => Err(number(nix::errno::Errno::EOPNOTSUPP)),
                Err(_) => Err(Errno::ENOENT),
            };
        }
        let opened = Inode::open(self.source.clone(), &cid).await;
        opened.map_err(|error| {
            tracing::debug!(target: "basalt::fuse", %cid, %error, "nothing to show");
            Errno::ENOENT
        })
    }
}

#[async_trait]
impl Tree for Ipfs {
    fn keeps(&self) -> Duration {
        KEEPS
    }

    async fn lookup(&self, parent: u64, name: &[u8]) -> Answer<Found> {
        let inode = match self.known(parent)? {
            None => self.by_cid(name).await?,
            Some(known) => {
                let directory = self.directory(&known.cid).await?;
                let entry = directory.lookup(name).await;
                let entry = entry.map_err(|e| of_unixfs(&e))?.ok_or(Errno::ENOENT)?;
                let opened = Inode::open(self.source.clone(), &entry.cid).await;
                opened.map_err(|e| of_unixfs(&e))?
            }
        };
        Ok(self.found(parent, name, &inode))
    }

    fn forget(&self, ino: u64, times: u64) {
        lock(&self.table).forget(ino, times);
    }

    async fn attributes(&self, ino: u64, _: Option<u64>) -> Answer<Attributes> {
        let known = self.known(ino)?;
        Ok(
            known.map_or(Attributes::bare(Kind::Directory, NAMESPACE), |known| {
                known.attributes
            }),
        )
    }

    async fn read_link(&self, ino: u64) -> Answer<Bytes> {
        let known = self.entry(ino)?;
        match Inode::open(self.source.clone(), &known.cid).await {
            Ok(Inode::Symlink(link)) => Ok(link.target),
            Ok(_) => Err(Errno::EINVAL),
            Err(error) => Err(of_unixfs(&error)),
        }
    }

    async fn open(&self, ino: u64, how: How) -> Answer<Opened> {
        if how.write {
            return Err(if how.truncate {
                number(nix::errno::Errno::EOPNOTSUPP)
            } else {
                Errno::EROFS
            });
        }
        let known = self.entry(ino)?;
        let file = File::open(self.source.clone(), &known.cid).await;
        let file = file.map_err(|e| of_unixfs(&e))?;
        let mut handles = lock(&self.open);
        handles.next += 1;
        let handle = handles.next;
        let reader = Reader::default();
        handles
            .open
            .insert(handle, Arc::new(Handle { file, reader }));
        Ok(Opened {
            handle,
            keep_cache: true,
        })
    }

    async fn read(&self, handle: u64, offset: u64, len: usize) -> Answer<Bytes> {
        let open = lock(&self.open).open.get(&handle).cloned();
        let open = open.ok_or(Errno::EBADF)?;
        open.reader.read(&open.file, offset, len).await
    }

    async fn release(&self, handle: u64) {
        lock(&self.open).open.remove(&handle);
    }

    async fn rows(&self, ino: u64) -> Answer<Rows> {
        let known = self.entry(ino)?;
        let directory = self.directory(&known.cid).await?;
        let entries = directory.entries().map_err(|e| of_unixfs(&e)).boxed();
        let kinds = Kinds {
            source: self.source.clone(),
        };
        Ok(kinds.rows(entries))
    }

    async fn cid(&self, ino: u64) -> Answer<Option<String>> {
        let known = self.known(ino)?;
        Ok(known.map(|known| shown(&known.cid)))
    }

    fn repo(&self) -> Option<PathBuf> {
        Some(self.node.repo()?.path().to_owned())
    }

    fn crowd(&self) -> Vec<(u64, Bytes)> {
        crate::tree::crowd(&lock(&self.table))
    }
}

/// A CID as Kubo's attribute has it.
pub(crate) fn shown(cid: &Cid) -> String {
    match cid.version() {
        basalt::block::Version::V0 => cid_text(cid, Base::Base58Btc),
        basalt::block::Version::V1 => cid_text(cid, Base::Base32Lower),
    }
}
