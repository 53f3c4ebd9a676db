//! JavaScript and TypeScript: Jest, Vitest, Mocha, Jasmine, node:test, AVA, tap.

use super::{Dialect, Family, Hold, Opening, Role, Site, is_judging_name, last_part};
use crate::policy::guard::reading::Kind;
use tree_sitter::Node;

pub(super) static DIALECT: Dialect = Dialect {
    family: Family::Script,
    comments: &["comment", "hash_bang_line"],
    strings: &["string", "template_string"],
    arrays: &["array", "object"],
    calls: &["call_expression", "new_expression"],
    joint: " > ",
    is_case: |_| false,
    is_table: |text| text.contains(".each") || text.contains(".for("),
    roles,
};

const SUITES: [&str; 6] = ["describe", "suite", "context", "fdescribe", "xdescribe", "xcontext"];
const TESTS: [&str; 9] = ["it", "test", "specify", "fit", "xit", "xtest", "xspecify", "ftest", "bench"];
const HOOKS: [&str; 8] =
    ["before", "after", "beforeEach", "afterEach", "beforeAll", "afterAll", "setup", "teardown"];
/// Methods of a test's context that judge (AVA, tap, QUnit).
const CONTEXT: [&str; 24] = [
    "is",
    "not",
    "deepEqual",
    "notDeepEqual",
    "equal",
    "equals",
    "notEqual",
    "same",
    "strictSame",
    "ok",
    "notOk",
    "true",
    "false",
    "truthy",
    "falsy",
    "throws",
    "throwsAsync",
    "notThrows",
    "regex",
    "match",
    "like",
    "snapshot",
    "has",
    "rejects",
];

/// What a call declares.
enum Declares<'a> {
    Test(&'a str),
    Suite(&'a str),
    Hook,
}

/// The identifier at the bottom of `it.only.each(table)`.
fn bottom<'t>(callee: Node<'t>) -> Option<Node<'t>> {
    const LINKS_MAX: usize = 12;
    let mut node = callee;
    for _ in 0..LINKS_MAX {
        node = match node.kind() {
            "identifier" | "this" => return Some(node),
            "member_expression" | "subscript_expression" => node.child_by_field_name("object")?,
            "call_expression" => node.child_by_field_name("function")?,
            "await_expression" | "non_null_expression" | "parenthesized_expression" => node.named_child(0)?,
            _ => return None,
        };
    }
    None
}

fn declares<'a>(source: &'a str, call: Node<'_>) -> Option<Declares<'a>> {
    let callee = call.child_by_field_name("function")?;
    let text = |node: Node<'_>| source.get(node.byte_range()).unwrap_or_default();
    let name = text(bottom(callee)?);
    // `test.describe(…)` is a suite, `test.step(…)` and `test.skip(condition)` are none of both.
    let links: Vec<&str> = links(source, callee);
    if HOOKS.contains(&name) || links.iter().any(|link| HOOKS.contains(link)) {
        return Some(Declares::Hook);
    }
    let is_suite = SUITES.contains(&name) || (TESTS.contains(&name) && links.contains(&"describe"));
    if !is_suite && !TESTS.contains(&name) {
        return None;
    }
    const VARIANTS: [&str; 16] = [
        "only",
        "skip",
        "todo",
        "each",
        "concurrent",
        "sequential",
        "serial",
        "parallel",
        "failing",
        "fails",
        "describe",
        "skipIf",
        "runIf",
        "for",
        "shuffle",
        "extend",
    ];
    if links.iter().any(|link| !VARIANTS.contains(link)) {
        return None;
    }
    let title = call.child_by_field_name("arguments")?.named_child(0)?;
    let has_title = matches!(
        title.kind(),
        "string" | "template_string" | "binary_expression" | "identifier" | "member_expression"
    );
    let title = text(title);
    let title = title.trim_matches(['\'', '"', '`']);
    has_title.then_some(if is_suite { Declares::Suite(title) } else { Declares::Test(title) })
}

