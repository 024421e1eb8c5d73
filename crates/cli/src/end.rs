//! The end of the process.

use std::io::Write as _;

/// Ends the process with this exit code, now.
///
/// Nothing of C++'s is torn down: a thread may still be in the middle of a read of the store that nobody
/// waits for any more, and would find RocksDB's locks gone. What is durable does not depend on it.
pub(crate) fn end(code: u8) -> ! {
    // Its reader may have gone.
    let _ = std::io::stdout().flush();
    // SAFETY: it does not return, and runs nothing of ours.
    unsafe { nix::libc::_exit(code.into()) }
}
