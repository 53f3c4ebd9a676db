//! The upper directory of the workspace's overlay: what differs from the user's tree.
//!
//! A file that goes back to the user's version is written again rather than uncovered:
//! uncovering it would bring back an old modification time, and a build tool that has built
//! the other version since would take its result for fresh.

use super::tree::{self, Kind};
use cap_std::fs::Dir;
use openexec_engine::path::WorkspacePath;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Makes `upper` over `root` show `root` with exactly the `wanted` files laid over it;
/// `None` means that there is no such file. Caches stay as they are.
pub(super) fn put_in_order(
    root: &Path,
    upper: &Path,
    wanted: &BTreeMap<WorkspacePath, Option<String>>,
) -> io::Result<()> {
    let layer = Layer { root: tree::open(root)?, wanted };
    let upper = tree::open(upper)?;
    layer.directory(&upper, Path::new(""))?;
    for (path, text) in wanted {
        match text {
            Some(text) => layer.write(&upper, path, text)?,
            None => layer.hide(&upper, path)?,
        }
    }
    Ok(())
}

/// What a task has put into `upper` where version control decides what it executes: below the
/// names in `unguarded` at the top, and in every `.git` further down. Caches are not looked
/// into; what lies there is nobody's source.
pub(super) fn planted(root: &Dir, upper: &Dir, unguarded: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut planted = Vec::new();
    for name in unguarded {
        if tree::kind(upper, name)? != Kind::Absent {
            planted.push(PathBuf::from(name));
        }
    }
    let mut pending = vec![PathBuf::new()];
    while let Some(path) = pending.pop() {
        let dir = if path.as_os_str().is_empty() { upper.try_clone()? } else { open_path(upper, &path)? };
        for name in tree::names(&dir)? {
            let inner = path.join(&name);
            if name == ".git" {
                if !path.as_os_str().is_empty() {
                    planted.push(inner);
                }
            } else if tree::kind(&dir, &name)? == Kind::Directory && !tree::is_cache(root, &path, &name) {
                pending.push(inner);
            }
        }
    }
    Ok(planted)
}

/// Removes an entry of `upper`, so that the user's own shows again.
pub(super) fn uncover(upper: &Dir, path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Ok(()) };
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => tree::remove(&open_path(upper, parent)?, name),
        None => tree::remove(upper, name),
    }
}

/// Opens a directory further down, which a task may have made inaccessible.
fn open_path(dir: &Dir, path: &Path) -> io::Result<Dir> {
    path.components().try_fold(dir.try_clone()?, |dir, name| tree::open_dir(&dir, name.as_os_str()))
}

struct Layer<'a> {
    root: Dir,
    wanted: &'a BTreeMap<WorkspacePath, Option<String>>,
}

