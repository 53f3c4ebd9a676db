//! Kotlin.

use crate::syntax::grammar::{Callee, Grammar, call_of, import, named, named_by, own};
use crate::syntax::read::{Inside, Place, Reading, unquoted};
use crate::syntax::{Language, SymbolKind};

/// Annotations of JUnit, kotlin.test and TestNG that make a function a test.
const TEST_ANNOTATIONS: [&str; 5] =
    ["Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate"];

pub(super) static KOTLIN: Grammar = Grammar {
    language: Language::Kotlin,
    load: || Some(tree_sitter_kotlin_ng::LANGUAGE.into()),
    extensions: &["kt", "kts"],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    comments: &["line_comment", "block_comment", "shebang"],
    bodies: &["class_body", "enum_class_body", "function_body", "block", "getter", "setter"],
    definitions: &[
        own(&["class_declaration"], class),
        named(&["object_declaration"], SymbolKind::Class, Inside::Type),
        named_by("type", &["type_alias"], SymbolKind::Type, Inside::Type),
        own(&["function_declaration"], function),
        own(&["secondary_constructor"], constructor),
        own(&["property_declaration"], property),
    ],
    calls: &[call_of("call_expression", Callee::First), call_of("constructor_invocation", Callee::First)],
    imports: &[import("import")],
    paths: &["qualified_identifier"],
    ..Grammar::UNKNOWN
};

fn class(place: &Place<'_, '_>) -> Reading {
    let kind = if place.child(&["interface"]).is_some() {
        SymbolKind::Interface
    } else if place.child(&["enum_class_body"]).is_some() {
        SymbolKind::Enum
    } else {
        SymbolKind::Class
    };
    place.named(kind, Inside::Type)
}

/// `fun String.shout()` is named `String.shout`.
fn function(place: &Place<'_, '_>) -> Reading {
    let name = place.field("name").map_or(0, |name| name.start_byte());
    let mut cursor = place.node.walk();
    let before = place.node.named_children(&mut cursor).take_while(|child| child.start_byte() < name).last();
    let receiver = before.filter(|node| node.kind() == "user_type").and_then(|node| node.named_child(0));
    place.named(place.callable(), Inside::Function).with(|definition| {
        definition.is_test = place.is_annotated(&TEST_ANNOTATIONS);
        definition.name = unquoted(&definition.name).to_owned();
        if let Some(receiver) = receiver {
            definition.name = format!("{}.{}", place.text(receiver), definition.name);
            definition.kind = SymbolKind::Method;
        }
    })
}

fn constructor(place: &Place<'_, '_>) -> Reading {
    match place.child(&["constructor"]) {
        Some(keyword) => place.called(keyword, SymbolKind::Method, Inside::Function),
        None => Reading::Nothing,
    }
}

/// A property with code is like a method; one whose value never changes is a constant.
fn property(place: &Place<'_, '_>) -> Reading {
    let variable = place.child(&["variable_declaration"]).and_then(|variable| variable.named_child(0));
    let Some(name) = variable.filter(|_| !place.is_local()) else {
        return Reading::Nothing;
    };
    if place.child(&["getter", "setter"]).is_some() {
        return place.called(name, place.callable(), Inside::Function);
    }
    let is_const =
        place.child(&["modifiers"]).is_some_and(|modifiers| place.text(modifiers).contains("const"));
    if place.is_member() && !is_const {
        return Reading::Nothing;
    }
    place.called(name, SymbolKind::Constant, Inside::Function).with(|definition| {
        definition.head_end = place.child(&["="]).map(|sign| sign.start_byte());
    })
}
