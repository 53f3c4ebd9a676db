//! Git as a child process that a repository cannot turn against its reader.
//!
//! A repository's own configuration and attributes may name programs: file system monitors,
//! hooks, pagers, external diffs, text converters, signature checkers, transports of promisor
//! remotes. Each is switched off by an option or variable of its own, which overrides the
//! repository's; and where the kernel can, the process is kept from writing anything.

use super::HistoryError;
use crate::limits::{HISTORY_OUTPUT_BYTES_MAX, HISTORY_TIMEOUT_MS};
use crate::process::confine_writes;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What overrides the repository's own configuration.
const OVERRIDES: [&str; 15] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.alternateRefsCommand=",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.askPass=",
    "core.quotePath=false",
    "credential.helper=",
    "protocol.allow=never",
    "log.showSignature=false",
    "gpg.program=false",
    "diff.orderFile=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// The whole environment, but for the way to programs.
const VARIABLES: [(&str, &str); 17] = [
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", ""),
    ("SSH_ASKPASS", ""),
    ("GIT_PAGER", "cat"),
    ("GIT_EDITOR", "false"),
    ("GIT_SSH_COMMAND", "false"),
    ("GIT_ADVICE", "0"),
];

/// Where git is, and which workspace it is asked about.
pub(super) struct Git {
    program: PathBuf,
    path: OsString,
    root: PathBuf,
}

impl Git {
    /// The git on `PATH`. Directories below the workspace or relative to anything are passed
    /// over: what lies there is the repository's.
    pub(super) fn find(root: &Path) -> Option<Self> {
        let root = root.canonicalize().ok()?;
        let all = std::env::var_os("PATH")?;
        let trusted: Vec<PathBuf> = std::env::split_paths(&all)
            .filter(|place| {
                place.is_absolute() && !place.canonicalize().is_ok_and(|place| place.starts_with(&root))
            })
            .collect();
        let name = format!("git{}", std::env::consts::EXE_SUFFIX);
        let program = trusted.iter().map(|place| place.join(&name)).find(|program| program.is_file())?;
        Some(Self { program, path: std::env::join_paths(&trusted).ok()?, root })
    }

    /// Starts git with pipes for its input and output.
    pub(super) fn start(&self, arguments: &[&str], input: Stdio) -> std::io::Result<Child> {
        // Only tokio's commands know how to be confined; no runtime is needed for that.
        let mut command = tokio::process::Command::new(&self.program);
        command.arg("--no-pager").arg("--literal-pathspecs");
        for setting in OVERRIDES {
            command.args(["-c", setting]);
        }
        command.args(arguments).current_dir(&self.root).env_clear().env("PATH", &self.path).envs(VARIABLES);
        #[cfg(windows)]
        command.envs(std::env::var_os("SYSTEMROOT").map(|place| ("SYSTEMROOT", place)));
        confine_writes(&mut command, &[])?;
        let mut command: Command = command.into_std();
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
    }

    /// What git prints, within the limits.
    pub(super) fn bytes(&self, arguments: &[&str]) -> Result<Vec<u8>, HistoryError> {
        self.bytes_within(arguments, HISTORY_TIMEOUT_MS)
    }

    /// The same within a shorter time.
    pub(super) fn bytes_within(&self, arguments: &[&str], limit_ms: u64) -> Result<Vec<u8>, HistoryError> {
        let mut child = self.start(arguments, Stdio::null())?;
        let (send, received) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut printed = Vec::new();
                let limit = HISTORY_OUTPUT_BYTES_MAX as u64 + 1;
                let read = stdout.take(limit).read_to_end(&mut printed);
                // Nobody listens any more where the time is up.
                let _ = send.send(read.map(|_| printed));
            });
        }
        let asked = || arguments.first().map(|first| (*first).to_owned()).unwrap_or_default();
        let printed = received.recv_timeout(Duration::from_millis(limit_ms));
        let whole = matches!(&printed, Ok(Ok(printed)) if printed.len() <= HISTORY_OUTPUT_BYTES_MAX);
        if !whole {
            let _ = child.kill();
        }
        let status = child.wait()?;
        match printed {
            Err(_) => Err(HistoryError::TimedOut { asked: asked(), limit_ms }),
            Ok(Err(error)) => Err(HistoryError::NotStarted(error)),
            Ok(Ok(_)) if !whole => {
                Err(HistoryError::TooMuch { asked: asked(), limit_bytes: HISTORY_OUTPUT_BYTES_MAX })
            }
            Ok(Ok(_)) if !status.success() => Err(HistoryError::Refused { asked: asked() }),
            Ok(Ok(printed)) => Ok(printed),
        }
    }

    /// The same as text.
    pub(super) fn text(&self, arguments: &[&str]) -> Result<String, HistoryError> {
        self.bytes(arguments).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}
