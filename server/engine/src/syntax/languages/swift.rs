//! Swift.

use crate::syntax::grammar::{Callee, Grammar, call, call_of, callable, import, named, own};
use crate::syntax::read::{Inside, Place, Reading};
use crate::syntax::{Language, SymbolKind};

pub(super) static SWIFT: Grammar = Grammar {
    language: Language::Swift,
    load,
    extensions: &["swift"],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    comments: &["comment", "multiline_comment", "shebang_line"],
    bodies: &["computed_property"],
    definitions: &[
        own(&["class_declaration"], type_declaration),
        named(&["protocol_declaration"], SymbolKind::Interface, Inside::Type),
        named(&["typealias_declaration"], SymbolKind::Type, Inside::Type),
        callable(&["function_declaration"], is_test),
        named(&["protocol_function_declaration"], SymbolKind::Method, Inside::Function),
        named(&["init_declaration"], SymbolKind::Method, Inside::Function),
        own(&["deinit_declaration"], deinitialiser),
        own(&["property_declaration"], property),
    ],
    calls: &[call_of("call_expression", Callee::First), call("constructor_expression", "constructed_type")],
    imports: &[import("import_declaration")],
    paths: &["identifier"],
    ..Grammar::UNKNOWN
};

fn load() -> Option<tree_sitter::Language> {
    #[cfg(feature = "large-grammars")]
    return Some(tree_sitter_swift::LANGUAGE.into());
    #[cfg(not(feature = "large-grammars"))]
    None
}

/// Classes, structures, enumerations, actors and extensions are one kind of node.
fn type_declaration(place: &Place<'_, '_>) -> Reading {
    let keyword = place.field("declaration_kind").map(|keyword| place.text(keyword)).unwrap_or_default();
    if keyword == "extension" {
        let name = place.field("name").map(|name| place.text(name)).unwrap_or_default();
        let name = name.split('<').next().unwrap_or_default().trim();
        return if name.is_empty() {
            Reading::Nothing
        } else {
            Reading::Scope(name.to_owned(), Inside::Type)
        };
    }
    let kind = match keyword {
        "struct" => SymbolKind::Struct,
        "enum" => SymbolKind::Enum,
        _ => SymbolKind::Class,
    };
    let bases = place.child(&["inheritance_specifier"]).map(|base| place.text(base)).unwrap_or_default();
    let inside = if bases.contains("TestCase") { Inside::TestType } else { Inside::Type };
    place.named(kind, inside)
}

/// XCTest runs the methods of its cases that are named so, Swift Testing what is marked.
fn is_test(place: &Place<'_, '_>, name: &str) -> bool {
    place.inside == Inside::TestType && name.starts_with("test") || place.is_annotated(&["Test"])
}

fn deinitialiser(place: &Place<'_, '_>) -> Reading {
    match place.child(&["deinit"]) {
        Some(keyword) => place.called(keyword, SymbolKind::Method, Inside::Function),
        None => Reading::Nothing,
    }
}

/// A property with code is like a method; one that belongs to no instance may be a constant.
fn property(place: &Place<'_, '_>) -> Reading {
    let Some(name) = place.field("name").filter(|_| !place.is_local()) else {
        return Reading::Nothing;
    };
    if place.field("computed_value").is_some() {
        return place.called(name, place.callable(), Inside::Function);
    }
    let is_static = place.child(&["modifiers"]).is_some_and(|words| place.text(words).contains("static"));
    if place.is_member() && !is_static {
        return Reading::Nothing;
    }
    place.called(name, SymbolKind::Constant, Inside::Function).with(|definition| {
        definition.head_end = place.field("value").map(|value| value.start_byte());
    })
}
