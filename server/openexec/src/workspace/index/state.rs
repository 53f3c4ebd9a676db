//! Which files there are, what is known of each, and what is still to be done. Plain data: it
//! reads no file and knows no thread.

use crate::limits::{INDEXED_FILE_BYTES_MAX, INDEXED_FILES_MAX};
use crate::workspace::walk::{Ground, Listed, Listing, Stamp};
use openexec_engine::index::{Corpus, Entry, FileSummary};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Language;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The digest of a file's bytes.
pub(in crate::workspace) type Content = [u8; 32];
/// What a summary depends on: the bytes, and how they are read.
pub(super) type Source = (Content, Option<Language>);

/// Which state of a file its summary is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) stamp: Stamp,
    /// False when the stamp may yet stand for another text.
    pub(super) is_settled: bool,
    pub(super) content: Content,
}

/// What reading a file has given.
pub(super) enum Outcome {
    /// Its summary.
    Read(Known, Entry),
    /// It is not there any more, or cannot be read.
    Gone,
}

/// A summary of something that is not at its old place any more.
pub(super) enum Kept {
    /// As it was in use.
    Summary(Arc<FileSummary>),
    /// As it was saved.
    Saved(Box<[u8]>),
}

/// Everything that is known. `waiting` and `in_work` are what is still to be done.
#[derive(Default)]
pub(super) struct State {
    /// Every file of the last list, sorted by path. `None` before the first.
    pub(super) files: Option<Arc<[Listed]>>,
    /// What that list depends on.
    pub(super) grounds: Arc<[Ground]>,
    pub(super) known: BTreeMap<WorkspacePath, Known>,
    /// Files that would be known if they could be read, or were smaller. In another state they
    /// may be.
    pub(super) passed_over: BTreeMap<WorkspacePath, Stamp>,
    pub(super) corpus: Arc<Corpus>,
    /// Files that were read without their grammar, so that something is known of them.
    pub(super) plain: BTreeSet<WorkspacePath>,
    /// Files to be read, with their bytes.
    pub(super) waiting: BTreeMap<WorkspacePath, u64>,
    pub(super) in_work: BTreeSet<WorkspacePath>,
    /// Summaries that a file may turn out to have under another name. Emptied when nothing waits.
    pub(super) attic: BTreeMap<Source, Kept>,
    /// Files whose entry on disk is behind.
    pub(super) unsaved: BTreeSet<WorkspacePath>,
    /// True while the corpus holds only what has changed since the rest was put aside.
    pub(super) is_resting: bool,
}

impl State {
    /// Takes a new list over: what is not in it is forgotten, what is new or changed waits. Of each
    /// file it is told whether it is a source.
    pub(super) fn list(&mut self, listing: Listing, is_source: &[bool]) {
        let (sources, large): (Vec<&Listed>, Vec<&Listed>) = listing
            .files
            .iter()
            .zip(is_source)
            .filter_map(|(file, is_source)| is_source.then_some(file))
            .partition(|file| file.bytes <= INDEXED_FILE_BYTES_MAX);
        let sources: BTreeMap<&WorkspacePath, &Listed> =
            sources.into_iter().take(INDEXED_FILES_MAX).map(|file| (&file.path, file)).collect();
        self.passed_over =
            large.into_iter().filter_map(|file| Some((file.path.clone(), file.stamp?))).collect();
        let gone: Vec<WorkspacePath> =
            self.known.keys().filter(|path| !sources.contains_key(path)).cloned().collect();
        for path in gone {
            self.forget(&path);
        }
        let Self { plain, waiting, corpus, known, .. } = self;
        plain.retain(|path| {
            let stays = sources.contains_key(path);
            if !stays {
                Arc::make_mut(corpus).remove(path);
            }
            stays
        });
        waiting.retain(|path, _| sources.contains_key(path));
        for (path, file) in sources {
            let is_known = known.get(path).is_some_and(|it| it.is_settled && Some(it.stamp) == file.stamp);
            if !is_known {
                waiting.insert(path.clone(), file.bytes);
            }
        }
        self.files = Some(listing.files.into());
        self.grounds = listing.grounds.into();
    }

    /// A file has another state than the one that is known, or may have.
    pub(super) fn suspect(&mut self, path: &WorkspacePath, bytes: u64) {
        self.waiting.insert(path.clone(), bytes);
    }

