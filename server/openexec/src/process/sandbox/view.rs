//! The task's view of the file system. Everything is read-only except the overlays and the
//! scratch directory. What would let a task reach the world through a socket or a device is
//! replaced: `/run`, `/tmp`, `/dev`. Read-only mounts alone would not do: a socket can be
//! connected to, and a device written to, on a read-only mount.
//!
//! First everything is taken hold of, then the old tree becomes read-only, then what was taken
//! is put in place, from the outside in.

mod dev;
mod mounts;

use super::{Refused, Step as _, refused};
use crate::limits::TASK_PLACEHOLDER_BYTES_MAX;
use crate::process::spec::SandboxSpec;
use mounts::{
    attach, clone_tree, mount_points, mounted, outermost_below, overlay, read_only, read_only_tree, tmpfs,
    veil,
};
use rustix::fs::CWD;
use rustix::mount::{MountAttrFlags, MountPropagationFlags};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Directories that are replaced.
const REPLACED: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/dev"];
/// Mounts below an overlay that are carried over. An overlay does not show them by itself.
const SUBMOUNTS_MAX: usize = 64;

/// Something to be put in place.
enum Piece {
    /// A mount.
    Tree(OwnedFd),
    /// A mount that hides what is there; where nothing is, there is nothing to hide.
    Mask(OwnedFd),
    /// A mount of ours in which places for other mounts can be made; read-only in the end.
    Ground(OwnedFd),
    /// What the overlays show there, read-only.
    Protection,
}

/// What is put where. Of two pieces for one place the later comes on top.
#[derive(Default)]
struct Pieces {
    pieces: Vec<(PathBuf, Piece)>,
    unveiled: Vec<PathBuf>,
}

/// Builds the view in the mount namespace that this process is in. `sockets` are the host's,
/// which must not be reached. Says which directories could not be veiled.
pub(super) fn build(spec: &SandboxSpec, sockets: &[PathBuf]) -> Result<Vec<PathBuf>, Refused> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .step(|| "make mounts private".to_owned())?;
    let points = mount_points()?;
    // On a file system of its own it is no part of any directory that it is laid under.
    attach(&tmpfs("555", TASK_PLACEHOLDER_BYTES_MAX)?, &spec.empty)?;
    let mut pieces = Pieces::default();
    pieces.veil(spec, &points);
    pieces.expose(spec)?;
    pieces.mask(spec)?;
    pieces.lay_over(spec, &points)?;
    let writable = Writable::take(spec)?;

    read_only_tree(CWD, "/")?;
    for (_, piece) in &pieces.pieces {
        if let Piece::Tree(tree) | Piece::Mask(tree) = piece {
            read_only_tree(tree, "")?;
        }
    }
    pieces.pieces.extend(writable.into_pieces()?);
    pieces.pieces.extend(spec.protected.iter().map(|path| (path.clone(), Piece::Protection)));
    let unveiled = std::mem::take(&mut pieces.unveiled);
    let veiled =
        |path: &Path| unveiled.is_empty() && spec.veiled.iter().any(|veiled| path.starts_with(veiled));
    pieces.put_in_place()?;
    for path in sockets.iter().filter(|path| !veiled(path) && is_socket(path)) {
        attach(&clone_tree(Path::new("/dev/null"))?, path)?;
    }
    Ok(unveiled)
}

impl Pieces {
    /// Takes what keeps its files and loses its sockets. Where the kernel refuses that, the
    /// files show as they are, and only the sockets that are there already are hidden.
    fn veil(&mut self, spec: &SandboxSpec, points: &[PathBuf]) {
        for directory in &spec.veiled {
            let taken = || -> Result<_, Refused> {
                let mut taken = vec![(directory.clone(), Piece::Tree(veil(directory, &spec.empty)?))];
                let below = outermost_below(points, directory);
                if below.len() > SUBMOUNTS_MAX {
                    return Err(refused("carry over mounts", "there are too many"));
                }
                for path in below.into_iter().filter(|path| !is_replaced(path)) {
                    taken.push((path.clone(), Piece::Tree(clone_tree(&path)?)));
                }
                Ok(taken)
            };
            match taken() {
                Ok(taken) => self.pieces.extend(taken),
                Err(_) if directory.is_dir() => {
                    self.unveiled.push(directory.clone());
                    if is_replaced(directory)
                        && let Ok(tree) = clone_tree(directory)
                    {
                        self.pieces.push((directory.clone(), Piece::Tree(tree)));
                    }
                }
                Err(_) => {}
            }
        }
    }

    /// Takes what stays visible of the directories that are replaced or masked.
    fn expose(&mut self, spec: &SandboxSpec) -> Result<(), Refused> {
        for path in spec.exposed.iter().filter(|path| path.is_dir()) {
            self.pieces.push((path.clone(), Piece::Tree(clone_tree(path)?)));
        }
        Ok(())
    }

    /// Takes nothing, to be put where something is.
    fn mask(&mut self, spec: &SandboxSpec) -> Result<(), Refused> {
        let shown = |path: &Path| {
            let overlays = spec.overlays.iter().map(|overlay| &overlay.at);
            overlays.chain(&spec.exposed).any(|shown| shown.starts_with(path))
        };
        for path in &spec.masked {
            // A link leads elsewhere, and there lies what is to be hidden.
            let Ok(path) = std::fs::canonicalize(path) else { continue };
            if spec.overlays.iter().any(|overlay| overlay.at == path) || path.parent().is_none() {
                continue;
            }
            let piece = if !path.is_dir() {
                Piece::Mask(clone_tree(Path::new("/dev/null"))?)
            } else if shown(&path) {
                Piece::Ground(tmpfs("755", TASK_PLACEHOLDER_BYTES_MAX)?)
            } else {
                Piece::Mask(clone_tree(&spec.empty)?)
            };
            self.pieces.push((path, piece));
        }
        Ok(())
    }

