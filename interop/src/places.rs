//! Where things are: the repository's own files and the build output.

use std::env;
use std::path::{Path, PathBuf};

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder of the case files.
pub(crate) fn cases() -> PathBuf {
    root().join("interop/cases")
}

/// The folder of Kubo's recorded answers.
pub(crate) fn recorded() -> PathBuf {
    root().join("testdata/recorded")
}

/// Real Kubo, as `interop/kubo/build` leaves it.
pub(crate) fn kubo() -> PathBuf {
    cache().join("kubo-0.43.0/ipfs")
}

/// The debug build of Basalt.
pub(crate) fn basalt() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(target) => PathBuf::from(target),
        None => cache().join("target"),
    }
    .join("debug/basalt")
}

fn cache() -> PathBuf {
    if let Some(cache) = env::var_os("BASALT_CACHE") {
        return cache.into();
    }
    match env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache"),
    }
    .join("basalt")
}
