//! Python: pytest and unittest.

use super::{Dialect, Family, Hold, Opening, Role, Site, is_judging_name, last_part};
use crate::policy::guard::reading::Kind;
use tree_sitter::Node;

pub(super) static DIALECT: Dialect = Dialect {
    family: Family::Python,
    comments: &["comment"],
    strings: &["string"],
    arrays: &["list", "tuple", "set", "dictionary"],
    calls: &["call"],
    joint: ".",
    is_case: |_| false,
    is_table: |text| text.contains("parametrize") || text.contains("parameterized") || text.contains("ddt"),
    roles,
};

/// What judges without saying so in its name.
const JUDGING: [&str; 6] = ["raises", "warns", "deprecated_call", "fail", "raises_group", "does_not_raise"];

fn roles<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let node = site.node;
    match node.kind() {
        "decorator" => roles.push(Role::Attribute),
        "class_definition" => roles.push(Role::Unit(Opening {
            kind: Kind::Scope,
            name: site.field_text("name").to_owned(),
            attributes: site.attributes.to_vec(),
            body: site.field("body"),
        })),
        "function_definition" => {
            let name = site.field_text("name");
            let is_test = name.starts_with("test") && !site.in_function && is_collected(site);
            roles.push(Role::Unit(Opening {
                kind: if is_test { Kind::Test } else { Kind::Function },
                name: name.to_owned(),
                attributes: site.attributes.to_vec(),
                body: site.field("body"),
            }));
        }
        "assert_statement" => {
            // What follows the condition is said when it fails.
            let range = node.named_child(0).map_or(node.byte_range(), |condition| {
                let mut inner = condition;
                while inner.kind() == "parenthesized_expression"
                    && let Some(child) = inner.named_child(0)
                {
                    inner = child;
                }
                inner.byte_range()
            });
            roles.push(Role::Judgement(vec![node.start_byte()..node.start_byte() + "assert".len(), range]));
        }
        "call" => {
            let name = last_part(site.field_text("function"));
            if name == "fail" {
                roles.push(Role::Failure);
            } else if JUDGING.contains(&name) || is_judging_name(name) {
                roles.push(Role::Judgement(vec![node.byte_range()]));
            }
        }
        "raise_statement" if site.text(node).contains("AssertionError") => roles.push(Role::Failure),
        "with_statement" => with(site, roles),
        "if_statement" | "while_statement" | "elif_clause" => {
            roles.extend(site.hold(Hold::Condition, "condition"));
        }
        "else_clause" if site.parent_kind() == "if_statement" => roles.extend(site.other_branch("condition")),
        "for_statement" | "for_in_clause" => roles.extend(site.hold(Hold::Loop, "right")),
        "case_clause" => {
            let pattern = node.named_child(0).unwrap_or(node).byte_range();
            roles.push(Role::Hold { hold: Hold::Condition, header: pattern });
        }
        "conditional_expression" | "boolean_operator" => {
            let header = node.named_child(0).unwrap_or(node).byte_range();
            roles.push(Role::Hold { hold: Hold::Condition, header });
        }
        "block" if site.parent_kind() == "try_statement" && site.is_field_of_parent("body") => {
            roles.extend(swallowing(site));
        }
        "lambda" => roles.push(Role::Hold {
            hold: Hold::Closure,
            header: node.start_byte()..node.start_byte() + "lambda".len(),
        }),
        "return_statement" | "break_statement" | "continue_statement" => roles.push(Role::Exit),
        "assignment" => {
            roles.push(Role::Binding {
                name: site.field_text("left").to_owned(),
                value: site.field("right").map(|value| value.byte_range()),
            });
        }
        "expression_statement" => roles.push(Role::Statement),
        _ => {}
    }
}

/// Methods are run in classes named `Test…` and in those derived from a test case.
fn is_collected(site: &Site<'_, '_>) -> bool {
    const STEPS_MAX: usize = 6;
    let mut above = site.node.parent();
    for _ in 0..STEPS_MAX {
        match above {
            Some(node) if node.kind() == "class_definition" => {
                let text =
                    |name| node.child_by_field_name(name).map(|node| site.text(node)).unwrap_or_default();
                return text("name").starts_with("Test") || text("superclasses").contains("Test");
            }
            Some(node) => above = node.parent(),
            None => return true,
        }
    }
    true
}

/// `with pytest.raises(…):` judges what stands in it; `with suppress(…):` hides it.
fn with<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let body = site.field("body").map_or(site.node.end_byte(), |body| body.start_byte());
    let header = site.node.start_byte()..body;
    let text = site.source.get(header.clone()).unwrap_or_default();
    let names = |wanted: &[&str]| {
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .any(|word| wanted.contains(&word))
    };
    const RAISING: [&str; 7] = [
        "raises",
        "warns",
        "deprecated_call",
        "assertRaises",
        "assertRaisesRegex",
        "assertWarns",
        "assertLogs",
    ];
    if names(&RAISING) {
        roles.push(Role::Judgement(vec![site.node.byte_range()]));
    }
    if names(&["suppress"]) {
        roles.push(Role::Hold { hold: Hold::Swallow, header });
    }
}

/// A handler that would catch a failed assertion and not raise it again.
fn swallowing<'t>(site: &Site<'_, 't>) -> Option<Role<'t>> {
    let handlers = site.parent?;
    let mut cursor = handlers.walk();
    let header = |clause: Node<'t>| {
        let last = clause.named_child_count().checked_sub(1).and_then(|last| clause.named_child(last as u32));
        let body = last.filter(|last| last.kind() == "block");
        let head = clause.start_byte()..body.map_or(clause.end_byte(), |body| body.start_byte());
        (head, body)
    };
    let clauses = handlers.named_children(&mut cursor);
    let clauses = clauses.filter(|clause| matches!(clause.kind(), "except_clause" | "except_group_clause"));
    let found = clauses.map(header).find(|(head, body)| {
        let text = site.source.get(head.clone()).unwrap_or_default();
        let catches = ["AssertionError", "Exception", "BaseException"].iter().any(|name| text.contains(name))
            || text.trim_end_matches([':', ' ', '\n']).trim() == "except";
        let body = body.map(|body| site.text(body)).unwrap_or_default();
        catches && !body.contains("raise") && !body.contains("fail(")
    })?;
    Some(Role::Hold { hold: Hold::Swallow, header: found.0 })
}
