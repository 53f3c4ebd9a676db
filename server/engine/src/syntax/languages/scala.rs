//! Scala.

use crate::syntax::grammar::{Callee, Grammar, call, call_of, callable, import, named, own};
use crate::syntax::read::{Inside, Joint, Place, Reading, TitledTests};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

/// Tests of munit, of ScalaTest's FunSuite and FunSpec, and of uTest.
const TITLED: TitledTests =
    TitledTests { suites: &["describe"], tests: &["test", "it"], skipped: &["ignore"] };

pub(super) static SCALA: Grammar = Grammar {
    language: Language::Scala,
    load,
    extensions: &["scala", "sc", "sbt"],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    comments: &["comment", "block_comment"],
    definitions: &[
        named(&["class_definition", "object_definition", "package_object"], SymbolKind::Class, Inside::Type),
        named(&["trait_definition"], SymbolKind::Trait, Inside::Type),
        named(&["enum_definition"], SymbolKind::Enum, Inside::Type),
        named(&["type_definition"], SymbolKind::Type, Inside::Type),
        named(&["given_definition"], SymbolKind::Constant, Inside::Type),
        callable(&["function_definition", "function_declaration"], is_test),
        own(&["val_definition"], value),
        own(&["call_expression"], titled),
        own(&["infix_expression"], spoken),
    ],
    calls: &[call("call_expression", "function"), call_of("instance_expression", Callee::First)],
    type_arguments: ('[', ']'),
    imports: &[import("import_declaration")],
    paths: &["identifier"],
    ..Grammar::UNKNOWN
};

fn load() -> Option<tree_sitter::Language> {
    #[cfg(feature = "large-grammars")]
    return Some(tree_sitter_scala::LANGUAGE.into());
    #[cfg(not(feature = "large-grammars"))]
    None
}

fn is_test(place: &Place<'_, '_>, _: &str) -> bool {
    place.is_annotated(&["Test"])
}

/// Values at the top are constants; within a type, those that are written as one is.
fn value(place: &Place<'_, '_>) -> Reading {
    let Some(name) = place.field("pattern").filter(|name| name.kind() == "identifier") else {
        return Reading::Nothing;
    };
    let is_capital = place.text(name).starts_with(char::is_uppercase);
    if place.is_local() || place.is_member() && !is_capital {
        return Reading::Nothing;
    }
    place.called(name, SymbolKind::Constant, Inside::Function).with(|definition| {
        definition.head_end = place.field("value").map(|value| value.start_byte());
    })
}

/// `test("title") { … }`
fn titled(place: &Place<'_, '_>) -> Reading {
    let declared = place.field("function").filter(|function| function.kind() == "call_expression");
    let callee = declared.and_then(|function| function.child_by_field_name("function"));
    let title = declared
        .and_then(|function| function.child_by_field_name("arguments"))
        .and_then(|arguments| arguments.named_child(0))
        .filter(|title| title.kind() == "string");
    match (callee, title, place.field("arguments")) {
        (Some(callee), Some(title), Some(body)) => {
            place.titled(place.text(callee), title, body.start_byte(), &TITLED)
        }
        _ => Reading::Nothing,
    }
}

/// `"A stack" should "pop" in { … }` and `"A stack" should { "pop" in { … } }`
fn spoken(place: &Place<'_, '_>) -> Reading {
    let (Some(left), Some(verb), Some(body)) =
        (place.field("left"), place.field("operator"), place.field("right"))
    else {
        return Reading::Nothing;
    };
    let begins_with_title = |node: Node<'_>| place.text(node).starts_with('"');
    if body.kind() != "block" || !begins_with_title(left) {
        return Reading::Nothing;
    }
    let is_test = match place.text(verb) {
        "in" => true,
        "should" | "must" | "can" | "when" | "which" => false,
        _ => return Reading::Nothing,
    };
    let (kind, inside) =
        if is_test { (SymbolKind::Function, Inside::Function) } else { (SymbolKind::Module, Inside::Module) };
    place.called(left, kind, inside).with(|definition| {
        definition.name = definition.name.replace('"', "");
        definition.is_test = is_test;
        definition.joint = Joint::Title;
        definition.head_end = Some(body.start_byte());
    })
}
