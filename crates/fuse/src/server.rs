//! Requests of the kernel, answered by a tree.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fuser::{
    AccessFlags, BsdFileFlags, Errno, FileHandle, FopenFlags, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, Notifier, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite,
    ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use nix::errno::Errno as Number;
use nix::libc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::errno::{Answer, late, number};
use crate::listing::Listing;
use crate::tree::{Change, How, Tree};

/// The most bytes that the kernel reads or writes at a time; Kubo's, for the pieces in which files
/// are written show in their CIDs.
pub(crate) const PIECE: u32 = 128 << 10;
/// Requests that are worked on at a time; with the pieces, that is 32 MiB.
const AT_ONCE: usize = 256;
/// How long a request that waits for blocks may take: whoever made it cannot be interrupted.
const PATIENCE: Duration = Duration::from_secs(60);
/// Asked for debugging.
const DEBUG: &str = "IPFS_FUSE_DEBUG";

/// The attribute that has the CID, and what it was called once.
const CID: &[u8] = b"ipfs.cid";
const OLD_CID: &[u8] = b"ipfs_cid";
/// The number of an entry that was only listed.
const UNKNOWN: INodeNo = INodeNo(0xffff_ffff);
/// Every so many names that were looked up, the table is looked at.
const LOOKUPS: u64 = 10_000;

/// A tree, and what its mount needs to answer.
pub(crate) struct Server {
    shared: Arc<Shared>,
    runtime: Handle,
}

/// What the tasks of a mount share.
pub(crate) struct Shared {
    pub(crate) tree: Arc<dyn Tree>,
    owner: (u32, u32),
    listings: Mutex<HashMap<u64, Arc<tokio::sync::Mutex<Listing>>>>,
    next: AtomicU64,
    at_once: Arc<Semaphore>,
    /// Ends what waits for blocks.
    pub(crate) cancel: CancellationToken,
    /// For telling the kernel what it may forget.
    pub(crate) notifier: OnceLock<Notifier>,
    lookups: AtomicU64,
    forgetting: AtomicBool,
    debug: bool,
    name: &'static str,
}

impl Shared {
    pub(crate) fn new(tree: Arc<dyn Tree>, name: &'static str) -> Arc<Self> {
        let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
        Arc::new(Self {
            tree,
            owner: (uid.as_raw(), gid.as_raw()),
            listings: Mutex::default(),
            next: AtomicU64::new(1),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            cancel: CancellationToken::new(),
            notifier: OnceLock::new(),
            lookups: AtomicU64::new(0),
            forgetting: AtomicBool::new(false),
            debug: std::env::var_os(DEBUG).is_some_and(|value| !value.is_empty()),
            name,
        })
    }

    fn listings(&self) -> MutexGuard<'_, HashMap<u64, Arc<tokio::sync::Mutex<Listing>>>> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, words: std::fmt::Arguments<'_>) {
        if self.debug {
            eprintln!("fuse/{}: {words}", self.name);
        }
    }

    /// Asks the kernel now and then to forget what it has not used for long, where it knows very
    /// much: it would else keep all that was ever looked at.
    fn bound(self: &Arc<Self>) {
        let count = self.lookups.fetch_add(1, Ordering::Relaxed) + 1;
        if !count.is_multiple_of(LOOKUPS) || self.forgetting.swap(true, Ordering::SeqCst) {
            return;
        }
        let this = self.clone();
        // The kernel may have to wait for answers of ours first.
        tokio::task::spawn_blocking(move || {
            if let Some(notifier) = this.notifier.get() {
                for (parent, name) in this.tree.crowd() {
                    // What is in use is not forgotten.
                    let _ = notifier.inval_entry(INodeNo(parent), OsStr::from_bytes(&name));
                }
            }
            this.forgetting.store(false, Ordering::SeqCst);
        });
    }
}

/// Whether a request waits for what may never come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// It may be given up at any time.
    Bounded,
    /// It changes something, and goes on to its end.
    ToTheEnd,
}

impl Server {
    pub(crate) fn new(shared: Arc<Shared>, runtime: Handle) -> Self {
        Self { shared, runtime }
    }

