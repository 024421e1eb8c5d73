//! The file `CURRENT`, which names RocksDB's manifest: damaged, it can be written anew.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

const NAME: &str = "CURRENT";

/// Writes a `CURRENT` that names no manifest anew, if there is only one that it can have named.
/// `true` if that was so.
pub(crate) fn mend(store: &Path) -> io::Result<bool> {
    let path = store.join(NAME);
    let named = match fs::read(&path) {
        Ok(named) => named,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut manifests = Vec::new();
    for entry in fs::read_dir(store)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("MANIFEST-") {
            manifests.push(name + "\n");
        }
    }
    if manifests.iter().any(|name| name.as_bytes() == named) {
        return Ok(false);
    }
    let [only] = manifests.as_slice() else {
        return Ok(false);
    };
    let new = store.join("CURRENT.tmp");
    let mut file = File::create(&new)?;
    file.write_all(only.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    File::open(store)?.sync_all()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let current = dir.path().join(NAME);
        let says = || fs::read_to_string(&current).unwrap();
        assert!(!mend(dir.path()).unwrap());
        fs::write(&current, "MANIFEST-000004\n").unwrap();
        assert!(!mend(dir.path()).unwrap(), "there is none to name");
        fs::write(dir.path().join("MANIFEST-000005"), "").unwrap();
        assert!(mend(dir.path()).unwrap());
        assert_eq!(says(), "MANIFEST-000005\n");
        assert!(!mend(dir.path()).unwrap());
        fs::write(dir.path().join("MANIFEST-000009"), "").unwrap();
        fs::write(&current, "MANIFEST+000005\n").unwrap();
        assert!(!mend(dir.path()).unwrap(), "it may be either");
        assert_eq!(says(), "MANIFEST+000005\n");
    }
}
