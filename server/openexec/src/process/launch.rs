//! The server's side of a child process without a sandbox, and what both kinds have in common:
//! read what it prints, end it in time and as a tree. Whatever happens becomes a [`TaskExit`];
//! nothing here fails otherwise.

use super::capture::Capture;
use super::spec::Parts;
use crate::limits::{TASK_DRAIN_TIMEOUT_MS, TASK_KILL_TIMEOUT_MS};
use openexec_engine::task::TaskExit;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// Bytes that are read from a pipe at once.
const READ_BYTES: usize = 64 * 1024;

/// What came of a process.
pub(crate) struct Ran {
    /// How it ended.
    pub exit: TaskExit,
    /// The step of building the sandbox that failed, when that is why it did not start.
    pub unconfined: Option<String>,
    /// Which parts of the sandbox were in force; nothing where there was none, or where it was
    /// ended before it could say.
    pub parts: Option<Parts>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it printed.
    pub capture: Capture,
}

/// Runs a task without a sandbox, in a process group of its own: only where the user has
/// allowed that. A descendant that starts a session of its own escapes the kill.
pub(crate) async fn run_plainly(
    argv: &[String],
    cwd: &Path,
    env: &std::collections::BTreeMap<String, String>,
    timeout_ms: u64,
) -> Ran {
    let started = Instant::now();
    let mut capture = Capture::default();
    let exit = match argv.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).env_clear().envs(env).current_dir(cwd);
            plainly(command, timeout_ms, &mut capture)
                .await
                .unwrap_or_else(|error| not_started(Some(program), &error.to_string()))
        }
        None => not_started(None, "its argv is empty"),
    };
    Ran { exit, unconfined: None, parts: None, duration_ms: milliseconds(started), capture }
}

async fn plainly(mut command: Command, timeout_ms: u64, capture: &mut Capture) -> std::io::Result<TaskExit> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reading = pump(stdout, stderr, capture);
    tokio::pin!(reading);
    let whole = async {
        let mut read = false;
        let status = tokio::select! {
            status = child.wait() => status,
            () = &mut reading => { read = true; child.wait().await }
        };
        group.kill();
        if !read {
            let _ = tokio::time::timeout(Duration::from_millis(TASK_DRAIN_TIMEOUT_MS), &mut reading).await;
        }
        status
    };
    let ended = tokio::time::timeout(Duration::from_millis(timeout_ms), whole).await;
    match ended {
        Ok(status) => Ok(exit_of(status?)),
        Err(_) => {
            group.kill();
            kill(&mut child).await;
            Ok(TaskExit::TimedOut { limit_ms: timeout_ms })
        }
    }
}

/// A process group that dies with this value.
pub(crate) struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    /// Of a child that was started as the leader of a group of its own.
    pub(crate) fn of(child: &Child) -> Self {
        #[cfg(unix)]
        return Self {
            leader: child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw),
        };
        #[cfg(not(unix))]
        return Self {};
    }

    /// Kills all of it.
    pub(crate) fn kill(&self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(unix)]
fn exit_of(status: std::process::ExitStatus) -> TaskExit {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => TaskExit::Exited { code },
        (None, Some(signal)) => TaskExit::Signalled { signal },
        (None, None) => TaskExit::NotStarted { reason: format!("it ended in an unknown way: {status}") },
    }
}

#[cfg(not(unix))]
fn exit_of(status: std::process::ExitStatus) -> TaskExit {
    TaskExit::Exited { code: status.code().unwrap_or(1) }
}

/// Kills the child and waits until it is gone, but not forever.
pub(super) async fn kill(child: &mut Child) {
    let _ = child.start_kill();
    let _ = tokio::time::timeout(Duration::from_millis(TASK_KILL_TIMEOUT_MS), child.wait()).await;
}

/// Reads both streams to their ends. It goes on past every limit, or the child would block on
/// a full pipe.
pub(super) async fn pump(
    stdout: Option<impl AsyncRead + Unpin>,
    stderr: Option<impl AsyncRead + Unpin>,
    capture: &mut Capture,
) {
    let (mut stdout, mut stderr) = (stdout, stderr);
    let (mut from_stdout, mut from_stderr) = (vec![0; READ_BYTES], vec![0; READ_BYTES]);
    while stdout.is_some() || stderr.is_some() {
        tokio::select! {
            read = next(&mut stdout, &mut from_stdout) => match read {
                Some(length) => capture.stdout(from_stdout.get(..length).unwrap_or_default()),
                None => stdout = None,
            },
            read = next(&mut stderr, &mut from_stderr) => match read {
                Some(length) => capture.stderr(from_stderr.get(..length).unwrap_or_default()),
                None => stderr = None,
            },
        }
    }
}

/// The next piece of a stream: its length, or nothing at the end. A stream that has ended
/// never answers, so that the other one can.
async fn next(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> Option<usize> {
    match stream {
        Some(stream) => stream.read(buffer).await.ok().filter(|length| *length > 0),
        None => std::future::pending().await,
    }
}

pub(super) fn not_started(program: Option<&String>, reason: &str) -> TaskExit {
    let program = program.map_or("", String::as_str);
    TaskExit::NotStarted {
        reason: format!(
            "`{program}`: {reason}; install it, or name the right program in `.openexec/tasks.yaml`"
        ),
    }
}

pub(super) fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
