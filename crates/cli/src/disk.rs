//! Files of this machine on their way into a command.

mod filter;
mod web;

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use basalt_commands::files::{FileEntry, FileMode, Files, Mtime, NodeKind};
use basalt_commands::{Error, Result, go_error};
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;

pub(crate) use filter::Filter;
use web::WebFile;
pub(crate) use web::named_url;

/// Bytes read from a file at once.
const READ: usize = 1 << 20;

/// A file, tree or URL that was named on the command line.
pub(crate) struct Named {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// What is fetched in its place.
    pub(crate) url: Option<String>,
    /// The name it is sent under.
    pub(crate) name: Bytes,
}

/// What is being read.
enum Open {
    File(tokio::fs::File),
    Web(WebFile),
}

/// How trees are walked.
#[derive(Clone)]
pub(crate) struct Walk {
    /// What is left out.
    pub(crate) filter: Arc<Filter>,
    /// Whether links are followed rather than kept.
    pub(crate) follow_links: bool,
}

/// The files that a command line names, with everything below them, in the order of their names.
pub(crate) struct Disk {
    walk: Walk,
    /// What is left at each level, the deepest last; reversed, so that the next is at the end.
    levels: Vec<Vec<Named>>,
    open: Option<Open>,
    left: u64,
    total: Option<u64>,
}

impl Disk {
    /// Walks `named`. `total` is the size of all of it, where somebody wants to know.
    pub(crate) fn new(mut named: Vec<Named>, walk: Walk, total: Option<u64>) -> Self {
        named.sort_by(|a, b| b.name.cmp(&a.name));
        Self {
            walk,
            levels: vec![named],
            open: None,
            left: 0,
            total,
        }
    }

    fn stat(&self, path: &Path) -> Result<Metadata> {
        let stat = if self.walk.follow_links {
            fs::metadata(path)
        } else {
            fs::symlink_metadata(path)
        };
        let call = if self.walk.follow_links {
            "stat"
        } else {
            "lstat"
        };
        stat.map_err(|e| failed(call, path, &e))
    }

    fn children(&self, dir: &Path, name: &Bytes) -> Result<Vec<Named>> {
        let fail = |e: std::io::Error| failed("open", dir, &e);
        let mut below = Vec::new();
        for entry in fs::read_dir(dir).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let file = entry.file_name();
            if self.walk.filter.leaves_out(&file) {
                continue;
            }
            let mut path = name.to_vec();
            path.push(b'/');
            path.extend_from_slice(file.as_bytes());
            below.push(Named {
                path: entry.path(),
                url: None,
                name: path.into(),
            });
        }
        below.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(below)
    }

    fn enter(&mut self, named: Named) -> Result<(FileEntry, Option<Open>)> {
        if let Some(url) = named.url {
            let entry = FileEntry {
                path: named.name,
                kind: NodeKind::File,
                mode: None,
                mtime: None,
                abspath: Some(PathBuf::from(&url)),
                size: None,
            };
            return Ok((entry, Some(Open::Web(WebFile::new(url)))));
        }
        let stat = self.stat(&named.path)?;
        let kind = stat.file_type();
        // A pipe is read if the user named it; one that lies in a tree would hang the walk.
        let named_itself = self.levels.len() == 1;
        let (mut opened, mut size) = (None, None);
        let node = if kind.is_dir() {
            self.levels.push(self.children(&named.path, &named.name)?);
            NodeKind::Directory
        } else if kind.is_symlink() {
            let target =
                fs::read_link(&named.path).map_err(|e| failed("readlink", &named.path, &e))?;
            NodeKind::Symlink(target.into_os_string().into_vec().into())
        } else if kind.is_file() || (kind.is_fifo() && named_itself) {
            opened =
                Some(fs::File::open(&named.path).map_err(|e| failed("open", &named.path, &e))?);
            size = kind.is_file().then_some(stat.len());
            NodeKind::File
        } else {
            let (path, mode) = (named.path.display(), go_mode(&stat));
            return Err(Error::new(format!(
                "unrecognized file type for {path}: {mode}"
            )));
        };
        let mtime = Mtime {
            secs: stat.mtime(),
            nanos: u32::try_from(stat.mtime_nsec()).unwrap_or(0),
        };
        let mode = FileMode::on_disk(stat.mode(), &node);
        let entry = FileEntry {
            path: named.name,
            kind: node,
            mode: Some(mode),
            mtime: Some(mtime),
            abspath: std::path::absolute(&named.path)
                .ok()
                .map(|path| clean(&path)),
            size,
        };
        let opened = opened.map(|file| {
            let mut file = tokio::fs::File::from_std(file);
            file.set_max_buf_size(READ);
            Open::File(file)
        });
        Ok((entry, opened))
    }
}

