//! C and C++.

use crate::syntax::grammar::{Grammar, Rule, Semicolon, always, call, import, named, own};
use crate::syntax::read::{Inside, Place, Reach, Reading, Weight};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

pub(super) static C: Grammar = Grammar {
    language: Language::C,
    load: || Some(tree_sitter_c::LANGUAGE.into()),
    extensions: &["c"],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    wrappers: &[always("linkage_specification")],
    semicolon: Semicolon::Belongs,
    definitions: &[FUNCTIONS, DECLARATIONS, STRUCTS, ENUMS, TYPEDEFS, FUNCTION_MACROS, VALUE_MACROS],
    calls: &[call("call_expression", "function")],
    imports: &[import("preproc_include")],
    strings: &["string_literal", "system_lib_string"],
    ..Grammar::UNKNOWN
};

pub(super) static CPP: Grammar = Grammar {
    language: Language::Cpp,
    load: || Some(tree_sitter_cpp::LANGUAGE.into()),
    // A `.h` may be either; the grammar of C++ reads nearly all of C.
    extensions: &["cpp", "cc", "cxx", "c++", "h", "hpp", "hh", "hxx", "h++", "ipp", "inl"],
    separator: "::",
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    wrappers: &[always("linkage_specification"), always("template_declaration")],
    semicolon: Semicolon::Belongs,
    definitions: &[
        FUNCTIONS,
        DECLARATIONS,
        STRUCTS,
        ENUMS,
        TYPEDEFS,
        FUNCTION_MACROS,
        VALUE_MACROS,
        own(&["class_specifier"], class),
        named(&["namespace_definition"], SymbolKind::Module, Inside::Module),
        named(&["alias_declaration", "concept_definition"], SymbolKind::Type, Inside::Type),
    ],
    calls: &[call("call_expression", "function"), call("new_expression", "type")],
    imports: &[import("preproc_include"), import("using_declaration")],
    paths: &["identifier", "qualified_identifier"],
    strings: &["string_literal", "system_lib_string"],
    ..Grammar::UNKNOWN
};

const FUNCTIONS: Rule = own(&["function_definition"], defined_function);
const DECLARATIONS: Rule = own(&["declaration", "field_declaration"], declaration);
const STRUCTS: Rule = own(&["struct_specifier", "union_specifier"], structure);
const ENUMS: Rule = own(&["enum_specifier"], enumeration);
const TYPEDEFS: Rule = own(&["type_definition"], typedef);
const FUNCTION_MACROS: Rule = own(&["preproc_function_def"], function_macro);
const VALUE_MACROS: Rule = own(&["preproc_def"], value_macro);

/// The macros of GoogleTest that define a test of a suite.
const TEST_MACROS: [&str; 4] = ["TEST", "TEST_F", "TEST_P", "TYPED_TEST"];
/// Declarators within declarators; nobody writes more.
const DECLARATORS_MAX: usize = 32;

fn defined_function(place: &Place<'_, '_>) -> Reading {
    match place.field("declarator").and_then(declared) {
        Some(declared) => function(place, &declared),
        None => Reading::Nothing,
    }
}

fn class(place: &Place<'_, '_>) -> Reading {
    with_body(place, SymbolKind::Class)
}

fn structure(place: &Place<'_, '_>) -> Reading {
    with_body(place, SymbolKind::Struct)
}

fn enumeration(place: &Place<'_, '_>) -> Reading {
    with_body(place, SymbolKind::Enum)
}

fn typedef(place: &Place<'_, '_>) -> Reading {
    match place.field("declarator").and_then(declared) {
        Some(declared) if !place.is_local() => place
            .called(declared.name, SymbolKind::Type, Inside::Type)
            .with(|definition| definition.reach = Reach::Beside),
        _ => Reading::Nothing,
    }
}

fn function_macro(place: &Place<'_, '_>) -> Reading {
    place.named(SymbolKind::Function, Inside::Function).with(|definition| {
        definition.head_end = place.field("value").map(|value| value.start_byte());
    })
}

/// A macro without a value is an include guard or a switch.
fn value_macro(place: &Place<'_, '_>) -> Reading {
    match place.field("value") {
        Some(_) => place.named(SymbolKind::Constant, Inside::Function),
        None => Reading::Nothing,
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
    let Some(declared) = place.field("declarator").and_then(declared).filter(|_| !place.is_local()) else {
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
