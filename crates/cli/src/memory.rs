//! How the allocator is used: buffers of blocks come and go, and should cost neither page faults
//! nor memory that stays.

/// Sets glibc's allocator up. Call it before any other thread runs.
///
/// - Blocks are taken on one thread and given back on another; with an arena for every thread,
///   glibc keeps a third more than is in use.
/// - Buffers of a few hundred KiB are taken and given back thousands of times a second. By default
///   each goes back to the system and comes again as pages of zeros, a quarter of what reading a
///   file costs; so free memory of up to [`KEPT`] an arena stays, until [`give_back`] finds the
///   program idle.
pub(crate) fn prepare() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: no other thread runs yet.
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 2);
        nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, LARGE);
        nix::libc::mallopt(nix::libc::M_TRIM_THRESHOLD, KEPT);
    }
}

/// Larger allocations come from the system and go back to it at once, in bytes. No block is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: i32 = 4 << 20;
/// Free memory that an arena keeps at its end, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = 16 << 20;

/// Gives free memory back to the system whenever the program was at work and then rests. Never ends.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) async fn give_back() {
    use nix::sys::time::TimeValLike;
    use std::time::Duration;

    /// How long a rest is.
    const REST: Duration = Duration::from_secs(10);
    /// CPU time of a rest, and of work that leaves nothing worth giving back.
    const LITTLE: Duration = Duration::from_millis(50);

    fn cpu_time() -> Duration {
        use nix::sys::resource::{UsageWho, getrusage};
        getrusage(UsageWho::RUSAGE_SELF).map_or(Duration::ZERO, |usage| {
            let micros = (usage.user_time() + usage.system_time()).num_microseconds();
            Duration::from_micros(micros.unsigned_abs())
        })
    }

    let (mut given_back, mut last) = (cpu_time(), cpu_time());
    loop {
        tokio::time::sleep(REST).await;
        let now = cpu_time();
        if now - last < LITTLE && now - given_back > LITTLE {
            // It walks over the free memory: milliseconds. A panic of it is not possible.
            let trim = || {
                // SAFETY: it only touches what is free.
                unsafe { nix::libc::malloc_trim(0) };
            };
            let _ = tokio::task::spawn_blocking(trim).await;
            given_back = cpu_time();
        }
        last = now;
    }
}

/// Other allocators look after themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) async fn give_back() {
    std::future::pending().await
}
