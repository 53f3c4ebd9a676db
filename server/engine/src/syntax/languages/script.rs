//! JavaScript and TypeScript, with and without JSX.

use crate::syntax::grammar::{
    Call, Callee, Grammar, Rule, Semicolon, Wrapper, always, around_one, call, call_of, import, import_with,
    named, own,
};
use crate::syntax::read::{Definition, Inside, Joint, Place, Reading, Weight, name_of, unquoted};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

pub(super) static JAVASCRIPT: Grammar = Grammar {
    language: Language::JavaScript,
    load: || Some(tree_sitter_javascript::LANGUAGE.into()),
    extensions: &["js", "jsx", "mjs", "cjs"],
    files: &["Jakefile"],
    wrappers: &[EXPORT, STATEMENT, CONSTANTS, VARIABLES],
    definitions: &[
        CLASSES,
        FUNCTIONS,
        METHODS,
        PAIRS,
        DECLARATORS,
        ASSIGNMENTS,
        TESTS_CALLED,
        EXPORTED,
        own(&["field_definition"], field_definition),
    ],
    calls: &[CALLS, NEW, COMPONENTS, LONE_COMPONENTS],
    ..SCRIPT
};

pub(super) static TYPESCRIPT: Grammar = Grammar {
    language: Language::TypeScript,
    load: || Some(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()),
    extensions: &["ts", "mts", "cts"],
    wrappers: TYPED_WRAPPERS,
    definitions: TYPED,
    calls: &[CALLS, NEW],
    ..SCRIPT
};

pub(super) static TSX: Grammar = Grammar {
    language: Language::Tsx,
    load: || Some(tree_sitter_typescript::LANGUAGE_TSX.into()),
    extensions: &["tsx"],
    wrappers: TYPED_WRAPPERS,
    definitions: TYPED,
    calls: &[CALLS, NEW, COMPONENTS, LONE_COMPONENTS],
    ..SCRIPT
};

/// What they have in common.
const SCRIPT: Grammar = Grammar {
    line_comments: &["//"],
    block_comments: &[("/*", "*/")],
    attributes: &["decorator"],
    semicolon: Semicolon::Belongs,
    imports: &[import("import_statement"), import_with("export_statement", "source")],
    importers: &["require", "import"],
    paths: &["identifier"],
    strings: &["string"],
    ..Grammar::UNKNOWN
};

const EXPORT: Wrapper = always("export_statement");
const STATEMENT: Wrapper = always("expression_statement");
const CONSTANTS: Wrapper = around_one("lexical_declaration", &["variable_declarator"]);
const VARIABLES: Wrapper = around_one("variable_declaration", &["variable_declarator"]);
const TYPED_WRAPPERS: &[Wrapper] = &[EXPORT, STATEMENT, CONSTANTS, VARIABLES, always("ambient_declaration")];

const CALLS: Call = call("call_expression", "function");
const NEW: Call = call("new_expression", "constructor");
const COMPONENTS: Call = call_of("jsx_opening_element", Callee::Capitalised("name"));
const LONE_COMPONENTS: Call = call_of("jsx_self_closing_element", Callee::Capitalised("name"));

const CLASSES: Rule = named(&["class_declaration"], SymbolKind::Class, Inside::Type);
const FUNCTIONS: Rule = named(
    &["function_declaration", "generator_function_declaration"],
    SymbolKind::Function,
    Inside::Function,
);
const METHODS: Rule = own(&["method_definition"], method);
const PAIRS: Rule = own(&["pair"], pair);
const DECLARATORS: Rule = own(&["variable_declarator"], variable);
const ASSIGNMENTS: Rule = own(&["assignment_expression"], assignment);
const TESTS_CALLED: Rule = own(&["call_expression"], test_call);
const EXPORTED: Rule =
    own(&["function_expression", "arrow_function", "generator_function", "class", "object"], default_export);

/// The definitions of TypeScript.
const TYPED: &[Rule] = &[
    CLASSES,
    FUNCTIONS,
    METHODS,
    PAIRS,
    DECLARATORS,
    ASSIGNMENTS,
    TESTS_CALLED,
    EXPORTED,
    named(&["abstract_class_declaration"], SymbolKind::Class, Inside::Type),
    named(&["interface_declaration"], SymbolKind::Interface, Inside::Type),
    named(&["enum_declaration"], SymbolKind::Enum, Inside::Type),
    own(&["function_signature"], function_signature),
    own(&["method_signature", "abstract_method_signature"], method_signature),
    own(&["public_field_definition"], public_field_definition),
    own(&["type_alias_declaration"], type_alias),
    own(&["internal_module", "module"], module),
];

/// Functions that group tests: of Jest, Vitest, Mocha, Jasmine and node:test.
const SUITES: [&str; 5] = ["describe", "suite", "context", "fdescribe", "xdescribe"];
/// Functions that declare one test.
const TESTS: [&str; 6] = ["it", "test", "specify", "fit", "xit", "xtest"];
/// What may follow them: `it.only`, `describe.each(table)`.
const VARIANTS: [&str; 9] =
    ["only", "skip", "each", "concurrent", "sequential", "serial", "parallel", "failing", "describe"];

fn function_signature(place: &Place<'_, '_>) -> Reading {
    place
        .named(SymbolKind::Function, Inside::Function)
        .with(|definition| definition.weight = Weight::Declaration)
}

fn method(place: &Place<'_, '_>) -> Reading {
    place.named(SymbolKind::Method, Inside::Function).with(unquote)
}

fn method_signature(place: &Place<'_, '_>) -> Reading {
    place
        .named(SymbolKind::Method, Inside::Function)
        .with(|definition| definition.weight = Weight::Declaration)
}

fn type_alias(place: &Place<'_, '_>) -> Reading {
    place.named(SymbolKind::Type, Inside::Type).with(|definition| {
        definition.head_end = place.field("value").map(|value| value.start_byte());
    })
}

fn module(place: &Place<'_, '_>) -> Reading {
    place.named(SymbolKind::Module, Inside::Module).with(unquote)
}

fn field_definition(place: &Place<'_, '_>) -> Reading {
    member(place, place.field("property"))
}

fn public_field_definition(place: &Place<'_, '_>) -> Reading {
    member(place, place.field("name"))
}

fn pair(place: &Place<'_, '_>) -> Reading {
    member(place, place.field("key"))
}

fn unquote(definition: &mut Definition) {
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
    if place.parent.is_none_or(|parent| parent.kind() != "export_statement") {
        return Reading::Nothing;
    }
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
