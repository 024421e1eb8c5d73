use std::io;
use std::path::Path;

/// A failure of the file system in the words of Go's `os` package: `open x: no such file or directory`.
pub fn go_error(doing: &str, path: &Path, error: &io::Error) -> String {
    let text = match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => error.to_string(),
    };
    format!("{doing} {}: {text}", path.display())
}

#[test]
fn reads_as_go_writes_it() {
    let error = io::Error::from_raw_os_error(nix::libc::ENOENT);
    let text = go_error("open", Path::new("a/b"), &error);
    assert_eq!(text, "open a/b: no such file or directory");
}
