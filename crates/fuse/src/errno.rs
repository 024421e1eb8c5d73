//! Errors as the numbers that programs know.

use basalt::blockstore::Error as StoreError;
use basalt::mfs::Error as MfsError;
use basalt::unixfs::Error as UnixFsError;
use fuser::Errno;
use nix::errno::Errno as Number;

/// The result of a request.
pub(crate) type Answer<T> = Result<T, Errno>;

/// A block did not come in time.
pub(crate) fn late() -> Errno {
    number(Number::ETIMEDOUT)
}

/// A number that the library has no name for.
pub(crate) fn number(number: Number) -> Errno {
    Errno::from_i32(number as i32)
}

/// Of an error of the file tree.
pub(crate) fn of_files(error: MfsError) -> Errno {
    of_files_ref(&error)
}

fn of_files_ref(error: &MfsError) -> Errno {
    let known = match error {
        MfsError::NotExist => Errno::ENOENT,
        MfsError::Exists | MfsError::HasEntry | MfsError::RootExists => Errno::EEXIST,
        MfsError::BelowFile(_)
        | MfsError::WasNotDirectory(_)
        | MfsError::NotDirectory(_)
        | MfsError::ParentNotDirectory
        | MfsError::NotADirectory(_)
        | MfsError::OnlyDirectories => Errno::ENOTDIR,
        MfsError::WasNotFile(_) | MfsError::NotAFile(_) | MfsError::IsDirectory => Errno::EISDIR,
        MfsError::NotEmpty => Errno::ENOTEMPTY,
        MfsError::IntoItself(_) | MfsError::EmptyName | MfsError::NoPath => Errno::EINVAL,
        MfsError::RemovesRoot => Errno::EBUSY,
        MfsError::TooDeep => Errno::ENAMETOOLONG,
        MfsError::Deadline => late(),
        MfsError::Store(error) => return of_store(error),
        MfsError::UnixFs(error) => return of_unixfs(error),
        _ => Errno::EIO,
    };
    if known == Errno::EIO {
        tracing::warn!(target: "basalt::fuse", %error, "a request on a mount failed");
    }
    known
}

/// Of an error of the store.
fn of_store(error: &StoreError) -> Errno {
    match error {
        StoreError::Full(_) => Errno::ENOSPC,
        error => {
            tracing::warn!(target: "basalt::fuse", %error, "the store failed a request on a mount");
            Errno::EIO
        }
    }
}

/// Of an error in a file or directory.
pub(crate) fn of_unixfs(error: &UnixFsError) -> Errno {
    match error {
        UnixFsError::NoLink { .. } => Errno::ENOENT,
        UnixFsError::NotDirectory => Errno::ENOTDIR,
        UnixFsError::IsDirectory => Errno::EISDIR,
        UnixFsError::NotUnixFs(_) => number(Number::EOPNOTSUPP),
        UnixFsError::Source(inner) => match inner.downcast_ref::<MfsError>() {
            Some(MfsError::Deadline) => late(),
            _ => unread(error),
        },
        UnixFsError::Store(error) => of_store(error),
        UnixFsError::FileTooLarge => Errno::EFBIG,
        error => unread(error),
    }
}

fn unread(error: &UnixFsError) -> Errno {
    tracing::warn!(target: "basalt::fuse", %error, "a request on a mount failed");
    Errno::EIO
}
