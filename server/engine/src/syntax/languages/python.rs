//! Python.

use crate::syntax::grammar::{Grammar, always, call, callable, import, own};
use crate::syntax::read::{Inside, Place, Reading};
use crate::syntax::{Language, SymbolKind};

pub(super) static PYTHON: Grammar = Grammar {
    language: Language::Python,
    load: || Some(tree_sitter_python::LANGUAGE.into()),
    extensions: &["py", "pyi", "pyw"],
    files: &["SConstruct", "SConscript", "wscript"],
    line_comments: &["#"],
    wrappers: &[always("decorated_definition"), always("expression_statement")],
    definitions: &[
        own(&["class_definition"], class),
        callable(&["function_definition"], is_test),
        own(&["assignment"], assignment),
        own(&["type_alias_statement"], type_alias),
    ],
    calls: &[call("call", "function")],
    imports: &[import("import_statement"), import("import_from_statement")],
    paths: &["dotted_name"],
    ..Grammar::UNKNOWN
};

fn class(place: &Place<'_, '_>) -> Reading {
    let name = place.field("name").map(|name| place.text(name)).unwrap_or_default();
    let bases = place.field("superclasses").map(|bases| place.text(bases)).unwrap_or_default();
    // pytest collects classes named Test…, and every unittest.TestCase.
    let collected = name.starts_with("Test") || bases.contains("TestCase");
    let inside = if collected { Inside::TestType } else { Inside::Type };
    place.named(SymbolKind::Class, inside).with(|definition| definition.is_test = collected)
}

fn is_test(place: &Place<'_, '_>, name: &str) -> bool {
    name.starts_with("test") && matches!(place.inside, Inside::Module | Inside::TestType)
}

fn assignment(place: &Place<'_, '_>) -> Reading {
    match place.field("left") {
        Some(left) if left.kind() == "identifier" && !place.is_local() => {
            place.called(left, SymbolKind::Constant, Inside::Function).with(|definition| {
                definition.head_end = place.field("right").map(|right| right.start_byte());
            })
        }
        _ => Reading::Nothing,
    }
}

fn type_alias(place: &Place<'_, '_>) -> Reading {
    match place.field("left") {
        Some(left) => place.called(left, SymbolKind::Type, Inside::Function),
        None => Reading::Nothing,
    }
}
