//! What git prints about changes, read into types. Names that no workspace path may have are
//! passed over.

use openexec_engine::memory::{CommitId, PathMap};
use openexec_engine::path::WorkspacePath;
use std::collections::BTreeMap;

/// What marks a commit in git's output: no workspace path contains it.
const COMMIT_MARK: u8 = 1;

/// The name of a content, as git computes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobId(String);

impl BlobId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A file on one side of a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// Where it lies.
    pub path: WorkspacePath,
    /// What is in it.
    pub blob: BlobId,
}

/// A file that was changed, created, deleted or renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file before; nothing where it was created.
    pub then: Option<Side>,
    /// The file after; nothing where it was deleted.
    pub now: Option<Side>,
}

/// One commit, or several taken as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it leads.
    pub commit: CommitId,
    /// Where it begins; nothing for the first commit of all.
    pub parent: Option<CommitId>,
    /// What it changed.
    pub changes: Vec<Change>,
    /// The changes by the path before, as places in `changes`.
    left: BTreeMap<WorkspacePath, usize>,
    /// The changes by the path after.
    came: BTreeMap<WorkspacePath, usize>,
}

impl Step {
    pub(super) fn new(commit: CommitId, parent: Option<CommitId>, changes: Vec<Change>) -> Self {
        let by = |side: fn(&Change) -> Option<&Side>| {
            let sides = changes.iter().enumerate().filter_map(|(at, change)| Some((side(change)?, at)));
            sides.map(|(side, at)| (side.path.clone(), at)).collect()
        };
        let (left, came) = (by(|change| change.then.as_ref()), by(|change| change.now.as_ref()));
        Self { commit, parent, changes, left, came }
    }

    /// The change of the file that lay here before.
    pub fn from(&self, path: &WorkspacePath) -> Option<&Change> {
        self.left.get(path).and_then(|at| self.changes.get(*at))
    }

    /// The change of the file that lies here after.
    pub fn to(&self, path: &WorkspacePath) -> Option<&Change> {
        self.came.get(path).and_then(|at| self.changes.get(*at))
    }
}

/// Where files went.
pub(super) fn moves(changes: &[Change]) -> PathMap {
    PathMap::of_moves(changes.iter().filter_map(|change| {
        let (then, now) = (change.then.as_ref()?, change.now.as_ref()?);
        (then.path != now.path).then(|| (then.path.clone(), now.path.clone()))
    }))
}

/// Reads `git log --raw -z --format=%x01%H %P`.
pub(super) fn steps(printed: &[u8]) -> Vec<Step> {
    let mut commits: Vec<(CommitId, Option<CommitId>, Vec<Change>)> = Vec::new();
    let mut parts = Parts::of(printed);
    while let Some(part) = parts.next() {
        if let Some(names) = part.strip_prefix(&[COMMIT_MARK]) {
            let names = String::from_utf8_lossy(names).into_owned();
            let mut names = names.split(' ').filter_map(|name| CommitId::parse(name).ok());
            if let Some(commit) = names.next() {
                commits.push((commit, names.next(), Vec::new()));
            }
        } else if let Some(change) = parts.change(part)
            && let Some((_, _, changes)) = commits.last_mut()
        {
            changes.push(change);
        }
    }
    commits.into_iter().map(|(commit, parent, changes)| Step::new(commit, parent, changes)).collect()
}

/// Reads `git diff-tree --raw -z`.
pub(super) fn changes(printed: &[u8]) -> Vec<Change> {
    let mut parts = Parts::of(printed);
    let mut changes = Vec::new();
    while let Some(part) = parts.next() {
        changes.extend(parts.change(part));
    }
    changes
}

/// Reads `git log --name-only -z --format=%x01`: the files of each commit.
pub(super) fn names(printed: &[u8]) -> Vec<Vec<WorkspacePath>> {
    let mut commits: Vec<Vec<WorkspacePath>> = Vec::new();
    let mut parts = Parts::of(printed);
    while let Some(part) = parts.next() {
        if part == [COMMIT_MARK] {
            commits.push(Vec::new());
        } else if let (Some(files), Some(path)) = (commits.last_mut(), path_of(part)) {
            files.push(path);
        }
    }
    commits
}

/// Reads `git ls-tree -r -z`.
pub(super) fn tree(printed: &[u8]) -> BTreeMap<WorkspacePath, BlobId> {
    let entry = |part: &[u8]| {
        let text = std::str::from_utf8(part).ok()?;
        let (head, path) = text.split_once('\t')?;
        let mut words = head.split(' ');
        let (mode, _, blob) = (words.next()?, words.next()?, words.next()?);
        is_file(mode).then_some(())?;
        Some((WorkspacePath::parse(path).ok()?, BlobId(blob.to_owned())))
    };
    printed.split(|byte| *byte == 0).filter_map(entry).collect()
}

/// Parts that end with a zero byte.
struct Parts<'a> {
    rest: std::slice::Split<'a, u8, fn(&u8) -> bool>,
}

impl<'a> Parts<'a> {
    fn of(printed: &'a [u8]) -> Self {
        let ends: fn(&u8) -> bool = |byte| *byte == 0;
        Self { rest: printed.split(ends) }
    }

    /// The next part that is not empty. Git puts a line break before a commit's first file.
    fn next(&mut self) -> Option<&'a [u8]> {
        self.rest.by_ref().map(|part| part.strip_prefix(b"\n").unwrap_or(part)).find(|part| !part.is_empty())
    }

    /// The change that begins with `head`, such as `:100644 100644 7efc… a485… R086`, followed
    /// by one path or two. Links and submodules hold no text of the workspace.
    fn change(&mut self, head: &[u8]) -> Option<Change> {
        let head = std::str::from_utf8(head).ok()?.strip_prefix(':')?;
        let mut words = head.split(' ');
        let (mode_then, mode_now) = (words.next()?, words.next()?);
        let (blob_then, blob_now, status) = (words.next()?, words.next()?, words.next()?);
        let then = path_of(self.rest.next()?);
        let now = if status.starts_with(['R', 'C']) { path_of(self.rest.next()?) } else { then.clone() };
        let side = |mode: &str, path: Option<WorkspacePath>, blob: &str| {
            Some(Side { path: path.filter(|_| is_file(mode))?, blob: BlobId(blob.to_owned()) })
        };
        let change = Change { then: side(mode_then, then, blob_then), now: side(mode_now, now, blob_now) };
        (change.then.is_some() || change.now.is_some()).then_some(change)
    }
}

fn is_file(mode: &str) -> bool {
    mode.starts_with("100")
}

fn path_of(bytes: &[u8]) -> Option<WorkspacePath> {
    WorkspacePath::parse(std::str::from_utf8(bytes).ok()?).ok()
}
