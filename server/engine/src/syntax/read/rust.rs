//! Rust.

use super::{Inside, Place, Reading, Weight, name_of};
use crate::syntax::SymbolKind;
use tree_sitter::Node;

/// Attributes that make a function a test, by the last part of their path.
const TEST_ATTRIBUTES: [&str; 6] =
    ["test", "rstest", "test_case", "quickcheck", "wasm_bindgen_test", "test_log"];

pub(in crate::syntax) fn read(place: &Place<'_, '_>) -> Reading {
    match place.node.kind() {
        "function_item" => place
            .named(place.callable(), Inside::Function)
            .with(|definition| definition.is_test = is_test(place)),
        "function_signature_item" => place
            .named(place.callable(), Inside::Function)
            .with(|definition| definition.weight = Weight::Declaration),
        "struct_item" | "union_item" => place.named(SymbolKind::Struct, Inside::Type),
        "enum_item" => place.named(SymbolKind::Enum, Inside::Type),
        "trait_item" => place.named(SymbolKind::Trait, Inside::Type),
        "mod_item" => place.named(SymbolKind::Module, Inside::Module),
        "type_item" | "associated_type" => place.named(SymbolKind::Type, Inside::Type),
        "const_item" | "static_item" if !place.is_local() => {
            place.named(SymbolKind::Constant, Inside::Function).with(|definition| {
                definition.head_end = place.field("value").map(|value| value.start_byte());
            })
        }
        "macro_definition" => place.named(SymbolKind::Function, Inside::Function).with(|definition| {
            definition.head_end = Some(definition.name_range.end);
        }),
        "impl_item" => match place.field("type").map(|node| type_name(place, node)) {
            Some(name) if !name.is_empty() => Reading::Scope(name, Inside::Type),
            _ => Reading::Nothing,
        },
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

fn is_test(place: &Place<'_, '_>) -> bool {
    place.leading.iter().filter(|node| node.kind() == "attribute_item").any(|node| {
        let path = node.named_child(0).and_then(|attribute| attribute.named_child(0));
        let path = path.map(|path| place.text(path)).unwrap_or_default();
        path.rsplit("::").next().is_some_and(|last| TEST_ATTRIBUTES.contains(&last.trim()))
    })
}
