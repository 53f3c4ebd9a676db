//! The task's view of the file system. Everything is read-only except the overlays and the
//! scratch directory. What would let a task reach the world through a socket or a device is
//! replaced: `/run`, `/tmp`, `/dev`. Read-only mounts alone would not do: a socket can be
//! connected to, and a device written to, on a read-only mount.

use super::{Refused, Step as _, refused};
use crate::process::spec::{Overlay, SandboxSpec};
use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

/// Directories that are replaced by an empty one.
const REPLACED: [&str; 3] = ["/tmp", "/var/tmp", "/run"];
/// The devices that a task gets.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Mounts below the workspace that are carried over. An overlay does not show them by itself.
const SUBMOUNTS_MAX: usize = 64;

/// Builds the view in the mount namespace that this process is in.
/// `sockets` are the host's, which must not be reached.
pub(super) fn build(spec: &SandboxSpec, sockets: &[PathBuf]) -> Result<(), Refused> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .step(|| "make mounts private".to_owned())?;
    // First everything is taken hold of, then the old tree becomes read-only, then what was
    // taken is put in place.
    let overlays = spec.overlays.iter().map(overlay).collect::<Result<Vec<_>, _>>()?;
    let scratch = clone_tree(&spec.scratch)?;
    let scratch_again = clone_tree(&spec.scratch)?;
    let mut exposed = Vec::new();
    for path in spec.exposed.iter().filter(|path| path.exists()) {
        exposed.push((path, clone_tree(path)?));
    }
    let mut devices = Vec::new();
    for name in DEVICES {
        let path = Path::new("/dev").join(name);
        if path.exists() {
            devices.push((name, clone_tree(&path)?));
        }
    }
    let mut submounts = Vec::new();
    for path in mounts_below(spec)? {
        let tree = clone_tree(&path)?;
        read_only(&tree, "")?;
        submounts.push((path, tree));
    }

    read_only(CWD, "/")?;
    for (_, tree) in &exposed {
        read_only(tree, "")?;
    }

    attach(&scratch, Path::new("/tmp"))?;
    if Path::new("/var/tmp").is_dir() {
        attach(&scratch_again, Path::new("/var/tmp"))?;
    }
    if Path::new("/run").is_dir() {
        attach(&tmpfs("755")?, Path::new("/run"))?;
    }
    build_dev(&devices)?;
    for (path, tree) in &exposed {
        make_place(path)?;
        attach(tree, path)?;
    }
    for (overlay, tree) in spec.overlays.iter().zip(&overlays) {
        make_place(&overlay.at)?;
        attach(tree, &overlay.at)?;
    }
    for (path, tree) in &submounts {
        attach(tree, path)?;
    }
    spec.masked.iter().try_for_each(|path| mask(path))?;
    sockets.iter().filter(|path| is_socket(path)).try_for_each(|path| mask(path))
}

/// The sockets that are bound to a path, from `/proc/net/unix` (proc(5): the eighth field).
/// It shows those of the network namespace that this process is in, so it must be read before
/// that one is left. Neither a network namespace nor a read-only mount keeps anybody from
/// connecting to such a socket. One that is bound later, or in another network namespace, is
/// hidden only where its directory is.
pub(super) fn listening_sockets() -> Vec<PathBuf> {
    let text = std::fs::read("/proc/net/unix").unwrap_or_default();
    let mut paths: Vec<PathBuf> = String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| line.split_once(" /").map(|(_, path)| PathBuf::from(format!("/{path}"))))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// A fresh `/proc`, which shows the processes of this PID namespace only.
pub(super) fn mount_proc() -> Result<(), Refused> {
    let step = || "mount a fresh /proc".to_owned();
    let context = rustix::mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC).step(step)?;
    rustix::mount::fsconfig_create(context.as_fd()).step(step)?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let proc = rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).step(step)?;
    attach(&proc, Path::new("/proc"))
}

/// An overlay, not yet attached. The options that would forbid changing the lower directory
/// between two mounts stay off (Documentation/filesystems/overlayfs.rst, "Changes to
/// underlying filesystems").
fn overlay(overlay: &Overlay) -> Result<OwnedFd, Refused> {
    let step = || format!("mount an overlay over `{}`", overlay.at.display());
    let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).step(step)?;
    let context = context.as_fd();
    let set = |key: &str, value: &Path| {
        rustix::mount::fsconfig_set_string(context, key, value).step(|| format!("{} ({key})", step()))
    };
    set("lowerdir", &escaped(&overlay.at))?;
    set("upperdir", &overlay.upper)?;
    set("workdir", &overlay.work)?;
    for option in ["index", "metacopy", "xino"] {
        // A kernel without the option has it off.
        let _ = rustix::mount::fsconfig_set_string(context, option, "off");
    }
    rustix::mount::fsconfig_set_flag(context, "userxattr").step(step)?;
    rustix::mount::fsconfig_create(context).step(|| match kernel_log(context) {
        Some(log) => format!("{}: {log}", step()),
        None => step(),
    })?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, flags).step(step)
}

