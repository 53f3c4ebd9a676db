//! One file's bytes: read without following or waiting, written complete or not at all.

use super::WorkspaceError;
use super::place::{Place, Standing, links_of, open_dir};
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use openexec_engine::limits::FILE_BYTES_MAX;
use openexec_engine::path::WorkspacePath;
use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};

/// What a regular file holds.
pub(super) enum Loaded {
    /// Text.
    Text {
        /// All of it.
        text: String,
        /// Names of the file.
        links: u64,
    },
    /// Something that is not shown and not edited.
    Opaque {
        /// Its size.
        bytes: u64,
        /// Which of the two reasons.
        why: Opaque,
    },
}

/// Why a file is opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opaque {
    TooLarge,
    NotUtf8,
}

/// Opens a regular file for reading. Neither a link nor a pipe that has taken its place a
/// moment ago is followed or waited for.
pub(super) fn open(parent: &Dir, name: &OsStr) -> io::Result<(File, Metadata)> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = parent.open_with(name, &options)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file any more"));
    }
    Ok((file, metadata))
}

/// Reads a whole file.
pub(super) fn load(parent: &Dir, name: &OsStr) -> io::Result<Loaded> {
    let (file, metadata) = open(parent, name)?;
    if metadata.len() > FILE_BYTES_MAX as u64 {
        return Ok(Loaded::Opaque { bytes: metadata.len(), why: Opaque::TooLarge });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Ok(Loaded::Opaque { bytes: bytes.len() as u64, why: Opaque::TooLarge });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Loaded::Text { text, links: links_of(&metadata) }),
        Err(error) => Ok(Loaded::Opaque { bytes: error.as_bytes().len() as u64, why: Opaque::NotUtf8 }),
    }
}

const OUTSIDE: &str = "it leads out of the workspace or to nowhere; name a file below the root";

pub(super) fn read(place: &Place, path: &WorkspacePath) -> Result<Option<String>, WorkspaceError> {
    let Place::Inside { standing, .. } = place else {
        return Err(WorkspaceError::new(path, OUTSIDE));
    };
    match standing {
        Standing::Missing { .. } => Ok(None),
        Standing::Directory => Err(WorkspaceError::new(path, "it is a directory; name a file in it")),
        Standing::Other(what) => Err(WorkspaceError::new(path, what)),
        Standing::File { parent, name, .. } => match load(parent, name) {
            Ok(Loaded::Text { text, .. }) => Ok(Some(text)),
            Ok(Loaded::Opaque { bytes, why: Opaque::TooLarge }) => Err(WorkspaceError::new(
                path,
                format!("it has {bytes} bytes, more than the {FILE_BYTES_MAX} that are read"),
            )),
            Ok(Loaded::Opaque { why: Opaque::NotUtf8, .. }) => {
                Err(WorkspaceError::new(path, "it is not UTF-8 text"))
            }
            Err(error) => Err(WorkspaceError::new(path, format!("could not be read: {error}"))),
        },
    }
}

pub(super) fn delete(place: Place, path: &WorkspacePath) -> Result<(), WorkspaceError> {
    match direct(place, path)? {
        Standing::Missing { .. } => Ok(()),
        Standing::Directory => Err(WorkspaceError::new(path, "it is a directory; only files are deleted")),
        Standing::Other(what) => Err(WorkspaceError::new(path, what)),
        Standing::File { parent, name, metadata } => {
            unprotected(&metadata, path)?;
            parent.remove_file(&name).and_then(|()| persist(&parent)).map_err(|error| {
                WorkspaceError::new(path, format!("could not be deleted: {}", cause(&error)))
            })
        }
    }
}

pub(super) fn replace(place: Place, path: &WorkspacePath, text: &str) -> Result<(), WorkspaceError> {
    let refused = |error: io::Error| {
        let reason = format!("could not be written, nothing has changed: {}", cause(&error));
        WorkspaceError::new(path, reason)
    };
    match direct(place, path)? {
        Standing::Directory => Err(WorkspaceError::new(path, "it is a directory; name a file in it")),
        Standing::Other(what) => Err(WorkspaceError::new(path, what)),
        Standing::File { parent, name, metadata } => {
            unprotected(&metadata, path)?;
            exchange(&parent, &name, text, Some(&metadata)).map_err(refused)
        }
        Standing::Missing { parent, rest } => create(parent, &rest, text).map_err(refused),
    }
}