#[async_trait]
impl Files for Disk {
    async fn next(&mut self) -> Result<Option<FileEntry>> {
        self.open = None;
        loop {
            let Some(level) = self.levels.last_mut() else {
                return Ok(None);
            };
            let Some(named) = level.pop() else {
                self.levels.pop();
                continue;
            };
            // Opening takes microseconds; the reading that takes time is done on the pool.
            let (entry, opened) = self.enter(named)?;
            self.left = entry.size.unwrap_or(u64::MAX);
            self.open = opened;
            return Ok(Some(entry));
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let file = match &mut self.open {
            None => return Ok(None),
            Some(Open::Web(file)) => return file.chunk().await,
            Some(Open::File(file)) => file,
        };
        let room = self.left.saturating_add(1).min(READ as u64);
        let mut buffer = BytesMut::with_capacity(usize::try_from(room).unwrap_or(READ));
        let read = file.read_buf(&mut buffer).await?;
        self.left = self.left.saturating_sub(read as u64);
        if read == 0 {
            self.open = None;
            return Ok(None);
        }
        Ok(Some(buffer.freeze()))
    }

    fn total_size(&self) -> Option<u64> {
        self.total
    }
}

/// The bytes of all files below the named ones, for progress. What cannot be read counts nothing;
/// reading it later fails with its name.
pub(crate) fn total_size(named: &[Named], walk: &Walk) -> u64 {
    let disk = Disk::new(Vec::new(), walk.clone(), None);
    let mut todo: Vec<Named> = named
        .iter()
        .filter(|n| n.url.is_none())
        .map(|n| Named {
            path: n.path.clone(),
            url: None,
            name: n.name.clone(),
        })
        .collect();
    let mut total = 0;
    while let Some(named) = todo.pop() {
        let Ok(stat) = disk.stat(&named.path) else {
            continue;
        };
        if stat.is_dir() {
            todo.extend(disk.children(&named.path, &named.name).unwrap_or_default());
        } else if stat.is_file() {
            total += stat.len();
        }
    }
    total
}

/// Prepares a path of the command line as Kubo does: cleaned of dots, `.` made absolute. Gives the
/// path and the name that it is sent under.
pub(crate) fn name(given: &OsString, follow: bool) -> Result<Named> {
    let mut path = clean(Path::new(given));
    if path == Path::new(".") {
        path = std::env::current_dir()?;
    }
    if follow {
        path = fs::canonicalize(&path).map_err(|e| failed("lstat", &path, &e))?;
    }
    let name = match path.components().next_back() {
        Some(Component::Normal(name)) => Bytes::copy_from_slice(name.as_bytes()),
        Some(Component::ParentDir) => Bytes::from_static(b".."),
        _ => Bytes::from_static(b"/"),
    };
    Ok(Named {
        path,
        url: None,
        name,
    })
}

/// The shortest path that means the same, without looking at the disk.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir) => {}
                _ => out.push(".."),
            },
            part => out.push(part),
        }
    }
    if out.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        out
    }
}

/// An error of the operating system in the words of Go's `os` package, which scripts match.
pub(crate) fn failed(call: &str, path: &Path, e: &std::io::Error) -> Error {
    Error::new(go_error(call, path, e))
}

/// The mode of something that is neither file, directory nor symlink, as Go writes it.
fn go_mode(stat: &Metadata) -> String {
    let kind = stat.file_type();
    let letters = match () {
        () if kind.is_fifo() => "p",
        () if kind.is_socket() => "S",
        () if kind.is_char_device() => "Dc",
        () if kind.is_block_device() => "D",
        () => "?",
    };
    let mut text = letters.to_owned();
    for (bit, letter) in (0..9).rev().zip("rwxrwxrwx".chars()) {
        text.push(if stat.mode() & (1 << bit) != 0 {
            letter
        } else {
            '-'
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        assert_eq!(clean(Path::new("a/./b/../c/")), Path::new("a/c"));
        assert_eq!(clean(Path::new("../../x")), Path::new("../../x"));
        assert_eq!(clean(Path::new("/../x")), Path::new("/x"));
        assert_eq!(clean(Path::new("a/..")), Path::new("."));
    }
}
