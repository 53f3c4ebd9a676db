//! The files of a workspace as they are now, in which pointers are looked for.

use crate::limits::{INDEXED_FILE_BYTES_MAX, POINTER_SEARCH_FILES_MAX};
use openexec_engine::memory::{
    Anchor, Fingerprints, LineMap, PointerState, Resolution, SymbolPointer, World, newcomers, resolve,
};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::{Language, symbols_of};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a file's text is read.
pub type ReadText<'p> = dyn Fn(&WorkspacePath) -> Option<String> + 'p;

/// A workspace now. Each file is read once.
pub struct Present<'p> {
    read: &'p ReadText<'p>,
    /// Where symbols are looked for that are not at their place.
    files: Vec<WorkspacePath>,
    texts: RefCell<BTreeMap<WorkspacePath, Option<Arc<str>>>>,
    symbols: RefCell<BTreeMap<WorkspacePath, Option<Arc<Fingerprints>>>>,
}

impl<'p> Present<'p> {
    /// `files` are those in which a symbol is looked for that has left its own.
    pub fn new(read: &'p ReadText<'p>, files: impl IntoIterator<Item = WorkspacePath>) -> Self {
        let known = |path: &WorkspacePath| Language::of_path(path).is_some();
        let files = files.into_iter().filter(known).take(POINTER_SEARCH_FILES_MAX).collect();
        Self { read, files, texts: RefCell::default(), symbols: RefCell::default() }
    }

    fn text(&self, path: &WorkspacePath) -> Option<Arc<str>> {
        if let Some(text) = self.texts.borrow().get(path) {
            return text.clone();
        }
        let small = |text: &String| text.len() as u64 <= INDEXED_FILE_BYTES_MAX;
        let text: Option<Arc<str>> = (self.read)(path).filter(small).map(Into::into);
        self.texts.borrow_mut().insert(path.clone(), text.clone());
        text
    }
}

impl World for Present<'_> {
    fn touches(&self, _: &WorkspacePath) -> bool {
        true
    }

    fn now(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        if let Some(symbols) = self.symbols.borrow().get(path) {
            return symbols.clone();
        }
        let symbols = self.text(path).map(|text| Arc::new(Fingerprints::of(path, &text)));
        self.symbols.borrow_mut().insert(path.clone(), symbols.clone());
        symbols
    }

    fn then(&self, _: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        None
    }

    /// The one file of the same name, where the file itself is gone.
    fn moved_to(&self, path: &WorkspacePath) -> Option<WorkspacePath> {
        let name = path.as_str().rsplit('/').next()?;
        let mut same = self.files.iter().filter(|other| other.as_str().rsplit('/').next() == Some(name));
        match (same.next(), same.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }

    fn lines(&self, _: &WorkspacePath, _: &WorkspacePath) -> Option<LineMap> {
        None
    }

    fn newcomers(&self, wanted: &SymbolPointer, visit: &mut dyn FnMut(&SymbolPointer)) {
        let language = Language::of_path(&wanted.path);
        for path in self.files.iter().filter(|path| Language::of_path(path) == language) {
            if let Some(symbols) = self.now(path) {
                newcomers(&symbols, None).for_each(&mut *visit);
            }
        }
    }
}

/// How an anchor stands to the present.
pub fn standing(anchor: &Anchor, present: &Present<'_>) -> Resolution {
    if let Some(pointer) = &anchor.pointer {
        return resolve(pointer, present);
    }
    // A person wrote a place and a name, and nothing else is known of it.
    let place = present.text(&anchor.path).and_then(|text| {
        let symbols = symbols_of(Language::of_path(&anchor.path)?, &text);
        let index = symbols.iter().position(|symbol| symbol.name == anchor.symbol)?;
        SymbolPointer::of(&anchor.path, &text, &symbols, index)
    });
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
