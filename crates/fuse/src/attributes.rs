//! What `stat` tells of an entry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basalt::unixfs::{Mtime, Stat};
use fuser::{FileAttr, FileType, INodeNo};

/// The size that programs are told to read and write in where nothing else is said.
pub(crate) const BLOCK: u32 = 1 << 20;
/// The mode of folders that only lead on: they cannot be listed.
pub(crate) const NAMESPACE: u16 = 0o111;

/// Modes of entries that have none stored, and the size to read and write in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usual {
    file: u16,
    directory: u16,
    block: u32,
}

impl Usual {
    /// Of what cannot be changed.
    pub(crate) const FIXED: Self = Self {
        file: 0o444,
        directory: 0o555,
        block: BLOCK,
    };

    /// Of what can be changed, where files are cut by this chunker.
    pub(crate) fn changeable(chunker: Option<&str>) -> Self {
        Self {
            file: 0o644,
            directory: 0o755,
            block: block_size(chunker),
        }
    }
}

/// The size of the chunks, if they have one; the kernel asks for no more than 1 MiB at a time.
fn block_size(chunker: Option<&str>) -> u32 {
    let size = chunker.unwrap_or("size-262144").strip_prefix("size-");
    match size.and_then(|size| size.parse::<u64>().ok()) {
        Some(size @ 1..) => u32::try_from(size).unwrap_or(u32::MAX).min(BLOCK),
        _ => BLOCK,
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
    Symlink,
}

impl Kind {
    pub(crate) fn file_type(self) -> FileType {
        match self {
            Self::Directory => FileType::Directory,
            Self::File => FileType::RegularFile,
            Self::Symlink => FileType::Symlink,
        }
    }
}

/// What is told of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    mode: u16,
    mtime: Option<Mtime>,
    blocks: u64,
    block: u32,
}

impl Attributes {
    pub(crate) fn new(kind: Kind, size: u64, stat: Stat, usual: Usual) -> Self {
        let mode = match kind {
            Kind::Directory => usual.directory,
            Kind::File => usual.file,
            Kind::Symlink => 0o777,
        };
        // The mode of a symlink is never asked for; what it points to has one.
        let stored = stat.mode.filter(|mode| *mode != 0 && kind != Kind::Symlink);
        Self {
            kind,
            size: if kind == Kind::Directory { 0 } else { size },
            mode: stored.map_or(mode, |mode| (mode & 0o7777) as u16),
            mtime: stat.mtime,
            blocks: match kind {
                // Not none: some programs take that for unknown.
                Kind::Directory => 1,
                _ => size.div_ceil(512),
            },
            block: usual.block,
        }
    }

    /// Of a folder that only leads on, or a link in one.
    pub(crate) fn bare(kind: Kind, mode: u16) -> Self {
        Self {
            kind,
            size: 0,
            mode,
            mtime: None,
            blocks: 0,
            block: 4096,
        }
    }

    /// In the form of the library.
    pub(crate) fn told(&self, ino: u64, owner: (u32, u32)) -> FileAttr {
        FileAttr {
            ino: INodeNo(ino),
            size: self.size,
            blocks: self.blocks,
            atime: UNIX_EPOCH,
            mtime: self.mtime.map_or(UNIX_EPOCH, time),
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: self.kind.file_type(),
            perm: self.mode,
            nlink: 1,
            uid: owner.0,
            gid: owner.1,
            rdev: 0,
            blksize: self.block,
            flags: 0,
        }
    }
}

fn time(mtime: Mtime) -> SystemTime {
    let seconds = Duration::from_secs(mtime.seconds.unsigned_abs());
    let whole = match mtime.seconds {
        0.. => UNIX_EPOCH.checked_add(seconds),
        _ => UNIX_EPOCH.checked_sub(seconds),
    };
    whole
        .and_then(|whole| whole.checked_add(Duration::from_nanos(mtime.nanos.into())))
        .unwrap_or(UNIX_EPOCH)
}

/// A moment as it is stored.
pub(crate) fn mtime(time: SystemTime) -> Mtime {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Mtime {
            seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            nanos: after.subsec_nanos(),
        },
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            match before.subsec_nanos() {
                0 => Mtime {
                    seconds: -seconds,
                    nanos: 0,
                },
                nanos => Mtime {
                    seconds: -seconds - 1,
                    nanos: 1_000_000_000 - nanos,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_size_is_that_of_the_chunks() {
        for (chunker, size) in [
            (None, 262_144),
            (Some("size-65536"), 65_536),
            (Some("size-16777216"), BLOCK),
            (Some("size-99999999999"), BLOCK),
            (Some("size-0"), BLOCK),
            (Some("size-x"), BLOCK),
            (Some("rabin"), BLOCK),
            (Some(""), BLOCK),
        ] {
            assert_eq!(block_size(chunker), size, "{chunker:?}");
        }
    }

    #[test]
    fn moments_before_1970_are_kept() {
        for (seconds, nanos) in [(0, 0), (5, 7), (-5, 0), (-5, 999_999_999), (-1, 1)] {
            let moment = Mtime { seconds, nanos };
            assert_eq!(mtime(time(moment)), moment);
        }
    }

    #[test]
    fn stored_modes_come_first() {
        let stat = Stat {
            mode: Some(0o4751),
            mtime: None,
        };
        let mode = |kind, stat| Attributes::new(kind, 3, stat, Usual::FIXED).mode;
        assert_eq!(mode(Kind::File, stat), 0o4751);
        assert_eq!(mode(Kind::Symlink, stat), 0o777);
        assert_eq!(mode(Kind::File, Stat::default()), 0o444);
        assert_eq!(mode(Kind::Directory, Stat::default()), 0o555);
    }
}