/// The members between a callee's bottom and its top.
fn links<'a>(source: &'a str, callee: Node<'_>) -> Vec<&'a str> {
    const LINKS_MAX: usize = 12;
    let mut node = callee;
    let mut links = Vec::new();
    for _ in 0..LINKS_MAX {
        let next = match node.kind() {
            "member_expression" => {
                if let Some(property) = node.child_by_field_name("property") {
                    links.push(source.get(property.byte_range()).unwrap_or_default());
                }
                node.child_by_field_name("object")
            }
            "call_expression" => node.child_by_field_name("function"),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    links
}

fn roles<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let node = site.node;
    match node.kind() {
        "call_expression" => call(site, roles),
        "function_declaration" | "generator_function_declaration" | "method_definition" => {
            roles.push(Role::Unit(Opening {
                kind: Kind::Function,
                name: site.field_text("name").to_owned(),
                attributes: Vec::new(),
                body: site.field("body"),
            }));
        }
        "class_declaration" => roles.push(Role::Unit(Opening {
            kind: Kind::Scope,
            name: site.field_text("name").to_owned(),
            attributes: Vec::new(),
            body: site.field("body"),
        })),
        "variable_declarator" => {
            let value = site.field("value");
            let is_function =
                value.is_some_and(|value| matches!(value.kind(), "arrow_function" | "function_expression"));
            let name = site.field_text("name").to_owned();
            if is_function {
                let body = value.and_then(|value| value.child_by_field_name("body"));
                roles.push(Role::Unit(Opening { kind: Kind::Function, name, attributes: Vec::new(), body }));
            } else {
                roles.push(Role::Binding { name, value: value.map(|value| value.byte_range()) });
            }
        }
        "lexical_declaration" | "expression_statement" => roles.push(Role::Statement),
        "assignment_expression" => roles.push(Role::Binding {
            name: site.field_text("left").to_owned(),
            value: site.field("right").map(|value| value.byte_range()),
        }),
        "if_statement" | "while_statement" | "ternary_expression" => {
            roles.extend(site.hold(Hold::Condition, "condition"));
        }
        "else_clause" => roles.extend(site.other_branch("condition")),
        "binary_expression" if matches!(site.field_text("operator"), "&&" | "||" | "??") => {
            roles.extend(site.hold(Hold::Condition, "left"));
        }
        "switch_case" => roles.extend(site.hold(Hold::Condition, "value")),
        "for_in_statement" => roles.extend(site.hold(Hold::Loop, "right")),
        "for_statement" => roles.extend(site.hold(Hold::Loop, "condition")),
        "statement_block" if site.parent_kind() == "try_statement" && site.is_field_of_parent("body") => {
            roles.extend(swallowing(site));
        }
        "arrow_function" | "function_expression" => closure(site, roles),
        "throw_statement" => roles.push(Role::Failure),
        "return_statement" => {
            // `return expect(…)` waits for the promise; nothing else that returns comes before.
            let value = node.named_child(0).filter(|value| value.kind() == "call_expression");
            if value.is_none() {
                roles.push(Role::Exit);
            }
        }
        "break_statement" | "continue_statement" => roles.push(Role::Exit),
        _ => {}
    }
}

fn call<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let node = site.node;
    let Some(callee) = site.field("function") else { return };
    match declares(site.source, node) {
        Some(Declares::Hook) => return,
        Some(Declares::Test(title)) => {
            roles.push(Role::Unit(opening(site, Kind::Test, title, callee)));
            return;
        }
        Some(Declares::Suite(title)) => {
            roles.push(Role::Unit(opening(site, Kind::Scope, title, callee)));
            return;
        }
        None => {}
    }
    // Of a chain, the whole is the judgement.
    let is_link = site.parent_kind() == "member_expression" || site.is_field_of_parent("function");
    let Some(bottom) = bottom(callee).filter(|_| !is_link) else { return };
    let name = site.text(bottom);
    let links = links(site.source, callee);
    let last = links.first().copied().unwrap_or(name);
    let judges = is_judging_name(name)
        || matches!(name, "expectTypeOf" | "assertType" | "sinon") && links.contains(&"assert")
        || name == "chai"
        || links.iter().any(|link| matches!(*link, "assert" | "should" | "expect"))
        || is_judging_name(last)
        || (matches!(name, "t" | "assert" | "is" | "tap") && CONTEXT.contains(&last));
    if last == "fail" && (judges || matches!(name, "t" | "fail")) {
        roles.push(Role::Failure);
    } else if judges {
        // Without its `await`, a judgement of a promise is none.
        let whole = match site.parent {
            Some(parent) if matches!(parent.kind(), "await_expression" | "return_statement") => parent,
            _ => node,
        };
        roles.push(Role::Judgement(vec![whole.byte_range()]));
    } else if last == "forEach" {
        roles.extend(callee.child_by_field_name("object").map(|object| Role::Table(object.byte_range())));
    }
}

/// The callee and an object of options say whether it runs.
fn opening<'t>(site: &Site<'_, 't>, kind: Kind, title: &str, callee: Node<'t>) -> Opening<'t> {
    let arguments = site.field("arguments");
    let mut attributes = vec![callee];
    let mut body = None;
    if let Some(arguments) = arguments {
        let mut cursor = arguments.walk();
        for argument in arguments.named_children(&mut cursor) {
            match argument.kind() {
                "object" => attributes.push(argument),
                "arrow_function" | "function_expression" => body = argument.child_by_field_name("body"),
                _ => {}
            }
        }
    }
    Opening { kind, name: title.to_owned(), attributes, body }
}

/// A function that is handed on, unless a test or a suite is made of it.
fn closure<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let call = site.grandparent.filter(|_| site.parent_kind() == "arguments");
    if site.parent_kind() == "variable_declarator"
        || call.is_some_and(|call| declares(site.source, call).is_some())
    {
        return;
    }
    let callee = call.and_then(|call| call.child_by_field_name("function"));
    let header = match callee {
        Some(callee) => {
            let name = last_part(site.text(callee));
            callee.end_byte() - name.len()..callee.end_byte()
        }
        None => site.node.start_byte()..site.node.start_byte(),
    };
    roles.push(Role::Hold { hold: Hold::Closure, header });
}

fn swallowing<'t>(site: &Site<'_, 't>) -> Option<Role<'t>> {
    let handler = site.parent?.child_by_field_name("handler")?;
    let body = handler.child_by_field_name("body")?;
    let text = site.text(body);
    let passes_on =
        ["throw", "fail(", "expect(", "assert", "reject(", "done("].iter().any(|word| text.contains(word));
    (!passes_on).then(|| Role::Hold { hold: Hold::Swallow, header: handler.start_byte()..body.start_byte() })
}