    /// Does the work of a request in a task, once there are not too many.
    fn run<T, W>(
        &self,
        wait: Wait,
        work: impl FnOnce(Arc<Shared>) -> W,
        done: impl FnOnce(&Shared, Answer<T>) + Send + 'static,
    ) where
        T: Send + 'static,
        W: Future<Output = Answer<T>> + Send + 'static,
    {
        let shared = self.shared.clone();
        // This is the mount's own thread; while it waits, the kernel keeps the requests.
        let turn = self
            .runtime
            .block_on(shared.at_once.clone().acquire_owned());
        let Ok(turn) = turn else {
            return done(&shared, Err(number(Number::ENOTCONN)));
        };
        let work = work(shared.clone());
        self.runtime.spawn(async move {
            let answer = match wait {
                Wait::ToTheEnd => work.await,
                Wait::Bounded => tokio::select! {
                    biased;
                    // Not EINTR: whoever gets that tries again, for ever.
                    () = shared.cancel.cancelled() => Err(number(Number::ENOTCONN)),
                    answer = tokio::time::timeout(PATIENCE, work) => {
                        answer.unwrap_or_else(|_| Err(late()))
                    }
                },
            };
            if let Err(error) = &answer {
                shared.note(format_args!("  failed with {}", error.code()));
            }
            done(&shared, answer);
            drop(turn);
        });
    }
}

fn bytes(name: &OsStr) -> Bytes {
    Bytes::copy_from_slice(name.as_bytes())
}

fn empty(reply: ReplyEmpty) -> impl FnOnce(&Shared, Answer<()>) + Send + 'static {
    move |_, answer| match answer {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn entry(reply: ReplyEntry) -> impl FnOnce(&Shared, Answer<crate::tree::Found>) + Send + 'static {
    move |shared, answer| match answer {
        Ok(found) => {
            let told = found.attributes.told(found.ino, shared.owner);
            reply.entry(&shared.tree.keeps(), &told, Generation(0));
        }
        Err(error) => reply.error(error),
    }
}

fn attributes(
    ino: u64,
    reply: ReplyAttr,
) -> impl FnOnce(&Shared, Answer<crate::attributes::Attributes>) + Send + 'static {
    move |shared, answer| match answer {
        Ok(told) => reply.attr(&shared.tree.keeps(), &told.told(ino, shared.owner)),
        Err(error) => reply.error(error),
    }
}

fn how(flags: i32) -> How {
    How {
        write: OpenFlags(flags).acc_mode() != OpenAccMode::O_RDONLY,
        append: flags & libc::O_APPEND != 0,
        truncate: flags & libc::O_TRUNC != 0,
        exclusive: flags & libc::O_EXCL != 0,
    }
}

/// An attribute's value, in as much room as there is.
fn value(reply: ReplyXattr, room: u32, value: &[u8]) {
    match (room, u32::try_from(value.len())) {
        (0, Ok(len)) => reply.size(len),
        (room, Ok(len)) if len <= room => reply.data(value),
        _ => reply.error(Errno::ERANGE),
    }
}

