//! The workspace as the batch so far would have left it.

use super::judge::Judge;
use crate::edit::{ChangeSet, FileChange};
use crate::limits::{CHANGE_BYTES_MAX, CHANGE_FILES_MAX};
use crate::path::{RequestedPath, WorkspacePath};
use crate::policy::{Entry, Facts, PathFacts, Resolved};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What stands at a path at this moment of the batch.
pub(super) enum Standing<'a> {
    Missing,
    Text(Cow<'a, str>),
    Directory,
    /// With its size in bytes.
    Opaque(u64),
    /// With what it is.
    Other(&'a str),
}

/// The run's changes, and over them the batch's.
pub(super) struct World<'a> {
    changes: &'a ChangeSet,
    /// By path: the text that the batch would leave, or that nothing would be left.
    written: BTreeMap<WorkspacePath, Option<String>>,
    /// Files that the run or the batch made out of nothing, where they stand now.
    made: BTreeSet<WorkspacePath>,
    /// By path: the text that the run found, of files that the batch has moved here.
    moved: BTreeMap<WorkspacePath, String>,
}

impl<'a> World<'a> {
    pub(super) fn new(changes: &'a ChangeSet) -> Self {
        let is_made = |change: &FileChange| change.base.is_none() && change.renamed_from.is_none();
        let made = changes.files.iter().filter(|(_, change)| is_made(change));
        let made = made.map(|(path, _)| path.clone()).collect();
        Self { changes, written: BTreeMap::new(), made, moved: BTreeMap::new() }
    }

    /// The text that the batch or the run has decided on; `Some(None)` when it removed the file.
    fn decided(&self, path: &WorkspacePath) -> Option<Option<&str>> {
        match self.written.get(path) {
            Some(text) => Some(text.as_deref()),
            None => self.changes.files.get(path).map(|change| change.proposed.as_deref()),
        }
    }

    /// True when the batch or the run has decided on this path already.
    pub(super) fn touched(&self, path: &WorkspacePath) -> bool {
        self.decided(path).is_some()
    }

    pub(super) fn standing<'s>(&'s self, path: &WorkspacePath, facts: &'s PathFacts) -> Standing<'s> {
        match self.decided(path) {
            Some(Some(text)) => Standing::Text(Cow::Borrowed(text)),
            Some(None) => Standing::Missing,
            None => match &facts.entry {
                // Files that the run has created make their folders.
                Entry::Missing if self.holds_files(path) => Standing::Directory,
                Entry::Missing => Standing::Missing,
                Entry::Text { text, .. } => Standing::Text(Cow::Borrowed(text)),
                Entry::Opaque { bytes } => Standing::Opaque(*bytes),
                Entry::Directory => Standing::Directory,
                Entry::Other { what } => Standing::Other(what),
            },
        }
    }

    /// True when a file that the batch or the run wrote stands below the path.
    fn holds_files(&self, path: &WorkspacePath) -> bool {
        let folder = format!("{path}/");
        self.proposed().any(|(file, _)| file.as_str().starts_with(&folder))
    }

    /// True when the run made the file out of nothing, so that nobody loses it.
    pub(super) fn is_own(&self, path: &WorkspacePath, facts: &PathFacts) -> bool {
        self.made.contains(path) && facts.entry == Entry::Missing
    }

    /// The new text of a file that stands there.
    pub(super) fn write(&mut self, path: WorkspacePath, text: String) {
        self.written.insert(path, Some(text));
    }

    /// A file where none stood.
    pub(super) fn create(&mut self, path: WorkspacePath, text: String) {
        self.made.insert(path.clone());
        self.written.insert(path, Some(text));
    }

    pub(super) fn remove(&mut self, path: WorkspacePath) {
        self.made.remove(&path);
        self.moved.remove(&path);
        self.written.insert(path, None);
    }

    /// The text that the run found of this file, wherever the file stood; empty for a new one.
    pub(super) fn origin<'s>(&'s self, path: &WorkspacePath, facts: &'s PathFacts) -> Cow<'s, str> {
        if let Some(text) = self.moved.get(path) {
            return Cow::Borrowed(text);
        }
        let Some(change) = self.changes.files.get(path) else {
            return match &facts.entry {
                Entry::Text { text, .. } => Cow::Borrowed(text),
                Entry::Missing | Entry::Opaque { .. } | Entry::Directory | Entry::Other { .. } => {
                    Cow::Borrowed("")
                }
            };
        };
        let source = change.renamed_from.as_ref().and_then(|from| self.changes.files.get(from));
        let base = change.base.as_deref().or_else(|| source.and_then(|source| source.base.as_deref()));
        Cow::Borrowed(base.unwrap_or_default())
    }

