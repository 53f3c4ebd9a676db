//! What the kernel does not always limit for a whole task without a cgroup: its memory, its
//! processes, and what it writes to disk. The keeper looks now and then. A task can use more between two looks; the
//! limits of single processes and files hold at every moment.

use crate::limits::{TASK_DISK_FREE_BYTES_MIN, TASK_DISK_FREE_FILES_MIN, TASK_WATCH_INTERVAL_MS};
use crate::process::spec::{Overrun, SandboxSpec, TaskLimits};
use rustix::event::Timespec;
use rustix::fs::StatVfs;
use std::fs::File;
use std::path::Path;

/// What was there when the task began.
pub(super) struct Watch {
    limits: TaskLimits,
    page_bytes: u64,
    /// The directory of the scratch files, and how full its disk was. The overlays' upper
    /// directories lie on the same one.
    disk: Option<(File, StatVfs)>,
}

impl Watch {
    /// To be called while the host's file systems are in sight.
    pub(super) fn begin(spec: &SandboxSpec) -> Self {
        let disk = File::open(&spec.scratch)
            .ok()
            .and_then(|directory| rustix::fs::fstatvfs(&directory).ok().map(|state| (directory, state)));
        Self { limits: spec.limits, page_bytes: rustix::param::page_size() as u64, disk }
    }

    /// The time between two looks.
    pub(super) fn interval(&self) -> Timespec {
        let milliseconds = i64::try_from(TASK_WATCH_INTERVAL_MS).unwrap_or(i64::MAX);
        Timespec { tv_sec: milliseconds / 1000, tv_nsec: (milliseconds % 1000) * 1_000_000 }
    }

    /// What there is too much of, if anything.
    pub(super) fn overrun(&self) -> Option<Overrun> {
        let crowd = crowd();
        if crowd.processes > self.limits.processes {
            return Some(Overrun::Processes { limit: self.limits.processes });
        }
        let private = crowd.private_pages.saturating_mul(self.page_bytes);
        if private.saturating_add(shared_memory_bytes()) > self.limits.memory_bytes {
            return Some(Overrun::Memory { limit_bytes: self.limits.memory_bytes });
        }
        let (directory, before) = self.disk.as_ref()?;
        let now = rustix::fs::fstatvfs(directory).ok()?;
        self.disk_overrun(before, &now)
    }

    /// Others write to the disk too, so that a task may be blamed for what it did not do; what
    /// it has done is never overlooked.
    fn disk_overrun(&self, before: &StatVfs, now: &StatVfs) -> Option<Overrun> {
        let free = |state: &StatVfs| state.f_bavail.saturating_mul(state.f_frsize);
        let written = free(before).saturating_sub(free(now));
        if written > self.limits.disk_bytes {
            return Some(Overrun::Disk { limit_bytes: self.limits.disk_bytes });
        }
        // A disk that was full before is not the task's doing: it may use half of what is left.
        let bytes_min = TASK_DISK_FREE_BYTES_MIN.min(free(before) / 2);
        // File systems without a fixed number of files say that they have none at all.
        let files_min =
            if before.f_files == 0 { 0 } else { TASK_DISK_FREE_FILES_MIN.min(before.f_favail / 2) };
        (free(now) < bytes_min || now.f_favail < files_min).then_some(Overrun::DiskFull)
    }
}

/// All processes of a task.
#[derive(Default)]
struct Crowd {
    processes: u64,
    /// What they hold for themselves.
    private_pages: u64,
}

/// Counts. `/proc` is that of the task's namespace as soon as init has mounted it; one in which
/// the keeper itself has a number is not.
fn crowd() -> Crowd {
    let mut crowd = Crowd::default();
    if std::fs::read_link("/proc/self").is_ok() {
        return crowd;
    }
    let Ok(entries) = std::fs::read_dir("/proc") else { return crowd };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            crowd.processes += 1;
            crowd.private_pages = crowd.private_pages.saturating_add(private_pages(&entry.path()));
        }
    }
    crowd
}

/// Resident pages less those that are shared (proc(5), `statm`).
fn private_pages(process: &Path) -> u64 {
    let Ok(text) = std::fs::read_to_string(process.join("statm")) else { return 0 };
    let field = |number| text.split(' ').nth(number).and_then(|field| field.parse().ok()).unwrap_or(0_u64);
    field(1).saturating_sub(field(2))
}

fn shared_memory_bytes() -> u64 {
    rustix::fs::statvfs("/dev/shm")
        .map_or(0, |state| state.f_blocks.saturating_sub(state.f_bfree).saturating_mul(state.f_frsize))
}