    fn forget(&mut self, path: &WorkspacePath) {
        if let Some(known) = self.known.remove(path) {
            self.unsaved.insert(path.clone());
            if let Some(entry) = self.corpus.get(path) {
                let kept = Kept::Summary(Arc::clone(&entry.summary));
                self.attic.insert((known.content, Language::of_path(path)), kept);
            }
        }
        Arc::make_mut(&mut self.corpus).remove(path);
    }

    /// The next file to be read, which nobody else reads.
    pub(super) fn claim(&mut self) -> Option<WorkspacePath> {
        let path = self.waiting.keys().find(|path| !self.in_work.contains(*path))?.clone();
        self.claim_one(&path).then_some(path)
    }

    /// This file, if it waits and nobody reads it.
    pub(super) fn claim_one(&mut self, path: &WorkspacePath) -> bool {
        !self.in_work.contains(path)
            && self.waiting.remove(path).is_some()
            && self.in_work.insert(path.clone())
    }

    /// A file that was claimed is done.
    pub(super) fn put(&mut self, path: &WorkspacePath, outcome: Outcome) {
        self.in_work.remove(path);
        self.plain.remove(path);
        match outcome {
            Outcome::Read(known, entry) if self.listed(path).is_some() => {
                self.take(path, known, entry);
                self.unsaved.insert(path.clone());
            }
            Outcome::Read(..) | Outcome::Gone => {
                self.forget(path);
                let stamp = self.listed(path).and_then(|file| file.stamp);
                self.passed_over.extend(stamp.map(|stamp| (path.clone(), stamp)));
            }
        }
    }

    /// Forgets what nobody can need when nothing waits.
    pub(super) fn tidy(&mut self) {
        if self.is_complete() {
            self.attic.clear();
        }
    }

    /// Takes what is known of a file.
    pub(super) fn take(&mut self, path: &WorkspacePath, known: Known, entry: Entry) {
        let before = self.known.insert(path.clone(), known);
        let is_same = before.is_some_and(|before| before.content == known.content);
        let is_at_hand = |held: &Entry| Arc::ptr_eq(&held.summary, &entry.summary);
        if !is_same || !self.corpus.get(path).is_some_and(is_at_hand) {
            Arc::make_mut(&mut self.corpus).put(path, entry);
        }
    }

    /// The summary of these bytes, if some file has or had them.
    pub(super) fn summary_of(&self, path: &WorkspacePath, content: &Content) -> Option<Arc<FileSummary>> {
        self.known.get(path).filter(|known| known.content == *content)?;
        self.corpus.get(path).map(|entry| Arc::clone(&entry.summary))
    }

    fn listed(&self, path: &WorkspacePath) -> Option<&Listed> {
        let files = self.files.as_deref()?;
        files.get(files.binary_search_by(|file| file.path.cmp(path)).ok()?)
    }

    /// True when there is something that can be put aside: everything is done and saved.
    pub(super) fn may_rest(&self) -> bool {
        self.is_complete() && self.unsaved.is_empty() && !self.corpus.is_empty()
    }

    /// Puts what stays at rest side by side. It came one by one among what has been let go, and
    /// would hold a page of memory each.
    pub(super) fn gather_up(&mut self) {
        let known = std::mem::take(&mut self.known);
        let mut paths = String::with_capacity(known.keys().map(|path| path.as_str().len()).sum());
        let mut places = Vec::with_capacity(known.len());
        for (path, known) in known {
            let start = paths.len();
            paths.push_str(path.as_str());
            places.push((start..paths.len(), known));
        }
        // A path that was one still is.
        let path = |range| WorkspacePath::parse(paths.get(range)?).ok();
        self.known = places.into_iter().filter_map(|(range, known)| Some((path(range)?, known))).collect();
    }

    /// Files of which nothing is at hand, although it should be, wait.
    pub(super) fn miss_what_is_lost(&mut self) {
        let lost = self.known.keys().filter(|path| self.corpus.get(path).is_none());
        for path in lost.cloned().collect::<Vec<_>>() {
            self.known.remove(&path);
            let bytes = self.listed(&path).map_or(0, |file| file.bytes);
            self.waiting.insert(path, bytes);
        }
    }

    /// True when nothing is left to be done.
    pub(super) fn is_complete(&self) -> bool {
        self.files.is_some() && self.waiting.is_empty() && self.in_work.is_empty()
    }

    /// Bytes that are still to be read.
    pub(super) fn waiting_bytes(&self) -> u64 {
        self.waiting.values().sum()
    }
}
