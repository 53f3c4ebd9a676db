//! The symbols of the texts that were wanted: of few files, each parsed once for each text.

use super::state::Content;
use super::work::content_of;
use crate::limits::PARSED_FILES_KEPT_MAX;
use crate::workspace::Workspace;
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::{Language, Symbol, symbols_of};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Symbols by file, with what they were found in.
pub(super) type Symbols = BTreeMap<WorkspacePath, (Content, Arc<[Symbol]>)>;

/// A text whose symbols are known.
#[derive(Clone)]
pub(in crate::workspace) struct Parsed {
    pub(in crate::workspace) text: Arc<str>,
    pub(in crate::workspace) symbols: Arc<[Symbol]>,
}

impl Workspace {
    /// The symbols of a file with this text; none where there is no grammar.
    pub(in crate::workspace) fn parse(&self, path: &WorkspacePath, text: Arc<str>) -> Parsed {
        let Some(language) = Language::of_path(path) else {
            return Parsed { text, symbols: Arc::default() };
        };
        let content = content_of(&text);
        if let Some((_, symbols)) = self.index.symbols.lock().get(path).filter(|(of, _)| *of == content) {
            return Parsed { symbols: Arc::clone(symbols), text };
        }
        let symbols: Arc<[Symbol]> = symbols_of(language, &text).into();
        let mut known = self.index.symbols.lock();
        if known.len() >= PARSED_FILES_KEPT_MAX {
            known.clear();
        }
        known.insert(path.clone(), (content, Arc::clone(&symbols)));
        Parsed { text, symbols }
    }
}
