//! Java.

use super::{Inside, Place, Reading};
use crate::syntax::SymbolKind;
use tree_sitter::Node;

/// Annotations of JUnit and TestNG that make a method a test.
const TEST_ANNOTATIONS: [&str; 5] =
    ["Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate"];

pub(in crate::syntax) fn read(place: &Place<'_, '_>) -> Reading {
    match place.node.kind() {
        "class_declaration" | "record_declaration" => place.named(SymbolKind::Class, Inside::Type),
        "interface_declaration" | "annotation_type_declaration" => {
            place.named(SymbolKind::Interface, Inside::Type)
        }
        "enum_declaration" => place.named(SymbolKind::Enum, Inside::Type),
        "method_declaration"
        | "constructor_declaration"
        | "compact_constructor_declaration"
        | "annotation_type_element_declaration" => place
            .named(SymbolKind::Method, Inside::Function)
            .with(|definition| definition.is_test = is_test(place)),
        "constant_declaration" => constant(place),
        "field_declaration" => {
            let is_constant = modifiers(place.node)
                .map(|node| place.text(node))
                .is_some_and(|words| words.contains("static") && words.contains("final"));
            if is_constant { constant(place) } else { Reading::Nothing }
        }
        _ => Reading::Nothing,
    }
}

fn constant(place: &Place<'_, '_>) -> Reading {
    let declarator = place.field("declarator");
    match declarator.and_then(|declarator| declarator.child_by_field_name("name")) {
        Some(name) => place.called(name, SymbolKind::Constant, Inside::Function).with(|definition| {
            definition.head_end = Some(definition.name_range.end);
        }),
        None => Reading::Nothing,
    }
}

fn modifiers(node: Node<'_>) -> Option<Node<'_>> {
    node.named_children(&mut node.walk()).find(|child| child.kind() == "modifiers")
}

fn is_test(place: &Place<'_, '_>) -> bool {
    modifiers(place.node).is_some_and(|modifiers| {
        modifiers.named_children(&mut modifiers.walk()).any(|annotation| {
            let name = annotation.child_by_field_name("name").map(|name| place.text(name));
            name.and_then(|name| name.rsplit('.').next()).is_some_and(|last| TEST_ANNOTATIONS.contains(&last))
        })
    })
}
