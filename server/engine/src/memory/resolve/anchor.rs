//! Pointers that go along while their file is saved, so that each step stays small.

use super::{Fingerprints, LineMap, Resolution, World, newcomers, resolve};
use crate::memory::SymbolPointer;
use crate::path::WorkspacePath;
use std::sync::Arc;

/// Where the symbols of pointers stand in a new text of their file. Those of other files are
/// left out. `before` is the text in which they held, if it is at hand: with it, symbols that
/// stood there already are not taken for one that was renamed.
///
/// The place of a resolution that is certain replaces the pointer; otherwise the pointer stays
/// as it is, since what it says of the last certain state is all there is to find it by.
pub fn re_anchor(
    pointers: &[SymbolPointer],
    path: &WorkspacePath,
    before: Option<&str>,
    after: &str,
) -> Vec<Resolution> {
    let file = SavedFile {
        path,
        then: before.map(|text| Arc::new(Fingerprints::of(path, text))),
        now: Arc::new(Fingerprints::of(path, after)),
        texts: (before, after),
    };
    pointers.iter().filter(|pointer| &pointer.path == path).map(|pointer| resolve(pointer, &file)).collect()
}

/// A world of one file.
struct SavedFile<'a> {
    path: &'a WorkspacePath,
    then: Option<Arc<Fingerprints>>,
    now: Arc<Fingerprints>,
    texts: (Option<&'a str>, &'a str),
}

impl World for SavedFile<'_> {
    fn touches(&self, path: &WorkspacePath) -> bool {
        path == self.path
    }

    fn now(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        self.touches(path).then(|| Arc::clone(&self.now))
    }

    fn then(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        self.then.clone().filter(|_| self.touches(path))
    }

    fn moved_to(&self, _: &WorkspacePath) -> Option<WorkspacePath> {
        None
    }

    fn lines(&self, _: &WorkspacePath, _: &WorkspacePath) -> Option<LineMap> {
        LineMap::between(self.texts.0?, self.texts.1)
    }

    fn newcomers(&self, _: &SymbolPointer, visit: &mut dyn FnMut(&SymbolPointer)) {
        newcomers(&self.now, self.then.as_deref()).for_each(visit);
    }
}
