//! The shadow where there is no overlay: a copy beside the state. Version control's own
//! directory is left out; caches are copied once and then belong to the copy.

use super::layer::{same_text, split};
use super::tree::{self, Kind};
use crate::limits::COPY_FILES_MAX;
use cap_std::fs::Dir;
use openexec_engine::path::WorkspacePath;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

/// Makes `copy` hold what `root` holds, with exactly the `wanted` files laid over it.
pub(super) fn put_in_order(
    root: &Path,
    copy: &Path,
    wanted: &BTreeMap<WorkspacePath, Option<String>>,
) -> io::Result<()> {
    super::private_directory(copy)?;
    let copy = tree::open(copy)?;
    let mut mirror = Mirror { root: tree::open(root)?, wanted, files: 0 };
    mirror.directory(&copy, Path::new(""))?;
    for (path, text) in wanted {
        let (parents, name) = split(path);
        let Some(text) = text else {
            if let Ok(parent) = copy.open_dir(if parents.is_empty() { "." } else { parents }) {
                tree::remove(&parent, name)?;
            }
            continue;
        };
        if !parents.is_empty() {
            copy.create_dir_all(parents)?;
        }
        let parent = copy.open_dir(if parents.is_empty() { "." } else { parents })?;
        if !same_text(&parent, Path::new(name), text)? {
            let permissions = tree::metadata(&parent, name)?.filter(|metadata| metadata.is_file());
            tree::remove(&parent, name)?;
            tree::create(&parent, name, text.as_bytes(), permissions.map(|metadata| metadata.permissions()))?;
        }
    }
    Ok(())
}

struct Mirror<'a> {
    root: Dir,
    wanted: &'a BTreeMap<WorkspacePath, Option<String>>,
    files: usize,
}

impl Mirror<'_> {
    fn directory(&mut self, copy: &Dir, path: &Path) -> io::Result<()> {
        let below =
            if path.as_os_str().is_empty() { self.root.try_clone()? } else { self.root.open_dir(path)? };
        let names = tree::names(&below)?;
        for name in tree::names(copy)? {
            if names.binary_search(&name).is_err() && !tree::is_cache(&self.root, path, &name) {
                tree::remove(copy, &name)?;
            }
        }
        for name in names {
            if name != ".git" {
                self.entry(copy, path, &name)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, copy: &Dir, parent: &Path, name: &OsStr) -> io::Result<()> {
        self.files += 1;
        if self.files > COPY_FILES_MAX {
            return Err(io::Error::other(format!("the workspace holds more than {COPY_FILES_MAX} files")));
        }
        let path = parent.join(name);
        let below = tree::kind(&self.root, &path)?;
        let mut here = tree::kind(copy, name)?;
        if here != Kind::Absent && here != below {
            tree::remove(copy, name)?;
            here = Kind::Absent;
        }
        match below {
            Kind::Directory if here == Kind::Directory && tree::is_cache(&self.root, parent, name) => Ok(()),
            Kind::Directory => {
                if here == Kind::Absent {
                    copy.create_dir(name)?;
                }
                self.directory(&tree::open_dir(copy, name)?, &path)
            }
            Kind::File => {
                let wanted = path
                    .to_str()
                    .and_then(|path| WorkspacePath::parse(path).ok())
                    .is_some_and(|path| self.wanted.contains_key(&path));
                if here == Kind::File && (wanted || tree::same(copy, Path::new(name), &self.root, &path)?) {
                    return Ok(());
                }
                tree::remove(copy, name)?;
                let file = tree::open_file(&self.root, &path)?;
                let permissions = file.metadata()?.permissions();
                tree::create(copy, name, file, Some(permissions))
            }
            Kind::Link => copy_link(&self.root, &path, copy, name),
            Kind::Absent | Kind::Whiteout | Kind::Other => Ok(()),
        }
    }
}

#[cfg(unix)]
fn copy_link(root: &Dir, path: &Path, copy: &Dir, name: &OsStr) -> io::Result<()> {
    let target = root.read_link_contents(path)?;
    if tree::kind(copy, name)? == Kind::Link {
        if copy.read_link_contents(name)? == target {
            return Ok(());
        }
        tree::remove(copy, name)?;
    }
    copy.symlink_contents(target, name)
}

/// Links need a privilege on Windows; their content is what matters there.
#[cfg(not(unix))]
fn copy_link(root: &Dir, path: &Path, copy: &Dir, name: &OsStr) -> io::Result<()> {
    if root.metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        tree::remove(copy, name)?;
        tree::create(copy, name, root.open(path)?, None)?;
    }
    Ok(())
}
