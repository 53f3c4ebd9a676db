//! C#.

use crate::syntax::grammar::{Grammar, call, callable, import, named, own};
use crate::syntax::read::{Inside, Place, Reading};
use crate::syntax::{Language, SymbolKind};

/// Attributes of xUnit, NUnit and MSTest that make a method a test.
const TEST_ATTRIBUTES: [&str; 7] =
    ["Fact", "Theory", "Test", "TestCase", "TestCaseSource", "TestMethod", "DataTestMethod"];

pub(super) static C_SHARP: Grammar = Grammar {
    language: Language::CSharp,
    load,
    extensions: &["cs", "csx"],
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    comments: &["comment", "shebang_directive"],
    attributes: &["attribute_list"],
    bodies: &["accessor_list"],
    definitions: &[
        named(&["namespace_declaration"], SymbolKind::Module, Inside::Module),
        named(&["class_declaration", "record_declaration"], SymbolKind::Class, Inside::Type),
        named(&["struct_declaration"], SymbolKind::Struct, Inside::Type),
        named(&["interface_declaration"], SymbolKind::Interface, Inside::Type),
        named(&["enum_declaration"], SymbolKind::Enum, Inside::Type),
        named(&["delegate_declaration"], SymbolKind::Type, Inside::Type),
        callable(&["method_declaration", "constructor_declaration"], is_test),
        named(&["local_function_statement"], SymbolKind::Function, Inside::Function),
        own(&["destructor_declaration"], destructor),
        own(&["operator_declaration"], operator),
        own(&["property_declaration"], property),
        own(&["field_declaration"], field),
    ],
    calls: &[call("invocation_expression", "function"), call("object_creation_expression", "type")],
    imports: &[import("using_directive")],
    paths: &["identifier", "qualified_name"],
    ..Grammar::UNKNOWN
};

fn load() -> Option<tree_sitter::Language> {
    #[cfg(feature = "large-grammars")]
    return Some(tree_sitter_c_sharp::LANGUAGE.into());
    #[cfg(not(feature = "large-grammars"))]
    None
}

fn is_test(place: &Place<'_, '_>, _: &str) -> bool {
    place.is_annotated(&TEST_ATTRIBUTES)
}

fn destructor(place: &Place<'_, '_>) -> Reading {
    place
        .named(SymbolKind::Method, Inside::Function)
        .with(|definition| definition.name = format!("~{}", definition.name))
}

fn operator(place: &Place<'_, '_>) -> Reading {
    match place.field("operator") {
        Some(sign) => place
            .called(sign, SymbolKind::Method, Inside::Function)
            .with(|definition| definition.name = format!("operator{}", definition.name)),
        None => Reading::Nothing,
    }
}

/// A property with code is like a method.
fn property(place: &Place<'_, '_>) -> Reading {
    let computes = place.field("value").filter(|value| value.kind() == "arrow_expression_clause");
    let has_code = place.field("accessors").is_some_and(|accessors| {
        let mut cursor = accessors.walk();
        accessors.named_children(&mut cursor).any(|accessor| accessor.child_by_field_name("body").is_some())
    });
    if computes.is_none() && !has_code {
        return Reading::Nothing;
    }
    place.named(SymbolKind::Method, Inside::Function).with(|definition| {
        definition.head_end = Some(definition.name_range.end);
    })
}

fn field(place: &Place<'_, '_>) -> Reading {
    let variable = place.child(&["variable_declaration"]);
    let Some(name) = variable.and_then(|variable| {
        let mut cursor = variable.walk();
        let declarator =
            variable.named_children(&mut cursor).find(|child| child.kind() == "variable_declarator");
        declarator?.child_by_field_name("name")
    }) else {
        return Reading::Nothing;
    };
    let head = place.source.get(place.node.start_byte()..name.start_byte()).unwrap_or_default();
    let has = |word| head.split_whitespace().any(|part| part == word);
    let is_constant = has("const") || has("static") && has("readonly");
    if !is_constant {
        return Reading::Nothing;
    }
    place.called(name, SymbolKind::Constant, Inside::Function).with(|definition| {
        definition.head_end = Some(definition.name_range.end);
    })
}
