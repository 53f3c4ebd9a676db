//! Mounts as handles: made or taken hold of first, put in place later.

use super::super::{Refused, Step as _};
use rustix::fs::CWD;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A writable overlay, not yet attached. The options that would forbid changing the lower
/// directory between two mounts stay off (Documentation/filesystems/overlayfs.rst, "Changes to
/// underlying filesystems").
pub(super) fn overlay(overlay: &crate::process::spec::Overlay) -> Result<OwnedFd, Refused> {
    let layers = [
        ("lowerdir", escaped(&overlay.at)),
        ("upperdir", overlay.upper.clone()),
        ("workdir", overlay.work.clone()),
    ];
    // Without `volatile` the kernel would write the whole file system below to disk each time
    // that a task ends (Documentation/filesystems/overlayfs.rst, "Volatile mount").
    overlay_of(&overlay.at, &layers, &["userxattr", "volatile"])
}

/// What `directory` holds, read-only, with other inodes: a socket has its listener behind the
/// inode that it was bound to, and cannot be connected to through an overlay. The kernel wants
/// two lower directories where there is no upper one.
pub(super) fn veil(directory: &Path, empty: &Path) -> Result<OwnedFd, Refused> {
    let mut lower = escaped(directory).into_os_string();
    lower.push(":");
    lower.push(escaped(empty));
    overlay_of(directory, &[("lowerdir", PathBuf::from(lower))], &["ro"])
}

fn overlay_of(at: &Path, layers: &[(&str, PathBuf)], flags: &[&str]) -> Result<OwnedFd, Refused> {
    let step = || format!("mount an overlay over `{}`", at.display());
    let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).step(step)?;
    let context = context.as_fd();
    for (key, value) in layers {
        rustix::mount::fsconfig_set_string(context, *key, value).step(|| format!("{} ({key})", step()))?;
    }
    for option in ["index", "metacopy", "xino"] {
        // A kernel without the option has it off.
        let _ = rustix::mount::fsconfig_set_string(context, option, "off");
    }
    for flag in flags {
        rustix::mount::fsconfig_set_flag(context, *flag).step(step)?;
    }
    rustix::mount::fsconfig_create(context).step(|| match kernel_log(context) {
        Some(log) => format!("{}: {log}", step()),
        None => step(),
    })?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).step(step)
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
fn kernel_log(context: BorrowedFd<'_>) -> Option<String> {
    let mut buffer = [0; 512];
    let length = rustix::io::read(context, &mut buffer).ok()?;
    let text = String::from_utf8_lossy(buffer.get(..length)?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// A small file system in memory.
pub(super) fn tmpfs(mode: &str, bytes_max: u64) -> Result<OwnedFd, Refused> {
    mounted("tmpfs", &[("mode", mode), ("size", &bytes_max.to_string())], MountAttrFlags::MOUNT_ATTR_NODEV)
}

/// A file system of the kernel's own, not yet attached.
pub(super) fn mounted(
    name: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Refused> {
    let step = || format!("mount a fresh {name}");
    let context = rustix::mount::fsopen(name, FsOpenFlags::FSOPEN_CLOEXEC).step(step)?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(context.as_fd(), *key, *value).step(step)?;
    }
    rustix::mount::fsconfig_create(context.as_fd()).step(step)?;
    let attributes = attributes | MountAttrFlags::MOUNT_ATTR_NOSUID;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes).step(step)
}

/// Takes hold of what is at a path, with everything that is mounted below it. A symbolic link
/// at its end is not followed.
pub(super) fn clone_tree(path: &Path) -> Result<OwnedFd, Refused> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    rustix::mount::open_tree(CWD, path, flags).step(|| format!("take hold of `{}`", path.display()))
}

/// Puts a mount in place.
pub(super) fn attach(tree: &OwnedFd, at: &Path) -> Result<(), Refused> {
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
pub(super) fn read_only_tree(directory: impl AsFd, path: &str) -> Result<(), Refused> {
    make_read_only(directory, path, libc::AT_RECURSIVE)
}

/// Makes one mount read-only and deaf to set-user-ID bits.
pub(super) fn read_only(directory: impl AsFd, path: &str) -> Result<(), Refused> {
    make_read_only(directory, path, 0)
}

fn make_read_only(directory: impl AsFd, path: &str, flags: i32) -> Result<(), Refused> {
    const RDONLY_NOSUID: u64 = 0x1 | 0x2;
    let step = || "make mounts read-only (Linux 5.12)".to_owned();
    let path = std::ffi::CString::new(path).step(step)?;
    let attributes = MountAttr { set: RDONLY_NOSUID, clear: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the path and the attributes outlive the call, and the size is theirs.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory.as_fd().as_raw_fd(),
            path.as_ptr(),
            flags | libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()).step(step) }
}

/// All mount points, from `mountinfo` (proc(5): the fifth field, with octal escapes).
pub(super) fn mount_points() -> Result<Vec<PathBuf>, Refused> {
    let text =
        std::fs::read_to_string("/proc/self/mountinfo").step(|| "read /proc/self/mountinfo".to_owned())?;
    let mut points: Vec<PathBuf> =
        text.lines().filter_map(|line| line.split(' ').nth(4)).map(|field| unescaped(field).into()).collect();
    points.sort();
    points.dedup();
    Ok(points)
}

/// The outermost mount points strictly below a directory: taking hold of one takes hold of what
/// is mounted below it.
pub(super) fn outermost_below(points: &[PathBuf], directory: &Path) -> Vec<PathBuf> {
    let mut below: Vec<PathBuf> =
        points.iter().filter(|path| *path != directory && path.starts_with(directory)).cloned().collect();
    below.dedup_by(|later, earlier| later.starts_with(earlier));
    below
}

fn unescaped(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(field.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_a_mount_comes_with_it() {
        let points: Vec<PathBuf> =
            ["/", "/home/u", "/home/u/a", "/home/u/a/b", "/home/u/ab", "/home/uv"].map(PathBuf::from).into();
        let found = outermost_below(&points, Path::new("/home/u"));
        assert_eq!(found, ["/home/u/a", "/home/u/ab"].map(PathBuf::from));
    }

    #[test]
    fn escapes_of_the_kernel() {
        assert_eq!(unescaped("/a\\040b\\134c"), "/a b\\c");
        assert_eq!(escaped(Path::new("/a:b\\c")), Path::new("/a\\:b\\\\c"));
    }
}
