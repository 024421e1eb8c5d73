//! The files that every case finds in its working directory.
//!
//! ```text
//! hello.txt "hello world\n"    empty    one "x"    nonl "no newline"    data.json, data.cbor
//! chunk-1 chunk chunk+1        262143, 262144 and 262145 bytes
//! big.bin                      1 MiB and 17 bytes           huge.bin   2 MiB and 1 byte
//! tree/                        a.txt b/c.txt b/empty/ .hidden x.log "sp ace.txt" ünï.txt link -> a.txt
//! odd/                         a name that is not UTF-8, one with a newline
//! rules                        ignore rules
//! ```

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;

use crate::noise::Noise;

/// When every file of a working directory was last changed: 2021-02-03 04:05:06 UTC.
const CHANGED: u64 = 1_612_325_106;

const LARGE: [(&str, usize); 5] = [
    ("chunk-1", 262_143),
    ("chunk", 262_144),
    ("chunk+1", 262_145),
    ("big.bin", (1 << 20) + 17),
    ("huge.bin", (2 << 20) + 1),
];

const SMALL: [(&str, &[u8]); 15] = [
    ("hello.txt", b"hello world\n"),
    ("empty", b""),
    ("one", b"x"),
    ("nonl", b"no newline"),
    ("data.json", b"{\"b\":[1,2.5,\"x\"],\"a\":null}"),
    ("data.cbor", b"\xa1aa\x01"),
    ("bad.json", b"{\"a\":"),
    ("rules", b"*.log\n# a remark\nb/\n"),
    ("tree/a.txt", b"a\n"),
    ("tree/b/c.txt", b"c\n"),
    ("tree/.hidden", b"hidden\n"),
    ("tree/x.log", b"log\n"),
    ("tree/sp ace.txt", b"space\n"),
    ("tree/\u{fc}n\u{ef}.txt", b"unicode\n"),
    ("odd/new\nline", b"newline\n"),
];

/// Makes the large files once; working directories link to them.
pub(crate) fn make_large(folder: &Path) -> Result<()> {
    for (seed, (name, len)) in LARGE.iter().enumerate() {
        let path = folder.join(name);
        fs::write(&path, Noise::new(seed as u64).bytes(*len))?;
        settle(&path, 0o644)?;
    }
    Ok(())
}

/// Fills the working directory `work`.
pub(crate) fn fill(work: &Path, large: &Path) -> Result<()> {
    for folder in ["tree/b/empty", "odd"] {
        fs::create_dir_all(work.join(folder))?;
    }
    for (name, _) in LARGE {
        fs::hard_link(large.join(name), work.join(name))
            .with_context(|| format!("cannot link {name}"))?;
    }
    for (name, bytes) in SMALL {
        write(&work.join(name), bytes)?;
    }
    write(
        &work.join("odd").join(OsStr::from_bytes(b"n\xffme")),
        b"bytes\n",
    )?;
    let link = work.join("tree/link");
    symlink("a.txt", &link)?;
    let changed = TimeSpec::new(CHANGED.cast_signed(), 0);
    utimensat(
        AT_FDCWD,
        &link,
        &changed,
        &changed,
        UtimensatFlags::NoFollowSymlink,
    )?;
    for folder in ["tree/b/empty", "tree/b", "tree", "odd"] {
        settle(&work.join(folder), 0o755)?;
    }
    settle(&work.join("tree/a.txt"), 0o600)
}

/// The bytes that a case says as text, or in hexadecimal behind `hex:`.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>> {
    let Some(digits) = text.strip_prefix("hex:") else {
        return Ok(text.as_bytes().to_vec());
    };
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
        .collect::<Result<_>>()
        .with_context(|| format!("`{digits}` is not hexadecimal"))
}

/// Writes a file as the fixtures are: mode 644, changed long ago.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    settle(path, 0o644)
}

/// Sets the mode, and the time of the last change, of a file or folder.
pub(crate) fn settle(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(CHANGED);
    File::open(path)?.set_modified(changed)?;
    Ok(())
}