impl fuser::Filesystem for Server {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        // What the kernel cannot do it does without.
        let _ = config.set_max_write(PIECE);
        let _ = config.set_max_background(64);
        for flag in [
            InitFlags::FUSE_ATOMIC_O_TRUNC,
            InitFlags::FUSE_AUTO_INVAL_DATA,
            InitFlags::FUSE_PARALLEL_DIROPS,
        ] {
            let _ = config.add_capabilities(flag);
        }
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.shared.note(format_args!("lookup {parent} {name:?}"));
        let name = bytes(name);
        let work = async move |shared: Arc<Shared>| {
            shared.bound();
            shared.tree.lookup(parent.0, &name).await
        };
        self.run(Wait::Bounded, work, entry(reply));
    }

    fn forget(&self, _: &Request, ino: INodeNo, times: u64) {
        self.shared.tree.forget(ino.0, times);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, handle: Option<FileHandle>, reply: ReplyAttr) {
        self.shared.note(format_args!("getattr {ino}"));
        let handle = handle.map(|handle| handle.0);
        let work = async move |shared: Arc<Shared>| shared.tree.attributes(ino.0, handle).await;
        self.run(Wait::Bounded, work, attributes(ino.0, reply));
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        self.shared.note(format_args!(
            "setattr {ino} mode {mode:?} size {size:?} mtime {mtime:?}"
        ));
        let mtime = mtime.map(|time| match time {
            TimeOrNow::SpecificTime(time) => time,
            TimeOrNow::Now => SystemTime::now(),
        });
        let change = Change { size, mode, mtime };
        let handle = handle.map(|handle| handle.0);
        let work = async move |shared: Arc<Shared>| shared.tree.change(ino.0, handle, change).await;
        self.run(Wait::ToTheEnd, work, attributes(ino.0, reply));
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        self.shared.note(format_args!("readlink {ino}"));
        let work = async move |shared: Arc<Shared>| shared.tree.read_link(ino.0).await;
        self.run(Wait::Bounded, work, |_, answer| match answer {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(error),
        });
    }

    fn mknod(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, _: u32, reply: ReplyEntry) {
        reply.error(number(Number::EOPNOTSUPP));
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        self.shared.note(format_args!("mkdir {parent} {name:?}"));
        let name = bytes(name);
        let work =
            async move |shared: Arc<Shared>| shared.tree.make_directory(parent.0, &name).await;
        self.run(Wait::ToTheEnd, work, entry(reply));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.shared.note(format_args!("unlink {parent} {name:?}"));
        let name = bytes(name);
        let work = async move |shared: Arc<Shared>| shared.tree.remove_file(parent.0, &name).await;
        self.run(Wait::ToTheEnd, work, empty(reply));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.shared.note(format_args!("rmdir {parent} {name:?}"));
        let name = bytes(name);
        let work =
            async move |shared: Arc<Shared>| shared.tree.remove_directory(parent.0, &name).await;
        self.run(Wait::ToTheEnd, work, empty(reply));
    }

    fn symlink(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        self.shared
            .note(format_args!("symlink {parent} {name:?} {target:?}"));
        let (name, target) = (bytes(name), bytes(target.as_os_str()));
        let work = async move |shared: Arc<Shared>| {
            shared.tree.make_symlink(parent.0, &name, &target).await
        };
        self.run(Wait::ToTheEnd, work, entry(reply));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        self.shared.note(format_args!(
            "rename {parent} {name:?} {new_parent} {new_name:?}"
        ));
        let exclusive = RenameFlags::from_bits_retain(libc::RENAME_NOREPLACE);
        if !(flags - exclusive).is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let exclusive = !flags.is_empty();
        let (name, new_name) = (bytes(name), bytes(new_name));
        let work = async move |shared: Arc<Shared>| {
            let (from, to) = ((parent.0, &*name), (new_parent.0, &*new_name));
            shared.tree.rename(from, to, exclusive).await
        };
        self.run(Wait::ToTheEnd, work, empty(reply));
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        self.shared.note(format_args!("open {ino} {flags:#x}"));
        let how = how(flags.0);
        // One that truncates changes something.
        let wait = match how.truncate {
            true => Wait::ToTheEnd,
            false => Wait::Bounded,
        };
        let work = async move |shared: Arc<Shared>| shared.tree.open(ino.0, how).await;
        self.run(wait, work, |_, answer| match answer {
            Ok(opened) => reply.opened(FileHandle(opened.handle), cache(opened.keep_cache)),
            Err(error) => reply.error(error),
        });
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.shared
            .note(format_args!("read {ino} {size} at {offset}"));
        let work = async move |shared: Arc<Shared>| {
            shared.tree.read(handle.0, offset, size as usize).await
        };
        self.run(Wait::Bounded, work, |_, answer| match answer {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        });
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.shared
            .note(format_args!("write {ino} {} at {offset}", data.len()));
        let data = Bytes::copy_from_slice(data);
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let work = async move |shared: Arc<Shared>| shared.tree.write(handle.0, offset, data).await;
        self.run(Wait::ToTheEnd, work, move |_, answer| match answer {
            Ok(()) => reply.written(len),
            Err(error) => reply.error(error),
        });
    }

    fn flush(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _: LockOwner,
        reply: ReplyEmpty,
    ) {
        self.shared.note(format_args!("flush {ino}"));
        let work = async move |shared: Arc<Shared>| shared.tree.flush(handle.0).await;
        self.run(Wait::ToTheEnd, work, empty(reply));
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.shared.note(format_args!("release {ino}"));
        let work = async move |shared: Arc<Shared>| {
            shared.tree.release(handle.0).await;
            Ok(())
        };
        self.run(Wait::ToTheEnd, work, empty(reply));
    }

    fn fsync(&self, _: &Request, ino: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        self.shared.note(format_args!("fsync {ino}"));
        let work = async move |shared: Arc<Shared>| shared.tree.flush(handle.0).await;
        self.run(Wait::ToTheEnd, work, empty(reply));
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.shared.note(format_args!("opendir {ino}"));
        let work = async move |shared: Arc<Shared>| {
            let listing = Listing::open(&*shared.tree, ino.0).await?;
            let handle = shared.next.fetch_add(1, Ordering::Relaxed);
            let listing = Arc::new(tokio::sync::Mutex::new(listing));
            shared.listings().insert(handle, listing);
            Ok(handle)
        };
        self.run(Wait::Bounded, work, |_, answer| match answer {
            Ok(handle) => reply.opened(FileHandle(handle), FopenFlags::empty()),
            Err(error) => reply.error(error),
        });
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        self.shared.note(format_args!("readdir {ino} at {offset}"));
        let work = async move |shared: Arc<Shared>| {
            let listing = shared.listings().get(&handle.0).cloned();
            let listing = listing.ok_or(Errno::EBADF)?;
            // Held while rows are read: a directory is read in its order.
            let mut listing = listing.lock().await;
            listing.go_to(&*shared.tree, offset).await?;
            while let Some(row) = listing.next().await? {
                let name = OsStr::from_bytes(&row.name);
                if reply.add(UNKNOWN, listing.place(), row.kind.file_type(), name) {
                    listing.put_back(row);
                    break;
                }
            }
            Ok(reply)
        };
        // An error takes the reply with it, which then says EIO.
        self.run(Wait::Bounded, work, |_, answer| {
            if let Ok(reply) = answer {
                reply.ok();
            }
        });
    }

    fn releasedir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.shared.listings().remove(&handle.0);
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let work = async move |shared: Arc<Shared>| shared.tree.flush_directories().await;
        self.run(Wait::ToTheEnd, work, empty(reply));
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let work = async move |shared: Arc<Shared>| {
            let Some(repo) = shared.tree.repo() else {
                return Ok(None);
            };
            let told = tokio::task::spawn_blocking(move || nix::sys::statvfs::statvfs(&repo)).await;
            match told {
                Ok(Ok(told)) => Ok(Some(told)),
                Ok(Err(error)) => Err(number(error)),
                Err(_) => Err(Errno::EIO),
            }
        };
        self.run(Wait::Bounded, work, |_, answer| match answer {
            Ok(Some(told)) => reply.statfs(
                told.blocks(),
                told.blocks_free(),
                told.blocks_available(),
                told.files(),
                told.files_free(),
                u32::try_from(told.block_size()).unwrap_or(4096),
                u32::try_from(told.name_max()).unwrap_or(255),
                u32::try_from(told.fragment_size()).unwrap_or(4096),
            ),
            Ok(None) => reply.statfs(0, 0, 0, 0, 0, 4096, 255, 4096),
            Err(error) => reply.error(error),
        });
    }

    fn setxattr(
        &self,
        _: &Request,
        _: INodeNo,
        _: &OsStr,
        _: &[u8],
        _: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        // Not what Kubo says, that there is no such attribute: `cp -a` fails at that.
        reply.error(number(Number::EOPNOTSUPP));
    }

    fn removexattr(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::NO_XATTR);
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        self.shared.note(format_args!("getxattr {ino} {name:?}"));
        if ![CID, OLD_CID].contains(&name.as_bytes()) {
            return reply.error(Errno::NO_XATTR);
        }
        let work = async move |shared: Arc<Shared>| shared.tree.cid(ino.0).await;
        self.run(Wait::Bounded, work, move |_, answer| match answer {
            Ok(Some(cid)) => value(reply, size, cid.as_bytes()),
            Ok(None) => reply.error(Errno::NO_XATTR),
            Err(error) => reply.error(error),
        });
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        let work = async move |shared: Arc<Shared>| shared.tree.cid(ino.0).await;
        self.run(Wait::Bounded, work, move |_, answer| match answer {
            Ok(Some(_)) => value(reply, size, &[CID, b"\0"].concat()),
            Ok(None) => value(reply, size, b""),
            Err(error) => reply.error(error),
        });
    }

    fn access(&self, request: &Request, ino: INodeNo, mask: AccessFlags, reply: ReplyEmpty) {
        let (uid, gid) = (request.uid(), request.gid());
        let wanted = mask.bits().cast_unsigned() & 0o7;
        let work = async move |shared: Arc<Shared>| {
            let told = shared.tree.attributes(ino.0, None).await?;
            let mode = u32::from(told.told(ino.0, shared.owner).perm);
            let granted = if uid == 0 {
                0o7
            } else if uid == shared.owner.0 {
                mode >> 6
            } else if gid == shared.owner.1 {
                mode >> 3
            } else {
                mode
            };
            match wanted & !granted & 0o7 {
                0 => Ok(()),
                _ => Err(Errno::EACCES),
            }
        };
        self.run(Wait::Bounded, work, empty(reply));
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        self.shared
            .note(format_args!("create {parent} {name:?} {flags:#x}"));
        let (name, how) = (bytes(name), how(flags));
        let work = async move |shared: Arc<Shared>| shared.tree.create(parent.0, &name, how).await;
        self.run(Wait::ToTheEnd, work, |shared, answer| match answer {
            Ok((found, opened)) => {
                let told = found.attributes.told(found.ino, shared.owner);
                let handle = FileHandle(opened.handle);
                let keeps = shared.tree.keeps();
                reply.created(
                    &keeps,
                    &told,
                    Generation(0),
                    handle,
                    cache(opened.keep_cache),
                );
            }
            Err(error) => reply.error(error),
        });
    }
}

fn cache(keep: bool) -> FopenFlags {
    match keep {
        true => FopenFlags::FOPEN_KEEP_CACHE,
        false => FopenFlags::empty(),
    }
}
