//! `/ipns`: names.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use basalt::Node;
use basalt::ipld::{Namespace, Path};
use basalt::ipns::Find;
use bytes::Bytes;
use fuser::Errno;
use futures::StreamExt;

use crate::attributes::{Attributes, Kind, NAMESPACE};
use crate::errno::Answer;
use crate::files::Files;
use crate::tree::{Change, Found, How, Opened, ROOT, Row, Rows, Tree};

/// What the node's own name is called.
const LOCAL: &[u8] = b"local";
/// The mode of links.
const LINK: u16 = 0o555;
/// The number of the tree under the own name; those in it are one more than in itself.
const OWN: u64 = 2;
/// Numbers of links are above this.
const LINKS: u64 = 1 << 62;

/// The tree under the node's own name, and links for all other names.
pub(crate) struct Names {
    node: Node,
    /// The own name, as the folder has it.
    id: Bytes,
    own: Files,
    /// Where `/ipfs` is mounted.
    ipfs: String,
    links: Mutex<Links>,
}

/// The links that the kernel knows, by number.
#[derive(Default)]
struct Links {
    next: u64,
    by_name: HashMap<Bytes, u64>,
    known: HashMap<u64, Link>,
}

struct Link {
    name: Bytes,
    target: Bytes,
    lookups: u64,
}

impl Names {
    pub(crate) fn new(node: Node, id: String, own: Files, ipfs: String) -> Self {
        Self {
            node,
            id: id.into(),
            own,
            ipfs,
            links: Mutex::default(),
        }
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, name: &[u8], target: Bytes) -> Found {
        let mut links = self.links();
        let name = Bytes::copy_from_slice(name);
        let ino = match links.by_name.get(&name) {
            Some(ino) => *ino,
            None => {
                links.next += 1;
                let ino = LINKS + links.next;
                links.by_name.insert(name.clone(), ino);
                ino
            }
        };
        let link = links.known.entry(ino).or_insert_with(|| Link {
            name,
            target: Bytes::new(),
            lookups: 0,
        });
        link.target = target;
        link.lookups += 1;
        Found {
            ino,
            attributes: Attributes::bare(Kind::Symlink, LINK),
        }
    }

    /// Where a name leads, as a link into `/ipfs`.
    async fn resolved(&self, name: &[u8]) -> Answer<Bytes> {
        let name = std::str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
        let path = Path::parse(format!("/ipns/{name}")).map_err(|_| Errno::ENOENT)?;
        let find = Find::default();
        let resolved = match self.node.names().resolve_all(&path, &find).await {
            Ok(path) if path.namespace() == Namespace::Ipfs => path.to_string(),
            Ok(_) => return Err(Errno::ENOENT),
            Err(error) => {
                tracing::debug!(target: "basalt::fuse", name, %error, "a name means nothing");
                return Err(Errno::ENOENT);
            }
        };
        let rest = resolved.strip_prefix("/ipfs/").unwrap_or(&resolved);
        Ok(format!("{}/{rest}", self.ipfs).into())
    }
}

/// The number in the tree under the own name, or an error where nothing can be done.
fn inner(ino: u64) -> Answer<u64> {
    match ino {
        OWN..LINKS => Ok(ino - 1),
        _ => Err(crate::errno::number(nix::errno::Errno::EOPNOTSUPP)),
    }
}

/// As [`inner`], for what makes or removes files.
fn inner_or_fixed(ino: u64) -> Answer<u64> {
    inner(ino).map_err(|_| Errno::EROFS)
}

fn outer(found: Found) -> Found {
    Found {
        ino: found.ino + 1,
        ..found
    }
}

#[async_trait]
impl Tree for Names {
    fn keeps(&self) -> Duration {
        self.own.keeps()
    }

    async fn lookup(&self, parent: u64, name: &[u8]) -> Answer<Found> {
        if parent != ROOT {
            return Ok(outer(self.own.lookup(inner(parent)?, name).await?));
        }
        match name {
            LOCAL => Ok(self.link(name, self.id.clone())),
            b"mach_kernel" | b".hidden" | b"._." => Err(Errno::ENOENT),
            name if name == self.id => Ok(Found {
                ino: OWN,
                attributes: self.own.attributes(ROOT, None).await?,
            }),
            name => Ok(self.link(name, self.resolved(name).await?)),
        }
    }

