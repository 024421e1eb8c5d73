//! A file tree that can be changed: `/mfs`, and the own name in `/ipns`.

mod content;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use basalt::mfs::{Glance, GlanceKind, Mfs, MkdirOptions, WriteOptions};
use basalt::unixfs::{Entry, Stat, symlink_block};
use basalt::{Cid, NameTree, Node};
use bytes::Bytes;
use fuser::Errno;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::RwLock;

use crate::attributes::{Attributes, Kind, Usual, mtime};
use crate::errno::{Answer, number, of_files};
use crate::ipfs::shown;
use crate::reader::Reader;
use crate::table::Table;
use crate::tree::{Change, Found, How, Kinds, Opened, Rows, Tree};
use content::{Content, in_time};

/// How long the kernel may keep what it was told: others change the tree too.
const KEEPS: Duration = Duration::from_secs(1);

/// What of a file is kept beside its content: only what the settings say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeping {
    pub(crate) mode: bool,
    pub(crate) mtime: bool,
}

/// A file tree as a file system.
pub(crate) struct Files {
    mfs: Mfs,
    /// The name that the tree is published under, if it is: its content is kept as long.
    _name: Option<NameTree>,
    node: Node,
    keeping: Keeping,
    usual: Usual,
    table: Mutex<Table<Known>>,
    open: Mutex<Handles>,
    /// Held for reading by whatever works with a path, for writing by what changes where entries that
    /// are known stand: else a path that was just made might lead elsewhere, and what is written to
    /// an open file below a directory that moves would be lost. It is held across awaits for that
    /// reason; the tree gives up after a minute on blocks that do not come.
    names: RwLock<()>,
}

/// What is kept of an entry.
#[derive(Default)]
struct Known {
    /// The content, while the file is open.
    content: Weak<Content>,
    /// The content that the kernel's cache is of.
    cached: Option<Cid>,
}

#[derive(Default)]
struct Handles {
    next: u64,
    open: HashMap<u64, Arc<Handle>>,
}

