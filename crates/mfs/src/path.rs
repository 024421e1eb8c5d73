//! Paths of the tree, as text.

use crate::{Error, Result};

/// The most names in a path.
pub const MAX_DEPTH: usize = 256;

/// The shortest path that leads to the same place, as Go's `path.Clean` says.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => drop(names.pop()),
            ".." if rooted => {}
            name => names.push(name),
        }
    }
    match (rooted, names.is_empty()) {
        (true, _) => format!("/{}", names.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => names.join("/"),
    }
}

/// The path of the directory that `path` lies in, as Go's `path.Dir` says.
pub fn parent(path: &str) -> String {
    clean(split(path).0)
}

/// The last name of a path, as Go's `path.Base` says.
pub fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/";
    }
    split(trimmed).1
}

/// The path up to its last slash, and what is behind it.
pub fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |at| at + 1))
}

/// The names of a path, slashes at its ends left away.
pub(crate) fn names(path: &str) -> Result<Vec<&str>> {
    let trimmed = path.trim_matches('/');
    if trimmed.is_empty() {
        return Ok(Vec::new());
    }
    if trimmed.split('/').nth(MAX_DEPTH).is_some() {
        return Err(Error::TooDeep);
    }
    Ok(trimmed.split('/').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_go_reads_them() {
        for (path, cleaned, dir, last) in [
            ("/a/b", "/a/b", "/a", "b"),
            ("/a/b/", "/a/b", "/a/b", "b"),
            ("//a/./../b", "/b", "/", "b"),
            ("/..", "/", "/", ".."),
            ("/", "/", "/", "/"),
            ("", ".", ".", "."),
            ("a", "a", ".", "a"),
            ("../a", "../a", "..", "a"),
            ("///", "/", "/", "/"),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
            assert_eq!(parent(path), dir, "{path}");
            assert_eq!(base(path), last, "{path}");
        }
    }

    #[test]
    fn paths_are_not_too_deep() {
        assert_eq!(names(&"/a".repeat(MAX_DEPTH)).unwrap().len(), MAX_DEPTH);
        assert!(matches!(
            names(&"/a".repeat(MAX_DEPTH + 1)),
            Err(Error::TooDeep)
        ));
    }
}
