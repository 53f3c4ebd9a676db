//! The summaries of a workspace, by path. There is no other structure: a ranking reads the
//! terms of all definitions once, which takes milliseconds, and a changed file is one entry.

use super::summary::{Definition, FileSummary, NameKey, Term};
use super::words::terms_of;
use crate::path::WorkspacePath;
use crate::policy::{PathClass, classify};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The summaries of a workspace. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    files: BTreeMap<WorkspacePath, Entry>,
}

/// A file of the corpus.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its summary.
    pub summary: Arc<FileSummary>,
    /// True when the file's place says that it tests and is not tested.
    pub is_test: bool,
    /// The terms of its path without the extension, which nearly all files share; sorted.
    pub path_terms: Arc<[Term]>,
}

impl Entry {
    /// The entry of a file with this summary.
    pub fn new(path: &WorkspacePath, summary: Arc<FileSummary>) -> Self {
        let mut path_terms = terms_of(without_extension(path));
        path_terms.sort_unstable();
        path_terms.dedup();
        Self { summary, is_test: is_test_path(path), path_terms: path_terms.into() }
    }

    /// True for code that tests and is not tested.
    pub fn is_test(&self, definition: &Definition) -> bool {
        self.is_test || definition.is_test
    }
}

impl Corpus {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a file's entry, in the place of an older one.
    pub fn put(&mut self, path: &WorkspacePath, entry: Entry) {
        self.files.insert(path.clone(), entry);
    }

    /// Takes a file's summary, in the place of an older one.
    pub fn replace(&mut self, path: &WorkspacePath, summary: Arc<FileSummary>) {
        if let Some(entry) = self.files.get_mut(path) {
            entry.summary = summary;
            return;
        }
        self.files.insert(path.clone(), Entry::new(path, summary));
    }

    /// Forgets a file.
    pub fn remove(&mut self, path: &WorkspacePath) {
        self.files.remove(path);
    }

    /// One file.
    pub fn get(&self, path: &WorkspacePath) -> Option<&Entry> {
        self.files.get(path)
    }

    /// All files, by path.
    pub fn files(&self) -> impl Iterator<Item = (&WorkspacePath, &Entry)> {
        self.files.iter()
    }

    /// Files in it.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The definitions whose own name is this one, in the order of the paths.
    pub fn named(&self, name: &str) -> impl Iterator<Item = (&WorkspacePath, &Definition)> {
        let key = NameKey::of(name);
        self.files.iter().flat_map(move |(path, entry)| {
            entry.summary.definitions.iter().filter(move |it| it.own == key).map(move |it| (path, it))
        })
    }
}

impl FromIterator<(WorkspacePath, Arc<FileSummary>)> for Corpus {
    fn from_iter<I: IntoIterator<Item = (WorkspacePath, Arc<FileSummary>)>>(files: I) -> Self {
        let files = files.into_iter().map(|(path, summary)| {
            let entry = Entry::new(&path, summary);
            (path, entry)
        });
        Self { files: files.collect() }
    }
}

fn without_extension(path: &WorkspacePath) -> &str {
    let name = path.file_name();
    let extension = name.rfind('.').filter(|dot| *dot > 0).map_or(0, |dot| name.len() - dot);
    let path = path.as_str();
    path.get(..path.len() - extension).unwrap_or(path)
}

/// Folders whose code tests, shows or measures other code.
const TEST_FOLDERS: [&str; 16] = [
    "test",
    "tests",
    "__tests__",
    "testing",
    "testdata",
    "test-data",
    "spec",
    "specs",
    "acceptance",
    "fixtures",
    "benches",
    "benchmark",
    "benchmarks",
    "bench",
    "example",
    "examples",
];

fn is_test_path(path: &WorkspacePath) -> bool {
    let mut components = path.components();
    components.next_back();
    components.any(|component| TEST_FOLDERS.contains(&component))
        || classify(path).iter().any(|class| matches!(class, PathClass::Judges | PathClass::Tests))
}
