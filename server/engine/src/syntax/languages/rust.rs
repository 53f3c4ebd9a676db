//! Rust.

use crate::syntax::grammar::{Callee, Grammar, call, call_of, callable, import, named, own};
use crate::syntax::read::{Inside, Place, Reading, Weight, name_of};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

pub(super) static RUST: Grammar = Grammar {
    language: Language::Rust,
    load: || Some(tree_sitter_rust::LANGUAGE.into()),
    extensions: &["rs"],
    separator: "::",
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    comments: &["line_comment", "block_comment"],
    attributes: &["attribute_item"],
    definitions: &[
        callable(&["function_item"], is_test),
        own(&["function_signature_item"], signature),
        named(&["struct_item", "union_item"], SymbolKind::Struct, Inside::Type),
        named(&["enum_item"], SymbolKind::Enum, Inside::Type),
        named(&["trait_item"], SymbolKind::Trait, Inside::Type),
        named(&["mod_item"], SymbolKind::Module, Inside::Module),
        named(&["type_item", "associated_type"], SymbolKind::Type, Inside::Type),
        own(&["const_item", "static_item"], constant),
        own(&["macro_definition"], macro_definition),
        own(&["impl_item"], implementation),
    ],
    calls: &[
        call("call_expression", "function"),
        call("macro_invocation", "macro"),
        call_of("token_tree", Callee::Within("token_tree")),
    ],
    imports: &[import("use_declaration"), import("extern_crate_declaration")],
    paths: &["identifier", "scoped_identifier"],
    // `mod a;`: the node, the keyword, the name, the semicolon. `()` in a macro calls what stands
    // before it, and is within parentheses itself.
    nodes_min: 4,
    ..Grammar::UNKNOWN
};

/// Attributes that make a function a test, by the last part of their path.
const TEST_ATTRIBUTES: [&str; 6] =
    ["test", "rstest", "test_case", "quickcheck", "wasm_bindgen_test", "test_log"];

fn signature(place: &Place<'_, '_>) -> Reading {
    place.named(place.callable(), Inside::Function).with(|definition| definition.weight = Weight::Declaration)
}

fn constant(place: &Place<'_, '_>) -> Reading {
    if place.is_local() {
        return Reading::Nothing;
    }
    place.named(SymbolKind::Constant, Inside::Function).with(|definition| {
        definition.head_end = place.field("value").map(|value| value.start_byte());
    })
}

fn macro_definition(place: &Place<'_, '_>) -> Reading {
    place.named(SymbolKind::Function, Inside::Function).with(|definition| {
        definition.head_end = Some(definition.name_range.end);
    })
}

fn implementation(place: &Place<'_, '_>) -> Reading {
    match place.field("type").map(|node| type_name(place, node)) {
        Some(name) if !name.is_empty() => Reading::Scope(name, Inside::Type),
        _ => Reading::Nothing,
    }
}

/// The name of the type that is implemented, without its path and arguments.
fn type_name(place: &Place<'_, '_>, node: Node<'_>) -> String {
    let named = match node.kind() {
        "generic_type" => node.child_by_field_name("type").unwrap_or(node),
        _ => node,
    };
    let last = named.child_by_field_name("name").unwrap_or(named);
    name_of(place.text(last))
}

fn is_test(place: &Place<'_, '_>, _: &str) -> bool {
    place.leading.iter().filter(|node| node.kind() == "attribute_item").any(|node| {
        let path = node.named_child(0).and_then(|attribute| attribute.named_child(0));
        let path = path.map(|path| place.text(path)).unwrap_or_default();
        path.rsplit("::").next().is_some_and(|last| TEST_ATTRIBUTES.contains(&last.trim()))
    })
}
