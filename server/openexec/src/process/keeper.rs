//! The server's side of the sandbox: helpers that are started, told what to run, heard and
//! ended. Whatever happens becomes a [`TaskExit`]; nothing here fails otherwise.
//!
//! Two things are kept off the way of a task. A helper can be started ahead of its task, while
//! the one before is at work. And the helper of a task that has ended takes its mounts down
//! while the report is read already; whatever needs the shadow next waits for it.

use super::capture::Capture;
use super::cgroup::{Cgroup, Delegation};
use super::gateway::Gateway;
use super::launch::{Ran, kill, milliseconds, not_started, pump};
use super::spec::{Ending, GatewaySpec, LISTENER, Note, Overrun, SandboxSpec};
use super::{Launcher, SANDBOX_SUBCOMMAND};
use crate::limits::TASK_KILL_TIMEOUT_MS;
use openexec_engine::task::TaskExit;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Interest};
use tokio::net::{TcpListener, UnixStream};
use tokio::process::{Child, Command};

/// Whether a helper is started ahead of the next task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StandBy {
    /// Each helper is started when it is needed.
    None,
    /// One waits from the first task on.
    One,
}

/// The helpers of one shadow. One task runs at a time.
pub(crate) struct Keepers {
    launcher: Launcher,
    stand_by: StandBy,
    spare: Option<Keeper>,
    leaving: Leaving,
    delegation: Result<Delegation, String>,
}

/// A helper that has entered its namespaces and waits for its task, or will have soon.
struct Keeper {
    child: Child,
    channel: UnixStream,
}

/// What is left of the last task.
#[derive(Default)]
struct Leaving {
    child: Option<Child>,
    cgroup: Option<Cgroup>,
}

impl Keepers {
    /// None is started yet.
    pub(crate) fn new(launcher: &Launcher, stand_by: StandBy) -> Self {
        Self {
            launcher: launcher.clone(),
            stand_by,
            spare: None,
            leaving: Leaving::default(),
            delegation: Delegation::find(),
        }
    }

    /// Why tasks get no cgroup of their own, if they get none.
    pub(crate) fn no_cgroup(&self) -> Option<&str> {
        self.delegation.as_ref().err().map(String::as_str)
    }

    /// Waits until the last task's helper has taken its mounts down, and with it everything
    /// that could still touch the shadow.
    pub(crate) async fn settle(&mut self) {
        if let Some(mut child) = self.leaving.child.take() {
            let _ = tokio::time::timeout(Duration::from_millis(TASK_KILL_TIMEOUT_MS), child.wait()).await;
        }
        self.leaving.cgroup = None;
    }

    /// Runs a task in the sandbox that `spec` describes, with no way out but this.
    pub(crate) async fn run(&mut self, spec: &SandboxSpec, timeout_ms: u64, out: Option<&Gateway>) -> Ran {
        let started = Instant::now();
        let mut capture = Capture::default();
        let ending = self.confined(spec, timeout_ms, out, &mut capture).await;
        let (mut unconfined, mut parts) = (None, None);
        let exit = match ending {
            Ok(ending) => {
                parts = Some(ending.parts);
                let overrun = ending.overrun.or_else(|| self.out_of_memory(spec));
                if let Some(overrun) = overrun {
                    capture.remark(&format!("openexec: the task was ended: {overrun}"));
                }
                match ending.note {
                    Note::Exited { code } => TaskExit::Exited { code },
                    Note::Signalled { signal } => TaskExit::Signalled { signal },
                    Note::NotStarted { reason } => not_started(spec.argv.first(), &reason),
                    Note::Unconfined { step, reason } => {
                        let reason = format!("could not {step}: {reason}");
                        (unconfined, parts) = (Some(reason.clone()), None);
                        TaskExit::NotStarted { reason: format!("the sandbox was not built: {reason}") }
                    }
                }
            }
            Err(exit) => exit,
        };
        Ran { exit, unconfined, parts, duration_ms: milliseconds(started), capture }
    }

    fn out_of_memory(&self, spec: &SandboxSpec) -> Option<Overrun> {
        self.leaving
            .cgroup
            .as_ref()
            .filter(|cgroup| cgroup.ran_out_of_memory())
            .map(|_| Overrun::Memory { limit_bytes: spec.limits.memory_bytes })
    }

