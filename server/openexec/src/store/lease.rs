//! Leases: the right of one process to drive a run. A lease is a lock on a file, which the
//! operating system gives back when the process dies, however it dies.

use super::{StoreError, database};
use openexec_engine::digest::Digest;
use openexec_engine::ids::RunId;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of a process id in decimal.
const PID_BYTES_MAX: u64 = 20;

/// The right to drive a run. Dropping it gives it back.
#[derive(Debug)]
pub struct Lease {
    file: File,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The file stays, so that two processes cannot lock two files of the same name.
        // It is emptied first, so that no process id of the past is taken for a holder's.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Takes the lease of `run` below the state directory `state`.
pub(super) fn take(state: &Path, run: &RunId) -> Result<Lease, StoreError> {
    let path = lock_path(state, run);
    let failed = |error: std::io::Error| StoreError::Lease {
        path: path.display().to_string(),
        reason: format!("{error}; make its directory writable for you"),
    };
    let file = open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::Leased { run: run.clone(), pid: written(&file) });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let mut lease = Lease { file };
    let write = lease.file.set_len(0).and_then(|()| write!(lease.file, "{}", std::process::id()));
    write.map_err(failed)?;
    Ok(lease)
}

fn open(path: &Path) -> std::io::Result<File> {
    if let Some(directory) = path.parent() {
        database::private_directory(directory)?;
    }
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The process that holds the lease of `run`. The lock is only tried, and only where a process
/// id stands in the file, so that nobody who takes the lease meanwhile is kept from it.
pub(super) fn holder(state: &Path, run: &RunId) -> Option<u32> {
    let file = File::open(lock_path(state, run)).ok()?;
    let pid = Some(written(&file)).filter(|pid| *pid != 0)?;
    // Of a process that was killed, the id is still there and the lock is not.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)).then_some(pid)
}

/// The process id in the file; 0 while the holder has not yet written it.
fn written(file: &File) -> u32 {
    let mut text = String::new();
    let read = file.take(PID_BYTES_MAX).read_to_string(&mut text);
    read.ok().and_then(|_| text.trim().parse().ok()).unwrap_or(0)
}

/// A run's id becomes a file name only when it can be nothing else.
fn lock_path(state: &Path, run: &RunId) -> PathBuf {
    let id = run.as_str();
    let plain = !id.is_empty()
        && id.len() <= 64
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let name = if plain { id.to_owned() } else { Digest::of(id.as_bytes()).to_hex() };
    state.join("leases").join(format!("{name}.lock"))
}
