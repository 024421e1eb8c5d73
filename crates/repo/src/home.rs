//! Where the repo is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::Error;

/// The environment variable that names the repo's directory.
pub const PATH_VARIABLE: &str = "IPFS_PATH";

/// The repo's directory: `IPFS_PATH`, or `.ipfs` in the user's home. A leading `~` is expanded.
///
/// # Errors
///
/// [`Error::NoHome`] when the home is needed and `HOME` is not set, [`Error::UserSpecificHome`]
/// for another user's home.
pub fn repo_path() -> Result<PathBuf, Error> {
    match std::env::var_os(PATH_VARIABLE) {
        Some(path) if !path.is_empty() => expand_home(Path::new(&path)),
        _ => expand_home(Path::new("~/.ipfs")),
    }
}

/// `path` with a leading `~` replaced by the user's home.
///
/// # Errors
///
/// As [`repo_path`].
pub fn expand_home(path: &Path) -> Result<PathBuf, Error> {
    expand(path, std::env::var_os("HOME"))
}

fn expand(path: &Path, home: Option<OsString>) -> Result<PathBuf, Error> {
    let Some(rest) = path.as_os_str().as_encoded_bytes().strip_prefix(b"~") else {
        return Ok(path.to_owned());
    };
    if !rest.is_empty() && rest[0] != b'/' && rest[0] != b'\\' {
        return Err(Error::UserSpecificHome);
    }
    let home = home.filter(|h| !h.is_empty()).ok_or(Error::NoHome)?;
    let mut out = PathBuf::from(home);
    for part in path.components().skip(1) {
        out.push(part);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tilde_is_the_home() {
        let home = || Some(OsString::from("/home/u"));
        let at = |p: &str| expand(Path::new(p), home()).unwrap();
        assert_eq!(at("~"), Path::new("/home/u"));
        assert_eq!(at("~/.ipfs"), Path::new("/home/u/.ipfs"));
        assert_eq!(at("/a/~b"), Path::new("/a/~b"));
        assert_eq!(at("rel"), Path::new("rel"));
        let other = expand(Path::new("~root/x"), home()).unwrap_err();
        assert_eq!(other.to_string(), "cannot expand user-specific home dir");
        assert!(matches!(expand(Path::new("~"), None), Err(Error::NoHome)));
    }
}