    /// `facts` are those of the old path.
    pub(super) fn rename(&mut self, from: WorkspacePath, to: WorkspacePath, text: String, facts: &PathFacts) {
        let base = self.origin(&from, facts).into_owned();
        // The text is the user's if it was the user's before: only what the run made stays its own.
        if self.is_own(&from, facts) {
            self.made.insert(to.clone());
        }
        self.made.remove(&from);
        self.moved.remove(&from);
        self.moved.insert(to.clone(), base);
        self.written.insert(from, None);
        self.written.insert(to, Some(text));
    }

    /// A file among the parents of a path.
    pub(super) fn file_above(&self, path: &WorkspacePath, facts: &Facts) -> Option<WorkspacePath> {
        let mut above = path.as_str();
        while let Some((parent, _)) = above.rsplit_once('/') {
            above = parent;
            let parent = WorkspacePath::parse(parent).ok()?;
            let is_file = match self.decided(&parent) {
                Some(decided) => decided.is_some(),
                None => {
                    facts.paths.get(&RequestedPath::new(parent.as_str())).is_some_and(|facts| {
                        match facts.entry {
                            Entry::Text { .. } | Entry::Opaque { .. } | Entry::Other { .. } => true,
                            Entry::Directory | Entry::Missing => false,
                        }
                    })
                }
            };
            if is_file {
                return Some(parent);
            }
        }
        None
    }

    /// Another proposed file whose path some file system takes for this one.
    pub(super) fn twin(&self, path: &WorkspacePath) -> Option<WorkspacePath> {
        let key = path.comparison_key();
        self.proposed()
            .map(|(other, _)| other)
            .find(|other| *other != path && other.comparison_key() == key)
            .cloned()
    }

    /// As before, and among the files that the facts know; `moving` is about to leave its place.
    pub(super) fn twin_among(
        &self,
        path: &WorkspacePath,
        facts: &Facts,
        moving: Option<&WorkspacePath>,
    ) -> Option<WorkspacePath> {
        let key = path.comparison_key();
        let known = facts
            .paths
            .iter()
            .filter(|(_, facts)| facts.entry != Entry::Missing && facts.resolved != Resolved::Outside);
        let known = known.filter_map(|(requested, _)| WorkspacePath::parse(requested.as_str()).ok());
        let standing = known.filter(|other| self.decided(other) != Some(None));
        let proposed = self.proposed().map(|(other, _)| other.clone());
        proposed
            .chain(standing)
            .find(|other| other != path && Some(other) != moving && other.comparison_key() == key)
    }

    /// The files that the batch or the run has decided on, with their texts now.
    pub(super) fn written(&self) -> Vec<(&WorkspacePath, Option<&str>)> {
        let planned = self.changes.files.keys().filter(|path| !self.written.contains_key(*path));
        let planned = planned.map(|path| (path, self.decided(path).flatten()));
        self.written.iter().map(|(path, text)| (path, text.as_deref())).chain(planned).collect()
    }

    /// What the run had planned for a file before the batch.
    pub(super) fn planned(&self, path: &WorkspacePath) -> Option<&FileChange> {
        self.changes.files.get(path)
    }

    /// Every file with a proposed text.
    fn proposed(&self) -> impl Iterator<Item = (&WorkspacePath, &str)> {
        let changed = self.changes.effective().filter(|(path, _)| !self.written.contains_key(*path));
        let changed = changed.filter_map(|(path, change)| Some((path, change.proposed.as_deref()?)));
        changed.chain(self.written.iter().filter_map(|(path, text)| Some((path, text.as_deref()?))))
    }

    /// Judges how much the run would change in all.
    pub(super) fn judge_limits(&self, judge: &mut Judge<'_>) {
        let touched: BTreeSet<&WorkspacePath> =
            self.changes.effective().map(|(path, _)| path).chain(self.written.keys()).collect();
        if touched.len() > CHANGE_FILES_MAX {
            let remedy = format!("at most {CHANGE_FILES_MAX} files may change; split the work");
            judge.block("limit.files", &format!("{} files", touched.len()), &remedy);
        }
        let bytes = self.proposed().fold(0_usize, |sum, (_, text)| sum.saturating_add(text.len()));
        if bytes > CHANGE_BYTES_MAX {
            let remedy =
                format!("the changed files may have {CHANGE_BYTES_MAX} bytes in all; split the work");
            judge.block("limit.bytes", &format!("{bytes} bytes"), &remedy);
        }
    }
}
