//! The helper's side: what happens between `openexec __sandbox` and the task's first
//! instruction. This code runs in a process of its own with one thread.
//!
//! Two processes: the *keeper* enters the namespaces, builds the file system and waits, on
//! the server's socket and on the second, the *init*, which is PID 1 of the new PID
//! namespace, starts the task, reaps whatever is orphaned and says how the task ended. The
//! keeper's death kills init, init's death ends the namespace.

mod init;
mod view;

use super::spec::{Note, SandboxSpec};
use anyhow::{Context as _, anyhow};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::thread::UnshareFlags;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

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

/// Runs the helper to its end.
pub(super) fn enter() -> anyhow::Error {
    let (mut channel, spec) = match receive() {
        Ok(received) => received,
        Err(error) => {
            return error
                .context("`__sandbox` is started by openexec itself; there is nothing to call by hand");
        }
    };
    match keep(&spec, &channel) {
        Ok(()) => std::process::exit(0),
        Err(Refused { step, reason }) => {
            say(&mut channel, &Note::Unconfined { step, reason });
            std::process::exit(1)
        }
    }
}

/// Tells the server something. A server that is gone needs no telling.
fn say(channel: &mut UnixStream, note: &Note) {
    if let Ok(mut line) = serde_json::to_vec(note) {
        line.push(b'\n');
        let _ = channel.write_all(&line);
    }
}

/// Takes the socket from standard input, which the task must not inherit, and reads the spec.
fn receive() -> anyhow::Result<(UnixStream, SandboxSpec)> {
    // Whatever the editor leaked into the server goes no further.
    // SAFETY: no object of this process owns a descriptor above 2 yet.
    if unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) } != 0 {
        return Err(std::io::Error::last_os_error()).context("close inherited descriptors (Linux 5.9)");
    }
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    let null = File::open("/dev/null").context("open /dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    let channel = UnixStream::from(socket);
    let mut line = String::new();
    BufReader::new(channel.try_clone()?).read_line(&mut line)?;
    let spec = serde_json::from_str(&line).context("the description of the sandbox")?;
    Ok((channel, spec))
}

/// The keeper: namespaces, file system, init; then waits until init or the server is gone.
fn keep(spec: &SandboxSpec, channel: &UnixStream) -> Result<(), Refused> {
    let sockets = view::listening_sockets();
    namespaces()?;
    view::build(spec, &sockets)?;
    // Init reads one byte from this pipe after it has asked to die with the keeper: a keeper
    // that died in between leaves it an end of file.
    let (alive_read, alive_write) = rustix::pipe::pipe().step(|| "create a pipe".to_owned())?;
    // SAFETY: this process has one thread, so the child may do what it likes.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(std::io::Error::last_os_error()).step(|| "start init".to_owned());
    }
    let Some(init) = Pid::from_raw(child) else {
        drop(alive_write);
        init::run(spec, channel, alive_read)
    };
    drop(alive_read);
    let pidfd = rustix::process::pidfd_open(init, PidfdFlags::empty()).step(|| "watch init".to_owned())?;
    let _ = File::from(alive_write).write_all(b"1");
    wait(channel, &pidfd);
    let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
    // Returns only after the whole namespace is gone.
    let _ = rustix::process::waitpid(Some(init), rustix::process::WaitOptions::empty());
    Ok(())
}

/// Waits for the end of init or of the server.
fn wait(channel: &UnixStream, pidfd: &OwnedFd) {
    loop {
        let mut events =
            [PollFd::new(channel, PollFlags::IN | PollFlags::RDHUP), PollFd::new(pidfd, PollFlags::IN)];
        match rustix::event::poll(&mut events, None) {
            Err(rustix::io::Errno::INTR) => {}
            // The server never writes after the spec: anything here is its end.
            _ => return,
        }
    }
}

/// Enters new namespaces, with the caller's own ids and no others.
fn namespaces() -> Result<(), Refused> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS;
    // SAFETY: no descriptor table is unshared.
    unsafe { rustix::thread::unshare_unsafe(flags) }
        .step(|| "create user, mount, pid and net namespaces".to_owned())?;
    let write = |path: &str, text: String| std::fs::write(path, text).step(|| format!("write `{path}`"));
    write("/proc/self/setgroups", "deny".to_owned())?;
    write("/proc/self/uid_map", format!("{0} {0} 1", uid.as_raw()))?;
    write("/proc/self/gid_map", format!("{0} {0} 1", gid.as_raw()))?;
    Ok(())
}

/// Waits for the keeper's byte.
fn keeper_is_there(alive: OwnedFd) -> bool {
    let mut byte = [0];
    matches!(File::from(alive).read(&mut byte), Ok(1))
}

/// A socket to bring interfaces up with.
fn control_socket() -> std::io::Result<OwnedFd> {
    // SAFETY: a plain system call; the result is checked before it is owned.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

/// An error for what cannot be expressed otherwise.
fn refused(step: &str, reason: impl std::fmt::Display) -> Refused {
    Refused { step: step.to_owned(), reason: anyhow!("{reason}").to_string() }
}
