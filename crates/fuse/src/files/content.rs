//! The content of a file that is open, which all who have it open share.

use std::time::{Duration, SystemTime};

use basalt::Cid;
use basalt::mfs::{Kept, Mfs, WriteOptions, Writer};
use basalt::unixfs::{File, Stat};
use fuser::Errno;
use tokio::sync::{Mutex, MutexGuard};

use crate::attributes::mtime;
use crate::errno::{Answer, late, of_files, of_unixfs};

/// How long a block that is not here, or another writer, is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer, unless it takes too long.
pub(crate) async fn in_time<T>(work: impl Future<Output = basalt::mfs::Result<T>>) -> Answer<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(of_files),
        Err(_) => Err(late()),
    }
}

/// The content of an open file.
#[derive(Default)]
pub(crate) struct Content(Mutex<State>);

/// What of it was written and read. The lock is held while blocks are read or written: what is done
/// to one file is done in its order.
#[derive(Default)]
pub(crate) struct State {
    /// There while something was written that the tree does not have.
    writer: Option<Writer>,
    /// The content as it is now.
    view: Option<File>,
    /// The file is new, and its directory was not made durable since.
    created: bool,
    /// It was removed: what is written goes nowhere.
    detached: bool,
    kept: Option<Kept>,
}

impl Content {
    pub(crate) async fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().await
    }
}

impl State {
    /// Notes that the file was just made.
    pub(crate) fn created(&mut self) {
        self.created = true;
    }

    /// Looks at what the tree has now, unless something newer was written. Its CID, where it is
    /// the tree's.
    pub(crate) async fn refresh(&mut self, mfs: &Mfs, path: Option<&str>) -> Answer<Option<Cid>> {
        let Some(path) = path.filter(|_| self.writer.is_none() && !self.detached) else {
            return Ok(None);
        };
        let file = in_time(async {
            let node = mfs.node(path).await?;
            mfs.open_file(path, node).await
        });
        let file = file.await?;
        let cid = *file.cid();
        self.view = Some(file);
        Ok(Some(cid))
    }

    /// The content as it is now, for reading.
    pub(crate) async fn view(&mut self, mfs: &Mfs) -> Answer<File> {
        if let Some(view) = &self.view {
            return Ok(view.clone());
        }
        let writer = self.writer.as_mut().ok_or(Errno::ENOENT)?;
        let cid = in_time(writer.snapshot()).await?;
        let opened = File::open(mfs.source(), &cid).await;
        let view = opened.map_err(|e| of_unixfs(&e))?;
        self.view = Some(view.clone());
        Ok(view)
    }

    /// How many bytes it has and what is kept beside them, where the tree does not know it.
    pub(crate) fn size(&self) -> Option<(u64, Stat)> {
        if let Some(writer) = &self.writer {
            return Some((writer.size(), writer.stat()));
        }
        let view = self.view.as_ref().filter(|_| self.detached)?;
        Some((view.size(), view.stat()))
    }

    /// Whoever writes it. `now` is the time that is kept from now on, if any is.
    async fn writer(
        &mut self,
        mfs: &Mfs,
        path: Option<&str>,
        now: Option<SystemTime>,
    ) -> Answer<&mut Writer> {
        if self.writer.is_none() {
            let mut writer = match path.filter(|_| !self.detached) {
                Some(path) => in_time(mfs.writer(path, WriteOptions::default())).await?,
                None => {
                    let view = self.view.as_ref().ok_or(Errno::ENOENT)?;
                    in_time(mfs.loose_writer(view.cid())).await?
                }
            };
            if let Some(now) = now {
                in_time(writer.set_mtime(mtime(now))).await?;
            }
            self.writer = Some(writer);
        }
        self.view = None;
        self.writer.as_mut().ok_or(Errno::EIO)
    }

    /// Writes at a place, or at the end.
    pub(crate) async fn write(
        &mut self,
        mfs: &Mfs,
        path: Option<&str>,
        now: Option<SystemTime>,
        at: Option<u64>,
        bytes: &[u8],
    ) -> Answer<()> {
        let writer = self.writer(mfs, path, now).await?;
        let at = match at {
            Some(at) => at,
            None => {
                let end = writer.size();
                // As in Kubo each piece is appended by itself, which shows in the CID.
                in_time(writer.seek(end)).await?;
                end
            }
        };
        in_time(writer.write_at(at, bytes)).await
    }

    /// Cuts it off, or makes it longer.
    pub(crate) async fn truncate(
        &mut self,
        mfs: &Mfs,
        path: Option<&str>,
        now: Option<SystemTime>,
        size: u64,
    ) -> Answer<()> {
        let writer = self.writer(mfs, path, now).await?;
        in_time(writer.truncate(size)).await
    }

    /// Sets what is kept beside it, if it is being written; else it is the tree's.
    pub(crate) async fn set(
        &mut self,
        mode: Option<u32>,
        time: Option<SystemTime>,
    ) -> Answer<bool> {
        let Some(writer) = &mut self.writer else {
            return Ok(self.detached);
        };
        self.view = None;
        if let Some(mode) = mode {
            in_time(writer.set_mode(mode)).await?;
        }
        if let Some(time) = time {
            in_time(writer.set_mtime(mtime(time))).await?;
        }
        Ok(true)
    }

    /// Puts what was written into the tree; whether there was anything that is not durable.
    pub(crate) async fn publish(&mut self) -> Answer<bool> {
        if self.detached {
            return Ok(false);
        }
        let created = std::mem::take(&mut self.created);
        let Some(writer) = self.writer.take() else {
            return Ok(created);
        };
        // Read again when somebody wants to: the blocks are the tree's from now on.
        self.view = None;
        writer.finish().await.map_err(of_files)?;
        Ok(true)
    }

    /// Keeps the content though the file is about to be removed.
    pub(crate) async fn detach(&mut self, mfs: &Mfs, path: Option<&str>) -> Answer<()> {
        if let Some(cid) = self.refresh(mfs, path).await? {
            self.kept = Some(mfs.protect(cid).await);
        }
        self.detached = true;
        Ok(())
    }
}
