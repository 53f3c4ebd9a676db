//! How strongly tasks are confined here: found out by trying, and said part by part.

use crate::process::spec::{Parts, SandboxSpec};
use crate::process::{Keepers, Ran};
use openexec_engine::task::TaskExit;

/// Milliseconds that trying the sandbox may take.
const PROBE_TIMEOUT_MS: u64 = 10_000;

/// How strongly a task is confined here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// For evidence and people: `overlay+namespaces`, with what else is in force, or `copy`.
    pub name: String,
    /// True when a task has no network and cannot write outside the shadow.
    pub confined: bool,
    /// What is missing and what to do, when it is not.
    pub remedy: Option<String>,
    /// What not every machine has. Tasks are confined without it, less tightly.
    pub parts: Vec<Part>,
}

/// A part of the confinement that not every machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// True when it holds here.
    pub in_force: bool,
    /// What it does here, or what it would do.
    pub detail: String,
    /// What to do to have it.
    pub remedy: &'static str,
}

impl Confinement {
    /// Runs `true` in the sandbox.
    pub(super) async fn tried(keepers: &mut Keepers, spec: &SandboxSpec) -> Self {
        let spec = SandboxSpec { argv: vec!["true".to_owned()], ..spec.clone() };
        let ran = keepers.run(&spec, PROBE_TIMEOUT_MS, None).await;
        match outcome(&ran) {
            Ok(()) => Self::overlay(ran.parts.unwrap_or_default(), keepers.no_cgroup(), &spec),
            Err(missing) => Self::copy(&missing),
        }
    }

    pub(super) fn copy(missing: &str) -> Self {
        Self {
            name: "copy".to_owned(),
            confined: false,
            remedy: Some(format!("tasks cannot be confined here: {missing}; {}", remedy())),
            parts: Vec::new(),
        }
    }

    fn overlay(parts: Parts, no_cgroup: Option<&str>, spec: &SandboxSpec) -> Self {
        Self {
            name: name(&parts),
            confined: true,
            remedy: None,
            parts: vec![landlock(&parts), memory(&parts, no_cgroup, spec), sockets(&parts)],
        }
    }
}

/// The sandbox by its parts, for evidence.
pub(super) fn name(parts: &Parts) -> String {
    let mut name = "overlay+namespaces".to_owned();
    if parts.landlock > 0 {
        name.push_str("+landlock");
    }
    if parts.cgroup {
        name.push_str("+cgroup");
    }
    name
}

fn outcome(ran: &Ran) -> Result<(), String> {
    match (&ran.exit, &ran.unconfined) {
        (TaskExit::Exited { code: 0 }, _) => Ok(()),
        (_, Some(missing)) => Err(missing.clone()),
        (TaskExit::NotStarted { reason }, _) => Err(reason.clone()),
        (exit, _) => Err(format!("`true` did not succeed in the sandbox: {exit:?}")),
    }
}

/// Landlock gained its scopes with version 6.
const SCOPES_SINCE: u8 = 6;
/// And sockets with paths with version 9.
const SOCKETS_SINCE: u8 = 9;

fn landlock(parts: &Parts) -> Part {
    let detail = match parts.landlock {
        0 => "missing; writes are held by the mounts alone".to_owned(),
        version if version < SCOPES_SINCE => format!("version {version}; it holds writes"),
        version => format!("version {version}; it holds writes, signals and abstract sockets"),
    };
    Part {
        name: "second layer (Landlock)",
        in_force: parts.landlock >= SCOPES_SINCE,
        detail,
        remedy: "Linux 6.12 or newer, with `landlock` among its security modules, has all of it",
    }
}

fn memory(parts: &Parts, no_cgroup: Option<&str>, spec: &SandboxSpec) -> Part {
    let limit = format!("{} MiB for each task", spec.limits.memory_bytes / (1024 * 1024));
    let detail = match (parts.cgroup, no_cgroup) {
        (true, _) => format!("{limit}, held by a cgroup"),
        (false, why) => format!(
            "{limit}, looked at now and then and held for each process; no cgroup: {}",
            why.unwrap_or("it could not be entered")
        ),
    };
    Part {
        name: "limit of memory",
        in_force: parts.cgroup,
        detail,
        remedy: "start openexec in a systemd user session, which may make cgroups, to have it held at every moment",
    }
}

fn sockets(parts: &Parts) -> Part {
    let all = parts.unveiled.is_empty() || parts.landlock >= SOCKETS_SINCE;
    Part {
        name: "sockets of the host",
        in_force: all,
        detail: if all {
            "out of reach, those of later included".to_owned()
        } else {
            let places: Vec<_> = parts.unveiled.iter().map(|place| place.display().to_string()).collect();
            format!("out of reach; those of later are not in {}", places.join(", "))
        },
        remedy: "file systems that overlayfs can lie over, and fewer mounts below the home, close the rest",
    }
}

/// The next step for the user, as far as the kernel's settings tell.
fn remedy() -> String {
    let is = |path: &str, value: &str| std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    let advice = if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "allow user namespaces with an AppArmor profile for `openexec` or with \
         `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "allow user namespaces with `sysctl kernel.unprivileged_userns_clone=1`"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "allow user namespaces with `sysctl user.max_user_namespaces=10000`"
    } else {
        "use Linux 5.12 or newer with unprivileged user namespaces and overlayfs, outside of a \
         container that forbids them"
    };
    format!(
        "{advice}; or accept tasks without a sandbox with `allow_unsandboxed_tasks: true` in your \
         own config.yaml"
    )
}