/// What stands at a place that is reached without symbolic links.
fn direct(place: Place, path: &WorkspacePath) -> Result<Standing, WorkspaceError> {
    match place {
        Place::Outside => Err(WorkspaceError::new(path, OUTSIDE)),
        Place::Inside { real, linked: true, .. } => Err(WorkspaceError::new(
            path,
            format!("it is reached through a symbolic link; change `{real}` itself"),
        )),
        Place::Inside { linked: false, standing, .. } => Ok(standing),
    }
}

/// A rename could replace a file that nobody may write. Whoever protected it meant it.
fn unprotected(metadata: &Metadata, path: &WorkspacePath) -> Result<(), WorkspaceError> {
    if metadata.permissions().readonly() {
        return Err(WorkspaceError::new(path, "it is write-protected; make it writable first"));
    }
    Ok(())
}

/// Creates a file and the directories above it; takes the directories away again if the file
/// cannot be written.
fn create(parent: Dir, rest: &[String], text: &str) -> io::Result<()> {
    let Some((name, above)) = rest.split_last() else {
        return Err(io::Error::other("it has no name"));
    };
    let mut made: Vec<(Dir, &str)> = Vec::new();
    let mut here = parent;
    let mut written = Ok(());
    for directory in above {
        let next = here.create_dir(directory).and_then(|()| {
            let next = open_dir(&here, directory)?;
            persist(&here)?;
            Ok(next)
        });
        match next {
            Ok(next) => made.push((std::mem::replace(&mut here, next), directory)),
            Err(error) => {
                written = Err(error);
                break;
            }
        }
    }
    let written = written.and_then(|()| exchange(&here, OsStr::new(name), text, None));
    if written.is_err() {
        for (above, directory) in made.iter().rev() {
            // Fails when somebody has put something into it meanwhile; then it is theirs.
            let _ = above.remove_dir(directory);
        }
    }
    written
}

/// Writes a temporary file beside the target and moves it there in one step.
fn exchange(parent: &Dir, name: &OsStr, text: &str, old: Option<&Metadata>) -> io::Result<()> {
    let temporary = format!(".openexec-{}.tmp", uuid::Uuid::new_v4().simple());
    let moved = prepare(parent, &temporary, text, old).and_then(|()| match old {
        Some(_) => parent.rename(&temporary, parent, name),
        None => move_to_free_name(parent, &temporary, name),
    });
    match moved {
        Ok(()) => persist(parent),
        Err(error) => {
            let _ = parent.remove_file(&temporary);
            Err(error)
        }
    }
}

fn prepare(parent: &Dir, temporary: &str, text: &str, old: Option<&Metadata>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if old.is_some() {
        use cap_std::fs::OpenOptionsExt as _;
        // Nobody else may read it until it has the old file's mode.
        options.mode(0o600);
    }
    let mut file = parent.open_with(temporary, &options)?;
    file.write_all(text.as_bytes())?;
    if let Some(old) = old {
        take_owner(&file, old)?;
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()
}

#[cfg(unix)]
fn take_owner(file: &File, old: &Metadata) -> io::Result<()> {
    use cap_std::fs::MetadataExt as _;
    let new = file.metadata()?;
    let uid = (new.uid() != old.uid()).then(|| rustix::fs::Uid::from_raw(old.uid()));
    let gid = (new.gid() != old.gid()).then(|| rustix::fs::Gid::from_raw(old.gid()));
    if uid.is_some() || gid.is_some() {
        rustix::fs::fchown(file, uid, gid)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn take_owner(_file: &File, _old: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Moves to a name that must be free. Where the file system cannot promise that, the walk a
/// moment ago has to do.
fn move_to_free_name(parent: &Dir, from: &str, to: &OsStr) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(parent, from, parent, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            moved => return Ok(moved?),
        }
    }
    parent.rename(from, parent, to)
}

/// Makes the directory's own change durable.
fn persist(dir: &Dir) -> io::Result<()> {
    #[cfg(unix)]
    dir.open(".")?.sync_all()?;
    let _ = dir;
    Ok(())
}

fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("{error}; free some space and try again")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            format!("{error}; the workspace is mounted read-only")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{error}; check who owns the directory and its mode")
        }
        _ => error.to_string(),
    }
}