struct Handle {
    ino: u64,
    content: Arc<Content>,
    how: How,
    reader: Reader,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Files {
    pub(crate) fn new(mfs: Mfs, node: Node, keeping: Keeping, usual: Usual) -> Self {
        Self {
            mfs,
            _name: None,
            node,
            keeping,
            usual,
            table: Mutex::new(Table::new(Known::default())),
            open: Mutex::default(),
            names: RwLock::default(),
        }
    }

    /// The same, of a tree that is published.
    pub(crate) fn of_name(mut self, name: NameTree) -> Self {
        self._name = Some(name);
        self
    }

    /// The path of an entry; an error once it was removed.
    fn path(&self, ino: u64) -> Answer<String> {
        let names = lock(&self.table).names(ino).ok_or(Errno::ENOENT)?;
        let mut path = String::from("/");
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                path.push('/');
            }
            path.push_str(text(name)?);
        }
        Ok(path)
    }

    fn below(&self, parent: u64, name: &[u8]) -> Answer<String> {
        let mut path = self.path(parent)?;
        if !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(text(name)?);
        Ok(path)
    }

    fn told(&self, glance: &Glance) -> Attributes {
        let (kind, size) = match &glance.kind {
            GlanceKind::Directory => (Kind::Directory, 0),
            GlanceKind::File { size, .. } => (Kind::File, *size),
            GlanceKind::Symlink { target } => (Kind::Symlink, target.len() as u64),
        };
        Attributes::new(kind, size, glance.stat, self.usual)
    }

    fn written(&self, (size, stat): (u64, Stat)) -> Attributes {
        Attributes::new(Kind::File, size, stat, self.usual)
    }

    /// Notes that the kernel is told of what stands at a place.
    fn note(&self, parent: u64, name: &[u8], kind: Kind) -> u64 {
        lock(&self.table).found(parent, name, kind, Known::default(), |_, _| true)
    }

    /// The content of an entry, for all who have it open from now on.
    fn shared(&self, ino: u64) -> Arc<Content> {
        let mut table = lock(&self.table);
        let Some(known) = table.get_mut(ino) else {
            return Arc::default();
        };
        known.content.upgrade().unwrap_or_else(|| {
            let content = Arc::<Content>::default();
            known.content = Arc::downgrade(&content);
            content
        })
    }

    /// The content of an entry, if it is open.
    fn content(&self, ino: u64) -> Option<Arc<Content>> {
        lock(&self.table).get(ino)?.content.upgrade()
    }

    fn handle(&self, handle: u64) -> Answer<Arc<Handle>> {
        let handle = lock(&self.open).open.get(&handle).cloned();
        handle.ok_or(Errno::EBADF)
    }

    fn add_handle(&self, ino: u64, content: Arc<Content>, how: How) -> u64 {
        let mut handles = lock(&self.open);
        handles.next += 1;
        let handle = handles.next;
        let opened = Handle {
            ino,
            content,
            how,
            reader: Reader::default(),
        };
        handles.open.insert(handle, Arc::new(opened));
        handle
    }

    /// The time that is kept of a change made now.
    fn now(&self) -> Option<SystemTime> {
        self.keeping.mtime.then(SystemTime::now)
    }

    async fn commit(&self) -> Answer<()> {
        self.mfs.commit().await.map_err(of_files)
    }

    /// Puts into the tree what was written to a file.
    async fn publish(&self, content: &Content) -> Answer<()> {
        let changed = content.lock().await.publish().await?;
        match changed {
            true => self.commit().await,
            false => Ok(()),
        }
    }

    /// Puts into the tree what was written to any open file at or below a path.
    async fn publish_below(&self, above: &str) -> Answer<()> {
        let handles: Vec<Arc<Handle>> = lock(&self.open).open.values().cloned().collect();
        for handle in handles {
            let Ok(path) = self.path(handle.ino) else {
                continue;
            };
            let rest = path.strip_prefix(above);
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                handle.content.lock().await.publish().await?;
            }
        }
        Ok(())
    }

    /// Keeps what an open file has, before it is removed or replaced.
    async fn detach(&self, parent: u64, name: &[u8], path: &str) -> Answer<()> {
        let ino = lock(&self.table).at(parent, name);
        if let Some(content) = ino.and_then(|ino| self.content(ino)) {
            content.lock().await.detach(&self.mfs, Some(path)).await?;
        }
        Ok(())
    }

    /// What is told of a file, the newest of it: while it is open it may be ahead of the tree.
    async fn now_of(&self, ino: u64) -> Answer<Attributes> {
        if let Some(content) = self.content(ino)
            && let Some(written) = content.lock().await.size()
        {
            return Ok(self.written(written));
        }
        let path = self.path(ino)?;
        let glance = self.mfs.glance(&path).await.map_err(of_files)?;
        let told = self.told(&glance);
        // Something else stands there by now.
        match lock(&self.table).kind(ino) {
            Some(kind) if kind == told.kind => Ok(told),
            _ => Err(number(nix::errno::Errno::ESTALE)),
        }
    }

    async fn opened(&self, ino: u64, content: Arc<Content>, how: How) -> Answer<Opened> {
        let path = self.path(ino).ok();
        let mut state = content.lock().await;
        let cid = state.refresh(&self.mfs, path.as_deref()).await?;
        if how.truncate && how.write {
            state
                .truncate(&self.mfs, path.as_deref(), self.now(), 0)
                .await?;
        }
        drop(state);
        let mut keep_cache = false;
        if let Some(known) = lock(&self.table).get_mut(ino) {
            keep_cache = cid.is_some() && known.cached == cid && !how.write;
            known.cached = if how.write { None } else { cid };
        }
        Ok(Opened {
            handle: self.add_handle(ino, content, how),
            keep_cache,
        })
    }

    /// Commits and tells of what was just made at a path.
    async fn made(&self, parent: u64, name: &[u8], path: &str) -> Answer<Found> {
        self.commit().await?;
        let glance = self.mfs.glance(path).await.map_err(of_files)?;
        let attributes = self.told(&glance);
        let ino = self.note(parent, name, attributes.kind);
        Ok(Found { ino, attributes })
    }
}

/// A name as the tree has it.
fn text(name: &[u8]) -> Answer<&str> {
    std::str::from_utf8(name).map_err(|_| number(nix::errno::Errno::EILSEQ))
}

#[async_trait]
impl Tree for Files {
    fn keeps(&self) -> Duration {
        KEEPS
    }

    async fn lookup(&self, parent: u64, name: &[u8]) -> Answer<Found> {
        let _names = self.names.read().await;
        let path = self.below(parent, name)?;
        let glance = self.mfs.glance(&path).await.map_err(of_files)?;
        let mut attributes = self.told(&glance);
        let ino = self.note(parent, name, attributes.kind);
        if let Some(content) = self.content(ino)
            && let Some(written) = content.lock().await.size()
        {
            attributes = self.written(written);
        }
        Ok(Found { ino, attributes })
    }

    fn forget(&self, ino: u64, times: u64) {
        lock(&self.table).forget(ino, times);
    }

    async fn attributes(&self, ino: u64, _: Option<u64>) -> Answer<Attributes> {
        let _names = self.names.read().await;
        self.now_of(ino).await
    }

