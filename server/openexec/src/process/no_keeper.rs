//! Where tasks cannot be confined: nothing pretends that they were. A confinement for macOS
//! (a Seatbelt profile) or Windows (a restricted token in a job object) would stand here, with
//! the same few functions.

use super::Launcher;
use super::capture::Capture;
use super::launch::Ran;
use super::spec::SandboxSpec;
use openexec_engine::task::{Connection, TaskExit};

/// See the confinement on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StandBy {
    /// There is nobody to wait.
    None,
    /// There is nobody to wait.
    One,
}

/// See the confinement on Linux.
pub(crate) struct Keepers;

impl Keepers {
    /// There are none.
    pub(crate) fn new(_launcher: &Launcher, _stand_by: StandBy) -> Self {
        Self
    }

    /// Why tasks get no cgroup of their own.
    pub(crate) fn no_cgroup(&self) -> Option<&str> {
        Some("this system has none")
    }

    /// There is nothing to wait for.
    pub(crate) async fn settle(&mut self) {}

    /// Runs nothing, and says why.
    pub(crate) async fn run(&mut self, _spec: &SandboxSpec, _timeout_ms: u64, _out: Option<&Gateway>) -> Ran {
        let missing = if cfg!(target_os = "macos") {
            "openexec has no sandbox for macOS yet"
        } else if cfg!(windows) {
            "openexec has no sandbox for Windows yet"
        } else {
            "openexec has a sandbox for Linux only"
        };
        Ran {
            exit: TaskExit::NotStarted { reason: missing.to_owned() },
            unconfined: Some(missing.to_owned()),
            parts: None,
            duration_ms: 0,
            capture: Capture::default(),
        }
    }
}

/// Where tasks cannot be confined, nobody asks for their connections.
pub(crate) struct Gateway;

impl Gateway {
    /// There is none.
    pub(crate) fn to(_hosts: &[String]) -> Self {
        Self
    }

    /// Nothing was asked for.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        Vec::new()
    }
}
