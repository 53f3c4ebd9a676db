//! PID 1 of the task's namespace: gives up every privilege, starts the task, reaps.

use super::{Refused, Step as _, refused, say};
use crate::limits::TASK_CPU_GRACE_SECONDS;
use crate::process::spec::{Note, SandboxSpec, TaskLimits};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal, WaitOptions};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// Never returns: when it ends, the kernel ends the namespace. What came of the task is said to
/// the keeper, with the version of Landlock that was in force.
pub(super) fn run(spec: &SandboxSpec, mut keeper: UnixStream) -> ! {
    let said = match start(spec, &keeper) {
        Ok((Started::Task(pid), landlock)) => (reap(pid), landlock),
        Ok((Started::Nothing(reason), landlock)) => (Note::NotStarted { reason }, landlock),
        Err(Refused { step, reason }) => (Note::Unconfined { step, reason }, 0),
    };
    say(&mut keeper, &said);
    std::process::exit(0)
}

enum Started {
    Task(u32),
    Nothing(String),
}

fn start(spec: &SandboxSpec, keeper: &UnixStream) -> Result<(Started, u8), Refused> {
    tie_to(keeper)?;
    rustix::process::setsid().step(|| "start a session".to_owned())?;
    super::view::mount_proc()?;
    limits(&spec.limits)?;
    super::view::close_proc()?;
    let landlock = give_up_privileges(spec)?;
    let Some((program, arguments)) = spec.argv.split_first() else {
        return Ok((Started::Nothing("its argv is empty".to_owned()), landlock));
    };
    if let Err(error) = std::env::set_current_dir(&spec.cwd) {
        let nowhere = format!("its directory `{}`: {error}", spec.cwd.display());
        return Ok((Started::Nothing(nowhere), landlock));
    }
    // The task cannot look into this process or steer it, though both have one user.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .step(|| "shield init from the task".to_owned())?;
    let spawned = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(&spec.env)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn();
    let started = match spawned {
        Ok(child) => Started::Task(child.id()),
        Err(error) => Started::Nothing(error.to_string()),
    };
    Ok((started, landlock))
}

/// Makes the end of the keeper the end of this process. A keeper that ended before that was
/// asked for has closed its end of the socket.
fn tie_to(keeper: &UnixStream) -> Result<(), Refused> {
    let step = "tie the task to its keeper";
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).step(|| step.to_owned())?;
    let mut events = [PollFd::new(keeper, PollFlags::RDHUP)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match rustix::event::poll(&mut events, Some(&at_once)) {
        Ok(0) => Ok(()),
        Ok(_) => Err(refused(step, "the keeper is gone")),
        Err(error) => Err(error).step(|| step.to_owned()),
    }
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
/// own only since Linux 6.14. Where neither holds, the keeper counts.
fn limits(limits: &TaskLimits) -> Result<(), Refused> {
    let set = |resource, soft: u64, hard: u64| {
        let most = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) };
        rustix::process::setrlimit(resource, limit).step(|| format!("limit {resource:?}"))
    };
    set(Resource::Data, limits.process_memory_bytes, limits.process_memory_bytes)?;
    set(Resource::Fsize, limits.file_bytes, limits.file_bytes)?;
    set(Resource::Nproc, limits.processes, limits.processes)?;
    set(Resource::Cpu, limits.cpu_s, limits.cpu_s.saturating_add(TASK_CPU_GRACE_SECONDS))?;
    set(Resource::Core, 0, 0)?;
    if pid_max_is_our_own() {
        let numbers = limits.processes.max(PID_MAX_MIN);
        std::fs::write("/proc/sys/kernel/pid_max", numbers.to_string())
            .step(|| "limit the number of processes".to_owned())?;
    }
    // When memory runs out, the task goes before the editor does.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

/// The kernel takes no smaller limit (`pid_max_min` in kernel/pid.c).
const PID_MAX_MIN: u64 = 301;

/// True since Linux 6.14. Before, the file is the whole machine's, and root could write to it.
fn pid_max_is_our_own() -> bool {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(['.', '-']).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(14))
}

/// Gives up every capability for good, also those that a set-user-ID program would bring.
/// Says which version of Landlock holds.
fn give_up_privileges(spec: &SandboxSpec) -> Result<u8, Refused> {
    rustix::thread::set_no_new_privs(true).step(|| "set no_new_privs".to_owned())?;
    let landlock = super::landlock::restrict(spec)?;
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
    super::filter::filter_system_calls()?;
    Ok(landlock)
}
