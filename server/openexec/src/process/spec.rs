//! What the server tells the helper, and what the helper tells the server. Both ends are the
//! same executable, so the form has no version.

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
    /// The kernel's own scratch directory.
    pub work: PathBuf,
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
    /// A directory that the task sees as `/tmp` and `/var/tmp`, and may write to.
    pub scratch: PathBuf,
    /// Directories below those that are replaced (`/tmp`, `/run`) that stay visible, read-only.
    pub exposed: Vec<PathBuf>,
    /// Files and directories whose content the task must not see.
    pub masked: Vec<PathBuf>,
}

/// What the helper says, one JSON document a line.
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