    /// Takes the mounts below the workspace, which its overlay does not show.
    fn lay_over(&mut self, spec: &SandboxSpec, points: &[PathBuf]) -> Result<(), Refused> {
        let Some(workspace) = spec.overlays.first() else { return Ok(()) };
        let below = outermost_below(points, &workspace.at);
        if below.len() > SUBMOUNTS_MAX {
            return Err(refused(
                "carry over the mounts below the workspace",
                format!("there are more than {SUBMOUNTS_MAX}"),
            ));
        }
        for path in below {
            self.pieces.push((path.clone(), Piece::Tree(clone_tree(&path)?)));
        }
        Ok(())
    }

    /// Puts everything in place, a directory before what lies in it.
    fn put_in_place(mut self) -> Result<(), Refused> {
        self.pieces.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut grounds: Vec<(&Path, &OwnedFd)> = Vec::new();
        for (path, piece) in &self.pieces {
            match piece {
                Piece::Tree(tree) => {
                    make_place(path, &grounds)?;
                    attach(tree, path)?;
                }
                Piece::Mask(tree) => {
                    // A task may have put something else over what is hidden in an overlay.
                    if is_directory(path) == Some(is_directory_tree(tree)) {
                        attach(tree, path)?;
                    }
                }
                Piece::Ground(tree) => {
                    if path.is_dir() {
                        attach(tree, path)?;
                        grounds.push((path, tree));
                    }
                }
                Piece::Protection => protect(path)?,
            }
        }
        grounds.iter().try_for_each(|(_, tree)| read_only(tree, ""))
    }
}

/// What a task may write to.
struct Writable {
    overlays: Vec<(PathBuf, OwnedFd)>,
    scratch: Vec<(PathBuf, OwnedFd)>,
    devices: Vec<(&'static str, OwnedFd)>,
}

impl Writable {
    fn take(spec: &SandboxSpec) -> Result<Self, Refused> {
        let overlays = spec.overlays.iter().map(|layers| Ok((layers.at.clone(), overlay(layers)?)));
        let scratch = ["/tmp", "/var/tmp"].map(PathBuf::from).into_iter().filter(|path| path.is_dir());
        Ok(Self {
            overlays: overlays.collect::<Result<_, Refused>>()?,
            scratch: scratch.map(|path| Ok((path, clone_tree(&spec.scratch)?))).collect::<Result<_, _>>()?,
            devices: dev::take()?,
        })
    }

    fn into_pieces(self) -> Result<Vec<(PathBuf, Piece)>, Refused> {
        let trees = self.overlays.into_iter().chain(self.scratch);
        let mut pieces: Vec<_> = trees.map(|(path, tree)| (path, Piece::Tree(tree))).collect();
        if Path::new("/run").is_dir() {
            pieces.push(("/run".into(), Piece::Ground(tmpfs("755", TASK_PLACEHOLDER_BYTES_MAX)?)));
        }
        dev::build(&self.devices)?;
        Ok(pieces)
    }
}

fn is_replaced(path: &Path) -> bool {
    REPLACED.iter().any(|replaced| path.starts_with(replaced))
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// Whether a directory or something else is at a path; nothing when there is nothing, or a link.
fn is_directory(path: &Path) -> Option<bool> {
    let metadata = path.symlink_metadata().ok()?;
    (!metadata.is_symlink()).then(|| metadata.is_dir())
}

fn is_directory_tree(tree: &OwnedFd) -> bool {
    rustix::fs::fstat(tree).is_ok_and(|state| {
        rustix::fs::FileType::from_raw_mode(state.st_mode) == rustix::fs::FileType::Directory
    })
}

/// Makes what the overlays show at a path read-only. What is not there, and links, are left:
/// what a task makes of them is dropped after it.
fn protect(path: &Path) -> Result<(), Refused> {
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_symlink() => {
            let tree = clone_tree(path)?;
            read_only_tree(&tree, "")?;
            attach(&tree, path)
        }
        _ => Ok(()),
    }
}

/// Creates the place for a mount where a replaced directory has hidden it.
fn make_place(path: &Path, grounds: &[(&Path, &OwnedFd)]) -> Result<(), Refused> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    let scratch = path.starts_with("/tmp") || path.starts_with("/var/tmp");
    if !scratch && !grounds.iter().any(|(ground, _)| path.starts_with(ground)) {
        return Err(refused(&format!("find `{}`", path.display()), "it is not there"));
    }
    std::fs::create_dir_all(path).step(|| format!("create `{}`", path.display()))
}

/// A fresh `/proc`, which shows the processes of this PID namespace only.
pub(super) fn mount_proc() -> Result<(), Refused> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    attach(&mounted("proc", &[], attributes)?, Path::new("/proc"))
}

/// Makes `/proc` read-only. Much in it belongs to the whole machine, and to the kernel the root
/// of a namespace whose user is root is root.
pub(super) fn close_proc() -> Result<(), Refused> {
    read_only(CWD, "/proc")
}
