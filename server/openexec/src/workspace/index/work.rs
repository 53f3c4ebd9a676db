//! Reads and parses the files that wait. Whoever needs them helps: the threads of the background
//! and those of a request take files from the same queue.

use super::pace::Pace;
use super::shelf::unpacked;
use super::state::{Content, Known, Outcome};
use crate::limits::{
    INDEX_INLINE_BYTES_MAX, INDEX_SAVED_AT_ONCE_MIN, INDEXED_FILE_BYTES_MAX, MINIFIED_LINE_BYTES_MIN,
};
use crate::workspace::walk::Stamp;
use crate::workspace::{Workspace, files};
use openexec_engine::digest::Digest;
use openexec_engine::index::{Entry, FileSummary, summarise, summarise_plain};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Language;
use std::io::{ErrorKind, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Says whether the work is to be left.
pub(super) type Left<'a> = &'a (dyn Fn() -> bool + Sync);

impl Workspace {
    /// Works until nothing waits, here or with others, or until it is left; then saves.
    pub(super) fn work_off(&self, pace: Pace, left: Left<'_>) {
        self.index.take_from_shelf();
        let is_little = {
            let state = self.index.state.lock();
            state.waiting.len() <= 1 || state.waiting_bytes() <= INDEX_INLINE_BYTES_MAX
        };
        if is_little {
            self.work(Pace::Awaited, left);
        } else {
            let working = AtomicUsize::new(pace.threads());
            std::thread::scope(|scope| {
                for _ in 0..pace.threads() {
                    scope.spawn(|| {
                        pace.begin();
                        self.work(pace, left);
                        // Within the lock, so that whoever waits cannot miss it.
                        let _state = self.index.state.lock();
                        working.fetch_sub(1, Ordering::AcqRel);
                        self.index.savable.notify_all();
                    });
                }
                if self.index.shelf.is_some() {
                    scope.spawn(|| {
                        pace.begin();
                        self.save_while(|| working.load(Ordering::Acquire) > 0);
                        self.index.save();
                    });
                }
            });
        }
        let mut state = self.index.state.lock();
        while !state.is_complete() && !left() {
            // Whoever has claimed the last files finishes them, or leaves them to us.
            if state.in_work.is_empty() {
                drop(state);
                self.work(pace, left);
                state = self.index.state.lock();
            } else {
                self.index.done.wait(&mut state);
            }
        }
        state.tidy();
        drop(state);
        match pace {
            Pace::Unhurried => self.index.save(),
            Pace::Awaited => self.index.save_in_passing(),
        }
    }

    /// Reads these files only, if they wait.
    pub(super) fn work_on(&self, paths: &[&WorkspacePath]) {
        self.side_by_side(paths, |path| {
            if self.index.state.lock().claim_one(path) {
                self.finish(path);
            }
        });
    }

    /// Reads these files without their grammar, so that something is known of them. They go on
    /// waiting.
    pub(super) fn work_plainly_on(&self, paths: &[&WorkspacePath]) {
        self.side_by_side(paths, |path| {
            let Some((Some(text), _)) = self.load(path) else { return };
            let entry = Entry::new(path, Arc::new(summarise_plain(&text)));
            let mut state = self.index.state.lock();
            if !state.known.contains_key(path) && state.waiting.contains_key(path) {
                Arc::make_mut(&mut state.corpus).put(path, entry);
                state.plain.insert(path.clone());
            }
        });
    }

    fn side_by_side(&self, paths: &[&WorkspacePath], work: impl Fn(&WorkspacePath) + Sync) {
        let next = AtomicUsize::new(0);
        let (next, work) = (&next, &work);
        std::thread::scope(|scope| {
            for _ in 0..Pace::Awaited.threads().min(paths.len()) {
                scope.spawn(move || {
                    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                        work(path);
                    }
                });
            }
        });
    }

    fn work(&self, pace: Pace, left: Left<'_>) {
        while !left() {
            match pace {
                Pace::Unhurried => self.index.let_them_type(left),
                Pace::Awaited => {}
            }
            let Some(path) = self.index.state.lock().claim() else { return };
            self.finish(&path);
        }
    }

    /// Saves while others work, so that at the end little is left.
    fn save_while(&self, others_work: impl Fn() -> bool) {
        loop {
            let mut state = self.index.state.lock();
            while others_work() && state.unsaved.len() < INDEX_SAVED_AT_ONCE_MIN {
                self.index.savable.wait(&mut state);
            }
            if !others_work() {
                return;
            }
            drop(state);
            self.index.save();
        }
    }

    /// Reads a file that was claimed.
    fn finish(&self, path: &WorkspacePath) {
        // INVARIANT: what was claimed is put back, whatever a grammar does; others wait for it.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.outcome(path))).unwrap_or_else(|_| {
            tracing::warn!(%path, "a file is left out of the index: its parser failed");
            Outcome::Gone
        });
        let mut state = self.index.state.lock();
        state.put(path, outcome);
        let is_savable = state.unsaved.len() >= INDEX_SAVED_AT_ONCE_MIN;
        drop(state);
        self.index.done.notify_all();
        if is_savable {
            self.index.savable.notify_all();
        }
    }

    fn outcome(&self, path: &WorkspacePath) -> Outcome {
        let Some((text, stamp)) = self.load(path) else { return Outcome::Gone };
        let is_settled = stamp.is_settled();
        let content = content_of(text.as_deref().unwrap_or_default());
        let known = Known { stamp, is_settled, content };
        let text = text.filter(|text| !is_minified(text)).unwrap_or_default();
        let made_before = self.index.summary_of(path, &content);
        let summary = made_before.unwrap_or_else(|| Arc::new(self.summary_of(path, &text)));
        Outcome::Read(known, Entry::new(path, summary))
    }

    /// The summary of a text, by its grammar where there is one.
    pub(super) fn summary_of(&self, path: &WorkspacePath, text: &str) -> FileSummary {
        let parsed = |language| {
            let by_open = self.index.summary_by_open(self.root(), path, text);
            by_open.unwrap_or_else(|| summarise(language, text))
        };
        Language::of_path(path).map_or_else(|| summarise_plain(text), parsed)
    }

    /// The text on disk with the stamp of exactly this text; no text where there is none that
    /// could be read. Links are not followed.
    pub(super) fn load(&self, path: &WorkspacePath) -> Option<(Option<String>, Stamp)> {
        let (file, _) = files::open(&self.dir, path.as_str().as_ref()).ok()?;
        let mut file = file.into_std();
        let metadata = file.metadata().ok()?;
        let stamp = Stamp::of(&metadata);
        // A text that grows from nothing costs half a dozen reads for every file.
        let room = usize::try_from(metadata.len().min(INDEXED_FILE_BYTES_MAX)).unwrap_or(0) + 1;
        let mut text = String::with_capacity(room);
        match (&mut file).take(INDEXED_FILE_BYTES_MAX + 1).read_to_string(&mut text) {
            Ok(_) if text.len() as u64 <= INDEXED_FILE_BYTES_MAX => Some((Some(text), stamp)),
            Ok(_) => Some((None, stamp)),
            Err(error) if error.kind() == ErrorKind::InvalidData => Some((None, stamp)),
            Err(_) => None,
        }
    }
}

impl super::Index {
    /// The summary of these bytes, if it was made before: for this file or for another one of
    /// the same language.
    fn summary_of(&self, path: &WorkspacePath, content: &Content) -> Option<Arc<FileSummary>> {
        let state = self.state.lock();
        let kept = || state.attic.get(&(*content, Language::of_path(path))).and_then(unpacked);
        state.summary_of(path, content).or_else(kept)
    }
}

/// The digest by which a text is known again.
pub(in crate::workspace) fn content_of(text: &str) -> Content {
    *Digest::of(text.as_bytes()).as_bytes()
}

/// True when the lines are much longer, on average, than anybody writes them.
pub(super) fn is_minified(text: &str) -> bool {
    text.len() / (text.lines().count() + 1) > MINIFIED_LINE_BYTES_MIN
}
