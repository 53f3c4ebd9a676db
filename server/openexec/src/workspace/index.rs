//! What is known of each file without reading it again: its summary, from which the context
//! builder ranks, and, once it was wanted, its symbols. The index is a cache; dropping it
//! changes no answer.

use super::layers::is_hidden;
use super::walk::{Listed, Stamp};
use super::{Workspace, files};
use crate::limits::{INDEX_THREADS_MAX, INDEXED_FILE_BYTES_MAX, MINIFIED_LINE_BYTES_MIN, WALK_FILES_MAX};
use openexec_engine::index::{Corpus, FileSummary, summarise, summarise_plain};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::{PathClass, classify};
use openexec_engine::syntax::{Language, Symbol, symbols_of};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cache, for files as they stand on disk.
#[derive(Default)]
pub(super) struct Index {
    files: Mutex<BTreeMap<WorkspacePath, Indexed>>,
    /// The summaries of `files`.
    corpus: Mutex<Corpus>,
    kinds: Mutex<BTreeMap<WorkspacePath, Kind>>,
}

/// What the policy's classes say of a path, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// No model may see it.
    pub(super) hidden: bool,
    /// It tests and is not tested.
    pub(super) judges: bool,
}

impl Index {
    /// Classifies a path, once.
    pub(super) fn kind(&self, path: &WorkspacePath) -> Kind {
        let mut kinds = self.kinds.lock();
        if let Some(kind) = kinds.get(path) {
            return *kind;
        }
        if kinds.len() >= WALK_FILES_MAX {
            kinds.clear();
        }
        let judges = classify(path).iter().any(|class| matches!(class, PathClass::Judges | PathClass::Tests));
        let kind = Kind { hidden: is_hidden(path), judges };
        kinds.insert(path.clone(), kind);
        kind
    }
}

#[derive(Clone)]
struct Indexed {
    stamp: Stamp,
    symbols: Option<Arc<[Symbol]>>,
    /// False when the stamp may yet stand for another text.
    settled: bool,
}

impl Index {
    /// Forgets what may have changed since without showing it.
    pub(super) fn keep_settled(&self) {
        let mut files = self.files.lock();
        let mut corpus = self.corpus.lock();
        files.retain(|path, indexed| {
            if !indexed.settled {
                corpus.remove(path);
            }
            indexed.settled
        });
    }
}

/// A text whose symbols are known.
#[derive(Clone)]
pub(super) struct Parsed {
    pub(super) text: Arc<str>,
    pub(super) symbols: Arc<[Symbol]>,
}

/// True when the lines are much longer, on average, than anybody writes them.
fn is_minified(text: &str) -> bool {
    text.len() / (text.lines().count() + 1) > MINIFIED_LINE_BYTES_MIN
}

impl Workspace {
    /// The summaries of these files as they stand on disk, with those of the texts that lie over
    /// it. Files are read and parsed, side by side, only where the index is behind.
    pub(super) fn corpus(&self, listed: &[Listed], over: &[(&WorkspacePath, &str)]) -> Corpus {
        let behind: Vec<&Listed> = {
            let mut index = self.index.files.lock();
            let mut corpus = self.index.corpus.lock();
            // What is not listed any more will not be asked for again.
            index.retain(|path, _| {
                let is_listed = listed.binary_search_by(|file| file.path.cmp(path)).is_ok();
                if !is_listed {
                    corpus.remove(path);
                }
                is_listed
            });
            let is_behind = |file: &&Listed| {
                file.stamp.is_some() && index.get(&file.path).map(|indexed| indexed.stamp) != file.stamp
            };
            listed.iter().filter(is_behind).collect()
        };
        let read = in_parallel(&behind, |file| {
            let (text, stamp) = self.load(&file.path)?;
            Some((stamp, Arc::new(summary_of(&file.path, &text))))
        });
        let mut index = self.index.files.lock();
        let mut corpus = self.index.corpus.lock();
        for (file, read) in behind.into_iter().zip(read) {
            match read {
                Some((stamp, summary)) => {
                    corpus.replace(&file.path, summary);
                    let settled = stamp.is_settled();
                    index.insert(file.path.clone(), Indexed { stamp, symbols: None, settled });
                }
                None => {
                    corpus.remove(&file.path);
                    index.remove(&file.path);
                }
            }
        }
        let mut seen = corpus.clone();
        drop((index, corpus));
        for (path, text) in over {
            seen.replace(path, Arc::new(summary_of(path, text)));
        }
        seen
    }

    /// One file's text and symbols. `None` when it cannot be read or is too large.
    pub(super) fn parse(&self, path: &WorkspacePath) -> Option<Parsed> {
        let (text, stamp) = self.load(path)?;
        let text: Arc<str> = text.into();
        let is_this = |indexed: &&mut Indexed| indexed.stamp == stamp;
        let known = self.index.files.lock().get_mut(path).filter(is_this).map(|it| it.symbols.clone());
        if let Some(Some(symbols)) = known {
            return Some(Parsed { text, symbols });
        }
        let symbols = symbols_in(path, &text);
        if let Some(indexed) = self.index.files.lock().get_mut(path).filter(is_this) {
            indexed.symbols = Some(Arc::clone(&symbols));
        }
        Some(Parsed { text, symbols })
    }

    /// The text on disk with the stamp of exactly this text. Links are not followed.
    fn load(&self, path: &WorkspacePath) -> Option<(String, Stamp)> {
        use std::io::Read as _;
        let (file, _) = files::open(&self.dir, path.as_str().as_ref()).ok()?;
        let mut file = file.into_std();
        let metadata = file.metadata().ok()?;
        let stamp = Stamp::of(&metadata);
        // A text that grows from nothing costs half a dozen reads for every file.
        let room = usize::try_from(metadata.len().min(INDEXED_FILE_BYTES_MAX)).unwrap_or(0) + 1;
        let mut text = String::with_capacity(room);
        (&mut file).take(INDEXED_FILE_BYTES_MAX + 1).read_to_string(&mut text).ok()?;
        (text.len() as u64 <= INDEXED_FILE_BYTES_MAX).then_some((text, stamp))
    }
}

/// The summary of a text; nothing for one that a tool has written for machines.
fn summary_of(path: &WorkspacePath, text: &str) -> FileSummary {
    match Language::of_path(path) {
        _ if is_minified(text) => FileSummary::default(),
        Some(language) => summarise(language, text),
        None => summarise_plain(text),
    }
}

/// The symbols of a text; none where there is no grammar.
pub(super) fn symbols_in(path: &WorkspacePath, text: &str) -> Arc<[Symbol]> {
    Language::of_path(path).map(|language| symbols_of(language, text)).unwrap_or_default().into()
}

/// Maps in several threads; the results come in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(INDEX_THREADS_MAX);
    let share = items.len().div_ceil(threads).max(1);
    if items.len() < threads * 4 {
        return items.iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<R>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(results) => results,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}