/// `lowerdir` is a list separated by colons, with a backslash as escape.
fn escaped(path: &Path) -> PathBuf {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let mut bytes = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b':' | b'\\') {
            bytes.push(b'\\');
        }
        bytes.push(*byte);
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// What the kernel wrote about a refused mount, if anything.
fn kernel_log(context: std::os::fd::BorrowedFd<'_>) -> Option<String> {
    let mut buffer = [0; 512];
    let length = rustix::io::read(context, &mut buffer).ok()?;
    let text = String::from_utf8_lossy(buffer.get(..length)?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn tmpfs(mode: &str) -> Result<OwnedFd, Refused> {
    let step = || "mount a tmpfs".to_owned();
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).step(step)?;
    rustix::mount::fsconfig_set_string(context.as_fd(), "mode", mode).step(step)?;
    rustix::mount::fsconfig_create(context.as_fd()).step(step)?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).step(step)
}

fn clone_tree(path: &Path) -> Result<OwnedFd, Refused> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    rustix::mount::open_tree(CWD, path, flags).step(|| format!("take hold of `{}`", path.display()))
}

fn attach(tree: &OwnedFd, at: &Path) -> Result<(), Refused> {
    rustix::mount::move_mount(tree, "", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .step(|| format!("attach a mount to `{}`", at.display()))
}

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Makes a whole tree of mounts read-only and deaf to set-user-ID bits.
fn read_only(directory: impl AsFd, path: &str) -> Result<(), Refused> {
    const RDONLY_NOSUID: u64 = 0x1 | 0x2;
    let step = || "make every mount read-only (Linux 5.12)".to_owned();
    let path = std::ffi::CString::new(path).step(step)?;
    let attributes = MountAttr { set: RDONLY_NOSUID, clear: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the path and the attributes outlive the call, and the size is theirs.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory.as_fd().as_raw_fd(),
            path.as_ptr(),
            libc::AT_RECURSIVE | libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()).step(step) }
}

/// A `/dev` with nothing behind it that could be written to.
fn build_dev(devices: &[(&str, OwnedFd)]) -> Result<(), Refused> {
    let dev = Path::new("/dev");
    attach(&tmpfs("755")?, dev)?;
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
    for (name, mode) in [("shm", "1777"), ("mqueue", "1777")] {
        let path = dev.join(name);
        std::fs::create_dir(&path).step(|| format!("create `{}`", path.display()))?;
        attach(&tmpfs(mode)?, &path)?;
    }
    let pts = dev.join("pts");
    std::fs::create_dir(&pts).step(|| "create `/dev/pts`".to_owned())?;
    // Programs under test may want a terminal of their own; few do, so its absence is no error.
    let _ = terminals().and_then(|terminals| attach(&terminals, &pts));
    Ok(())
}

fn terminals() -> Result<OwnedFd, Refused> {
    let step = || "mount a devpts".to_owned();
    let context = rustix::mount::fsopen("devpts", FsOpenFlags::FSOPEN_CLOEXEC).step(step)?;
    for (key, value) in [("mode", "620"), ("ptmxmode", "666")] {
        rustix::mount::fsconfig_set_string(context.as_fd(), key, value).step(step)?;
    }
    rustix::mount::fsconfig_create(context.as_fd()).step(step)?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).step(step)
}

/// Creates the place for a mount where a replaced directory has hidden it. The kind of place
/// is a directory: only directories are exposed.
fn make_place(path: &Path) -> Result<(), Refused> {
    if path.is_dir() {
        return Ok(());
    }
    if !REPLACED.iter().any(|replaced| path.starts_with(replaced)) {
        return Err(refused(&format!("find `{}`", path.display()), "it is not a directory"));
    }
    std::fs::create_dir_all(path).step(|| format!("create `{}`", path.display()))
}

/// Puts nothing where something was.
fn mask(path: &Path) -> Result<(), Refused> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
    if metadata.is_dir() {
        let empty = tmpfs("555")?;
        read_only(&empty, "")?;
        return attach(&empty, path);
    }
    attach(&clone_tree(Path::new("/dev/null"))?, path)
}

/// Mount points strictly below the workspace, outermost first, from `mountinfo` (proc(5):
/// the fifth field is the mount point, with octal escapes).
fn mounts_below(spec: &SandboxSpec) -> Result<Vec<PathBuf>, Refused> {
    let Some(workspace) = spec.overlays.first() else { return Ok(Vec::new()) };
    let text =
        std::fs::read_to_string("/proc/self/mountinfo").step(|| "read /proc/self/mountinfo".to_owned())?;
    let mut found: Vec<PathBuf> = text
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|field| PathBuf::from(unescaped(field)))
        .filter(|path| path != &workspace.at && path.starts_with(&workspace.at))
        .collect();
    found.sort();
    // Taking hold of one takes hold of what is mounted below it.
    found.dedup_by(|later, earlier| later.starts_with(earlier));
    if found.len() > SUBMOUNTS_MAX {
        return Err(refused(
            "carry over the mounts below the workspace",
            format!("there are more than {SUBMOUNTS_MAX}"),
        ));
    }
    Ok(found)
}

fn unescaped(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(field.to_owned(), |text, (escape, character)| text.replace(escape, character))
}