    fn forget(&self, ino: u64, times: u64) {
        if ino > LINKS {
            let mut links = self.links();
            let Some(link) = links.known.get_mut(&ino) else {
                return;
            };
            link.lookups = link.lookups.saturating_sub(times);
            if link.lookups == 0
                && let Some(link) = links.known.remove(&ino)
            {
                links.by_name.remove(&link.name);
            }
        } else if ino > OWN {
            self.own.forget(ino - 1, times);
        }
    }

    async fn attributes(&self, ino: u64, handle: Option<u64>) -> Answer<Attributes> {
        match ino {
            ROOT => Ok(Attributes::bare(Kind::Directory, NAMESPACE)),
            OWN..LINKS => self.own.attributes(ino - 1, handle).await,
            _ => Ok(Attributes::bare(Kind::Symlink, LINK)),
        }
    }

    async fn change(&self, ino: u64, handle: Option<u64>, change: Change) -> Answer<Attributes> {
        self.own.change(inner(ino)?, handle, change).await
    }

    async fn read_link(&self, ino: u64) -> Answer<Bytes> {
        if ino > LINKS {
            let links = self.links();
            let link = links.known.get(&ino).ok_or(Errno::ENOENT)?;
            return Ok(link.target.clone());
        }
        self.own.read_link(inner(ino)?).await
    }

    async fn open(&self, ino: u64, how: How) -> Answer<Opened> {
        self.own.open(inner(ino)?, how).await
    }

    async fn read(&self, handle: u64, offset: u64, len: usize) -> Answer<Bytes> {
        self.own.read(handle, offset, len).await
    }

    async fn write(&self, handle: u64, offset: u64, bytes: Bytes) -> Answer<()> {
        self.own.write(handle, offset, bytes).await
    }

    async fn flush(&self, handle: u64) -> Answer<()> {
        self.own.flush(handle).await
    }

    async fn flush_directories(&self) -> Answer<()> {
        self.own.flush_directories().await
    }

    async fn release(&self, handle: u64) {
        self.own.release(handle).await;
    }

    async fn rows(&self, ino: u64) -> Answer<Rows> {
        if ino != ROOT {
            return self.own.rows(inner(ino)?).await;
        }
        let rows = [
            (self.id.clone(), Kind::Directory),
            (Bytes::from_static(LOCAL), Kind::Symlink),
        ];
        let rows = rows.map(|(name, kind)| Ok(Row { name, kind }));
        Ok(futures::stream::iter(rows).boxed())
    }

    async fn cid(&self, ino: u64) -> Answer<Option<String>> {
        match ino {
            OWN..LINKS => self.own.cid(ino - 1).await,
            _ => Ok(None),
        }
    }

    async fn create(&self, parent: u64, name: &[u8], how: How) -> Answer<(Found, Opened)> {
        let parent = inner_or_fixed(parent)?;
        let (found, opened) = self.own.create(parent, name, how).await?;
        Ok((outer(found), opened))
    }

    async fn make_directory(&self, parent: u64, name: &[u8]) -> Answer<Found> {
        let found = self.own.make_directory(inner(parent)?, name).await?;
        Ok(outer(found))
    }

    async fn make_symlink(&self, parent: u64, name: &[u8], target: &[u8]) -> Answer<Found> {
        let found = self.own.make_symlink(inner(parent)?, name, target).await?;
        Ok(outer(found))
    }

    async fn remove_file(&self, parent: u64, name: &[u8]) -> Answer<()> {
        let parent = inner_or_fixed(parent)?;
        self.own.remove_file(parent, name).await
    }

    async fn remove_directory(&self, parent: u64, name: &[u8]) -> Answer<()> {
        let parent = inner_or_fixed(parent)?;
        self.own.remove_directory(parent, name).await
    }

    async fn rename(&self, from: (u64, &[u8]), to: (u64, &[u8]), exclusive: bool) -> Answer<()> {
        let (from, to) = ((inner(from.0)?, from.1), (inner(to.0)?, to.1));
        self.own.rename(from, to, exclusive).await
    }

    fn repo(&self) -> Option<PathBuf> {
        self.own.repo()
    }

    fn crowd(&self) -> Vec<(u64, Bytes)> {
        let crowd = self.own.crowd();
        crowd
            .into_iter()
            .map(|(ino, name)| (ino + 1, name))
            .collect()
    }

    async fn finish(&self) {
        self.own.finish().await;
    }
}
