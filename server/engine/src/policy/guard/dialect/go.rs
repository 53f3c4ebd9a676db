//! Go: package testing, testify, gomega.

use super::{Dialect, Family, Hold, Opening, Role, Site, is_judging_name, last_part};
use crate::policy::guard::reading::Kind;

pub(super) static DIALECT: Dialect = Dialect {
    family: Family::Go,
    comments: &["comment"],
    strings: &["interpreted_string_literal", "raw_string_literal"],
    arrays: &["literal_value"],
    calls: &["call_expression"],
    joint: ".",
    is_case: |_| false,
    is_table: |_| false,
    roles,
};

const FAILURES: [&str; 6] = ["Error", "Errorf", "Fatal", "Fatalf", "Fail", "FailNow"];
/// Packages whose functions judge.
const JUDGING: [&str; 7] = ["assert", "require", "is", "qt", "must", "suite", "gomega"];

fn roles<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let node = site.node;
    match node.kind() {
        "function_declaration" | "method_declaration" => {
            let name = site.field_text("name");
            let is_test = is_test_name(name) && takes_testing(site);
            let receiver = site.field_text("receiver");
            let is_suite = receiver.contains("Suite") && is_test_name(name);
            roles.push(Role::Unit(Opening {
                kind: if is_test || is_suite { Kind::Test } else { Kind::Function },
                name: if receiver.is_empty() { name.to_owned() } else { format!("{receiver}.{name}") },
                attributes: Vec::new(),
                body: site.field("body"),
            }));
        }
        "call_expression" => call(site, roles),
        "if_statement" => {
            let condition = site.field("condition");
            let from = site.field("initializer").or(condition);
            if let (Some(from), Some(condition)) = (from, condition) {
                let header = from.start_byte()..condition.end_byte();
                roles.push(Role::Hold { hold: Hold::Condition, header });
            }
        }
        "block" if site.parent_kind() == "if_statement" && site.is_field_of_parent("alternative") => {
            roles.extend(site.other_branch("condition"));
        }
        "range_clause" => {
            // It belongs to the loop around it: rows are taken here, the hindrance there.
        }
        "for_statement" => {
            let clause = node.named_child(0).filter(|clause| clause.kind() != "block");
            let right = clause.and_then(|clause| clause.child_by_field_name("right")).or(clause);
            if let Some(right) = right {
                roles.push(Role::Hold { hold: Hold::Loop, header: right.byte_range() });
            }
        }
        "expression_case" | "type_case" => roles.push(Role::Hold {
            hold: Hold::Condition,
            header: node.named_child(0).unwrap_or(node).byte_range(),
        }),
        "func_literal" => closure(site, roles),
        "return_statement" | "break_statement" | "continue_statement" => roles.push(Role::Exit),
        "short_var_declaration" | "assignment_statement" => {
            let names = site.field_text("left").split(',').map(str::trim).filter(|name| *name != "_");
            let value = site.field("right").map(|value| value.byte_range());
            roles.extend(names.map(|name| Role::Binding { name: name.to_owned(), value: value.clone() }));
            roles.push(Role::Statement);
        }
        "var_spec" | "const_spec" => roles.push(Role::Binding {
            name: site.field_text("name").to_owned(),
            value: site.field("value").map(|value| value.byte_range()),
        }),
        "expression_statement" => roles.push(Role::Statement),
        _ => {}
    }
}

fn is_test_name(name: &str) -> bool {
    ["Test", "Fuzz", "Example", "Benchmark"]
        .iter()
        .any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| !rest.starts_with(char::is_lowercase)))
}

fn takes_testing(site: &Site<'_, '_>) -> bool {
    let parameters = site.field_text("parameters");
    ["testing.T", "testing.F", "testing.B"].iter().any(|kind| parameters.contains(kind))
        && !parameters.contains("testing.TB")
        || site.field_text("name").starts_with("Example")
}

fn call<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let Some(callee) = site.field("function") else { return };
    let text = site.text(callee);
    let name = last_part(text);
    let object = text.split('.').next().unwrap_or_default();
    let arguments = site.field("arguments");
    let first = arguments.and_then(|arguments| arguments.named_child(0));
    if name == "Run" && first.is_some_and(|first| first.kind() == "interpreted_string_literal") {
        let title = first.map(|first| site.text(first)).unwrap_or_default().trim_matches('"');
        let literal = arguments.and_then(|arguments| arguments.named_child(1));
        roles.push(Role::Unit(Opening {
            kind: Kind::Test,
            name: title.to_owned(),
            attributes: Vec::new(),
            body: literal.and_then(|literal| literal.child_by_field_name("body")),
        }));
        return;
    }
    let is_link = site.parent_kind() == "selector_expression";
    let fails = FAILURES.contains(&name) && text.matches('.').count() == 1 && object.len() <= 2;
    let judges = JUDGING.contains(&object) && text.contains('.') && name != "New" || is_judging_name(name);
    let is_gomega = text.starts_with("Expect(") || text.starts_with("Ω(");
    if fails || text == "panic" {
        roles.push(Role::Failure);
    } else if !is_link && (judges || is_gomega) {
        roles.push(Role::Judgement(vec![site.node.byte_range()]));
    }
}

fn closure<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let call = site.grandparent.filter(|_| site.parent_kind() == "argument_list");
    let callee = call.and_then(|call| call.child_by_field_name("function"));
    let name = callee.map(|callee| last_part(site.text(callee))).unwrap_or_default();
    if name == "Run" {
        return;
    }
    let header = match callee {
        Some(callee) => callee.end_byte() - name.len()..callee.end_byte(),
        None => site.node.start_byte()..site.node.start_byte(),
    };
    roles.push(Role::Hold { hold: Hold::Closure, header });
}
