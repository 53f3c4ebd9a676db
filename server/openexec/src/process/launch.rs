//! The server's side of a child process: start it, read what it prints, end it in time and
//! as a tree. Whatever happens becomes a [`TaskExit`]; nothing here fails otherwise.

use super::Launcher;
#[cfg(unix)]
use super::SANDBOX_SUBCOMMAND;
use super::capture::Capture;
#[cfg(unix)]
use super::spec::Note;
use super::spec::SandboxSpec;
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
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it printed.
    pub capture: Capture,
}

/// Runs a task in the sandbox that `spec` describes.
#[cfg(unix)]
pub(crate) async fn run_confined(launcher: &Launcher, spec: &SandboxSpec, timeout_ms: u64) -> Ran {
    let started = Instant::now();
    let mut capture = Capture::default();
    let (exit, unconfined) = match confined(launcher, spec, timeout_ms, &mut capture).await {
        Ok(Note::Exited { code }) => (TaskExit::Exited { code }, None),
        Ok(Note::Signalled { signal }) => (TaskExit::Signalled { signal }, None),
        Ok(Note::NotStarted { reason }) => (not_started(spec.argv.first(), &reason), None),
        Ok(Note::Unconfined { step, reason }) => {
            let reason = format!("could not {step}: {reason}");
            let exit = TaskExit::NotStarted { reason: format!("the sandbox was not built: {reason}") };
            (exit, Some(reason))
        }
        Err(exit) => (exit, None),
    };
    Ran { exit, unconfined, duration_ms: milliseconds(started), capture }
}

/// There is no sandbox here, and nothing pretends that there were.
#[cfg(not(unix))]
pub(crate) async fn run_confined(_launcher: &Launcher, _spec: &SandboxSpec, _timeout_ms: u64) -> Ran {
    let reason = "tasks cannot be confined on this system".to_owned();
    Ran {
        exit: TaskExit::NotStarted { reason: reason.clone() },
        unconfined: Some(reason),
        duration_ms: 0,
        capture: Capture::default(),
    }
}

#[cfg(unix)]
async fn confined(
    launcher: &Launcher,
    spec: &SandboxSpec,
    timeout_ms: u64,
    capture: &mut Capture,
) -> Result<Note, TaskExit> {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    let broken = |error: std::io::Error| TaskExit::NotStarted {
        reason: format!("the helper `{}` could not be used: {error}", launcher.helper().display()),
    };
    let mut line = serde_json::to_vec(spec)
        .map_err(|error| TaskExit::NotStarted { reason: format!("a path is not UTF-8: {error}") })?;
    line.push(b'\n');
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(broken)?;
    ours.set_nonblocking(true).map_err(broken)?;
    let mut child = Command::new(launcher.helper())
        .arg(SANDBOX_SUBCOMMAND)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        // Dropping the future kills the helper, and with it the PID namespace.
        .kill_on_drop(true)
        .spawn()
        .map_err(broken)?;
    // The socket stays open for as long as this future lives: its end is the helper's end,
    // even when the server is killed.
    let (from_helper, mut to_helper) = tokio::net::UnixStream::from_std(ours).map_err(broken)?.into_split();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let talk = async {
        to_helper.write_all(&line).await.map_err(broken)?;
        let mut note = String::new();
        BufReader::new(from_helper).read_line(&mut note).await.map_err(broken)?;
        let note = serde_json::from_str::<Note>(&note);
        let status = child.wait().await.map_err(broken)?;
        note.map_err(|_| TaskExit::NotStarted {
            reason: format!("the sandbox helper ended ({status}) without a word"),
        })
    };
    // When the helper has ended, the whole namespace has: the pipes come to their end.
    let whole = async { tokio::join!(talk, pump(stdout, stderr, capture)).0 };
    match tokio::time::timeout(Duration::from_millis(timeout_ms), whole).await {
        Ok(note) => note,
        Err(_) => {
            kill(&mut child).await;
            Err(TaskExit::TimedOut { limit_ms: timeout_ms })
        }
    }
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
    Ran { exit, unconfined: None, duration_ms: milliseconds(started), capture }
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
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    fn of(child: &Child) -> Self {
        #[cfg(unix)]
        return Self {
            leader: child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw),
        };
        #[cfg(not(unix))]
        return Self {};
    }

    fn kill(&self) {
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
async fn kill(child: &mut Child) {
    let _ = child.start_kill();
    let _ = tokio::time::timeout(Duration::from_millis(TASK_KILL_TIMEOUT_MS), child.wait()).await;
}

/// Reads both streams to their ends. It goes on past every limit, or the child would block on
/// a full pipe.
async fn pump(
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

fn not_started(program: Option<&String>, reason: &str) -> TaskExit {
    let program = program.map_or("", String::as_str);
    TaskExit::NotStarted {
        reason: format!(
            "`{program}`: {reason}; install it, or name the right program in `.openexec/tasks.yaml`"
        ),
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
