//! Child processes: argv, a clean environment, limits, no network, killed as a tree; and the
//! parsers of their reports. There is no shell.
//!
//! A confined task is started by a helper, which is our own executable with the hidden
//! subcommand `__sandbox`: it enters new namespaces, builds the task's view of the file
//! system, and lets a PID 1 of its own start and reap the task. When the helper dies, for
//! whatever reason, the kernel ends everything in the PID namespace, `setsid` or not.
//!
//! This module knows nothing of runs, blueprints or change sets, and chooses no command.

pub(crate) mod capture;
#[cfg(target_os = "linux")]
mod cgroup;
pub(crate) mod environment;
#[cfg(target_os = "linux")]
mod gateway;
#[cfg(target_os = "linux")]
mod keeper;
#[cfg(not(target_os = "linux"))]
#[path = "process/no_keeper.rs"]
mod keeper;
mod launch;
pub mod report;
#[cfg(target_os = "linux")]
mod sandbox;
mod secrets;
pub(crate) mod spec;
mod writes;

#[cfg(target_os = "linux")]
pub(crate) use gateway::Gateway;
#[cfg(not(target_os = "linux"))]
pub(crate) use keeper::Gateway;
pub(crate) use keeper::{Keepers, StandBy};
pub(crate) use launch::{Group, Ran, run_plainly};
pub use report::{ParsedReport, parse_report};
pub use spec::TaskLimits;
pub(crate) use writes::confine_writes;

use std::path::{Path, PathBuf};

/// Where the executable lies that answers to `__sandbox`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    helper: PathBuf,
}

impl Launcher {
    /// This very process's executable. On Linux it is named by `/proc/self/exe`, which stays
    /// true when the file is replaced by an upgrade.
    ///
    /// # Errors
    /// When the system cannot say which executable this is.
    pub fn current() -> std::io::Result<Self> {
        if cfg!(target_os = "linux") {
            return Ok(Self { helper: PathBuf::from("/proc/self/exe") });
        }
        Ok(Self { helper: std::env::current_exe()? })
    }

    /// Another executable of ours: for programs that embed this library, and for tests.
    pub fn at(helper: impl Into<PathBuf>) -> Self {
        Self { helper: helper.into() }
    }

    /// The executable.
    pub fn helper(&self) -> &Path {
        &self.helper
    }
}

/// The name of the hidden subcommand.
pub const SANDBOX_SUBCOMMAND: &str = "__sandbox";

/// The entry of the hidden subcommand `openexec __sandbox`: builds the sandbox described on
/// the first line of standard input, which is a socket, runs the task in it and ends with it.
/// It must be called before any thread is started, as new user namespaces demand.
/// It never returns on success.
pub fn sandbox_main() -> anyhow::Error {
    #[cfg(target_os = "linux")]
    return sandbox::enter();
    #[cfg(not(target_os = "linux"))]
    return anyhow::anyhow!("tasks cannot be confined on this system; only Linux is supported");
}
