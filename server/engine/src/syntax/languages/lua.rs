//! Lua.

use crate::syntax::grammar::{Grammar, always, call, own};
use crate::syntax::read::{Inside, Place, Reading, TitledTests, name_of, unquoted};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

/// Tests of busted.
const TITLED: TitledTests = TitledTests {
    suites: &["describe", "context", "insulate", "expose"],
    tests: &["it", "spec", "test"],
    skipped: &["pending"],
};

pub(super) static LUA: Grammar = Grammar {
    language: Language::Lua,
    load: || Some(tree_sitter_lua::LANGUAGE.into()),
    extensions: &["lua", "rockspec"],
    files: &[".luacheckrc", ".busted"],
    line_comments: &["--"],
    block_comments: &[("--[[", "]]")],
    comments: &["comment", "hash_bang_line"],
    bodies: &["end"],
    wrappers: &[always("variable_declaration")],
    definitions: &[
        own(&["function_declaration"], function),
        own(&["assignment_statement"], assignment),
        own(&["field"], field),
        own(&["function_call"], titled),
    ],
    calls: &[call("function_call", "name")],
    importers: &["require", "dofile", "loadfile"],
    strings: &["string"],
    ..Grammar::UNKNOWN
};

/// `function M.parse()` and `function M:next()` are methods of `M`.
fn function(place: &Place<'_, '_>) -> Reading {
    place.named(SymbolKind::Function, Inside::Function).with(|definition| {
        definition.name = definition.name.replace(':', ".");
        if definition.name.contains('.') {
            definition.kind = SymbolKind::Method;
        }
    })
}

/// What a value makes of the name it is given.
fn valued(place: &Place<'_, '_>, name: Node<'_>, value: Node<'_>, plain: Option<SymbolKind>) -> Reading {
    let (kind, inside) = match (value.kind(), plain) {
        ("function_definition", _) if place.text(name).contains('.') || place.is_member() => {
            (SymbolKind::Method, Inside::Function)
        }
        ("function_definition", _) => (SymbolKind::Function, Inside::Function),
        ("table_constructor", None) => {
            return Reading::Scope(unquoted(place.text(name)).to_owned(), Inside::Type);
        }
        ("table_constructor", Some(kind)) => (kind, Inside::Type),
        (_, Some(kind)) => (kind, Inside::Function),
        (_, None) => return Reading::Nothing,
    };
    place.called(name, kind, inside).with(|definition| {
        definition.name = unquoted(&name_of(place.text(name))).to_owned();
        definition.head_end = Some(head_end(value));
    })
}

fn assignment(place: &Place<'_, '_>) -> Reading {
    let name = place.child(&["variable_list"]).and_then(|names| names.named_child(0));
    let value = place.child(&["expression_list"]).and_then(|values| values.named_child(0));
    let (Some(name), Some(value)) = (name, value) else {
        return Reading::Nothing;
    };
    // What a module returns is set at its top; fields of tables are set everywhere.
    let is_constant = !place.is_local() && name.kind() == "identifier";
    if place.is_local() && value.kind() != "function_definition" {
        return Reading::Nothing;
    }
    valued(place, name, value, is_constant.then_some(SymbolKind::Constant))
}

fn field(place: &Place<'_, '_>) -> Reading {
    match (place.field("name"), place.field("value")) {
        (Some(name), Some(value)) => valued(place, name, value, None),
        _ => Reading::Nothing,
    }
}

/// A function's head ends with its parameters; any other value is no part of the head.
fn head_end(value: Node<'_>) -> usize {
    let parameters = value.child_by_field_name("parameters");
    parameters.map_or(value.start_byte(), |parameters| parameters.end_byte())
}

/// `describe("title", function() … end)`
fn titled(place: &Place<'_, '_>) -> Reading {
    let (Some(name), Some(arguments)) = (place.field("name"), place.field("arguments")) else {
        return Reading::Nothing;
    };
    let is_function = |node: &Node<'_>| node.kind() == "function_definition";
    match (arguments.named_child(0), arguments.named_child(1).filter(is_function)) {
        (Some(title), Some(body)) => place.titled(place.text(name), title, head_end(body), &TITLED),
        _ => Reading::Nothing,
    }
}
