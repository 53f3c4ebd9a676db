//! A cgroup of its own for each task, where the user may make some: the only thing that limits
//! the memory and the number of *all* processes of a task at every moment.
//!
//! It takes the unified hierarchy (cgroup v2) and an ancestor of this process's own cgroup that
//! the user may write to and that passes `memory` and `pids` on, as systemd's user slices do
//! (Documentation/admin-guide/cgroup-v2.rst, "Delegation"). There is often none: in containers,
//! in sessions over SSH, with the older hierarchies. The other limits hold there.

use super::spec::TaskLimits;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a cgroup must be able to limit.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];

/// Where cgroups for tasks can be made.
#[derive(Debug, Clone)]
pub(crate) struct Delegation {
    parent: PathBuf,
}

impl Delegation {
    /// Such a place, looked for once in the life of this process by making a cgroup in it.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub(crate) fn find() -> Result<Self, String> {
        static FOUND: OnceLock<Result<Delegation, String>> = OnceLock::new();
        FOUND.get_or_init(Self::look).clone()
    }

    fn look() -> Result<Self, String> {
        let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("`{path}`: {error}"));
        let own = own_cgroup(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)
            .ok_or("the unified cgroup hierarchy is not mounted")?;
        let mut refused = None;
        for parent in own.0.ancestors().take_while(|ancestor| ancestor.starts_with(&own.1)) {
            let passed = fs::read_to_string(parent.join("cgroup.subtree_control")).unwrap_or_default();
            if !CONTROLLERS.iter().all(|wanted| passed.split_whitespace().any(|name| name == *wanted)) {
                continue;
            }
            let delegation = Self { parent: parent.to_path_buf() };
            match delegation.cgroup(&TaskLimits::default()).and_then(|cgroup| cgroup.try_entry()) {
                Ok(()) => return Ok(delegation),
                Err(error) => refused = Some(format!("`{}`: {error}", parent.display())),
            }
        }
        Err(refused.unwrap_or_else(|| "no cgroup above this one passes memory and pids on".to_owned()))
    }

    /// A new cgroup with these limits.
    ///
    /// # Errors
    /// When the system refuses a part of it.
    pub(crate) fn cgroup(&self, limits: &TaskLimits) -> io::Result<Cgroup> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = self.parent.join(format!("openexec-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        let cgroup = Cgroup { path };
        cgroup.set("memory.max", &limits.memory_bytes.to_string())?;
        cgroup.set("pids.max", &limits.processes.to_string())?;
        // Where there is no swap, or no such limit, there is nothing to set.
        let _ = cgroup.set("memory.swap.max", "0");
        Ok(cgroup)
    }
}

/// This process's cgroup and the root of the hierarchy, as directories.
fn own_cgroup(mountinfo: &str, cgroup: &str) -> Option<(PathBuf, PathBuf)> {
    let (root_below, mounted_at) = mountinfo.lines().find_map(|line| {
        let (fields, file_system) = line.split_once(" - ")?;
        let mut fields = fields.split(' ').skip(3);
        file_system.starts_with("cgroup2 ").then(|| fields.next().zip(fields.next()))?
    })?;
    let own = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    let below = Path::new(own).strip_prefix(root_below).ok()?;
    Some((Path::new(mounted_at).join(below), PathBuf::from(mounted_at)))
}

/// One task's cgroup. Dropping it kills what is in it and removes it.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Its directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// True when the kernel has ended a process in it for want of memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        fs::read_to_string(self.path.join("memory.events")).is_ok_and(|events| {
            events.lines().filter_map(|line| line.strip_prefix("oom_kill ")).any(|count| count.trim() != "0")
        })
    }

    /// Kills everything in it (Linux 5.14).
    pub(crate) fn kill(&self) {
        let _ = self.set("cgroup.kill", "1");
    }

    /// Entering needs leave to take processes out of this process's own cgroup, which writing
    /// to the new one does not show.
    fn try_entry(&self) -> io::Result<()> {
        let mut child = std::process::Command::new("/bin/sh");
        child.args(["-c", "echo 0 > \"$1/cgroup.procs\"", "sh"]).arg(&self.path).env_clear();
        let status = child.stderr(std::process::Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("it cannot be entered")) }
    }

    fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.path.join(file), value)
            .map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        // A process that is still on its way out keeps its cgroup; the kernel says so.
        for _ in 0..REMOVALS_MAX {
            match fs::remove_dir(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::yield_now(),
                _ => return,
            }
        }
    }
}

/// Attempts at removing a cgroup whose last process is about to be gone.
const REMOVALS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_cgroup_is_found() {
        let mountinfo = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let own = own_cgroup(mountinfo, "0::/user.slice/user-1000.slice/x.scope\n").unwrap();
        assert_eq!(own.0, Path::new("/sys/fs/cgroup/user.slice/user-1000.slice/x.scope"));
        assert_eq!(own.1, Path::new("/sys/fs/cgroup"));
    }

    #[test]
    fn older_hierarchies_have_none() {
        let mountinfo = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n";
        assert_eq!(own_cgroup(mountinfo, "1:cpu:/\n"), None);
        // In a container that shows a part of the hierarchy only.
        let mountinfo = "30 24 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        assert_eq!(own_cgroup(mountinfo, "0::/elsewhere\n"), None);
    }
}
