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
    apply(rules().step(step)?, refuse)?;
    // Its flags lie in memory, where no filter can look. Without it the C library takes `clone`.
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    apply(with_other_interfaces(BTreeMap::from([(libc::SYS_clone3, Vec::new())])), absent)
}

fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, action: SeccompAction) -> Result<(), Refused> {
    let step = || "filter system calls".to_owned();
    let architecture = std::env::consts::ARCH.try_into().step(step)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, architecture).step(step)?;
    let program: BpfProgram = filter.try_into().step(step)?;
    seccompiler::apply_filter(&program).step(step)
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
    Ok(with_other_interfaces(rules))
}

/// On x86-64 the kernel may have each call a second time, for the x32 interface: the number
/// has a bit set, and some calls have numbers of their own (arch/x86/entry/syscalls).
#[cfg(target_arch = "x86_64")]
fn with_other_interfaces(mut rules: BTreeMap<i64, Vec<SeccompRule>>) -> BTreeMap<i64, Vec<SeccompRule>> {
    const X32_BIT: i64 = 0x4000_0000;
    const X32_IOCTL: i64 = 514;
    let others: Vec<_> = rules
        .iter()
        .map(|(call, conditions)| {
            let number = if *call == libc::SYS_ioctl { X32_IOCTL } else { *call };
            (number | X32_BIT, conditions.clone())
        })
        .collect();
    rules.extend(others);
    rules
}

#[cfg(not(target_arch = "x86_64"))]
fn with_other_interfaces(rules: BTreeMap<i64, Vec<SeccompRule>>) -> BTreeMap<i64, Vec<SeccompRule>> {
    rules
}
