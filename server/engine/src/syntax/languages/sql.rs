//! SQL: what a schema holds.

use crate::syntax::grammar::{Callee, Grammar, Nature, Semicolon, always, call_of, own};
use crate::syntax::read::{Inside, Place, Reading};
use crate::syntax::{Language, SymbolKind};

pub(super) static SQL: Grammar = Grammar {
    language: Language::Sql,
    nature: Nature::Structure,
    load,
    extensions: &["sql", "ddl"],
    line_comments: &["--"],
    block_comments: &[("/*", "*/")],
    comments: &["comment", "marginalia"],
    wrappers: &[always("statement")],
    semicolon: Semicolon::Belongs,
    bodies: &["column_definitions", "create_query", "function_body"],
    definitions: &[
        own(&["create_table"], table),
        own(&["create_view", "create_materialized_view", "create_type"], view),
        own(&["create_function", "create_trigger"], function),
    ],
    calls: &[call_of("invocation", Callee::First)],
    ..Grammar::UNKNOWN
};

fn load() -> Option<tree_sitter::Language> {
    #[cfg(feature = "large-grammars")]
    return Some(tree_sitter_sequel::LANGUAGE.into());
    #[cfg(not(feature = "large-grammars"))]
    None
}

fn created(place: &Place<'_, '_>, kind: SymbolKind) -> Reading {
    match place.child(&["object_reference"]) {
        Some(name) => place.called(name, kind, Inside::Function),
        None => Reading::Nothing,
    }
}

fn table(place: &Place<'_, '_>) -> Reading {
    created(place, SymbolKind::Struct)
}

fn view(place: &Place<'_, '_>) -> Reading {
    created(place, SymbolKind::Type)
}

fn function(place: &Place<'_, '_>) -> Reading {
    created(place, SymbolKind::Function)
}