    async fn confined(
        &mut self,
        spec: &SandboxSpec,
        timeout_ms: u64,
        out: Option<&Gateway>,
        capture: &mut Capture,
    ) -> Result<Ending, TaskExit> {
        self.settle().await;
        let cgroup = self.delegation.as_ref().ok().and_then(|place| place.cgroup(&spec.limits).ok());
        let spec = SandboxSpec {
            cgroup: cgroup.as_ref().map(|cgroup| cgroup.path().to_path_buf()),
            gateway: out.map(|out| GatewaySpec { for_loopback: out.leads_to_loopback() }),
            ..spec.clone()
        };
        let mut line = serde_json::to_vec(&spec)
            .map_err(|error| TaskExit::NotStarted { reason: format!("a path is not UTF-8: {error}") })?;
        line.push(b'\n');
        let Keeper { child, channel } = self.keeper()?;
        // From here on, dropping this future kills the helper, and with it the PID namespace.
        let mut working = Working { child: Some(child), cgroup, leaving: &mut self.leaving };
        let Some(child) = &mut working.child else {
            return Err(broken(&self.launcher, "it is gone"));
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (launcher, stand_by, spare) = (&self.launcher, self.stand_by, &mut self.spare);
        let talk = async {
            let mut channel = channel;
            let told = channel.write_all(&line).await;
            if stand_by == StandBy::One {
                *spare = Keeper::start(launcher).ok();
            }
            let said = match out {
                Some(out) => heard_while_serving(channel, out).await,
                None => heard(channel).await,
            };
            let said = said.and_then(|said| told.map(|()| said)).map_err(|error| broken(launcher, error))?;
            serde_json::from_str::<Ending>(&said).map_err(|_| broken(launcher, "it ended without a word"))
        };
        // The helper speaks when nothing of the task is left: the pipes are at their end.
        let whole = async { tokio::join!(talk, pump(stdout, stderr, capture)).0 };
        let ending = tokio::time::timeout(Duration::from_millis(timeout_ms), whole).await;
        match ending {
            Ok(Ok(ending)) => {
                working.finish();
                Ok(ending)
            }
            Ok(Err(exit)) => Err(exit),
            Err(_) => {
                if let Some(child) = &mut working.child {
                    kill(child).await;
                }
                Err(TaskExit::TimedOut { limit_ms: timeout_ms })
            }
        }
    }

    /// The spare helper, if it is still there, or a new one.
    fn keeper(&mut self) -> Result<Keeper, TaskExit> {
        if let Some(mut spare) = self.spare.take()
            && matches!(spare.child.try_wait(), Ok(None))
        {
            return Ok(spare);
        }
        Keeper::start(&self.launcher).map_err(|error| broken(&self.launcher, error))
    }
}

impl Keeper {
    fn start(launcher: &Launcher) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let child = Command::new(launcher.helper())
            .arg(SANDBOX_SUBCOMMAND)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        // The socket stays open for as long as somebody wants the helper: its end is the
        // helper's end, even when the server is killed.
        Ok(Self { child, channel: UnixStream::from_std(ours)? })
    }
}

/// A helper at work. When this is dropped before it has finished, the helper is killed.
struct Working<'a> {
    child: Option<Child>,
    cgroup: Option<Cgroup>,
    leaving: &'a mut Leaving,
}

impl Working<'_> {
    /// Leaves the helper to itself; it has said its last word.
    fn finish(mut self) {
        self.leaving.child = self.child.take();
        self.leaving.cgroup = self.cgroup.take();
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.start_kill();
            self.leaving.child = Some(child);
        }
        if let Some(cgroup) = self.cgroup.take() {
            cgroup.kill();
            self.leaving.cgroup = Some(cgroup);
        }
    }
}

/// The one line that the helper says.
async fn heard(channel: UnixStream) -> io::Result<String> {
    let mut said = String::new();
    BufReader::new(channel).read_line(&mut said).await?;
    Ok(said)
}

/// The same, from a helper that hands over a listener before its task starts, which is served
/// until the task has ended.
async fn heard_while_serving(channel: UnixStream, out: &Gateway) -> io::Result<String> {
    let mut first = [0];
    let listener = channel.async_io(Interest::READABLE, || received(&channel, &mut first)).await?;
    let Some(listener) = listener else {
        // The sandbox was not built: this is the beginning of why.
        let begun = String::from_utf8_lossy(&first).trim_matches('\0').to_owned();
        return Ok(begun + &heard(channel).await?);
    };
    let listener = std::net::TcpListener::from(listener);
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    tokio::select! {
        said = heard(channel) => said,
        never = out.serve(listener) => match never {},
    }
}

/// One byte, and the descriptor that came with it.
fn received(channel: &UnixStream, byte: &mut [u8; 1]) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let into = &mut [IoSliceMut::new(byte)];
    rustix::net::recvmsg(channel, into, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok(descriptor.filter(|_| byte[0] == LISTENER))
}

fn broken(launcher: &Launcher, error: impl std::fmt::Display) -> TaskExit {
    TaskExit::NotStarted {
        reason: format!("the helper `{}` could not be used: {error}", launcher.helper().display()),
    }
}
