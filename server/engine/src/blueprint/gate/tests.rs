//! Files without a gate in, files that load out.

use super::with_gates;
use crate::blueprint::load;

fn mended(text: &str) -> String {
    let mended = with_gates(text).expect("a gate can be put there");
    load("x.yaml", &mended).unwrap_or_else(|error| panic!("{error}\n{mended}"));
    mended
}

#[test]
fn a_missing_gate_is_put_before_what_applies() {
    let text = "version: 1\nname: hasty\nstages:\n  - id: implement\n    type: agent\n    goal: Do it\n\n  \
                - id: apply_edit\n    type: deterministic\n    action: apply_edit\n";
    insta::assert_snapshot!(mended(text), @"
    version: 1
    name: hasty
    stages:
      - id: implement
        type: agent
        goal: Do it

      - id: run_tests
        type: deterministic
        action: run_tests
        on_success: apply_edit
        on_failure: implement

      - id: apply_edit
        type: deterministic
        action: apply_edit
    ");
}

#[test]
fn stages_on_one_line_each_have_room_too() {
    let text = "version: 1\r\nname: hasty\r\nstages:\r\n  - { id: implement, type: agent, goal: x, outputs: [patch] }\r\n  \
                - { id: propose, type: deterministic, action: propose }\r\n  \
                - { id: apply_edit, type: deterministic, action: apply_edit }\r\n";
    let mended = mended(text);
    assert!(mended.contains("action: run_tests\r\n"), "{mended}");
    assert!(!mended.replace("\r\n", "").contains('\n'), "line ends stay as they are");
}

#[test]
fn a_gate_is_put_at_the_end_where_nothing_applies_explicitly() {
    let text = "version: 1\nname: a\nstages:\n  - id: implement\n    type: agent\n    goal: x\n";
    let mended = mended(text);
    assert!(mended.ends_with("    action: run_tests\n    on_failure: implement\n"), "{mended}");
    let without_end = mended_without_line_end();
    assert!(without_end.contains("goal: x\n  - id: run_tests\n"), "{without_end}");
}

fn mended_without_line_end() -> String {
    mended("version: 1\nname: a\nstages:\n  - id: implement\n    type: agent\n    goal: x")
}

#[test]
fn all_missing_gates_are_put_there_and_a_way_past_one_is_closed() {
    let both = "version: 1\nname: a\ngates: [run_linters, run_tests]\nstages:\n  - id: implement\n    type: agent\n    goal: x\n";
    let both = mended(both);
    assert!(both.contains("action: run_tests") && both.contains("action: run_linters"), "{both}");
    let past = "version: 1\nname: a\nstages:\n  - id: implement\n    type: agent\n    goal: x\n    on_success: remember\n  \
                - id: tests\n    type: deterministic\n    action: run_tests\n    on_failure: implement\n  \
                - id: remember\n    type: deterministic\n    action: remember\n";
    let past = mended(past);
    assert_eq!(past.matches("action: run_tests").count(), 1, "{past}");
    assert!(past.contains("on_success: tests"), "{past}");
}

#[test]
fn nothing_is_offered_where_nothing_is_missing_or_nothing_helps() {
    let proven = include_str!("../../../../../blueprints/scoped_code_change.yaml");
    assert_eq!(with_gates(proven), None);
    assert_eq!(with_gates("stages: ["), None);
    let on_one_line = "{version: 1, name: a, stages: [{id: implement, type: agent, goal: x}]}\n";
    assert_eq!(with_gates(on_one_line), None);
}