    async fn change(&self, ino: u64, handle: Option<u64>, change: Change) -> Answer<Attributes> {
        let _names = self.names.read().await;
        let kind = lock(&self.table).kind(ino).ok_or(Errno::ENOENT)?;
        let path = self.path(ino).ok();
        let mode = change
            .mode
            .filter(|_| self.keeping.mode)
            .map(|mode| mode & 0o777);
        let time = change.mtime.filter(|_| self.keeping.mtime);
        if let Some(size) = change.size {
            if kind != Kind::File {
                return Err(Errno::EISDIR);
            }
            let content = self.shared(ino);
            let mut state = content.lock().await;
            state
                .truncate(&self.mfs, path.as_deref(), self.now(), size)
                .await?;
            drop(state);
            // Who has the file open ends what is done by closing it.
            if handle.is_none() {
                self.publish(&content).await?;
            }
        }
        let mode = mode.filter(|_| kind != Kind::Symlink);
        if mode.is_some() || time.is_some() {
            let content = self.content(ino);
            let done = match &content {
                Some(content) => content.lock().await.set(mode, time).await?,
                None => false,
            };
            if !done && let Some(path) = &path {
                if let Some(mode) = mode {
                    self.mfs.chmod(path, mode).await.map_err(of_files)?;
                }
                if let Some(time) = time {
                    let set = self.mfs.set_mtime(path, mtime(time)).await;
                    set.map_err(of_files)?;
                }
                if let Some(content) = &content {
                    content.lock().await.refresh(&self.mfs, Some(path)).await?;
                }
            }
        }
        self.now_of(ino).await
    }

    async fn read_link(&self, ino: u64) -> Answer<Bytes> {
        let _names = self.names.read().await;
        let glance = self.mfs.glance(&self.path(ino)?).await.map_err(of_files)?;
        match glance.kind {
            GlanceKind::Symlink { target } => Ok(target),
            _ => Err(Errno::EINVAL),
        }
    }

    async fn open(&self, ino: u64, how: How) -> Answer<Opened> {
        let _names = self.names.read().await;
        let content = self.shared(ino);
        self.opened(ino, content, how).await
    }

    async fn read(&self, handle: u64, offset: u64, len: usize) -> Answer<Bytes> {
        let handle = self.handle(handle)?;
        let view = handle.content.lock().await.view(&self.mfs).await;
        let view = match view {
            // It was put into the tree since.
            Err(Errno::ENOENT) => {
                let _names = self.names.read().await;
                let path = self.path(handle.ino)?;
                let mut state = handle.content.lock().await;
                state.refresh(&self.mfs, Some(&path)).await?;
                state.view(&self.mfs).await?
            }
            view => view?,
        };
        handle.reader.read(&view, offset, len).await
    }

    async fn write(&self, handle: u64, offset: u64, bytes: Bytes) -> Answer<()> {
        let handle = self.handle(handle)?;
        if !handle.how.write {
            return Err(Errno::EBADF);
        }
        let _names = self.names.read().await;
        let path = self.path(handle.ino).ok();
        let at = (!handle.how.append).then_some(offset);
        let mut state = handle.content.lock().await;
        state
            .write(&self.mfs, path.as_deref(), self.now(), at, &bytes)
            .await
    }

    async fn flush(&self, handle: u64) -> Answer<()> {
        let handle = self.handle(handle)?;
        if !handle.how.write {
            return Ok(());
        }
        let _names = self.names.read().await;
        self.publish(&handle.content).await
    }

    async fn flush_directories(&self) -> Answer<()> {
        self.commit().await
    }

    async fn release(&self, handle: u64) {
        // Usually all was flushed when the file was closed; not if a process died on the way.
        if let Err(error) = self.flush(handle).await {
            tracing::warn!(target: "basalt::fuse", ?error, "a file that was closed could not be kept");
        }
        lock(&self.open).open.remove(&handle);
    }

    async fn rows(&self, ino: u64) -> Answer<Rows> {
        let _names = self.names.read().await;
        let path = self.path(ino)?;
        let (kind, rows) = self.mfs.list(&path, false).await.map_err(of_files)?;
        if kind != basalt::mfs::Kind::Directory {
            return Err(Errno::ENOTDIR);
        }
        let entries = rows
            .map_ok(|row| Entry {
                name: row.name,
                cid: row.cid,
                dag_size: 0,
            })
            .map_err(of_files)
            .boxed();
        let kinds = Kinds {
            source: self.mfs.source(),
        };
        Ok(kinds.rows(entries))
    }

