//! The symbols of one text as pointers: what resolution compares.

use crate::memory::SymbolPointer;
use crate::path::WorkspacePath;
use crate::syntax::{Language, Symbol, symbols_of};
use std::collections::BTreeMap;

/// The symbols of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprints {
    path: WorkspacePath,
    symbols: Vec<SymbolPointer>,
}

impl Fingerprints {
    /// Of a text; without symbols where its language is not known.
    pub fn of(path: &WorkspacePath, source: &str) -> Self {
        let symbols = Language::of_path(path).map(|language| symbols_of(language, source));
        Self::of_symbols(path, source, &symbols.unwrap_or_default())
    }

    /// The same, where all its symbols have been read already.
    pub fn of_symbols(path: &WorkspacePath, source: &str, symbols: &[Symbol]) -> Self {
        let mut twins: BTreeMap<&str, u32> = BTreeMap::new();
        let symbols = symbols.iter().map(|symbol| {
            let ordinal = twins.entry(&symbol.name).or_default();
            let pointer = SymbolPointer::with_ordinal(path, source, symbol, *ordinal);
            *ordinal += 1;
            pointer
        });
        Self { symbols: symbols.collect(), path: path.clone() }
    }

    /// The file.
    pub fn path(&self) -> &WorkspacePath {
        &self.path
    }

    /// The symbols, in the order of the file.
    pub fn symbols(&self) -> &[SymbolPointer] {
        &self.symbols
    }

    /// The symbols of this qualified name.
    pub fn named(&self, symbol: &str) -> impl Iterator<Item = &SymbolPointer> {
        self.symbols.iter().filter(move |pointer| pointer.symbol == symbol)
    }
}

/// The symbols of a file that it did not have then: of a name that was not there, or of one
/// that more bear now, as far as none of those then had the same text. Where the file was not
/// there, all are new.
pub fn newcomers<'a>(
    now: &'a Fingerprints,
    then: Option<&Fingerprints>,
) -> impl Iterator<Item = &'a SymbolPointer> {
    let mut known: BTreeMap<&str, Vec<&SymbolPointer>> = BTreeMap::new();
    for symbol in then.map(Fingerprints::symbols).unwrap_or_default() {
        known.entry(&symbol.symbol).or_default().push(symbol);
    }
    let mut bearers: BTreeMap<&str, usize> = BTreeMap::new();
    for symbol in now.symbols() {
        *bearers.entry(&symbol.symbol).or_default() += 1;
    }
    let is_new = move |symbol: &SymbolPointer| match known.get(symbol.symbol.as_str()) {
        None => true,
        Some(before) => {
            bearers.get(symbol.symbol.as_str()).is_some_and(|now| *now > before.len())
                && !before.iter().any(|old| old.text == symbol.text || old.body == symbol.body)
        }
    };
    let new: Vec<&SymbolPointer> = now.symbols().iter().filter(|symbol| is_new(symbol)).collect();
    new.into_iter()
}
