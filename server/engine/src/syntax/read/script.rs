//! JavaScript and TypeScript, with and without JSX.

use super::{Inside, Joint, Place, Reading, Weight, name_of, unquoted};
use crate::syntax::SymbolKind;
use tree_sitter::Node;

/// Functions that group tests: of Jest, Vitest, Mocha, Jasmine and node:test.
const SUITES: [&str; 5] = ["describe", "suite", "context", "fdescribe", "xdescribe"];
/// Functions that declare one test.
const TESTS: [&str; 6] = ["it", "test", "specify", "fit", "xit", "xtest"];
/// What may follow them: `it.only`, `describe.each(table)`.
const VARIANTS: [&str; 9] =
    ["only", "skip", "each", "concurrent", "sequential", "serial", "parallel", "failing", "describe"];

pub(in crate::syntax) fn read(place: &Place<'_, '_>) -> Reading {
    match place.node.kind() {
        "class_declaration" | "abstract_class_declaration" => place.named(SymbolKind::Class, Inside::Type),
        "function_declaration" | "generator_function_declaration" => {
            place.named(SymbolKind::Function, Inside::Function)
        }
        "function_signature" => place
            .named(SymbolKind::Function, Inside::Function)
            .with(|definition| definition.weight = Weight::Declaration),
        "method_definition" => place.named(SymbolKind::Method, Inside::Function).with(unquote),
        "method_signature" | "abstract_method_signature" => place
            .named(SymbolKind::Method, Inside::Function)
            .with(|definition| definition.weight = Weight::Declaration),
        "interface_declaration" => place.named(SymbolKind::Interface, Inside::Type),
        "enum_declaration" => place.named(SymbolKind::Enum, Inside::Type),
        "type_alias_declaration" => place.named(SymbolKind::Type, Inside::Type).with(|definition| {
            definition.head_end = place.field("value").map(|value| value.start_byte());
        }),
        "internal_module" | "module" => place.named(SymbolKind::Module, Inside::Module).with(unquote),
        "field_definition" => member(place, place.field("property")),
        "public_field_definition" => member(place, place.field("name")),
        "pair" => member(place, place.field("key")),
        "variable_declarator" => variable(place),
        "assignment_expression" => assignment(place),
        "call_expression" => test_call(place),
        "function_expression" | "arrow_function" | "generator_function" | "class" | "object"
            if place.parent == "export_statement" =>
        {
            default_export(place)
        }
        _ => Reading::Nothing,
    }
}

fn unquote(definition: &mut super::Definition) {
    definition.name = unquoted(&definition.name).to_owned();
}

/// What a value makes of the name it is given.
fn value_kind(value: Option<Node<'_>>) -> Option<(SymbolKind, Inside)> {
    match value?.kind() {
        "arrow_function" | "function_expression" | "generator_function" => {
            Some((SymbolKind::Function, Inside::Function))
        }
        "class" => Some((SymbolKind::Class, Inside::Type)),
        _ => None,
    }
}

fn body_start(value: Option<Node<'_>>) -> Option<usize> {
    let value = value?;
    Some(value.child_by_field_name("body").unwrap_or(value).start_byte())
}

/// A field of a class or an object: a method when its value is a function.
fn member(place: &Place<'_, '_>, name: Option<Node<'_>>) -> Reading {
    let (Some(name), value) = (name, place.field("value")) else {
        return Reading::Nothing;
    };
    if let Some((kind, inside)) = value_kind(value) {
        let kind = if kind == SymbolKind::Function { SymbolKind::Method } else { kind };
        return place.called(name, kind, inside).with(|definition| {
            definition.head_end = body_start(value);
            unquote(definition);
        });
    }
    match value.map(|value| value.kind()) {
        Some("object") => Reading::Scope(unquoted(&name_of(place.text(name))).to_owned(), Inside::Type),
        _ => Reading::Nothing,
    }
}

