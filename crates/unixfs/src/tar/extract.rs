use std::{
    ffi::OsStr,
    fs,
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::AT_FDCWD,
    sys::{
        stat::{UtimensatFlags, utimensat},
        time::TimeSpec,
    },
};

use super::{Archive, Header, HeaderKind, Member};
use crate::{Error, Mtime, Result};

/// Told how many bytes of files have been written since the last time.
type Progress<'a> = Box<dyn FnMut(u64) + Send + 'a>;

/// Unpacks an archive whose only root is a file, a symlink, or a directory that all else is in.
///
/// A root directory becomes the output path. A file or symlink does too, unless that is a directory
/// already, in which case it goes there under its own name. What stands in the way of files and
/// symlinks is replaced. Nothing is ever written through a symlink or outside the output path.
pub struct Extractor<'a> {
    output: PathBuf,
    progress: Option<Progress<'a>>,
}

impl<'a> Extractor<'a> {
    /// Unpacks to `output`.
    pub fn new(output: impl Into<PathBuf>) -> Self {
        Self {
            // Without needless slashes and dots.
            output: output.into().components().collect(),
            progress: None,
        }
    }

    /// Tells `progress` of every piece of a file that was written.
    pub fn progress(mut self, progress: impl FnMut(u64) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Unpacks everything that `reader` yields. Blocks the thread.
    pub fn extract(mut self, reader: impl Read) -> Result<()> {
        if self.output == Path::new("/dev/null") {
            return Ok(());
        }
        let mut archive = Archive::new(reader);
        let mut later = Vec::new();
        let done = self.members(&mut archive, &mut later);
        // Directories get their modes and times when nothing changes in them any more.
        for (path, header) in later.iter().rev() {
            update(path, header)?;
        }
        done
    }

    fn members(
        &mut self,
        archive: &mut Archive<impl Read>,
        later: &mut Vec<(PathBuf, Header)>,
    ) -> Result<()> {
        let root = known(
            archive
                .next_member()?
                .ok_or_else(|| refused("empty tar file"))?,
        )?;
        check_root(&root.path)?;
        check_nul(self.output.as_os_str().as_bytes())?;
        let mut target = self.output.clone();
        let root_is_directory = root.kind == HeaderKind::Directory;
        let in_the_way = fs::symlink_metadata(&target);
        match in_the_way {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(disk("lstat", &target)(e)),
            Ok(found) if found.is_dir() && !root_is_directory => {
                check_component(&root.path)?;
                target.push(OsStr::from_bytes(&root.path));
            }
            _ => {}
        }
        self.put(target, &root, archive, later)?;
        while let Some(member) = archive.next_member()? {
            let header = known(member)?;
            if !root_is_directory {
                return Err(refused(
                    "the root was not a directory and the tar has multiple entries: tar has invalid root",
                ));
            }
            let target = self.place(&root.path, &header.path)?;
            self.put(target, &header, archive, later)?;
        }
        Ok(())
    }

    /// Where a member goes, if that is inside the output path and not behind a symlink.
    fn place(&self, root: &[u8], path: &[u8]) -> Result<PathBuf> {
        check_path(path)?;
        let below = path
            .strip_prefix(root)
            .and_then(|rest| rest.strip_prefix(b"/"));
        let below = below.ok_or_else(|| {
            refused("contains more than one root or the root directory is not the first entry : tar has invalid root")
        })?;
        let mut target = self.output.clone();
        let names: Vec<&[u8]> = below.split(|b| *b == b'/').collect();
        for (at, name) in names.iter().enumerate() {
            check_component(name)?;
            target.push(OsStr::from_bytes(name));
            if at + 1 == names.len() {
                break;
            }
            let found = fs::symlink_metadata(&target).map_err(disk("lstat", &target))?;
            if found.is_symlink() {
                return Err(refused("cannot traverse symlinks"));
            }
            if !found.is_dir() {
                return Err(refused("cannot traverse non-directory objects"));
            }
        }
        Ok(target)
    }

    fn put(
        &mut self,
        target: PathBuf,
        header: &Header,
        archive: &mut Archive<impl Read>,
        later: &mut Vec<(PathBuf, Header)>,
    ) -> Result<()> {
        match &header.kind {
            HeaderKind::Directory => {
                make_directory(&target)?;
                let found = fs::symlink_metadata(&target).map_err(disk("lstat", &target))?;
                if !found.is_dir() {
                    return Err(refused("cannot extract to symlink"));
                }
                later.push((target, header.clone()));
            }
            HeaderKind::File(_) => {
                remove(&target)?;
                self.write(&target, archive)?;
                update(&target, header)?;
            }
            HeaderKind::Symlink(link) => {
                remove(&target)?;
                symlink(OsStr::from_bytes(link), &target).map_err(disk("symlink", &target))?;
                set_mtime(&target, header.mtime)?;
            }
        }
        Ok(())
    }

    /// Writes a file beside its place, and moves it there when it is whole.
    fn write(&mut self, target: &Path, archive: &mut Archive<impl Read>) -> Result<()> {
        let directory = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let failed = |e: tempfile::PersistError| disk("rename", target)(e.error);
        let file = tempfile::Builder::new().prefix("").tempfile_in(directory);
        // The name that was tried means nothing to anybody.
        let mut file = file.map_err(|e| disk("open", target)(without_path(e)))?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = archive.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read])
                .map_err(disk("write", target))?;
            if let Some(progress) = &mut self.progress {
                progress(read as u64);
            }
        }
        file.persist(target).map_err(failed)?;
        Ok(())
    }
}

fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Disk {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// The system's error in one of [`tempfile`], which names a path that nobody knows.
fn without_path(error: io::Error) -> io::Error {
    let known = match error.kind() {
        io::ErrorKind::NotFound => Errno::ENOENT,
        io::ErrorKind::NotADirectory => Errno::ENOTDIR,
        io::ErrorKind::PermissionDenied => Errno::EACCES,
        io::ErrorKind::ReadOnlyFilesystem => Errno::EROFS,
        io::ErrorKind::StorageFull => Errno::ENOSPC,
        _ => return error,
    };
    known.into()
}

fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => disk("mkdir", path)(Errno::ENOTDIR.into()),
        _ => disk("mkdir", path)(e),
    })
}

fn refused(why: impl Into<String>) -> Error {
    Error::Unsafe(why.into())
}

fn known(member: Member) -> Result<Header> {
    match member {
        Member::Known(header) => Ok(header),
        Member::Other(kind) => Err(refused(format!("unrecognized tar header type: {kind}"))),
    }
}

fn quoted(path: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(path))
}

fn check_root(path: &[u8]) -> Result<()> {
    let name = quoted(path);
    if path.contains(&b'/') {
        return Err(refused(format!(
            "root name contains multiple components : {name} : tar has invalid root"
        )));
    }
    match path {
        b"" | b"." | b".." => Err(refused(format!(
            "invalid root path: {name} : tar has invalid root"
        ))),
        _ => Ok(()),
    }
}

fn check_path(path: &[u8]) -> Result<()> {
    if path.is_empty() {
        return Err(refused("path is empty"));
    }
    if path.starts_with(b"/") {
        return Err(refused(format!("{} : path starts with '/'", quoted(path))));
    }
    for name in path.split(|b| *b == b'/') {
        if matches!(name, b"" | b"." | b"..") {
            return Err(refused(format!(
                "{} : path contains {}",
                quoted(path),
                quoted(name)
            )));
        }
    }
    Ok(())
}

fn check_component(name: &[u8]) -> Result<()> {
    if name == b".." {
        return Err(refused(
            "invalid platform path: path component cannot be '..'",
        ));
    }
    check_nul(name)
}

fn check_nul(name: &[u8]) -> Result<()> {
    if name.contains(&0) {
        return Err(refused(format!(
            "invalid platform path: path components cannot contain null: {}",
            quoted(name)
        )));
    }
    Ok(())
}

/// Removes a file, a symlink or an empty directory.
fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(disk("remove", path)(e)),
        _ => Ok(()),
    }
}

fn update(path: &Path, header: &Header) -> Result<()> {
    set_mtime(path, header.mtime)?;
    let mode = header.mode & 0o7777;
    if mode != 0 {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, mode).map_err(disk("chmod", path))?;
    }
    Ok(())
}

fn set_mtime(path: &Path, mtime: Mtime) -> Result<()> {
    let time = TimeSpec::new(mtime.seconds, mtime.nanos.into());
    utimensat(
        AT_FDCWD,
        path,
        &time,
        &time,
        UtimensatFlags::NoFollowSymlink,
    )
    .map_err(|e| disk("utimensat", path)(e.into()))
}
