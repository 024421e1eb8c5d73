//! What stands on disk below a path, as lines.

use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::mask::digest;
use crate::tar;

/// Kind, mode, path, and content of everything at and below `path`; a time of change only if it is
/// not recent. Archives are opened.
pub(crate) fn list(path: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    if let Err(error) = walk(path, ".", &mut lines) {
        lines.push(format!("\\ {}", error.root_cause()));
    }
    lines
}

fn walk(path: &Path, shown: &str, lines: &mut Vec<String>) -> Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    let mode = metadata.mode() & 0o7777;
    let time = time(&metadata);
    if metadata.is_symlink() {
        let target = fs::read_link(path)?;
        lines.push(format!("l {shown} -> {}", target.display()));
    } else if metadata.is_dir() {
        lines.push(format!("d {mode:o} {shown}{time}"));
        let mut names: Vec<_> = fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<Result<_>>()?;
        names.sort();
        for name in names {
            let below = format!("{shown}/{}", name.as_bytes().escape_ascii());
            walk(&path.join(&name), &below, lines)?;
        }
    } else {
        let bytes = fs::read(path)?;
        if shown.ends_with(".tar") || path.extension().is_some_and(|ext| ext == "tar") {
            lines.push(format!("f {mode:o} {shown}{time}"));
            lines.extend(tar::list(&bytes).iter().map(|line| format!("  {line}")));
        } else if bytes.starts_with(b"\x1f\x8b") {
            lines.push(format!("f {mode:o} {shown}{time} (gzip)"));
        } else {
            lines.push(format!("f {mode:o} {shown}{time} {}", digest(&bytes)));
        }
    }
    Ok(())
}

fn time(metadata: &Metadata) -> String {
    let seconds = Duration::from_secs(metadata.mtime().max(0).cast_unsigned());
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + seconds);
    if age.is_ok_and(|age| age < Duration::from_secs(86_400)) {
        return String::new();
    }
    format!(" @{}.{:09}", metadata.mtime(), metadata.mtime_nsec())
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_and_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        fs::create_dir_all(from.join("x")).unwrap();
        crate::fixtures::write(&from.join("x/y"), b"hi").unwrap();
        copy(&from, &to).unwrap();
        let lines = list(&from);
        assert_eq!(lines.len(), 3);
        assert!(
            lines[2].starts_with("f 644 ./x/y @1612325106.000000000 2 bytes"),
            "{lines:?}"
        );
        assert_eq!(fs::read(to.join("x/y")).unwrap(), b"hi");
        assert!(list(&folder.path().join("none"))[0].starts_with("\\ "));
    }
}
