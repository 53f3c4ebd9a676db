//! What is known from one session to the next.

use super::Index;
use super::record::{decode_head, decode_summary, encode};
use super::state::{Kept, Known};
use crate::limits::INDEX_THREADS_MAX;
use openexec_engine::digest::Digest;
use openexec_engine::index::{FileSummary, summary_version};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Language;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where what is known of files is kept between sessions, as bytes by path. What it gives back
/// is checked; what it loses is made anew, so that it has no errors to tell of.
pub trait Shelf: Send + Sync {
    /// Hands over a part of everything: `part` of `parts`, counted from 0. Several threads may
    /// ask for different parts at the same time.
    fn read(&self, part: (usize, usize), take: &mut dyn FnMut(&str, &[u8]));

    /// Takes entries in the place of older ones, and removes (`None`) those of files that are
    /// gone.
    fn write(&self, entries: &[(String, Option<Vec<u8>>)]);
}

/// An entry that could be read.
struct Found {
    path: WorkspacePath,
    known: Known,
    summary: Summary,
}

enum Summary {
    /// Of the file as it is now.
    Current(Arc<FileSummary>),
    /// Of a file that has changed since, or may have.
    Other(Box<[u8]>),
}

/// The versions of summaries, each computed once.
#[derive(Default)]
struct Versions(BTreeMap<Option<Language>, Digest>);

impl Versions {
    fn of(&mut self, path: &WorkspacePath) -> Digest {
        let language = Language::of_path(path);
        *self.0.entry(language).or_insert_with(|| summary_version(language))
    }
}

impl Index {
    /// Takes over what an earlier session knew of the files that wait. Done once.
    pub(super) fn take_from_shelf(&self) {
        let Some(shelf) = &self.shelf else { return };
        self.taken.get_or_init(|| {
            let parts = std::thread::available_parallelism().map_or(1, usize::from).min(INDEX_THREADS_MAX);
            let found: Vec<Found> = std::thread::scope(|scope| {
                let readers: Vec<_> = (0..parts)
                    .map(|part| scope.spawn(move || self.read_part(shelf.as_ref(), (part, parts))))
                    .collect();
                readers.into_iter().flat_map(|reader| reader.join().unwrap_or_default()).collect()
            });
            self.take_over(found);
        });
    }

    fn read_part(&self, shelf: &dyn Shelf, part: (usize, usize)) -> Vec<Found> {
        let files = self.state.lock().files.clone().unwrap_or_default();
        let mut versions = Versions::default();
        let mut found = Vec::new();
        shelf.read(part, &mut |path, bytes| {
            let mut read = || {
                let (head, summary) = decode_head(path, bytes)?;
                let path = WorkspacePath::parse(path).ok()?;
                let known = head.known(&versions.of(&path))?;
                let listed = files.binary_search_by(|file| file.path.cmp(&path)).ok();
                let listed = listed.and_then(|at| files.get(at));
                let is_current =
                    known.is_settled && listed.is_some_and(|file| file.stamp == Some(known.stamp));
                let summary = if is_current {
                    Summary::Current(Arc::new(decode_summary(summary)?))
                } else {
                    Summary::Other(summary.into())
                };
                Some(Found { path, known, summary })
            };
            found.extend(read());
        });
        found
    }

    fn take_over(&self, found: Vec<Found>) {
        let mut state = self.state.lock();
        for Found { path, known, summary } in found {
            match summary {
                // Only what waits may enter: what is hidden does not, nor what is known better.
                Summary::Current(summary) => {
                    if state.waiting.remove(&path).is_some() {
                        state.plain.remove(&path);
                        state.take(&path, known, summary);
                    }
                }
                Summary::Other(bytes) => {
                    if !state.waiting.contains_key(&path) {
                        state.unsaved.insert(path.clone());
                    }
                    state.attic.insert((known.content, Language::of_path(&path)), Kept::Saved(bytes));
                }
            }
        }
    }

    /// Brings what is kept up to date.
    pub(super) fn save(&self) {
        let Some(shelf) = &self.shelf else { return };
        let _one = self.saving.lock();
        let changed: Vec<(WorkspacePath, Option<(Known, Arc<FileSummary>)>)> = {
            let mut state = self.state.lock();
            let unsaved = std::mem::take(&mut state.unsaved);
            let entry = |path: WorkspacePath| {
                let known = state.known.get(&path).copied();
                let summary = state.corpus.get(&path).map(|entry| Arc::clone(&entry.summary));
                (path, known.zip(summary))
            };
            unsaved.into_iter().map(entry).collect()
        };
        if changed.is_empty() {
            return;
        }
        let mut versions = Versions::default();
        let entries: Vec<(String, Option<Vec<u8>>)> = changed
            .into_iter()
            .map(|(path, entry)| {
                let bytes = entry.and_then(|(known, summary)| {
                    encode(path.as_str(), &known, &versions.of(&path), &summary)
                });
                (path.as_str().to_owned(), bytes)
            })
            .collect();
        shelf.write(&entries);
    }
}

/// A kept summary, ready for use.
pub(super) fn unpacked(kept: &Kept) -> Option<Arc<FileSummary>> {
    match kept {
        Kept::Summary(summary) => Some(Arc::clone(summary)),
        Kept::Saved(bytes) => decode_summary(bytes).map(Arc::new),
    }
}
