//! What is known from one session to the next.

use super::Index;
use super::record::{decode_head, decode_summary, encode};
use super::state::{Kept, Known};
use crate::limits::INDEX_THREADS_MAX;
use openexec_engine::digest::Digest;
use openexec_engine::index::{Entry, FileSummary, summary_version};
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

/// An entry.
pub(super) struct Found {
    pub(super) path: WorkspacePath,
    /// Absent where the entry is worth nothing: damaged, or of another version.
    pub(super) entry: Option<(Known, Summary)>,
}

pub(super) enum Summary {
    /// Of the file as it is wanted.
    Current(Entry),
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
        if self.state.lock().files.is_none() {
            // Without a list, every entry would be one of a file that is gone.
            return;
        }
        self.taken.get_or_init(|| {
            let files = self.state.lock().files.clone().unwrap_or_default();
            let is_current = |path: &WorkspacePath, known: &Known| {
                let listed = files.binary_search_by(|file| file.path.cmp(path)).ok();
                let listed = listed.and_then(|at| files.get(at));
                known.is_settled && listed.is_some_and(|file| file.stamp == Some(known.stamp))
            };
            self.take_over(parts(|part| read_part(shelf.as_ref(), part, is_current)));
        });
    }

    fn take_over(&self, found: Vec<Found>) {
        let mut state = self.state.lock();
        for Found { path, entry } in found {
            // INVARIANT: only what waits may enter. What is hidden by now does not wait; neither
            // does what is gone. Their entries are removed.
            let waits = state.waiting.contains_key(&path);
            if !waits && !state.known.contains_key(&path) {
                state.unsaved.insert(path.clone());
            }
            match entry {
                Some((known, Summary::Current(entry))) if waits => {
                    state.waiting.remove(&path);
                    state.plain.remove(&path);
                    state.take(&path, known, entry);
                }
                Some((known, Summary::Other(bytes))) => {
                    state.attic.insert((known.content, Language::of_path(&path)), Kept::Saved(bytes));
                }
                Some((_, Summary::Current(_))) | None => {}
            }
        }
    }

    /// Brings what is kept up to date.
    pub(super) fn save(&self) {
        // Once more, since what changed meanwhile has been left to whoever saves.
        while self.is_unsaved() {
            let _one = self.saving.lock();
            self.save_once();
        }
    }

    /// Does the same for somebody who waits for an answer and not for this: while somebody else
    /// saves, it is left to them.
    pub(super) fn save_in_passing(&self) {
        while self.is_unsaved()
            && let Some(_one) = self.saving.try_lock()
        {
            self.save_once();
        }
    }

    fn is_unsaved(&self) -> bool {
        self.shelf.is_some() && !self.state.lock().unsaved.is_empty()
    }

    fn save_once(&self) {
        let Some(shelf) = &self.shelf else { return };
        let changed: Vec<_> = {
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

/// Reads all parts of a shelf side by side.
pub(super) fn parts(read: impl Fn((usize, usize)) -> Vec<Found> + Sync) -> Vec<Found> {
    let parts = std::thread::available_parallelism().map_or(1, usize::from).min(INDEX_THREADS_MAX);
    let read = &read;
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..parts).map(|part| scope.spawn(move || read((part, parts)))).collect();
        readers.into_iter().flat_map(|reader| reader.join().unwrap_or_default()).collect()
    })
}

/// Reads one part. The summaries that are wanted are made ready for use.
pub(super) fn read_part(
    shelf: &dyn Shelf,
    part: (usize, usize),
    is_wanted: impl Fn(&WorkspacePath, &Known) -> bool,
) -> Vec<Found> {
    let mut versions = Versions::default();
    let mut found = Vec::new();
    shelf.read(part, &mut |path, bytes| {
        let Ok(path) = WorkspacePath::parse(path) else { return };
        let mut read = || {
            let (head, summary) = decode_head(path.as_str(), bytes)?;
            let known = head.known(&versions.of(&path))?;
            let summary = if is_wanted(&path, &known) {
                Summary::Current(Entry::new(&path, Arc::new(decode_summary(summary)?)))
            } else {
                Summary::Other(summary.into())
            };
            Some((known, summary))
        };
        let entry = read();
        found.push(Found { path, entry });
    });
    found
}

/// A kept summary, ready for use.
pub(super) fn unpacked(kept: &Kept) -> Option<Arc<FileSummary>> {
    match kept {
        Kept::Summary(summary) => Some(Arc::clone(summary)),
        Kept::Saved(bytes) => decode_summary(bytes).map(Arc::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::walk::{SETTLING, stamp_of};
    use crate::workspace::{Knowledge, Workspace};
    use openexec_engine::index::summarise;
    use parking_lot::Mutex;
    use std::time::{Duration, Instant};

    #[derive(Default)]
    struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

    impl Shelf for Memory {
        fn read(&self, (part, _): (usize, usize), take: &mut dyn FnMut(&str, &[u8])) {
            if part == 0 {
                self.0.lock().iter().for_each(|(path, bytes)| take(path, bytes));
            }
        }

        fn write(&self, entries: &[(String, Option<Vec<u8>>)]) {
            let mut all = self.0.lock();
            for (path, bytes) in entries {
                match bytes {
                    Some(bytes) => all.insert(path.clone(), bytes.clone()),
                    None => all.remove(path),
                };
            }
        }
    }

    #[test]
    fn a_file_that_stands_as_it_stood_is_not_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.rs");
        std::fs::write(&file, "fn on_disk() {}\n").unwrap();
        let deadline = Instant::now() + 4 * SETTLING;
        let stamp = loop {
            let stamp = stamp_of(&file).unwrap();
            if stamp.is_settled() {
                break stamp;
            }
            assert!(Instant::now() < deadline, "the file's time lies in the future");
            std::thread::park_timeout(Duration::from_millis(50));
        };
        // Something else is kept, so that reading the file would show.
        let kept = |version: &Digest| {
            let known = Known { stamp, is_settled: true, content: [0; 32] };
            encode("a.rs", &known, version, &summarise(Language::Rust, "fn kept() {}\n")).unwrap()
        };
        let named = |bytes: Vec<u8>| {
            let shelf = Arc::new(Memory::default());
            shelf.write(&[("a.rs".to_owned(), Some(bytes)), ("gone.rs".to_owned(), Some(vec![1]))]);
            let known = Knowledge::on(Arc::clone(&shelf) as Arc<dyn Shelf>);
            let indexed = Workspace::open(directory.path()).unwrap().knowing(&known).indexed(&[]);
            let paths: Vec<String> = shelf.0.lock().keys().cloned().collect();
            assert_eq!(paths, ["a.rs"]);
            let (_, entry) = indexed.corpus.files().next().unwrap();
            entry.summary.definitions[0].name.to_string()
        };
        assert_eq!(named(kept(&summary_version(Some(Language::Rust)))), "kept");
        assert_eq!(named(kept(&Digest::of(b"an older grammar"))), "on_disk");
    }
}
