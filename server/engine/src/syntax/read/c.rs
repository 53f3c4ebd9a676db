//! C and C++.

use super::{Inside, Place, Reach, Reading, Weight};
use crate::syntax::SymbolKind;
use tree_sitter::Node;

/// The macros of GoogleTest that define a test of a suite.
const TEST_MACROS: [&str; 4] = ["TEST", "TEST_F", "TEST_P", "TYPED_TEST"];
/// Declarators within declarators; nobody writes more.
const DECLARATORS_MAX: usize = 32;

pub(in crate::syntax) fn read(place: &Place<'_, '_>) -> Reading {
    match place.node.kind() {
        "function_definition" => match place.field("declarator").and_then(declared) {
            Some(declared) => function(place, &declared),
            None => Reading::Nothing,
        },
        "declaration" | "field_declaration" if !place.is_local() => declaration(place),
        "class_specifier" => with_body(place, SymbolKind::Class),
        "struct_specifier" | "union_specifier" => with_body(place, SymbolKind::Struct),
        "enum_specifier" => with_body(place, SymbolKind::Enum),
        "namespace_definition" => place.named(SymbolKind::Module, Inside::Module),
        "type_definition" if !place.is_local() => match place.field("declarator").and_then(declared) {
            Some(declared) => place
                .called(declared.name, SymbolKind::Type, Inside::Type)
                .with(|definition| definition.reach = Reach::Beside),
            None => Reading::Nothing,
        },
        "alias_declaration" | "concept_definition" => place.named(SymbolKind::Type, Inside::Type),
        "preproc_function_def" => place.named(SymbolKind::Function, Inside::Function).with(|definition| {
            definition.head_end = place.field("value").map(|value| value.start_byte());
        }),
        // A macro without a value is an include guard or a switch.
        "preproc_def" if place.field("value").is_some() => {
            place.named(SymbolKind::Constant, Inside::Function)
        }
        _ => Reading::Nothing,
    }
}

fn with_body(place: &Place<'_, '_>, kind: SymbolKind) -> Reading {
    if place.field("body").is_none() {
        return Reading::Nothing;
    }
    place.named(kind, Inside::Type).with(|definition| definition.name = without_arguments(&definition.name))
}

fn function(place: &Place<'_, '_>, declared: &Declared<'_>) -> Reading {
    let reading = place.called(declared.name, place.callable(), Inside::Function);
    if let Some(name) = test_name(place, declared) {
        return reading.with(|definition| {
            definition.name = name;
            definition.is_test = true;
        });
    }
    reading.with(|definition| {
        definition.name = without_arguments(&definition.name);
        if definition.name.contains("::") {
            definition.kind = SymbolKind::Method;
        }
    })
}

fn declaration(place: &Place<'_, '_>) -> Reading {
    let Some(declared) = place.field("declarator").and_then(declared) else {
        return Reading::Nothing;
    };
    if declared.parameters.is_some() {
        return function(place, &declared).with(|definition| definition.weight = Weight::Declaration);
    }
    if place.is_member() {
        return Reading::Nothing;
    }
    place.called(declared.name, SymbolKind::Constant, Inside::Function).with(|definition| {
        definition.head_end = declared.value.map(|value| value.start_byte());
    })
}

/// What a declarator declares.
struct Declared<'t> {
    name: Node<'t>,
    /// Present for functions, absent for variables, pointers to functions included.
    parameters: Option<Node<'t>>,
    value: Option<Node<'t>>,
}

fn declared(declarator: Node<'_>) -> Option<Declared<'_>> {
    let mut node = declarator;
    let (mut parameters, mut value) = (None, None);
    for _ in 0..DECLARATORS_MAX {
        node = match node.kind() {
            "identifier"
            | "field_identifier"
            | "type_identifier"
            | "qualified_identifier"
            | "destructor_name"
            | "operator_name"
            | "operator_cast"
            | "template_function"
            | "primitive_type" => return Some(Declared { name: node, parameters, value }),
            "function_declarator" => {
                parameters = node.child_by_field_name("parameters");
                node.child_by_field_name("declarator")?
            }
            "pointer_declarator" | "array_declarator" => {
                if parameters.is_some() {
                    parameters = None;
                }
                node.child_by_field_name("declarator")?
            }
            "init_declarator" => {
                value = node.child_by_field_name("value");
                node.child_by_field_name("declarator")?
            }
            _ => node.child_by_field_name("declarator").or_else(|| node.named_child(0))?,
        };
    }
    None
}

/// `Suite.Name`, as GoogleTest prints it.
fn test_name(place: &Place<'_, '_>, declared: &Declared<'_>) -> Option<String> {
    if !TEST_MACROS.contains(&place.text(declared.name)) {
        return None;
    }
    let parameters = declared.parameters?;
    let (suite, name) = (parameters.named_child(0)?, parameters.named_child(1)?);
    Some(format!("{}.{}", place.text(suite).trim(), place.text(name).trim()))
}

/// A name without template arguments: `Stack<T>::push` is `Stack::push`. The name of an
/// operator is kept.
fn without_arguments(name: &str) -> String {
    let (path, operator) = match name.find("operator") {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    let mut depth = 0_usize;
    let mut plain = String::with_capacity(name.len());
    for character in path.chars() {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ' ' => {}
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    plain + operator
}
