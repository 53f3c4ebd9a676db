//! Java.

use crate::syntax::grammar::{Grammar, call, callable, import, named, own};
use crate::syntax::read::{Inside, Place, Reading};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

pub(super) static JAVA: Grammar = Grammar {
    language: Language::Java,
    load: || Some(tree_sitter_java::LANGUAGE.into()),
    extensions: &["java"],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    comments: &["line_comment", "block_comment"],
    definitions: &[
        named(&["class_declaration", "record_declaration"], SymbolKind::Class, Inside::Type),
        named(&["interface_declaration", "annotation_type_declaration"], SymbolKind::Interface, Inside::Type),
        named(&["enum_declaration"], SymbolKind::Enum, Inside::Type),
        callable(
            &[
                "method_declaration",
                "constructor_declaration",
                "compact_constructor_declaration",
                "annotation_type_element_declaration",
            ],
            is_test,
        ),
        own(&["constant_declaration"], constant),
        own(&["field_declaration"], field),
    ],
    calls: &[call("method_invocation", "name"), call("object_creation_expression", "type")],
    imports: &[import("import_declaration")],
    paths: &["identifier", "scoped_identifier"],
    // `import a;`: the node, the keyword, the name, the semicolon.
    nodes_min: 4,
    ..Grammar::UNKNOWN
};

/// Annotations of JUnit and TestNG that make a method a test.
const TEST_ANNOTATIONS: [&str; 5] =
    ["Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate"];

fn field(place: &Place<'_, '_>) -> Reading {
    let is_constant = modifiers(place.node)
        .map(|node| place.text(node))
        .is_some_and(|words| words.contains("static") && words.contains("final"));
    if is_constant { constant(place) } else { Reading::Nothing }
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

fn is_test(place: &Place<'_, '_>, _: &str) -> bool {
    place.is_annotated(&TEST_ANNOTATIONS)
}
