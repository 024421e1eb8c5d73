//! How much there is, and whether there is room for it.

use std::path::Path;

use basalt_kubo::Blocks;

use crate::{Error, Result};

/// What the store adds to the blocks: rows of the index, filters, and what waits to be merged.
const OVERHEAD_PERCENT: u64 = 5;
/// What stays free at least.
const SPARE: u64 = 300 << 20;

/// About how many bytes of blocks there are.
pub(super) fn size(blocks: &Blocks) -> Result<u64> {
    if let Some(size) = blocks.noted_size() {
        return Ok(size);
    }
    let mut size = 0;
    for part in blocks.parts()? {
        size += part.size()?;
    }
    Ok(size)
}

/// Refuses when the file system of `dir` cannot take `bytes` more.
pub(super) fn check(dir: &Path, bytes: u64) -> Result<()> {
    let Ok(stat) = nix::sys::statvfs::statvfs(dir) else {
        return Ok(());
    };
    #[allow(clippy::useless_conversion)] // The types differ from system to system.
    let free = u64::from(stat.blocks_available()).saturating_mul(stat.fragment_size().into());
    #[allow(clippy::useless_conversion)]
    let whole = u64::from(stat.blocks()).saturating_mul(stat.fragment_size().into());
    let spare = SPARE.min(whole / 8);
    let needed = bytes + bytes / 100 * OVERHEAD_PERCENT + spare;
    if needed <= free {
        return Ok(());
    }
    Err(Error::NoRoomForImport {
        path: dir.to_owned(),
        needed,
        free,
    })
}