impl Layer<'_> {
    /// Undoes what tasks have done to this directory of the upper tree.
    fn directory(&self, upper: &Dir, path: &Path) -> io::Result<()> {
        for name in tree::names(upper)? {
            self.entry(upper, path, &name)?;
        }
        if is_opaque(upper)? {
            // A task has removed the directory and made it anew.
            let below = if path.as_os_str().is_empty() {
                self.root.try_clone()?
            } else {
                self.root.open_dir(path)?
            };
            for name in tree::names(&below)? {
                if tree::kind(upper, &name)? == Kind::Absent {
                    self.restore(upper, path, &name)?;
                }
            }
            make_transparent(upper)?;
        }
        Ok(())
    }

    fn entry(&self, upper: &Dir, parent: &Path, name: &OsStr) -> io::Result<()> {
        let path = parent.join(name);
        let below = tree::kind(&self.root, &path)?;
        let here = tree::kind(upper, name)?;
        if here == Kind::Directory && tree::is_cache(&self.root, parent, name) {
            return Ok(());
        }
        match (here, below) {
            // Whoever wants the file compares it himself.
            (Kind::File, _) if self.is_wanted(&path) => Ok(()),
            (Kind::Directory, Kind::Directory) => {
                let inner = tree::open_dir(upper, name)?;
                self.directory(&inner, &path)?;
                self.same_permissions(upper, name, &path)
            }
            (Kind::File, Kind::File) if tree::same(upper, Path::new(name), &self.root, &path)? => {
                self.same_permissions(upper, name, &path)
            }
            (Kind::Link, Kind::Link)
                if upper.read_link_contents(name)? == self.root.read_link_contents(&path)? =>
            {
                Ok(())
            }
            _ => {
                tree::remove(upper, name)?;
                self.restore(upper, parent, name)
            }
        }
    }

    /// Brings the user's entry back, in new files.
    fn restore(&self, upper: &Dir, parent: &Path, name: &OsStr) -> io::Result<()> {
        let path = parent.join(name);
        match tree::kind(&self.root, &path)? {
            Kind::File => {
                let file = tree::open_file(&self.root, &path)?;
                let permissions = file.metadata()?.permissions();
                tree::create(upper, name, file, Some(permissions))
            }
            Kind::Directory if !tree::is_cache(&self.root, parent, name) => {
                upper.create_dir(name)?;
                let inner = upper.open_dir(name)?;
                for entry in tree::names(&self.root.open_dir(&path)?)? {
                    self.restore(&inner, &path, &entry)?;
                }
                self.same_permissions(upper, name, &path)
            }
            // The lower entry shows through.
            Kind::Directory | Kind::Link | Kind::Absent | Kind::Whiteout | Kind::Other => Ok(()),
        }
    }

    fn is_wanted(&self, path: &Path) -> bool {
        path.to_str()
            .and_then(|path| WorkspacePath::parse(path).ok())
            .is_some_and(|path| self.wanted.contains_key(&path))
    }

    fn same_permissions(&self, upper: &Dir, name: &OsStr, path: &Path) -> io::Result<()> {
        let Some(below) = tree::metadata(&self.root, path)? else { return Ok(()) };
        let Some(here) = tree::metadata(upper, name)? else { return Ok(()) };
        if here.permissions() == below.permissions() {
            return Ok(());
        }
        upper.set_permissions(name, below.permissions())
    }

    /// Shows this text at `path`.
    fn write(&self, upper: &Dir, path: &WorkspacePath, text: &str) -> io::Result<()> {
        let (parents, name) = split(path);
        let shown = match self.upper_parent(upper, parents, false)? {
            Some(parent) if tree::kind(&parent, name)? != Kind::Absent => {
                same_text(&parent, Path::new(name), text)?
            }
            _ => same_text(&self.root, Path::new(path.as_str()), text)?,
        };
        if shown {
            return Ok(());
        }
        let Some(parent) = self.upper_parent(upper, parents, true)? else { return Ok(()) };
        tree::remove(&parent, name)?;
        let permissions = tree::metadata(&self.root, path.as_str())?
            .filter(|metadata| metadata.is_file())
            .map(|metadata| metadata.permissions());
        tree::create(&parent, name, text.as_bytes(), permissions)
    }

    /// Shows nothing at `path`.
    fn hide(&self, upper: &Dir, path: &WorkspacePath) -> io::Result<()> {
        let (parents, name) = split(path);
        if let Some(parent) = self.upper_parent(upper, parents, false)? {
            tree::remove(&parent, name)?;
        }
        if tree::kind(&self.root, path.as_str())? == Kind::Absent {
            return Ok(());
        }
        match self.upper_parent(upper, parents, true)? {
            Some(parent) => create_whiteout(&parent, name),
            None => Ok(()),
        }
    }

    /// The directory of the upper tree that holds `parents`, created like the user's if need be.
    fn upper_parent(&self, upper: &Dir, parents: &str, create: bool) -> io::Result<Option<Dir>> {
        let mut dir = upper.try_clone()?;
        let mut path = PathBuf::new();
        for component in parents.split('/').filter(|component| !component.is_empty()) {
            path.push(component);
            match tree::kind(&dir, component)? {
                Kind::Directory => {}
                _ if !create => return Ok(None),
                Kind::Absent => {
                    dir.create_dir(component)?;
                    self.same_permissions(&dir, component.as_ref(), &path)?;
                }
                Kind::File | Kind::Link | Kind::Whiteout | Kind::Other => {
                    tree::remove(&dir, component)?;
                    dir.create_dir(component)?;
                    self.same_permissions(&dir, component.as_ref(), &path)?;
                }
            }
            dir = tree::open_dir(&dir, component)?;
        }
        Ok(Some(dir))
    }
}

/// True when the file holds exactly this text.
pub(super) fn same_text(dir: &Dir, path: &Path, text: &str) -> io::Result<bool> {
    Ok(tree::read(dir, path, text.len() as u64)?.is_some_and(|bytes| bytes == text.as_bytes()))
}

/// The directories of a path and its last component.
pub(super) fn split(path: &WorkspacePath) -> (&str, &str) {
    path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()))
}

/// What the kernel itself makes when a file is removed in an overlay. Linux lets everybody
/// make one since 5.8, as there is no such device.
#[cfg(target_os = "linux")]
fn create_whiteout(parent: &Dir, name: &str) -> io::Result<()> {
    use rustix::fs::{FileType, Mode};
    Ok(rustix::fs::mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), 0)?)
}

#[cfg(target_os = "linux")]
const OPAQUE: &str = "user.overlay.opaque";

/// Directory handles that only name a place carry no attributes; this one does.
#[cfg(target_os = "linux")]
fn readable(dir: &Dir) -> io::Result<std::os::fd::OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, ".", flags, Mode::empty())?)
}

#[cfg(target_os = "linux")]
fn is_opaque(dir: &Dir) -> io::Result<bool> {
    let mut value = [0; 1];
    match rustix::fs::fgetxattr(readable(dir)?, OPAQUE, &mut value[..]) {
        Ok(_) => Ok(value == *b"y"),
        Err(rustix::io::Errno::NODATA | rustix::io::Errno::NOTSUP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(target_os = "linux")]
fn make_transparent(dir: &Dir) -> io::Result<()> {
    Ok(rustix::fs::fremovexattr(readable(dir)?, OPAQUE)?)
}

#[cfg(not(target_os = "linux"))]
fn create_whiteout(_parent: &Dir, _name: &str) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(not(target_os = "linux"))]
fn is_opaque(_dir: &Dir) -> io::Result<bool> {
    Ok(false)
}

#[cfg(not(target_os = "linux"))]
fn make_transparent(_dir: &Dir) -> io::Result<()> {
    Ok(())
}