    async fn cid(&self, ino: u64) -> Answer<Option<String>> {
        let _names = self.names.read().await;
        let path = self.path(ino)?;
        match self.mfs.glance(&path).await.map_err(of_files)?.kind {
            GlanceKind::Symlink { .. } => Ok(None),
            GlanceKind::File { cid, .. } => Ok(Some(shown(&cid))),
            GlanceKind::Directory => {
                let node = self.mfs.node(&path).await.map_err(of_files)?;
                Ok(Some(shown(node.block.cid())))
            }
        }
    }

    async fn create(&self, parent: u64, name: &[u8], how: How) -> Answer<(Found, Opened)> {
        let _names = self.names.read().await;
        let path = self.below(parent, name)?;
        let cids = self
            .mfs
            .cids_of(&self.path(parent)?)
            .await
            .map_err(of_files)?;
        let is_new = match self.mfs.glance(&path).await {
            Err(basalt::mfs::Error::NotExist) => true,
            Err(error) => return Err(of_files(error)),
            Ok(_) if how.exclusive => return Err(Errno::EEXIST),
            Ok(_) => false,
        };
        if is_new {
            let options = WriteOptions {
                create: Some(cids),
                raw_leaves: None,
            };
            let mut writer = in_time(self.mfs.writer(&path, options)).await?;
            if let Some(now) = self.now() {
                in_time(writer.set_mtime(mtime(now))).await?;
            }
            in_time(writer.finish()).await?;
        }
        let ino = self.note(parent, name, Kind::File);
        let content = self.shared(ino);
        if is_new {
            content.lock().await.created();
        }
        let opened = self.opened(ino, content, how).await?;
        let attributes = self.now_of(ino).await?;
        Ok((Found { ino, attributes }, opened))
    }

    async fn make_directory(&self, parent: u64, name: &[u8]) -> Answer<Found> {
        let _names = self.names.read().await;
        let path = self.below(parent, name)?;
        let above = self.mfs.cids_of(&self.path(parent)?).await;
        let options = MkdirOptions {
            parents: false,
            cids: Some(above.map_err(of_files)?),
        };
        self.mfs.mkdir(&path, options).await.map_err(of_files)?;
        self.made(parent, name, &path).await
    }

    async fn make_symlink(&self, parent: u64, name: &[u8], target: &[u8]) -> Answer<Found> {
        let _names = self.names.read().await;
        let path = self.below(parent, name)?;
        let cids = self
            .mfs
            .cids_of(&self.path(parent)?)
            .await
            .map_err(of_files)?;
        let block = symlink_block(target, Stat::default(), cids).map_err(|e| of_files(e.into()))?;
        self.mfs.put(&path, block).await.map_err(of_files)?;
        self.made(parent, name, &path).await
    }

    async fn remove_file(&self, parent: u64, name: &[u8]) -> Answer<()> {
        let _names = self.names.write().await;
        let path = self.below(parent, name)?;
        self.detach(parent, name, &path).await?;
        self.mfs
            .remove(&path, false, false)
            .await
            .map_err(of_files)?;
        lock(&self.table).removed(parent, name);
        Ok(())
    }

    async fn remove_directory(&self, parent: u64, name: &[u8]) -> Answer<()> {
        let _names = self.names.write().await;
        let path = self.below(parent, name)?;
        self.mfs.remove_empty(&path).await.map_err(of_files)?;
        lock(&self.table).removed(parent, name);
        self.commit().await
    }

    async fn rename(&self, from: (u64, &[u8]), to: (u64, &[u8]), exclusive: bool) -> Answer<()> {
        let _names = self.names.write().await;
        let (old, new) = (self.below(from.0, from.1)?, self.below(to.0, to.1)?);
        if old == new {
            return Ok(());
        }
        self.publish_below(&old).await?;
        if !exclusive {
            self.detach(to.0, to.1, &new).await?;
        }
        let moved = self.mfs.replace(&old, &new, exclusive).await;
        moved.map_err(of_files)?;
        lock(&self.table).moved(from, to);
        self.commit().await
    }

    fn repo(&self) -> Option<PathBuf> {
        Some(self.node.repo()?.path().to_owned())
    }

    fn crowd(&self) -> Vec<(u64, Bytes)> {
        crate::tree::crowd(&lock(&self.table))
    }

    async fn finish(&self) {
        let _names = self.names.read().await;
        if let Err(error) = self.publish_below("").await {
            tracing::error!(target: "basalt::fuse", ?error, "what was written to open files is lost");
        }
        if let Err(error) = self.mfs.close().await {
            tracing::error!(target: "basalt::fuse", %error, "changes through a mount were not made durable");
        }
    }
}
