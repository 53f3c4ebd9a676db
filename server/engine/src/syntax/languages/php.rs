//! PHP, within HTML or alone.

use crate::syntax::grammar::{Callee, Grammar, call, call_of, callable, import, import_file, named, own};
use crate::syntax::read::{Inside, Place, Reading, TitledTests};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

/// Tests of Pest.
const TITLED: TitledTests = TitledTests { suites: &["describe"], tests: &["it", "test"], skipped: &["todo"] };

pub(super) static PHP: Grammar = Grammar {
    language: Language::Php,
    load: || Some(tree_sitter_php::LANGUAGE_PHP.into()),
    extensions: &["php", "phtml", "phpt"],
    files: &["artisan"],
    separator: "::",
    line_comments: &["//", "#"],
    block_comments: &[("/*", "*/")],
    attributes: &["attribute_list"],
    definitions: &[
        own(&["namespace_definition"], namespace),
        own(&["class_declaration"], class),
        named(&["interface_declaration"], SymbolKind::Interface, Inside::Type),
        named(&["trait_declaration"], SymbolKind::Trait, Inside::Type),
        named(&["enum_declaration"], SymbolKind::Enum, Inside::Type),
        callable(&["function_definition", "method_declaration"], is_test),
        own(&["const_declaration"], constant),
        own(&["function_call_expression"], titled),
    ],
    calls: &[
        call("function_call_expression", "function"),
        call("member_call_expression", "name"),
        call("nullsafe_member_call_expression", "name"),
        call("scoped_call_expression", "name"),
        call_of("object_creation_expression", Callee::First),
    ],
    imports: &[
        import("namespace_use_declaration"),
        import_file("require_expression"),
        import_file("require_once_expression"),
        import_file("include_expression"),
        import_file("include_once_expression"),
    ],
    paths: &["namespace_name", "qualified_name", "name"],
    strings: &["string", "encapsed_string"],
    ..Grammar::UNKNOWN
};

/// A namespace without a block holds the whole file and qualifies nothing in it.
fn namespace(place: &Place<'_, '_>) -> Reading {
    match place.field("body") {
        Some(_) => place.named(SymbolKind::Module, Inside::Module),
        None => Reading::Nothing,
    }
}

fn class(place: &Place<'_, '_>) -> Reading {
    let is_suite = place.child(&["base_clause"]).is_some_and(|base| place.text(base).contains("TestCase"));
    place.named(SymbolKind::Class, if is_suite { Inside::TestType } else { Inside::Type })
}

/// PHPUnit runs public methods that are named so, or marked in one of two ways.
fn is_test(place: &Place<'_, '_>, name: &str) -> bool {
    let is_marked = || place.leading.iter().any(|comment| place.text(*comment).contains("@test"));
    place.inside == Inside::TestType && (name.starts_with("test") || is_marked())
        || place.is_annotated(&["Test"])
}

fn constant(place: &Place<'_, '_>) -> Reading {
    match place.child(&["const_element"]).and_then(|element| element.named_child(0)) {
        Some(name) if !place.is_local() => {
            place.called(name, SymbolKind::Constant, Inside::Function).with(|definition| {
                definition.head_end = Some(definition.name_range.end);
            })
        }
        _ => Reading::Nothing,
    }
}

/// `it('title', function () { … });`
fn titled(place: &Place<'_, '_>) -> Reading {
    let (Some(function), Some(arguments)) = (place.field("function"), place.field("arguments")) else {
        return Reading::Nothing;
    };
    let value = |at| arguments.named_child(at).and_then(|argument: Node<'_>| argument.named_child(0));
    let is_function = |node: &Node<'_>| matches!(node.kind(), "anonymous_function" | "arrow_function");
    match (value(0), value(1).filter(is_function)) {
        (Some(title), Some(body)) => {
            let head_end = body.child_by_field_name("body").unwrap_or(body).start_byte();
            place.titled(place.text(function), title, head_end, &TITLED)
        }
        _ => Reading::Nothing,
    }
}
