//! The table of languages. A language is added by a submodule with its entry, a line here and
//! its name in [`Language`]; a fixture in the tests shows what is found in it.

mod bash;
mod c;
mod c_sharp;
mod data;
mod documents;
mod go;
mod java;
mod kotlin;
mod lua;
mod php;
mod python;
mod ruby;
mod rust;
mod scala;
mod script;
mod sql;
mod swift;

use super::Language;
use super::grammar::{Grammar, Kinds};
use std::sync::OnceLock;

/// All languages. Where two claim an extension, the first has it.
static TABLE: [Entry; 24] = [
    entry(&rust::RUST),
    entry(&python::PYTHON),
    entry(&script::JAVASCRIPT),
    entry(&script::TYPESCRIPT),
    entry(&script::TSX),
    entry(&go::GO),
    entry(&java::JAVA),
    entry(&c::C),
    entry(&c::CPP),
    entry(&kotlin::KOTLIN),
    entry(&ruby::RUBY),
    entry(&php::PHP),
    entry(&bash::BASH),
    entry(&lua::LUA),
    entry(&c_sharp::C_SHARP),
    entry(&swift::SWIFT),
    entry(&scala::SCALA),
    entry(&sql::SQL),
    entry(&data::JSON),
    entry(&data::YAML),
    entry(&data::TOML),
    entry(&documents::MARKDOWN),
    entry(&documents::HTML),
    entry(&documents::CSS),
];

/// A language and its parser, which is loaded when it is first needed.
pub(super) struct Entry {
    /// What we know of the language.
    pub grammar: &'static Grammar,
    loaded: OnceLock<Option<Loaded>>,
}

/// What parsing needs.
pub(super) struct Loaded {
    /// The parser's tables.
    pub parser: tree_sitter::Language,
    /// What its kinds of nodes are to us.
    pub kinds: Kinds,
}

const fn entry(grammar: &'static Grammar) -> Entry {
    Entry { grammar, loaded: OnceLock::new() }
}

impl Entry {
    /// The parser; `None` where it is not built in.
    pub fn loaded(&self) -> Option<&Loaded> {
        let load = || {
            let parser = (self.grammar.load)()?;
            let kinds = Kinds::new(self.grammar, &parser);
            Some(Loaded { parser, kinds })
        };
        self.loaded.get_or_init(load).as_ref()
    }
}

/// The entry of a language.
pub(super) fn of(language: Language) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.grammar.language == language)
}

/// All entries.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    TABLE.iter()
}
