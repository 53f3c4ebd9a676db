//! The namespaces of one task, and what can be set up in them before the task is known.

use super::{Refused, Step as _};
use crate::process::spec::SandboxSpec;
use rustix::thread::UnshareFlags;
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::PathBuf;

/// New namespaces, entered.
pub(super) struct Room {
    /// The sockets of the network namespace that was left. The handle stays with the namespace
    /// in which it was opened, so what it says is as fresh as the reading.
    host_sockets: RefCell<Option<File>>,
}

impl Room {
    /// Enters new namespaces.
    pub(super) fn enter() -> Result<Self, Refused> {
        let host_sockets = RefCell::new(File::open("/proc/net/unix").ok());
        namespaces()?;
        loopback().step(|| "bring up the loopback interface".to_owned())?;
        let _ = rustix::system::sethostname(b"sandbox");
        Ok(Self { host_sockets })
    }

    /// The host's sockets that are bound to a path, from `/proc/net/unix` (proc(5): the eighth
    /// field). Neither a network namespace nor a read-only mount keeps anybody from connecting
    /// to such a socket. One that is bound later, or in another network namespace, is out of
    /// reach only where its directory is hidden or veiled.
    pub(super) fn listening_sockets(&self) -> Vec<PathBuf> {
        let mut bytes = Vec::new();
        if let Some(file) = self.host_sockets.borrow_mut().as_mut() {
            let _ = file.read_to_end(&mut bytes);
        }
        let mut paths: Vec<PathBuf> = String::from_utf8_lossy(&bytes)
            .lines()
            .filter_map(|line| line.split_once(" /").map(|(_, path)| PathBuf::from(format!("/{path}"))))
            .collect();
        paths.sort();
        paths.dedup();
        paths
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

/// Goes into the task's cgroup, whose members its init and the task will be. True on success;
/// without one the other limits hold.
pub(super) fn enter_cgroup(spec: &SandboxSpec) -> bool {
    let Some(cgroup) = &spec.cgroup else { return false };
    let enter = || -> std::io::Result<()> {
        let mut members = File::options().write(true).open(cgroup.join("cgroup.procs"))?;
        members.write_all(b"0")
    };
    enter().is_ok()
}

/// Tests talk to themselves over 127.0.0.1; a new network namespace has it switched off.
fn loopback() -> std::io::Result<()> {
    let socket = control_socket()?;
    // SAFETY: `ifreq` is plain data, for which zeroes are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
        *slot = byte.cast_signed() as libc::c_char;
    }
    // SAFETY: both calls read and write `request`, which lives until they return.
    unsafe {
        if libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS as libc::Ioctl, &raw mut request) != 0 {
            return Err(std::io::Error::last_os_error());
        }
        request.ifr_ifru.ifru_flags |= (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        if libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as libc::Ioctl, &raw const request) != 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
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
