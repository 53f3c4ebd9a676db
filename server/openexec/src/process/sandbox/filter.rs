//! What namespaces do not cover, refused by system call: sockets to a hypervisor and other
//! families that have no network namespace, io_uring, which opens sockets behind this filter's
//! back, the user's keyrings, new namespaces and mounts (with their large part of the kernel),
//! and pushing characters into a terminal. Programs that try get `EPERM` and fall back.

use super::{Refused, Step as _};
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// Families of sockets that a namespace of its own covers.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Calls that no task needs, whatever their arguments.
const FORBIDDEN: [c_long; 36] = [
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_open_by_handle_at,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_kexec_file_load,
];

/// Flags of `clone` and `unshare` that make namespaces.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// The flag of `unshare` that makes a time namespace (`CLONE_NEWTIME`).
const NEW_TIME: u64 = 0x80;

/// Requests that type into a terminal or paste its selection.
const TYPING: [u64; 2] = [0x5412, 0x541c];

/// Installs the filter for this process and all that it starts.
pub(super) fn filter_system_calls() -> Result<(), Refused> {
    let step = || "filter system calls".to_owned();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = std::env::consts::ARCH.try_into().step(step)?;
    let filter =
        SeccompFilter::new(rules().step(step)?, SeccompAction::Allow, refuse, architecture).step(step)?;
    let rules: BpfProgram = filter.try_into().step(step)?;
    let program: BpfProgram = absent_calls().into_iter().chain(rules).collect();
    seccompiler::apply_filter(&program).step(step)
}

/// What goes before the rules: calls that look as if the kernel did not have them. `clone3` is
/// one, as its flags lie in memory, where no filter can look; the C library takes `clone`
/// instead. The others have the bit of the x32 interface, by which the kernel for x86-64 may
/// have every call a second time (arch/x86/include/uapi/asm/unistd.h). The rules' action is
/// another one, and a second filter would cost each call of the task.
fn absent_calls() -> [seccompiler::sock_filter; 4] {
    const X32_BIT: u32 = 0x4000_0000;
    /// Where the number of the call stands in `struct seccomp_data`.
    const NUMBER_AT: u32 = 0;
    let instruction = |code: u32, jt, jf, k| seccompiler::sock_filter { code: code as u16, jt, jf, k };
    let absent = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let clone3 = u32::try_from(libc::SYS_clone3).unwrap_or(u32::MAX);
    [
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, NUMBER_AT),
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1, 0, X32_BIT),
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, clone3),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, absent),
    ]
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let condition =
        |argument, compare, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value);
    let other_family = SeccompRule::new(
        FAMILIES
            .iter()
            .map(|family| condition(0, SeccompCmpOp::Ne, u64::from(family.unsigned_abs())))
            .collect::<Result<_, _>>()?,
    )?;
    let new_namespace = NAMESPACES
        .iter()
        .map(|flag| {
            let flag = u64::from(flag.unsigned_abs());
            SeccompRule::new(vec![condition(0, SeccompCmpOp::MaskedEq(flag), flag)?])
        })
        .collect::<Result<Vec<_>, _>>()?;
    let typing = TYPING
        .iter()
        .map(|request| SeccompRule::new(vec![condition(1, SeccompCmpOp::Eq, *request)?]))
        .collect::<Result<Vec<_>, _>>()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, vec![other_family]);
    rules.insert(libc::SYS_clone, new_namespace.clone());
    let mut new_time = new_namespace;
    // In `clone` the bit belongs to the number of a signal.
    new_time.push(SeccompRule::new(vec![condition(0, SeccompCmpOp::MaskedEq(NEW_TIME), NEW_TIME)?])?);
    rules.insert(libc::SYS_unshare, new_time);
    rules.insert(libc::SYS_ioctl, typing);
    Ok(rules)
}
