//! The files of a workspace that are worth looking at: what ignore files, tools and custom
//! call generated, vendored or hidden is left out. Only names are listed here; nothing is read.

use crate::limits::{WALK_FILES_MAX, WALK_THREADS_MAX};
use ignore::gitignore::GitignoreBuilder;
use ignore::{DirEntry, Match, WalkBuilder, WalkState};
use openexec_engine::path::WorkspacePath;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// After this long, a change of a file gives it another stamp.
pub(super) const SETTLING: Duration = Duration::from_secs(3);

/// Files that say what is left out of a directory and of everything below it.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// A file in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: WorkspacePath,
    pub(super) bytes: u64,
    /// What tells this state of the file from another; absent where the text is not the disk's.
    pub(super) stamp: Option<Stamp>,
}

/// What a walk has found, and what it depends on.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The files, sorted by path.
    pub(super) files: Vec<Listed>,
    /// The directories that were walked through and the ignore files that have a say in what is
    /// below them, sorted: while none of these changes, no file appears or vanishes.
    pub(super) grounds: Vec<Ground>,
}

/// What a list depends on.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) path: PathBuf,
    /// Absent where nothing was.
    stamp: Option<Stamp>,
    /// False when the stamp may yet stand for another state.
    is_settled: bool,
}

impl Ground {
    pub(super) fn new(path: PathBuf) -> Self {
        let stamp = stamp_of(&path);
        Self { path, stamp, is_settled: stamp.is_none_or(|stamp| stamp.is_settled()) }
    }

    /// True when it is certain that nothing has changed.
    pub(super) fn is_unchanged(&self) -> bool {
        self.is_settled && stamp_of(&self.path) == self.stamp
    }
}

/// The state of a file as its directory knows it. The change time is in it because a tool can
/// set the modification time back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

    /// The file's size.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
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

/// Lists regular files below the root, sorted by path.
pub(super) fn walk(root: &Path) -> Vec<Listed> {
    list(root).files
}

/// Lists them together with what the list depends on.
pub(super) fn list(root: &Path) -> Listing {
    let found = Mutex::new((Vec::new(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(WALK_THREADS_MAX);
    builder(root).threads(threads).build_parallel().run(|| {
        Box::new(|entry| {
            let Ok(entry) = entry else { return WalkState::Continue };
            if entry.file_type().is_some_and(|sort| sort.is_dir()) {
                found.lock().1.push(entry.into_path());
            } else if let Some(file) = listed(root, &entry) {
                let files = &mut found.lock().0;
                files.push(file);
                if files.len() > WALK_FILES_MAX {
                    return WalkState::Quit;
                }
            }
            WalkState::Continue
        })
    });
    let (mut files, directories) = found.into_inner();
    if files.len() > WALK_FILES_MAX {
        files = first_files(root);
    }
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Listing { files, grounds: grounds(root, directories) }
}

/// The first files in the order of their names, where there are more than are listed: which of
/// them several threads come to first would be chance.
fn first_files(root: &Path) -> Vec<Listed> {
    let walk = builder(root).sort_by_file_name(std::ffi::OsStr::cmp).build();
    walk.filter_map(|entry| listed(root, &entry.ok()?)).take(WALK_FILES_MAX).collect()
}

fn builder(root: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root);
    builder
        .follow_links(false)
        .hidden(true)
        // Only a repository's own ignore files count, so that every machine lists the same.
        .git_global(false)
        .require_git(false)
        .parents(lies_in_repository(root))
        .filter_entry(|entry| !is_generated(entry));
    builder
}

/// The directories and the ignore files that have a say in what is below them.
fn grounds(root: &Path, directories: Vec<PathBuf>) -> Vec<Ground> {
    let above = root.ancestors().skip(1).filter(|_| lies_in_repository(root));
    let ignoring: Vec<PathBuf> = above
        .chain(directories.iter().map(PathBuf::as_path))
        .flat_map(|directory| IGNORE_FILES.map(|name| directory.join(name)))
        .filter(|file| file.symlink_metadata().is_ok())
        .collect();
    let exclude = root.join(".git/info/exclude");
    let mut grounds: Vec<Ground> =
        directories.into_iter().chain(ignoring).chain([exclude]).map(Ground::new).collect();
    grounds.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    grounds
}

/// The state of what stands at a place, links not followed; `None` where there is nothing.
pub(super) fn stamp_of(path: &Path) -> Option<Stamp> {
    std::fs::symlink_metadata(path).ok().map(|metadata| Stamp::of(&metadata))
}

fn listed(root: &Path, entry: &DirEntry) -> Option<Listed> {
    if !entry.file_type()?.is_file() {
        return None;
    }
    let path = below(root, entry.path())?;
    let metadata = entry.metadata().ok()?;
    Some(Listed { path, bytes: metadata.len(), stamp: Some(Stamp::of(&metadata)) })
}

/// The path of a place within its root, if it can be written as one.
pub(super) fn below(root: &Path, place: &Path) -> Option<WorkspacePath> {
    let relative = place.strip_prefix(root).ok()?.to_str()?;
    #[cfg(windows)]
    let relative = &relative.replace('\\', "/");
    WorkspacePath::parse(relative).ok()
}

/// True when an ignore file above the root belongs to the same repository. Otherwise such a
/// file, in a home directory say, is none of this workspace's business.
fn lies_in_repository(root: &Path) -> bool {
    root.ancestors().skip(1).any(|above| above.join(".git").exists()) && !root.join(".git").exists()
}

/// True when an ignore file of the repository leaves a file out. What the walk lists has passed
/// this; what it passes over because its name begins with a dot has not.
pub(super) fn is_ignored(root: &Path, path: &WorkspacePath) -> bool {
    let place = root.join(path.as_str());
    let top =
        if lies_in_repository(root) { root.ancestors().find(|it| it.join(".git").exists()) } else { None };
    let top = top.unwrap_or(root);
    let exclude = (top.to_owned(), top.join(".git/info/exclude"));
    // The nearest file that knows the path decides.
    let folders = place.ancestors().skip(1).take_while(|folder| folder.starts_with(top));
    let files = folders.flat_map(|folder| {
        IGNORE_FILES.iter().rev().map(|name| (folder.to_owned(), folder.join(name))).collect::<Vec<_>>()
    });
    for (folder, file) in files.chain([exclude]) {
        let mut rules = GitignoreBuilder::new(&folder);
        // A rule that cannot be read leaves nothing out, as for every other tool.
        rules.add(&file);
        let Ok(rules) = rules.build() else { continue };
        match rules.matched_path_or_any_parents(&place, false) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => {}
        }
    }
    false
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
