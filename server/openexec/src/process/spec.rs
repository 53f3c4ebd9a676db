//! What the server tells the helper, and what the helper tells the server. Both ends are the
//! same executable, so the form has no version.
#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux has helpers to tell this to"))]

use crate::limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An overlay: the directory at `at`, with every change caught in `upper`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Overlay {
    /// The directory, and where the overlay is mounted.
    pub at: PathBuf,
    /// Where changes go. On the same file system as `work`.
    pub upper: PathBuf,
    /// The kernel's own scratch directory. It must be new: what a mount leaves in one would have
    /// to be removed first, and some disks take milliseconds to free a directory.
    pub work: PathBuf,
}

/// What a task may use. The time it may take is the server's to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLimits {
    /// Bytes of private data of each process.
    pub process_memory_bytes: u64,
    /// Bytes of memory of all processes together.
    pub memory_bytes: u64,
    /// Processes and threads, all together. The kernel holds no limit below 301 for root.
    pub processes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes written to disk, all files together.
    pub disk_bytes: u64,
    /// Seconds of processor time of each process.
    pub cpu_s: u64,
}

impl Default for TaskLimits {
    fn default() -> Self {
        Self {
            process_memory_bytes: limits::TASK_MEMORY_BYTES_MAX,
            memory_bytes: limits::TASK_MEMORY_BYTES_MAX.min(share_of_memory()),
            processes: limits::TASK_PROCESSES_MAX,
            file_bytes: limits::TASK_FILE_BYTES_MAX,
            disk_bytes: limits::TASK_DISK_BYTES_MAX,
            cpu_s: limits::TASK_CPU_SECONDS_MAX,
        }
    }
}

#[cfg(target_os = "linux")]
fn share_of_memory() -> u64 {
    let info = rustix::system::sysinfo();
    let bytes = info.totalram.saturating_mul(u64::from(info.mem_unit));
    (bytes / 100).saturating_mul(limits::TASK_MEMORY_PERCENT_MAX)
}

#[cfg(not(target_os = "linux"))]
fn share_of_memory() -> u64 {
    u64::MAX
}

/// What a confined task is, and what it sees.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SandboxSpec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The directory it starts in.
    pub cwd: PathBuf,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// The workspace, and caches that tools insist on writing to. Everything else is read-only.
    pub overlays: Vec<Overlay>,
    /// What is read-only although it lies in an overlay.
    pub protected: Vec<PathBuf>,
    /// A directory that the task sees as `/tmp` and `/var/tmp`, and may write to.
    pub scratch: PathBuf,
    /// An empty directory, over which the helper mounts an empty file system.
    pub empty: PathBuf,
    /// Directories below those that are replaced or masked that stay visible, read-only.
    pub exposed: Vec<PathBuf>,
    /// Files and directories whose content the task must not see.
    pub masked: Vec<PathBuf>,
    /// Directories whose files stay visible while the sockets in them, those of later included,
    /// can no longer be connected to.
    pub veiled: Vec<PathBuf>,
    /// What it may use.
    pub limits: TaskLimits,
    /// The cgroup that was made for it.
    pub cgroup: Option<PathBuf>,
    /// The gateway by which it reaches declared hosts, if it has one.
    pub gateway: Option<GatewaySpec>,
}

/// How a task uses its gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GatewaySpec {
    /// True when it goes through the gateway even to reach 127.0.0.1, as that is a declared host.
    pub for_loopback: bool,
}

/// What precedes the listener of a gateway on the socket. No [`Ending`] begins like this.
pub(crate) const LISTENER: u8 = b'L';

/// What a task used too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Overrun {
    /// All processes together held more than this many bytes.
    Memory {
        /// The limit.
        limit_bytes: u64,
    },
    /// There were more than this many processes.
    Processes {
        /// The limit.
        limit: u64,
    },
    /// All files together took more than this many bytes.
    Disk {
        /// The limit.
        limit_bytes: u64,
    },
    /// The disk that holds the shadow is nearly full.
    DiskFull,
}

impl std::fmt::Display for Overrun {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MIB: u64 = 1024 * 1024;
        match self {
            Self::Memory { limit_bytes } => {
                write!(formatter, "it used more than {} MiB of memory", limit_bytes / MIB)
            }
            Self::Processes { limit } => write!(formatter, "it started more than {limit} processes"),
            Self::Disk { limit_bytes } => {
                write!(formatter, "it wrote more than {} MiB to disk", limit_bytes / MIB)
            }
            Self::DiskFull => write!(formatter, "the disk that holds its shadow is nearly full"),
        }
    }
}

/// How the task ended, or why it did not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub(crate) enum Note {
    /// The sandbox could not be built.
    Unconfined {
        /// What was tried.
        step: String,
        /// What the system said.
        reason: String,
    },
    /// The sandbox stands; the program could not be started.
    NotStarted {
        /// What the system said.
        reason: String,
    },
    /// The task ended by itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal ended the task.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
}

/// Which of the parts that not every kernel has were in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// Landlock, with the abilities of this version; 0 when it is missing.
    pub landlock: u8,
    /// Directories that were to be veiled and could not be.
    pub unveiled: Vec<PathBuf>,
    /// The cgroup was entered.
    pub cgroup: bool,
}

/// The last thing that the helper says, one JSON document on a line. Nothing of the task is
/// left when it is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// How the task ended.
    pub note: Note,
    /// Why the helper ended it, if it did.
    pub overrun: Option<Overrun>,
    /// What was in force.
    pub parts: Parts,
}
