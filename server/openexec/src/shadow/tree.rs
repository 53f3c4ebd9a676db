//! Trees that a task has written to. They are hostile ground: a task may have put a symbolic
//! link where a directory was. Everything goes through directory handles, which lead nowhere
//! outside of their tree, and no last component is followed.

use cap_std::ambient_authority;
#[cfg(unix)]
use cap_std::fs::MetadataExt as _;
use cap_std::fs::{Dir, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::Path;

/// Opens a tree.
pub(super) fn open(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
}

/// What an entry is, as far as shadows care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing there.
    Absent,
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// In an upper directory: what hides the entry of the lower one.
    Whiteout,
    /// A pipe, a socket, a device.
    Other,
}

/// What stands at `path`.
pub(super) fn kind(dir: &Dir, path: impl AsRef<Path>) -> io::Result<Kind> {
    let Some(metadata) = metadata(dir, path)? else { return Ok(Kind::Absent) };
    let file_type = metadata.file_type();
    Ok(if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_file() {
        Kind::File
    } else if file_type.is_symlink() {
        Kind::Link
    } else if is_whiteout(&metadata) {
        Kind::Whiteout
    } else {
        Kind::Other
    })
}

/// A character device numbered 0/0 (Documentation/filesystems/overlayfs.rst, "whiteouts").
#[cfg(unix)]
fn is_whiteout(metadata: &Metadata) -> bool {
    use cap_std::fs::FileTypeExt as _;
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

#[cfg(not(unix))]
fn is_whiteout(_metadata: &Metadata) -> bool {
    false
}

/// The entry's metadata, if there is one.
pub(super) fn metadata(dir: &Dir, path: impl AsRef<Path>) -> io::Result<Option<Metadata>> {
    match dir.symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file for reading, and nothing else.
pub(super) fn open_file(dir: &Dir, path: impl AsRef<Path>) -> io::Result<File> {
    // Opening a pipe would wait for its other end.
    if kind(dir, &path)? != Kind::File {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    dir.open(path)
}

/// Reads a regular file of at most `bytes_max` bytes. Nothing when there is none.
pub(super) fn read(dir: &Dir, path: impl AsRef<Path>, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    if kind(dir, &path)? != Kind::File {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    open_file(dir, path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= bytes_max).then_some(bytes))
}

/// Writes a new file, with a new modification time.
pub(super) fn create(
    dir: &Dir,
    path: impl AsRef<Path>,
    mut content: impl Read,
    permissions: Option<Permissions>,
) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = dir.open_with(path, &options)?;
    io::copy(&mut content, &mut file)?;
    file.flush()?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    Ok(())
}

/// True when both are regular files with the same bytes.
pub(super) fn same(left: &Dir, left_path: &Path, right: &Dir, right_path: &Path) -> io::Result<bool> {
    let (left, right) = (open_file(left, left_path)?, open_file(right, right_path)?);
    if left.metadata()?.len() != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (io::BufReader::new(left), io::BufReader::new(right));
    loop {
        use io::BufRead as _;
        let (ours, theirs) = (left.fill_buf()?, right.fill_buf()?);
        let length = ours.len().min(theirs.len());
        if ours.get(..length) != theirs.get(..length) {
            return Ok(false);
        }
        if length == 0 {
            return Ok(ours.is_empty() && theirs.is_empty());
        }
        left.consume(length);
        right.consume(length);
    }
}

/// The names in a directory, sorted.
pub(super) fn names(dir: &Dir) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names =
        dir.entries()?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Opens a directory that a task may have made inaccessible.
pub(super) fn open_dir(dir: &Dir, name: impl AsRef<Path>) -> io::Result<Dir> {
    let name = name.as_ref();
    let opened = dir.open_dir(name);
    match opened {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            make_accessible(dir, name)?;
            dir.open_dir(name)
        }
        opened => {
            let opened = opened?;
            // Reading is not enough where something shall be changed.
            if let Some(metadata) = metadata(dir, name)?
                && !is_accessible(&metadata)
            {
                make_accessible(dir, name)?;
            }
            Ok(opened)
        }
    }
}

#[cfg(unix)]
fn is_accessible(metadata: &Metadata) -> bool {
    metadata.mode() & 0o700 == 0o700
}

#[cfg(not(unix))]
fn is_accessible(_metadata: &Metadata) -> bool {
    true
}

fn make_accessible(dir: &Dir, name: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use cap_std::fs::PermissionsExt as _;
        dir.set_permissions(name, Permissions::from_mode(0o700))?;
    }
    #[cfg(not(unix))]
    let _ = (dir, name);
    Ok(())
}

/// Removes an entry, whatever it is.
pub(super) fn remove(dir: &Dir, name: impl AsRef<Path>) -> io::Result<()> {
    let name = name.as_ref();
    match kind(dir, name)? {
        Kind::Absent => Ok(()),
        Kind::Directory => {
            let inner = open_dir(dir, name)?;
            for entry in names(&inner)? {
                remove(&inner, entry)?;
            }
            dir.remove_dir(name)
        }
        _ => dir.remove_file(name),
    }
}

/// Removes a whole tree of ours, if it is there.
pub(super) fn remove_all(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    match open(parent) {
        Ok(parent) => remove(&parent, name),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Directories whose names say that they hold nothing but what tools can make again.
const CACHES: [&str; 14] = [
    "node_modules",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".venv",
    ".gradle",
    ".tox",
    ".nox",
    ".next",
    ".nuxt",
    ".turbo",
    ".parcel-cache",
    ".eslintcache",
];

/// True when the directory holds a cache: by its name, or because the *user's* tree marks it
/// (CACHEDIR.TAG, CMake's cache, a build file beside `target`). A mark that a task has left
/// in its own layer says nothing.
pub(super) fn is_cache(root: &Dir, parent: &Path, name: &std::ffi::OsStr) -> bool {
    if CACHES.iter().any(|cache| name == *cache) {
        return true;
    }
    let has = |path: &Path| matches!(kind(root, path), Ok(Kind::File));
    let path = parent.join(name);
    if has(&path.join("CACHEDIR.TAG")) || has(&path.join("CMakeCache.txt")) {
        return true;
    }
    let beside = |file: &str| has(&parent.join(file));
    (name == "target" && (beside("Cargo.toml") || beside("pom.xml")))
        || (name == "build" && (beside("build.gradle") || beside("build.gradle.kts")))
}
