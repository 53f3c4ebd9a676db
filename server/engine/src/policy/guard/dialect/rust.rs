//! Rust: the built-in harness, and the attributes of its usual companions.

use super::{Dialect, Family, Hold, Opening, Role, Site, is_judging_name, last_part};
use crate::policy::guard::reading::Kind;
use tree_sitter::Node;

pub(super) static DIALECT: Dialect = Dialect {
    family: Family::Rust,
    comments: &["line_comment", "block_comment"],
    strings: &["string_literal", "raw_string_literal"],
    arrays: &["array_expression", "token_tree"],
    calls: &["call_expression", "macro_invocation"],
    joint: "::",
    is_case: |text| {
        let path = attribute_path(text);
        matches!(last_part(path), "case" | "test_case" | "parameterized" | "values")
    },
    is_table: |_| false,
    roles,
};

/// Attributes that make a function a test, by the last part of their path.
const TEST_ATTRIBUTES: [&str; 11] = [
    "test",
    "rstest",
    "test_case",
    "quickcheck",
    "wasm_bindgen_test",
    "test_log",
    "proptest",
    "gtest",
    "test_matrix",
    "apply",
    "sqlx_test",
];

/// Macros that fail when they are reached.
const FAILURES: [&str; 4] = ["panic", "unreachable", "todo", "fail"];

fn attribute_path(text: &str) -> &str {
    let inner = text.trim_start_matches(['#', '!', '[', ' ']);
    inner.split(['(', ']', '=', ' ']).next().unwrap_or_default()
}

fn is_test_attribute(text: &str) -> bool {
    TEST_ATTRIBUTES.contains(&last_part(attribute_path(text)))
}

fn roles<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let node = site.node;
    match node.kind() {
        "attribute_item" => roles.push(Role::Attribute),
        "function_item" => {
            let is_test = site.attributes.iter().any(|attribute| is_test_attribute(site.text(*attribute)));
            roles.push(Role::Unit(Opening {
                kind: if is_test { Kind::Test } else { Kind::Function },
                name: site.field_text("name").to_owned(),
                attributes: site.attributes.to_vec(),
                body: site.field("body"),
            }));
        }
        "mod_item" if site.field("body").is_none() => roles.push(Role::Link {
            name: site.field_text("name").to_owned(),
            is_test: site.attributes.iter().any(|attribute| site.text(*attribute).contains("test")),
        }),
        "mod_item" | "impl_item" | "trait_item" => {
            let name = site.field("name").or_else(|| site.field("type"));
            roles.push(Role::Unit(Opening {
                kind: Kind::Scope,
                name: name.map(|name| site.text(name)).unwrap_or_default().to_owned(),
                attributes: site.attributes.to_vec(),
                body: site.field("body"),
            }));
        }
        "macro_invocation" => {
            let name = last_part(site.field_text("macro"));
            let tree = node.named_child(u32::from(node.named_child_count() > 1));
            if FAILURES.contains(&name) {
                roles.push(Role::Failure);
            } else if is_assertion(name)
                && let Some(tree) = tree
            {
                roles.push(asserted(site, name, node, tree));
            }
        }
        "token_tree" => within_macro(site, roles),
        "identifier" if site.parent_kind() == "token_tree" => asserted_within_macro(site, roles),
        "if_expression" | "while_expression" => roles.extend(site.hold(Hold::Condition, "condition")),
        "match_arm" => roles.extend(site.hold(Hold::Condition, "pattern")),
        "else_clause" => roles.extend(site.other_branch("condition")),
        "for_expression" => roles.extend(site.hold(Hold::Loop, "value")),
        "binary_expression" if matches!(site.field_text("operator"), "&&" | "||") => {
            roles.extend(site.hold(Hold::Condition, "left"));
        }
        "closure_expression" => closure(site, roles),
        "async_block" => {}
        "return_expression" | "break_expression" | "continue_expression" => roles.push(Role::Exit),
        "let_declaration" => {
            if let Some(pattern) = site.field("pattern") {
                let name = site.text(pattern).trim_start_matches("mut ").to_owned();
                roles
                    .push(Role::Binding { name, value: site.field("value").map(|value| value.byte_range()) });
            }
            roles.push(Role::Statement);
        }
        "const_item" | "static_item" => roles.push(Role::Binding {
            name: site.field_text("name").to_owned(),
            value: site.field("value").map(|value| value.byte_range()),
        }),
        "expression_statement" => roles.push(Role::Statement),
        "call_expression" | "try_expression" | "await_expression" if site.parent_kind() == "block" => {
            roles.push(Role::Statement);
        }
        _ => {}
    }
    let is_helper = node.kind() == "call_expression"
        && is_judging_name(last_part(site.field_text("function")))
        && matches!(site.parent_kind(), "expression_statement" | "block");
    if is_helper {
        roles.push(Role::Judgement(vec![node.byte_range()]));
    }
}

