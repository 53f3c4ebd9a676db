//! The files of a workspace as they are now, in which pointers are looked for.

use crate::limits::{INDEXED_FILE_BYTES_MAX, POINTER_SEARCH_FILES_MAX};
use openexec_engine::memory::{
    Anchor, Fingerprints, LineMap, PointerState, Resolution, SymbolPointer, World, may_move, newcomers,
    resembles, resolve,
};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Language;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a file's text is read.
pub type ReadText<'p> = dyn Fn(&WorkspacePath) -> Option<String> + 'p;

/// A file with its symbols.
#[derive(Debug, Clone)]
pub struct Source {
    text: Arc<str>,
    symbols: Arc<Fingerprints>,
}

impl Source {
    /// Of a text; nothing where it is too large to have been written by hand.
    pub fn of(path: &WorkspacePath, text: String) -> Option<Self> {
        let is_small = text.len() as u64 <= INDEXED_FILE_BYTES_MAX;
        is_small.then(|| Self { symbols: Arc::new(Fingerprints::of(path, &text)), text: text.into() })
    }

    /// Its symbols.
    pub fn symbols(&self) -> &Fingerprints {
        &self.symbols
    }

    /// True where a pointer's symbol stands in it unchanged.
    pub fn holds(&self, pointer: &SymbolPointer) -> bool {
        self.symbols.named(&pointer.symbol).any(|symbol| symbol.text == pointer.text)
    }
}

/// A workspace now. Each file is read once. By itself it is compared with a pointer of which
/// nothing else is known; [`since`](Self::since) tells what has changed.
pub struct Present<'p> {
    read: &'p ReadText<'p>,
    /// Where symbols are looked for that are not at their place.
    files: Vec<WorkspacePath>,
    sources: RefCell<BTreeMap<WorkspacePath, Option<Source>>>,
}

impl<'p> Present<'p> {
    /// `files` are those in which a symbol is looked for that has left its own.
    pub fn new(read: &'p ReadText<'p>, files: impl IntoIterator<Item = WorkspacePath>) -> Self {
        let known = |path: &WorkspacePath| Language::of_path(path).is_some();
        let files = files.into_iter().filter(known).take(POINTER_SEARCH_FILES_MAX).collect();
        Self { read, files, sources: RefCell::default() }
    }

    /// The same workspace since an earlier state, whose files `then` gives.
    pub fn since<'s>(&'s self, then: &'s ReadSource<'s>) -> Since<'s> {
        Since { now: self, then }
    }

    /// True where a pointer's symbol stands unchanged at its place.
    pub fn holds(&self, pointer: &SymbolPointer) -> bool {
        self.source(&pointer.path).is_some_and(|source| source.holds(pointer))
    }

    /// A file as it is now.
    pub fn source(&self, path: &WorkspacePath) -> Option<Source> {
        if let Some(source) = self.sources.borrow().get(path) {
            return source.clone();
        }
        let source = (self.read)(path).and_then(|text| Source::of(path, text));
        self.sources.borrow_mut().insert(path.clone(), source.clone());
        source
    }

    /// The files of the same name elsewhere.
    fn namesakes(&self, path: &WorkspacePath) -> impl Iterator<Item = &WorkspacePath> {
        let name = |path: &WorkspacePath| path.as_str().rsplit('/').next().map(str::to_owned);
        let wanted = name(path);
        self.files.iter().filter(move |other| name(other) == wanted)
    }

    /// The files in which a symbol is looked for: always in its own.
    fn may_hold<'a>(&'a self, wanted: &'a SymbolPointer) -> impl Iterator<Item = &'a WorkspacePath> {
        let own = (!self.files.contains(&wanted.path)).then_some(&wanted.path);
        own.into_iter().chain(self.files.iter().filter(|path| may_move(&wanted.path, path)))
    }
}

/// The only one of several.
fn only<T>(mut several: impl Iterator<Item = T>) -> Option<T> {
    several.next().filter(|_| several.next().is_none())
}

impl World for Present<'_> {
    fn touches(&self, _: &WorkspacePath) -> bool {
        true
    }

    fn now(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        self.source(path).map(|source| source.symbols)
    }

    fn then(&self, _: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        None
    }

    /// The one file of the same name, where the file itself is gone.
    fn moved_to(&self, path: &WorkspacePath) -> Option<WorkspacePath> {
        only(self.namesakes(path)).cloned()
    }

    fn lines(&self, _: &WorkspacePath, _: &WorkspacePath) -> Option<LineMap> {
        None
    }

    fn newcomers(&self, wanted: &SymbolPointer, visit: &mut dyn FnMut(&SymbolPointer)) {
        for path in self.may_hold(wanted) {
            if let Some(symbols) = self.now(path) {
                newcomers(&symbols, None).for_each(&mut *visit);
            }
        }
    }
}

/// How a file of an earlier state is read.
pub type ReadSource<'s> = dyn Fn(&WorkspacePath) -> Option<Source> + 's;

/// A workspace now and in an earlier state.
pub struct Since<'s> {
    now: &'s Present<'s>,
    then: &'s ReadSource<'s>,
}

impl World for Since<'_> {
    fn touches(&self, path: &WorkspacePath) -> bool {
        match ((self.then)(path), self.now.source(path)) {
            (Some(then), Some(now)) => then.text != now.text,
            _ => true,
        }
    }

    fn now(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        self.now.now(path)
    }

    fn then(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        (self.then)(path).map(|source| source.symbols)
    }

    /// The one file of the same name that was not there before.
    fn moved_to(&self, path: &WorkspacePath) -> Option<WorkspacePath> {
        only(self.now.namesakes(path).filter(|other| (self.then)(other).is_none())).cloned()
    }

    fn lines(&self, then: &WorkspacePath, now: &WorkspacePath) -> Option<LineMap> {
        LineMap::between(&(self.then)(then)?.text, &self.now.source(now)?.text)
    }

    fn newcomers(&self, wanted: &SymbolPointer, visit: &mut dyn FnMut(&SymbolPointer)) {
        for path in self.now.may_hold(wanted) {
            let Some(now) = self.now.now(path) else { continue };
            // The earlier state is read of few files only.
            if now.symbols().iter().any(|symbol| resembles(wanted, symbol)) {
                newcomers(&now, self.then(path).as_deref()).for_each(&mut *visit);
            }
        }
    }
}

/// How an anchor stands to the present, where nothing else is known than the present.
pub fn standing(anchor: &Anchor, present: &Present<'_>) -> Resolution {
    if let Some(pointer) = &anchor.pointer {
        return resolve(pointer, present);
    }
    // A person wrote a place and a name, and nothing else is known of it.
    let place = present.source(&anchor.path).and_then(|it| it.symbols.named(&anchor.symbol).next().cloned());
    let (state, why) = match &place {
        Some(_) => (
            PointerState::Exact,
            format!(
                "`{}` stands in `{}`; `openexec memory relocate` writes by what it is found again",
                anchor.symbol, anchor.path
            ),
        ),
        None => (PointerState::Stale, format!("there is no `{}` in `{}`", anchor.symbol, anchor.path)),
    };
    let similarity_percent = if place.is_some() { 100 } else { 0 };
    Resolution { state, place, why, similarity_percent }
}

/// How a pointer stands, in one word.
pub const fn state_name(state: PointerState) -> &'static str {
    match state {
        PointerState::Exact => "exact",
        PointerState::Edited => "edited",
        PointerState::Moved => "moved",
        PointerState::Renamed => "renamed",
        PointerState::Suspect => "suspect",
        PointerState::Stale => "stale",
    }
}
