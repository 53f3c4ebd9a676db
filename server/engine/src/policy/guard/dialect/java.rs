//! Java: JUnit 3 to 5, TestNG, AssertJ, Hamcrest, Mockito.

use super::{Dialect, Family, Hold, Opening, Role, Site, is_judging_name};
use crate::policy::guard::reading::Kind;
use tree_sitter::Node;

pub(super) static DIALECT: Dialect = Dialect {
    family: Family::Java,
    comments: &["line_comment", "block_comment"],
    strings: &["string_literal"],
    arrays: &["array_initializer", "element_value_array_initializer"],
    calls: &["method_invocation", "object_creation_expression"],
    joint: ".",
    is_case: |_| false,
    is_table: |text| text.contains("Source"),
    roles,
};

const TEST_ANNOTATIONS: [&str; 7] =
    ["Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate", "Property", "Theory"];

fn annotations<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    let modifiers = node.named_children(&mut cursor).find(|child| child.kind() == "modifiers");
    let Some(modifiers) = modifiers else { return Vec::new() };
    let mut cursor = modifiers.walk();
    let annotations = modifiers.named_children(&mut cursor);
    annotations.filter(|child| matches!(child.kind(), "annotation" | "marker_annotation")).collect()
}

fn is_test(site: &Site<'_, '_>, annotations: &[Node<'_>]) -> bool {
    annotations.iter().any(|annotation| {
        let name = annotation.child_by_field_name("name").map(|name| site.text(name)).unwrap_or_default();
        name.rsplit('.').next().is_some_and(|last| TEST_ANNOTATIONS.contains(&last))
    })
}

fn roles<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let node = site.node;
    match node.kind() {
        "class_declaration" | "interface_declaration" | "record_declaration" | "enum_declaration" => {
            roles.push(Role::Unit(Opening {
                kind: Kind::Scope,
                name: site.field_text("name").to_owned(),
                attributes: annotations(node),
                body: site.field("body"),
            }));
        }
        "method_declaration" => {
            let attributes = annotations(node);
            let name = site.field_text("name");
            // JUnit 3 runs public methods by their name.
            let by_name =
                name.starts_with("test") && site.field_text("type") == "void" && attributes.is_empty();
            roles.push(Role::Unit(Opening {
                kind: if is_test(site, &attributes) || by_name { Kind::Test } else { Kind::Function },
                name: name.to_owned(),
                attributes,
                body: site.field("body"),
            }));
        }
        "method_invocation" => invocation(site, roles),
        "assert_statement" => {
            let condition = node.named_child(0).unwrap_or(node);
            let range = node.start_byte()..condition.end_byte();
            roles.push(Role::Judgement(Vec::from([range])));
        }
        "throw_statement" => roles.push(Role::Failure),
        "if_statement" | "while_statement" | "ternary_expression" => {
            roles.extend(site.hold(Hold::Condition, "condition"));
        }
        "block" if site.parent_kind() == "if_statement" && site.is_field_of_parent("alternative") => {
            roles.extend(site.other_branch("condition"));
        }
        "binary_expression" if matches!(site.field_text("operator"), "&&" | "||") => {
            roles.extend(site.hold(Hold::Condition, "left"));
        }
        "switch_block_statement_group" | "switch_rule" => roles.push(Role::Hold {
            hold: Hold::Condition,
            header: node.named_child(0).unwrap_or(node).byte_range(),
        }),
        "enhanced_for_statement" => roles.extend(site.hold(Hold::Loop, "value")),
        "for_statement" => roles.extend(site.hold(Hold::Loop, "condition")),
        "block"
            if matches!(site.parent_kind(), "try_statement" | "try_with_resources_statement")
                && site.is_field_of_parent("body") =>
        {
            roles.extend(swallowing(site));
        }
        "lambda_expression" => closure(site, roles),
        "return_statement" | "break_statement" | "continue_statement" => roles.push(Role::Exit),
        "variable_declarator" => roles.push(Role::Binding {
            name: site.field_text("name").to_owned(),
            value: site.field("value").map(|value| value.byte_range()),
        }),
        "assignment_expression" => roles.push(Role::Binding {
            name: site.field_text("left").to_owned(),
            value: site.field("right").map(|value| value.byte_range()),
        }),
        "expression_statement" | "local_variable_declaration" => roles.push(Role::Statement),
        _ => {}
    }
}

fn invocation<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    const LINKS_MAX: usize = 40;
    // Of a chain, the whole is the judgement.
    if site.parent_kind() == "method_invocation" && site.is_field_of_parent("object") {
        return;
    }
    let mut link = Some(site.node);
    let mut judges = false;
    for _ in 0..LINKS_MAX {
        let Some(call) = link.filter(|node| node.kind() == "method_invocation") else { break };
        let name = call.child_by_field_name("name").map(|name| site.text(name)).unwrap_or_default();
        judges |= is_judging_name(name) || matches!(name, "verifyNoMoreInteractions" | "thenReturnThrows");
        link = call.child_by_field_name("object");
    }
    if site.field_text("name") == "fail" {
        roles.push(Role::Failure);
    } else if judges {
        roles.push(Role::Judgement(vec![site.node.byte_range()]));
    } else if site.field_text("name") == "forEach" {
        roles.extend(site.field("object").map(|object| Role::Table(object.byte_range())));
    }
}

fn closure<'t>(site: &Site<'_, 't>, roles: &mut Vec<Role<'t>>) {
    let call = site.grandparent.filter(|_| site.parent_kind() == "argument_list");
    let name = call.and_then(|call| call.child_by_field_name("name"));
    let header = name.map_or(site.node.start_byte()..site.node.start_byte(), |name| name.byte_range());
    roles.push(Role::Hold { hold: Hold::Closure, header });
}

fn swallowing<'t>(site: &Site<'_, 't>) -> Option<Role<'t>> {
    let statement = site.parent?;
    let mut cursor = statement.walk();
    let clauses = statement.named_children(&mut cursor).filter(|child| child.kind() == "catch_clause");
    let header = |clause: Node<'t>| {
        let body = clause.child_by_field_name("body");
        (clause.start_byte()..body.map_or(clause.end_byte(), |body| body.start_byte()), body)
    };
    let found = clauses.map(header).find(|(head, body)| {
        let text = site.source.get(head.clone()).unwrap_or_default();
        let words = ["AssertionError", "Throwable", "AssertionFailedError"];
        let catches = words.iter().any(|word| text.contains(word)) || text.contains("Error e");
        let body = body.map(|body| site.text(body)).unwrap_or_default();
        catches && !body.contains("throw") && !body.contains("fail(") && !body.contains("assert")
    })?;
    Some(Role::Hold { hold: Hold::Swallow, header: found.0 })
}
