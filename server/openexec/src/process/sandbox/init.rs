//! PID 1 of the task's namespace: gives up every privilege, starts the task, reaps.

use super::{Refused, Step as _, control_socket, keeper_is_there, refused, say};
use crate::limits::{TASK_FILE_BYTES_MAX, TASK_MEMORY_BYTES_MAX, TASK_PROCESSES_MAX};
use crate::process::spec::{Note, SandboxSpec};
use rustix::process::{Resource, Rlimit, Signal, WaitOptions};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// Never returns: when it ends, the kernel ends the namespace.
pub(super) fn run(spec: &SandboxSpec, channel: &UnixStream, alive: OwnedFd) -> ! {
    let Ok(mut channel) = channel.try_clone() else { std::process::exit(1) };
    let note = match start(spec, alive) {
        Ok(Started::Task(pid)) => reap(pid),
        Ok(Started::Nothing(reason)) => Note::NotStarted { reason },
        Err(Refused { step, reason }) => Note::Unconfined { step, reason },
    };
    say(&mut channel, &note);
    std::process::exit(0)
}

enum Started {
    Task(u32),
    Nothing(String),
}

fn start(spec: &SandboxSpec, alive: OwnedFd) -> Result<Started, Refused> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .step(|| "tie the task to its keeper".to_owned())?;
    if !keeper_is_there(alive) {
        return Err(refused("tie the task to its keeper", "the keeper is gone"));
    }
    rustix::process::setsid().step(|| "start a session".to_owned())?;
    super::view::mount_proc()?;
    loopback().step(|| "bring up the loopback interface".to_owned())?;
    let _ = rustix::system::sethostname(b"sandbox");
    limits()?;
    give_up_privileges()?;
    let Some((program, arguments)) = spec.argv.split_first() else {
        return Ok(Started::Nothing("its argv is empty".to_owned()));
    };
    if let Err(error) = std::env::set_current_dir(&spec.cwd) {
        return Ok(Started::Nothing(format!("its directory `{}`: {error}", spec.cwd.display())));
    }
    let spawned = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(&spec.env)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn();
    Ok(match spawned {
        Ok(child) => Started::Task(child.id()),
        Err(error) => Started::Nothing(error.to_string()),
    })
}

/// Reaps everything until the task itself has ended.
fn reap(task: u32) -> Note {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == task => {
                if let Some(code) = status.exit_status() {
                    return Note::Exited { code };
                }
                if let Some(signal) = status.terminating_signal() {
                    return Note::Signalled { signal };
                }
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Note::NotStarted { reason: format!("its end could not be waited for: {error}") };
            }
        }
    }
}

/// Limits that the task and all its descendants inherit.
///
/// Memory is limited as *data*, not as address space: Node, WebAssembly and the JVM reserve
/// far more address space than they touch. AddressSanitizer's shadow counts as data, though, so
/// programs built with it do not start. Both count per process. The number of processes is
/// limited twice: RLIMIT_NPROC does not bind root, and a PID namespace has a `pid_max` of its
/// own only since Linux 6.14.
fn limits() -> Result<(), Refused> {
    let set = |resource, limit: u64| {
        let hard = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = limit.min(hard);
        rustix::process::setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })
            .step(|| format!("limit {resource:?}"))
    };
    set(Resource::Data, TASK_MEMORY_BYTES_MAX)?;
    set(Resource::Fsize, TASK_FILE_BYTES_MAX)?;
    set(Resource::Nproc, TASK_PROCESSES_MAX)?;
    set(Resource::Core, 0)?;
    let _ = std::fs::write("/proc/sys/kernel/pid_max", TASK_PROCESSES_MAX.to_string());
    // When memory runs out, the task goes before the editor does.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// Gives up every capability for good, also those that a set-user-ID program would bring.
fn give_up_privileges() -> Result<(), Refused> {
    rustix::thread::set_no_new_privs(true).step(|| "set no_new_privs".to_owned())?;
    for capability in 0..64_u64 {
        // SAFETY: a plain system call without pointers. Capabilities beyond the kernel's last
        // one are refused, which is as good.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).step(|| "drop capabilities".to_owned())?;
    let left = rustix::thread::capability_is_in_bounding_set(rustix::thread::CapabilitySet::SYS_ADMIN);
    if !matches!(left, Ok(false)) {
        return Err(refused("drop capabilities", "the bounding set still holds CAP_SYS_ADMIN"));
    }
    filter_system_calls()
}

/// What namespaces do not cover: sockets to a hypervisor and other families that have no
/// network namespace, io_uring, which opens sockets behind this filter's back, and the user's
/// keyrings. Programs that try get `EPERM` and fall back.
fn filter_system_calls() -> Result<(), Refused> {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };
    let step = || "filter system calls".to_owned();
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let other_family = families
        .iter()
        .map(|family| {
            let family = u64::from(family.unsigned_abs());
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
        })
        .collect::<Result<Vec<_>, _>>()
        .and_then(SeccompRule::new)
        .step(step)?;
    let forbidden = [libc::SYS_io_uring_setup, libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl];
    let rules = forbidden
        .map(|call| (call, Vec::new()))
        .into_iter()
        .chain([(libc::SYS_socket, vec![other_family])])
        .collect();
    let errno = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = std::env::consts::ARCH.try_into().step(step)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, errno, architecture).step(step)?;
    let program: BpfProgram = filter.try_into().step(step)?;
    seccompiler::apply_filter(&program).step(step)
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