fn is_assertion(name: &str) -> bool {
    is_judging_name(name)
        || ["assert", "debug_assert", "prop_assert", "ensure", "verify_that", "expect_that"]
            .iter()
            .any(|stem| name.starts_with(stem))
}

/// The judgement of a macro, without the message behind its operands.
fn asserted<'t>(site: &Site<'_, 't>, name: &str, node: Node<'t>, tree: Node<'t>) -> Role<'t> {
    let operands = match name {
        "assert" | "debug_assert" | "prop_assert" | "assert_ok" | "assert_err" | "assert_none" => 1,
        _ if name.contains("assert_") && !name.contains("snapshot") && !name.contains("yaml") => 2,
        _ => usize::MAX,
    };
    let text = site.text(tree);
    let range = match nth_comma(text, operands) {
        Some(at) if name != "assert_matches" => node.start_byte()..tree.start_byte() + at,
        _ => node.start_byte()..tree.end_byte(),
    };
    // The bracket that is cut off is cut off on both sides of a comparison or on none.
    let open = range.end;
    let closed = if open == tree.end_byte() { open..open } else { tree.end_byte() - 1..tree.end_byte() };
    Role::Judgement(vec![range, closed])
}

/// The byte of the n-th comma of a bracketed text that stands in no inner bracket or string.
fn nth_comma(text: &str, n: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut seen = 0;
    let mut quoted = false;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => quoted = true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 1 => {
                seen += 1;
                if seen == n {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn closure<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let call = site.grandparent.filter(|_| site.parent_kind() == "arguments");
    let callee = call.and_then(|call| call.child_by_field_name("function"));
    let name = callee.map(|callee| last_part(site.text(callee))).unwrap_or_default();
    let hold = if name == "catch_unwind" { Hold::Swallow } else { Hold::Closure };
    let header = match callee {
        Some(callee) => callee.end_byte() - name.len()..callee.end_byte(),
        None => site.node.start_byte()..site.node.start_byte(),
    };
    roles.push(Role::Hold { hold, header });
}

/// `proptest! { #[test] fn name(…) { … } }`: the body is a test.
fn within_macro<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    const STEPS_MAX: usize = 8;
    if site.in_function || !site.text(site.node).starts_with('{') || site.parent_kind() != "token_tree" {
        return;
    }
    let mut at = site.node.prev_sibling();
    let mut last = None;
    for _ in 0..STEPS_MAX {
        let Some(node) = at else { return };
        if site.text(node) == "fn" {
            break;
        }
        (last, at) = (Some(node), node.prev_sibling());
    }
    let (Some(name), Some(keyword)) = (last.filter(|name| name.kind() == "identifier"), at) else { return };
    let attribute = keyword.prev_sibling().filter(|node| node.kind() == "token_tree");
    let is_test = attribute.is_some_and(|attribute| is_test_attribute(site.text(attribute)));
    let mut attributes = Vec::new();
    let mut before = keyword.prev_sibling();
    for _ in 0..STEPS_MAX {
        match before {
            Some(node) if site.text(node) == "#" || site.text(node).starts_with('[') => {
                attributes.insert(0, node);
                before = node.prev_sibling();
            }
            _ => break,
        }
    }
    let is_test = is_test || attributes.iter().any(|attribute| is_test_attribute(site.text(*attribute)));
    roles.push(Role::Unit(Opening {
        kind: if is_test { Kind::Test } else { Kind::Function },
        name: site.text(name).to_owned(),
        attributes,
        body: Some(site.node),
    }));
}

fn asserted_within_macro<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let name = site.text(site.node);
    let mark = site.node.next_sibling().filter(|mark| site.text(*mark) == "!");
    let tree = mark.and_then(|mark| mark.next_sibling()).filter(|tree| tree.kind() == "token_tree");
    let Some(tree) = tree else { return };
    if FAILURES.contains(&name) {
        roles.push(Role::Failure);
    } else if is_assertion(name) {
        roles.push(asserted(site, name, site.node, tree));
    }
}
