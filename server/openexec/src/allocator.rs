//! How the system's allocator treats what was freed. A server lives all day, parses from many
//! threads and holds little: left alone, glibc keeps for each thread what that one needed once.
//! Elsewhere nothing is asked.

/// Pools of memory that all threads share. With one for nearly each thread, as is usual,
/// typing held a quarter more.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const POOLS_MAX: libc::c_int = 2;

/// Bytes from which on a block is asked of the operating system, and goes back to it when it is
/// freed. Left alone, glibc raises this to the largest block that was ever freed, up to 32 MiB, and
/// large blocks come to lie, and leave holes, among small ones.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const BLOCK_BYTES_MIN: libc::c_int = 256 * 1024;

/// Lets all threads share few pools, and keeps large blocks out of them. To be called before there
/// are other threads.
pub(crate) fn share_pools() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: each takes two numbers, and this thread is the only one.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, POOLS_MAX);
        libc::mallopt(libc::M_MMAP_THRESHOLD, BLOCK_BYTES_MIN);
    }
}

/// Gives the operating system what is free.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer, and may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