fn variable(place: &Place<'_, '_>) -> Reading {
    let value = place.field("value");
    let Some(name) = place.field("name").filter(|name| name.kind() == "identifier") else {
        return Reading::Nothing;
    };
    if let Some((kind, inside)) = value_kind(value) {
        return place.called(name, kind, inside).with(|definition| definition.head_end = body_start(value));
    }
    let is_object = value.is_some_and(|value| value.kind() == "object");
    let inside = if is_object { Inside::Type } else { Inside::Function };
    if place.is_local() {
        return if is_object { Reading::Scope(name_of(place.text(name)), inside) } else { Reading::Nothing };
    }
    place.called(name, SymbolKind::Constant, inside).with(|definition| {
        definition.head_end = value.map(|value| value.start_byte());
    })
}

/// `exports.read = function () {…}`, `Parser.prototype.next = function () {…}`.
fn assignment(place: &Place<'_, '_>) -> Reading {
    let value = place.field("right");
    let (Some(left), Some((kind, inside))) = (place.field("left"), value_kind(value)) else {
        return Reading::Nothing;
    };
    if left.kind() != "member_expression" || place.is_local() {
        return Reading::Nothing;
    }
    place.called(left, kind, inside).with(|definition| {
        let name = definition.name.replace(".prototype.", ".");
        let name = name.strip_prefix("module.").unwrap_or(&name);
        definition.name = name.strip_prefix("exports.").unwrap_or(name).to_owned();
        definition.head_end = body_start(value);
    })
}

fn default_export(place: &Place<'_, '_>) -> Reading {
    let (kind, inside) = value_kind(Some(place.node)).unwrap_or((SymbolKind::Constant, Inside::Type));
    let name = place.field("name").unwrap_or(place.node);
    place.called(name, kind, inside).with(|definition| {
        if name == place.node {
            definition.name = "default".to_owned();
            definition.name_range = name.start_byte()..name.start_byte();
        }
        definition.head_end = body_start(Some(place.node));
    })
}

/// `describe("title", () => {…})` and `it("title", …)`: named by their titles.
fn test_call(place: &Place<'_, '_>) -> Reading {
    let Some((base, variants)) = place.field("function").and_then(|callee| callee_of(place, callee)) else {
        return Reading::Nothing;
    };
    let is_suite = SUITES.contains(&base) || variants.contains(&"describe");
    if !is_suite && !TESTS.contains(&base) || variants.iter().any(|variant| !VARIANTS.contains(variant)) {
        return Reading::Nothing;
    }
    let Some(arguments) = place.field("arguments") else {
        return Reading::Nothing;
    };
    let title = arguments.named_child(0).filter(|node| matches!(node.kind(), "string" | "template_string"));
    let callback = arguments
        .named_children(&mut arguments.walk())
        .find(|node| matches!(node.kind(), "arrow_function" | "function_expression"));
    let (Some(title), Some(callback)) = (title, callback) else {
        return Reading::Nothing;
    };
    let is_skipped = base.starts_with('x') || variants.contains(&"skip");
    let (kind, inside) = if is_suite {
        (SymbolKind::Module, Inside::Module)
    } else {
        (SymbolKind::Function, Inside::Function)
    };
    place.called(title, kind, inside).with(|definition| {
        unquote(definition);
        definition.is_test = !is_suite && !is_skipped;
        definition.joint = Joint::Title;
        definition.head_end = body_start(Some(callback));
    })
}

/// The identifier at the bottom of `it.only.each(table)`, and what follows it.
fn callee_of<'a>(place: &'a Place<'_, '_>, callee: Node<'_>) -> Option<(&'a str, Vec<&'a str>)> {
    const LINKS_MAX: usize = 6;
    let mut node = callee;
    let mut variants = Vec::new();
    for _ in 0..LINKS_MAX {
        node = match node.kind() {
            "identifier" => return Some((place.text(node), variants)),
            "member_expression" => {
                variants.push(place.text(node.child_by_field_name("property")?));
                node.child_by_field_name("object")?
            }
            "call_expression" => node.child_by_field_name("function")?,
            _ => return None,
        };
    }
    None
}
