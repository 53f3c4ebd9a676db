//! The helper's side: what happens between `openexec __sandbox` and the task's first
//! instruction. This code runs in a process of its own with one thread.
//!
//! Two processes: the *keeper* enters the namespaces, waits for the description of its task,
//! builds the file system and watches the server's socket, the limits and the second, the
//! *init*, which is PID 1 of the new PID namespace, starts the task, reaps whatever is
//! orphaned and says how the task ended. The keeper's death kills init, init's death ends the
//! namespace.
//!
//! Everything that needs no description is done before it arrives, so that a keeper which was
//! started ahead of its task has it behind it.

mod filter;
mod init;
mod landlock;
mod listener;
mod room;
mod view;
mod watch;

use super::spec::{Ending, Note, Overrun, Parts, SandboxSpec};
use anyhow::Context as _;
use room::Room;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use watch::Watch;

/// A step of building the sandbox that the system refused.
pub(super) struct Refused {
    step: String,
    reason: String,
}

/// Names the step that failed.
pub(super) trait Step<T> {
    fn step(self, what: impl FnOnce() -> String) -> Result<T, Refused>;
}

impl<T, E: std::fmt::Display> Step<T> for Result<T, E> {
    fn step(self, what: impl FnOnce() -> String) -> Result<T, Refused> {
        self.map_err(|error| Refused { step: what(), reason: error.to_string() })
    }
}

/// An error for what cannot be expressed otherwise.
fn refused(step: &str, reason: impl std::fmt::Display) -> Refused {
    Refused { step: step.to_owned(), reason: reason.to_string() }
}

/// Runs the helper to its end.
pub(super) fn enter() -> anyhow::Error {
    const BY_HAND: &str = "`__sandbox` is started by openexec itself; there is nothing to call by hand";
    let mut channel = match take_channel() {
        Ok(channel) => channel,
        Err(error) => return error.context(BY_HAND),
    };
    let room = Room::enter();
    let spec = match receive(&channel) {
        Ok(Some(spec)) => spec,
        // A keeper that was started ahead and never needed.
        Ok(None) => std::process::exit(0),
        Err(error) => return error.context(BY_HAND),
    };
    let ending = room.and_then(|room| keep(&spec, &room, &channel)).unwrap_or_else(|refused| Ending {
        note: Note::Unconfined { step: refused.step, reason: refused.reason },
        overrun: None,
        parts: Parts::default(),
    });
    say(&mut channel, &ending);
    std::process::exit(0)
}

/// Tells something, on a line. A listener who is gone needs no telling.
fn say(to: &mut impl std::io::Write, what: &impl serde::Serialize) {
    if let Ok(mut line) = serde_json::to_vec(what) {
        line.push(b'\n');
        let _ = to.write_all(&line);
    }
}

/// Takes the socket from standard input, which the task must not inherit.
fn take_channel() -> anyhow::Result<UnixStream> {
    // Whatever the editor leaked into the server goes no further.
    // SAFETY: no object of this process owns a descriptor above 2 yet.
    if unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) } != 0 {
        return Err(std::io::Error::last_os_error()).context("close inherited descriptors (Linux 5.9)");
    }
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    let null = File::open("/dev/null").context("open /dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    let channel = UnixStream::from(socket);
    channel.peer_addr().context("standard input is no socket")?;
    Ok(channel)
}

/// Waits for the description of the task; nothing when the server has gone.
fn receive(channel: &UnixStream) -> anyhow::Result<Option<SandboxSpec>> {
    let mut line = String::new();
    if BufReader::new(channel.try_clone()?).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    serde_json::from_str(&line).context("the description of the sandbox").map(Some)
}

/// The keeper: file system, init; then waits until init or the server is gone, or the task
/// uses too much. When this returns, nothing of the task is left.
fn keep(spec: &SandboxSpec, room: &Room, channel: &UnixStream) -> Result<Ending, Refused> {
    let cgroup = room::enter_cgroup(spec);
    let watch = Watch::begin(spec);
    let unveiled = view::build(spec, &room.listening_sockets())?;
    let with_gateway = listener::opened(spec, channel)?;
    let spec = with_gateway.as_ref().unwrap_or(spec);
    // Init says here how the task ended. The other way it learns that the keeper is gone.
    let (from_init, to_keeper) = UnixStream::pair().step(|| "create a socket".to_owned())?;
    // SAFETY: this process has one thread, so the child may do what it likes.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(std::io::Error::last_os_error()).step(|| "start init".to_owned());
    }
    let Some(init) = Pid::from_raw(child) else {
        drop(from_init);
        init::run(spec, to_keeper)
    };
    drop(to_keeper);
    let pidfd = rustix::process::pidfd_open(init, PidfdFlags::empty()).step(|| "watch init".to_owned())?;
    // The pipes come to their end when the namespace does, not when the keeper has cleaned up.
    let null = File::open("/dev/null").step(|| "open /dev/null".to_owned())?;
    rustix::stdio::dup2_stdout(&null).step(|| "leave the output to the task".to_owned())?;
    rustix::stdio::dup2_stderr(&null).step(|| "leave the output to the task".to_owned())?;
    let overrun = wait(channel, &pidfd, &watch);
    let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
    // Returns only after the whole namespace is gone.
    let _ = rustix::process::waitpid(Some(init), rustix::process::WaitOptions::empty());
    let (note, landlock) =
        heard(from_init).unwrap_or_else(|| (Note::Signalled { signal: Signal::KILL.as_raw() }, 0));
    Ok(Ending { note, overrun, parts: Parts { landlock, unveiled, cgroup } })
}

/// What init said before it ended. One that was killed has said nothing.
fn heard(mut from_init: UnixStream) -> Option<(Note, u8)> {
    let mut said = Vec::new();
    from_init.read_to_end(&mut said).ok()?;
    serde_json::from_slice(&said).ok()
}

/// Waits for the end of init or of the server, and ends the task when it uses too much.
fn wait(channel: &UnixStream, pidfd: &OwnedFd, watch: &Watch) -> Option<Overrun> {
    loop {
        let mut events =
            [PollFd::new(channel, PollFlags::IN | PollFlags::RDHUP), PollFd::new(pidfd, PollFlags::IN)];
        let interval: Timespec = watch.interval();
        match rustix::event::poll(&mut events, Some(&interval)) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(0) => {
                if let Some(overrun) = watch.overrun() {
                    return Some(overrun);
                }
            }
            // The server never writes after the description: anything here is its end.
            _ => return None,
        }
    }
}
