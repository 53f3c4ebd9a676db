//! Go.

use crate::syntax::grammar::{Grammar, around_one, call, callable, import, named, own};
use crate::syntax::read::{Inside, Place, Reading};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

pub(super) static GO: Grammar = Grammar {
    language: Language::Go,
    load: || Some(tree_sitter_go::LANGUAGE.into()),
    extensions: &["go"],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    wrappers: &[
        around_one("type_declaration", &["type_spec", "type_alias"]),
        around_one("const_declaration", &["const_spec"]),
        around_one("var_declaration", &["var_spec"]),
    ],
    definitions: &[
        callable(&["function_declaration"], is_test),
        own(&["method_declaration"], method),
        own(&["type_spec"], type_spec),
        named(&["type_alias"], SymbolKind::Type, Inside::Type),
        named(&["method_elem"], SymbolKind::Method, Inside::Type),
        own(&["const_spec", "var_spec"], constant),
    ],
    calls: &[call("call_expression", "function")],
    type_arguments: ('[', ']'),
    imports: &[import("import_spec")],
    strings: &["interpreted_string_literal", "raw_string_literal"],
    ..Grammar::UNKNOWN
};

fn method(place: &Place<'_, '_>) -> Reading {
    let receiver = place.field("receiver").and_then(receiver_type);
    place.named(SymbolKind::Method, Inside::Function).with(|definition| {
        if let Some(receiver) = receiver {
            definition.name = format!("{}.{}", place.text(receiver), definition.name);
        }
    })
}

fn type_spec(place: &Place<'_, '_>) -> Reading {
    let value = place.field("type");
    let kind = match value.map(|value| value.kind()) {
        Some("struct_type") => SymbolKind::Struct,
        Some("interface_type") => SymbolKind::Interface,
        _ => SymbolKind::Type,
    };
    place.named(kind, Inside::Type).with(|definition| {
        definition.head_end = value.filter(|_| kind != SymbolKind::Type).and_then(|value| {
            // `type T struct` is the head; the fields are the body.
            let keyword = value.child(0)?;
            Some(keyword.end_byte())
        });
    })
}

fn constant(place: &Place<'_, '_>) -> Reading {
    if place.is_local() {
        return Reading::Nothing;
    }
    place.named(SymbolKind::Constant, Inside::Function).with(|definition| {
        definition.head_end = place.field("value").map(|value| value.start_byte());
    })
}

/// The name of a receiver's type, without pointer and type arguments.
fn receiver_type(receiver: Node<'_>) -> Option<Node<'_>> {
    let parameter = receiver.named_child(0)?;
    let mut node = parameter.child_by_field_name("type")?;
    loop {
        node = match node.kind() {
            "type_identifier" => return Some(node),
            "generic_type" => node.child_by_field_name("type")?,
            "pointer_type" | "parenthesized_type" => node.named_child(0)?,
            _ => return None,
        };
    }
}

/// `go test` runs `TestXxx(*testing.T)`, the seeds of `FuzzXxx(*testing.F)`, and `ExampleXxx()`.
fn is_test(place: &Place<'_, '_>, name: &str) -> bool {
    let parameters = place.field("parameters").map(|node| place.text(node)).unwrap_or_default();
    let follows = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| !rest.chars().next().is_some_and(char::is_lowercase))
    };
    (follows("Test") && parameters.contains("testing.T")) && !parameters.contains("testing.TB")
        || (follows("Fuzz") && parameters.contains("testing.F"))
        || (follows("Example") && parameters.trim_matches(['(', ')', ' ']).is_empty())
}
