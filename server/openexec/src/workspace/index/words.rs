//! Which words the files contain, and the symbols of those that were parsed.

use super::work::is_minified;
use crate::limits::{INDEX_THREADS_MAX, WALK_FILES_MAX};
use crate::workspace::Workspace;
use crate::workspace::layers::is_hidden;
use crate::workspace::walk::{Listed, Stamp};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::{PathClass, classify};
use openexec_engine::syntax::{Language, Symbol, symbols_of};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The cache, for files as they stand on disk.
#[derive(Default)]
pub(in crate::workspace) struct WordIndex {
    files: Mutex<BTreeMap<WorkspacePath, Indexed>>,
    kinds: Mutex<BTreeMap<WorkspacePath, Kind>>,
}

/// What the policy's classes say of a path, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::workspace) struct Kind {
    /// No model may see it.
    pub(in crate::workspace) hidden: bool,
    /// It tests and is not tested.
    pub(in crate::workspace) judges: bool,
}

impl WordIndex {
    /// Classifies a path, once.
    pub(in crate::workspace) fn kind(&self, path: &WorkspacePath) -> Kind {
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
    words: Words,
    symbols: Option<Arc<[Symbol]>>,
    /// False when the stamp may yet stand for another text.
    settled: bool,
}

impl WordIndex {
    /// Forgets what may have changed since without showing it.
    pub(in crate::workspace) fn keep_settled(&self) {
        self.files.lock().retain(|_, indexed| indexed.settled);
    }
}

/// A text whose symbols are known.
#[derive(Clone)]
pub(in crate::workspace) struct Parsed {
    pub(in crate::workspace) text: Arc<str>,
    pub(in crate::workspace) symbols: Arc<[Symbol]>,
}

/// The distinct words of a text, as sorted digests of 32 bits. A word that is not in the text
/// is found in it once in some hundred thousand times, which costs a needless parse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::workspace) struct Words(Arc<[u32]>);

impl Words {
    /// None for a text that a tool has written for machines.
    pub(in crate::workspace) fn of_source(text: &str) -> Self {
        if is_minified(text) { Self::default() } else { Self::of(text) }
    }

    pub(in crate::workspace) fn of(text: &str) -> Self {
        let mut words: Vec<u32> = pieces(text).map(digest).collect();
        words.sort_unstable();
        words.dedup();
        Self(words.into())
    }

    pub(in crate::workspace) fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|word| self.0.binary_search(word).is_ok())
    }
}

/// Names to look for in the words of many files.
pub(in crate::workspace) struct Wanted<'a> {
    /// Names that are one word, sorted by its digest.
    single: Vec<(u32, &'a str)>,
    /// Names of several words, such as `a$b`.
    several: Vec<(Words, &'a str)>,
}

impl<'a> Wanted<'a> {
    pub(in crate::workspace) fn of(names: &'a BTreeSet<String>) -> Self {
        let mut wanted = Self { single: Vec::new(), several: Vec::new() };
        for name in names {
            let words = Words::of(name);
            match words.0.as_ref() {
                [] => {}
                [word] => wanted.single.push((*word, name)),
                _ => wanted.several.push((words, name)),
            }
        }
        wanted.single.sort_unstable();
        wanted
    }

    /// Tells each name that these words contain.
    pub(in crate::workspace) fn in_words(&self, words: &Words, mut tell: impl FnMut(&'a str)) {
        // Both are sorted, so that one pass over them finds all.
        let mut rest = words.0.iter().peekable();
        for (digest, name) in &self.single {
            while rest.next_if(|word| *word < digest).is_some() {}
            if rest.peek() == Some(&digest) {
                tell(name);
            }
        }
        self.several.iter().filter(|(wanted, _)| words.contains_all(wanted)).for_each(|(_, name)| tell(name));
    }
}

/// Runs of letters, digits and underscores. Bytes beyond ASCII count as letters.
fn pieces(text: &str) -> impl Iterator<Item = &[u8]> {
    text.as_bytes()
        .split(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii()))
        .filter(|piece| !piece.is_empty())
}

/// FNV-1a; small, and the same on every machine.
fn digest(piece: &[u8]) -> u32 {
    piece.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl Workspace {
    /// The words of each file, in the order of the list; read where the index is behind.
    pub(in crate::workspace) fn words_of(&self, listed: &[Listed]) -> Vec<Words> {
        let known: Vec<Option<Words>> = {
            let mut index = self.index.words.files.lock();
            // What is not listed any more will not be asked for again.
            index.retain(|path, _| listed.binary_search_by(|file| file.path.cmp(path)).is_ok());
            listed
                .iter()
                .map(|file| {
                    let indexed = index.get(&file.path)?;
                    (Some(indexed.stamp) == file.stamp).then(|| indexed.words.clone())
                })
                .collect()
        };
        let behind: Vec<&Listed> = listed
            .iter()
            .zip(&known)
            .filter_map(|(file, known)| (known.is_none() && file.stamp.is_some()).then_some(file))
            .collect();
        let read = in_parallel(&behind, |file| {
            let (text, stamp) = self.load(&file.path)?;
            let text = text?;
            Some(Indexed {
                stamp,
                words: Words::of_source(&text),
                symbols: None,
                settled: stamp.is_settled(),
            })
        });
        let mut fresh: BTreeMap<&WorkspacePath, Indexed> = BTreeMap::new();
        for (file, indexed) in behind.into_iter().zip(read) {
            if let Some(indexed) = indexed {
                fresh.insert(&file.path, indexed);
            }
        }
        let words = listed
            .iter()
            .zip(known)
            .map(|(file, known)| {
                known
                    .or_else(|| fresh.get(&file.path).map(|indexed| indexed.words.clone()))
                    .unwrap_or_default()
            })
            .collect();
        let mut index = self.index.words.files.lock();
        index.extend(fresh.into_iter().map(|(path, indexed)| (path.clone(), indexed)));
        words
    }

    /// Parses files as they stand on disk, or takes their symbols from the index.
    pub(in crate::workspace) fn parse_all(&self, paths: &[&WorkspacePath]) -> Vec<Option<Parsed>> {
        in_parallel(paths, |path| self.parse(path))
    }

    /// One file's text and symbols. `None` when it cannot be read or is too large.
    pub(in crate::workspace) fn parse(&self, path: &WorkspacePath) -> Option<Parsed> {
        let (text, stamp) = self.load(path)?;
        let text: Arc<str> = text?.into();
        let known = self.index.words.files.lock().get(path).filter(|indexed| indexed.stamp == stamp).cloned();
        if let Some(symbols) = known.as_ref().and_then(|indexed| indexed.symbols.clone()) {
            return Some(Parsed { text, symbols });
        }
        let symbols = symbols_in(path, &text);
        let words = known.map_or_else(|| Words::of_source(&text), |indexed| indexed.words);
        let settled = stamp.is_settled();
        let indexed = Indexed { stamp, words, symbols: Some(Arc::clone(&symbols)), settled };
        self.index.words.files.lock().insert(path.clone(), indexed);
        Some(Parsed { text, symbols })
    }
}

/// The symbols of a text; none where there is no grammar.
pub(in crate::workspace) fn symbols_in(path: &WorkspacePath, text: &str) -> Arc<[Symbol]> {
    Language::of_path(path).map(|language| symbols_of(language, text)).unwrap_or_default().into()
}

/// Maps in several threads; the results come in the order of the items.
pub(in crate::workspace) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
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
