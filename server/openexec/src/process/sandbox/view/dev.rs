//! A `/dev` with nothing behind it that could be written to.

use super::super::{Refused, Step as _};
use super::mounts::{attach, clone_tree, mounted, read_only, tmpfs};
use crate::limits::{TASK_PLACEHOLDER_BYTES_MAX, TASK_SHARED_MEMORY_BYTES_MAX};
use rustix::mount::MountAttrFlags;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The devices that a task gets.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Takes hold of the devices, as far as this machine has them.
pub(super) fn take() -> Result<Vec<(&'static str, OwnedFd)>, Refused> {
    let mut devices = Vec::new();
    for name in DEVICES {
        let path = Path::new("/dev").join(name);
        if path.exists() {
            devices.push((name, clone_tree(&path)?));
        }
    }
    Ok(devices)
}

/// Puts a new `/dev` over the old one.
pub(super) fn build(devices: &[(&str, OwnedFd)]) -> Result<(), Refused> {
    let dev = Path::new("/dev");
    let ground = tmpfs("755", TASK_PLACEHOLDER_BYTES_MAX)?;
    attach(&ground, dev)?;
    for (name, tree) in devices {
        let path = dev.join(name);
        File::create(&path).step(|| format!("create `{}`", path.display()))?;
        attach(tree, &path)?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        std::os::unix::fs::symlink(target, dev.join(name)).step(|| format!("create `/dev/{name}`"))?;
    }
    for (name, bytes_max) in [("shm", TASK_SHARED_MEMORY_BYTES_MAX), ("mqueue", TASK_PLACEHOLDER_BYTES_MAX)] {
        let path = dev.join(name);
        std::fs::create_dir(&path).step(|| format!("create `{}`", path.display()))?;
        attach(&tmpfs("1777", bytes_max)?, &path)?;
    }
    let pts = dev.join("pts");
    std::fs::create_dir(&pts).step(|| "create `/dev/pts`".to_owned())?;
    // Programs under test may want a terminal of their own; few do, so its absence is no error.
    let options = [("mode", "620"), ("ptmxmode", "666")];
    let _ = mounted("devpts", &options, MountAttrFlags::MOUNT_ATTR_NOEXEC)
        .and_then(|terminals| attach(&terminals, &pts));
    read_only(&ground, "")
}
