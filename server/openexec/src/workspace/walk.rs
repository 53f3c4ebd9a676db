//! The files of a workspace that are worth looking at: what ignore files, tools and custom
//! call generated, vendored or hidden is left out. Only names are listed here; nothing is read.

use crate::limits::WALK_FILES_MAX;
use ignore::{DirEntry, WalkBuilder};
use openexec_engine::path::WorkspacePath;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// After this long, a change of a file gives it another stamp.
const SETTLING: Duration = Duration::from_secs(3);

/// A file in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: WorkspacePath,
    pub(super) bytes: u64,
    /// What tells this state of the file from another; absent where the text is not the disk's.
    pub(super) stamp: Option<Stamp>,
}

/// The state of a file as its directory knows it. The change time is in it because a tool can
/// set the modification time back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    changed: (i64, i64),
    bytes: u64,
    inode: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        let (changed, inode) = {
            use std::os::unix::fs::MetadataExt as _;
            ((metadata.ctime(), metadata.ctime_nsec()), metadata.ino())
        };
        #[cfg(not(unix))]
        let (changed, inode) = ((0, 0), 0);
        Self { modified: metadata.modified().ok(), changed, bytes: metadata.len(), inode }
    }

    /// False when the file was changed so recently that another change may leave the same
    /// stamp: file systems tell times only to the tick of a clock, some to two seconds.
    pub(super) fn is_settled(&self) -> bool {
        #[cfg(unix)]
        let changed =
            u64::try_from(self.changed.0).ok().map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at));
        #[cfg(not(unix))]
        let changed = self.modified;
        changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > SETTLING)
    }
}

/// Lists regular files below the root in a fixed order.
pub(super) fn walk(root: &Path) -> Vec<Listed> {
    let walk = WalkBuilder::new(root)
        .follow_links(false)
        .hidden(true)
        // Only a repository's own ignore files count, so that every machine lists the same.
        .git_global(false)
        .require_git(false)
        .parents(lies_in_repository(root))
        .filter_entry(|entry| !is_generated(entry))
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .build();
    walk.filter_map(|entry| listed(root, &entry.ok()?)).take(WALK_FILES_MAX).collect()
}

fn listed(root: &Path, entry: &DirEntry) -> Option<Listed> {
    if !entry.file_type()?.is_file() {
        return None;
    }
    let relative = entry.path().strip_prefix(root).ok()?.to_str()?;
    #[cfg(windows)]
    let relative = &relative.replace('\\', "/");
    let path = WorkspacePath::parse(relative).ok()?;
    let metadata = entry.metadata().ok()?;
    Some(Listed { path, bytes: metadata.len(), stamp: Some(Stamp::of(&metadata)) })
}

/// True when an ignore file above the root belongs to the same repository. Otherwise such a
/// file, in a home directory say, is none of this workspace's business.
fn lies_in_repository(root: &Path) -> bool {
    root.ancestors().skip(1).any(|above| above.join(".git").exists()) && !root.join(".git").exists()
}

/// Directories that tools fill: marked caches, virtual environments, installed packages.
fn is_generated(entry: &DirEntry) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_some_and(|sort| sort.is_dir()) {
        return false;
    }
    let name = entry.file_name();
    name == "node_modules"
        || name == "__pycache__"
        || name == "site-packages"
        || entry.path().join("CACHEDIR.TAG").exists()
        || entry.path().join("pyvenv.cfg").exists()
}
