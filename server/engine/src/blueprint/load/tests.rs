use super::load;
use crate::blueprint::{Blueprint, DeterministicAction, InputName, Route, Trigger, Work};
use crate::limits::{BLUEPRINT_STAGES_MAX, CONFIG_BYTES_MAX, CONFIG_PROBLEMS_MAX};
use crate::policy::{ApprovalMode, SandboxMode};
use crate::task::{Expectation, TimeoutClass};
use insta::assert_snapshot;

fn loaded(text: &str) -> Blueprint {
    load("b.yaml", text).unwrap_or_else(|error| panic!("{error}"))
}

/// Everything that is wrong, one problem a line.
fn problems(text: &str) -> String {
    load("b.yaml", text).expect_err("it must be rejected").to_string()
}

/// A file with these stages, one to a line.
fn with_stages(stages: &[&str]) -> String {
    let stages: String = stages.iter().map(|stage| format!("  - {{{stage}}}\n")).collect();
    format!("version: 1\nname: x\nstages:\n{stages}")
}

fn edits(blueprint: &Blueprint, id: &str) -> bool {
    blueprint.stages.iter().find(|stage| stage.id.as_str() == id).expect(id).edits()
}

/// The example of the public reference, continued in its own style.
const DOCUMENTED: &str = "
version: 1
name: backend_bugfix
description: Fix a backend issue with deterministic validation stages

defaults:
  toolset: coding_backend
  sandbox: workspace_write
  max_step_retries: 2
  approval_mode: on_risky_actions

stages:
  - id: gather_context
    type: deterministic
    action: build_context_pack
    outputs:
      - context_pack

  - id: implement
    type: agent
    goal: Implement requested changes using the context pack
    inputs: [context_pack]
    outputs: [patch]
    on_success: run_linters
    on_failure: fail

  - id: run_linters
    type: deterministic
    action: run_linters
    inputs: [patch]
    outputs: [lint_report]
    on_success: run_tests
    on_failure: fix_lints

  - id: fix_lints
    type: agent
    goal: Fix lint errors without changing unrelated behavior
    inputs: [patch, lint_report]
    outputs: [patch]
    retry_limit: 2
    on_success: run_linters
    on_failure: fail

  - id: run_tests
    type: deterministic
    action: run_tests
    inputs: [patch]
    outputs: [test_report]
    on_success: review
    on_failure: fix_tests

  - id: fix_tests
    type: agent
    goal: Fix failing tests
    inputs: [patch, test_report]
    outputs: [patch]
    retry_limit: 2
    on_success: run_tests
    on_failure: fail

  - id: review
    type: agent
    goal: Review the change
    inputs: [patch, test_report]
    on_success: done
    on_failure: fail
";

#[test]
fn the_documented_example_loads_unchanged() {
    let blueprint = loaded(DOCUMENTED);
    let ids: Vec<&str> = blueprint.stages.iter().map(|stage| stage.id.as_str()).collect();
    assert_eq!(
        ids,
        ["gather_context", "implement", "run_linters", "fix_lints", "run_tests", "fix_tests", "review"]
    );
    assert_eq!(blueprint.gates, [DeterministicAction::RunTests]);
    assert_eq!(blueprint.triggers, [Trigger::Directive, Trigger::Selection]);
    assert_eq!(
        blueprint.inputs.iter().map(|it| it.name).collect::<Vec<_>>(),
        [InputName::Instruction, InputName::Target]
    );
    assert!(
        edits(&blueprint, "implement") && edits(&blueprint, "fix_lints") && edits(&blueprint, "fix_tests")
    );
    assert!(!edits(&blueprint, "review"), "it declares no outputs and follows the last gate");
}

#[test]
fn a_file_with_the_least_of_keys_gets_every_default() {
    let blueprint = loaded(
        "
version: 1
name: backend_bugfix
stages:
  - id: implement
    type: agent
    goal: Implement requested changes
    on_success: run_tests
    on_failure: fail
  - id: run_tests
    type: deterministic
    action: run_tests
    on_success: done
    on_failure: fail
",
    );
    assert_eq!(blueprint.name.as_str(), "backend_bugfix");
    assert_eq!(blueprint.sandbox, SandboxMode::WorkspaceWrite);
    assert_eq!(blueprint.approval_mode, ApprovalMode::OnRiskyActions);
    assert_eq!(blueprint.toolset.as_str(), "coding_backend");
    let [implement, run_tests] = blueprint.stages.as_slice() else { panic!("two stages") };
    assert!(implement.edits());
    assert_eq!(implement.retry_limit, 2);
    assert_eq!(implement.timeout, TimeoutClass::Long);
    assert_eq!(implement.outputs, ["patch".into()]);
    assert_eq!(run_tests.retry_limit, 0);
    assert_eq!(run_tests.outputs, ["test_report".into()]);
    assert_eq!(run_tests.on_success, Route::Done);
    assert!(matches!(run_tests.work, Work::Deterministic { expect: Expectation::Green, .. }));
}

#[test]
fn routes_that_are_left_out_follow_the_file_and_end_in_fail() {
    let blueprint = loaded(&with_stages(&[
        "id: implement, type: agent, goal: g",
        "id: gate, type: deterministic, action: run_tests",
    ]));
    assert_eq!(blueprint.stages[0].on_success, Route::Stage { id: "gate".into() });
    assert_eq!(blueprint.stages[0].on_failure, Route::Fail);
    assert_eq!(blueprint.stages[1].on_success, Route::Done);
}

#[test]
fn a_stage_edits_by_its_outputs_its_toolset_and_the_sandbox() {
    let edits_with = |keys: &str, defaults: &str| {
        let text = with_stages(&[
            &format!("id: a, type: agent, goal: g{keys}"),
            "id: gate, type: deterministic, action: run_tests",
        ]);
        edits(&loaded(&text.replace("stages:", &format!("defaults: {{{defaults}}}\nstages:"))), "a")
    };
    assert!(edits_with("", ""));
    assert!(edits_with(", outputs: [notes, patch]", ""));
    assert!(!edits_with(", outputs: [notes]", ""));
    assert!(!edits_with(", outputs: []", ""));
    assert!(!edits_with(", toolset: repo_readonly", ""));
    assert!(!edits_with("", "toolset: docs_lookup"));
    assert!(!edits_with("", "sandbox: read_only"));
}

#[test]
fn a_blueprint_that_edits_nothing_needs_no_gate() {
    let blueprint = loaded(&with_stages(&["id: review, type: agent, goal: g, outputs: [review]"]));
    assert_eq!(blueprint.gates, []);
}

#[test]
fn undeclared_outputs_do_not_hide_an_escape() {
    assert_snapshot!(problems(&with_stages(&[
        "id: baseline, type: deterministic, action: run_tests, on_failure: implement",
        "id: implement, type: agent, goal: g",
        "id: propose, type: deterministic, action: propose",
        "id: apply_edit, type: deterministic, action: apply_edit",
    ])), @"b.yaml:7:10: edits would be applied without `run_tests`: `baseline -> implement -> propose -> apply_edit`; put a stage with `action: run_tests` on this path after `implement`, and let only its `on_success` lead on");
}

#[test]
fn keys_and_values_that_do_not_exist() {
    assert_snapshot!(problems("
version: 2
nmae: x
author: me
stages:
  - id: implement
    type: agnet
    goal: g
    command: rm -rf /
  - id: tests
    type: deterministic
    action: run_test
    retry_limit: 11
    timeout: 30
    approval_required: yes
    toolset: everything
"), @r"
    b.yaml:2:10: `version` is 2; write `version: 1`, the only one there is
    b.yaml:3:1: `nmae` is not a key of a blueprint; did you mean `name`?
    b.yaml:4:1: `author` is not a key of a blueprint; remove it, or write `version`, `name`, `description`, `defaults`, `triggers`, `inputs`, `gates` or `stages`
    b.yaml:7:11: `type` is `agnet`; did you mean `agent`?
    b.yaml:9:5: `command` is not a key of a stage; a blueprint holds no commands: declare a task in `.openexec/tasks.yaml` and write `action: run_task` with its name as `task`
    b.yaml:12:13: `action` is `run_test`; did you mean `run_tests`?
    b.yaml:13:18: `retry_limit` is 11; write a whole number from 0 to 10
    b.yaml:14:14: `timeout` is a number; write `fast`, `medium` or `long`
    b.yaml:15:24: `approval_required` is text; write `true` or `false`
    b.yaml:16:14: `toolset` is `everything`; write `coding_backend`, `coding_positions`, `repo_readonly` or `docs_lookup`
    ");
}

#[test]
fn a_misspelt_key_is_reported_once_and_its_consequences_are_not() {
    assert_snapshot!(problems(&with_stages(&[
        "id: a, type: agent, gaol: g, on_sucess: b",
        "id: b, type: deterministic, action: run_tests",
    ])), @r"
    b.yaml:4:26: `gaol` is not a key of a stage; did you mean `goal`?
    b.yaml:4:35: `on_sucess` is not a key of a stage; did you mean `on_success`?
    ");
}

#[test]
fn keys_that_occur_twice_or_have_no_value() {
    assert_snapshot!(problems("
version: 1
name: x
name: y
description:
stages:
  - id: a
    type: agent
    goal: g
    goal: h
    outputs: [notes, notes]
"), @r"
    b.yaml:4:1: `name` occurs twice in this mapping; keep one of the two
    b.yaml:5:12: `description` has no value; write text, or leave the key out
    b.yaml:10:5: `goal` occurs twice in this mapping; keep one of the two
    b.yaml:11:22: `notes` is listed twice in `outputs`; remove one of the two
    ");
}

#[test]
fn values_of_the_wrong_kind() {
    assert_snapshot!(problems("
version: one
name: [x]
defaults: workspace_write
triggers: test
gates:
  run_tests: true
stages:
  - implement
  - id: 7
    type: agent
    goal: true
    inputs: patch
    on_success: [done]
"), @r"
    b.yaml:2:10: `version` is text; write the number 1
    b.yaml:3:7: `name` is a list; write text
    b.yaml:4:11: `defaults` is text; write a mapping with `toolset`, `sandbox`, `max_step_retries` or `approval_mode`
    b.yaml:5:11: `triggers` is text; write a list, such as `[a, b]`
    b.yaml:7:3: `gates` is a mapping; write a list, such as `[a, b]`
    b.yaml:9:5: an item of `stages` is text; write a mapping with `id`, `type`, `action`, `goal`, `task`, `expect`, `inputs`, `outputs`, `toolset`, `retry_limit`, `timeout`, `approval_required`, `on_success` or `on_failure`
    b.yaml:10:9: `id` is a number; write text, in quotes
    b.yaml:12:11: `goal` is a truth value; write text, in quotes
    b.yaml:13:13: `inputs` is text; write a list, such as `[a, b]`
    b.yaml:14:17: `on_success` is a list; write text
    ");
}

#[test]
fn what_a_stage_of_its_type_cannot_have() {
    assert_snapshot!(problems(&with_stages(&[
        "id: a, type: agent, goal: g, action: run_tests, task: t, expect: green",
        "id: b, type: deterministic, action: run_tests, goal: g, task: t",
        "id: c, type: deterministic, action: run_task",
        "id: d, type: deterministic, action: propose, expect: green",
        "id: e, type: deterministic, action: run_linters, expect: no_new_failures",
        "id: f, type: agent",
        "id: g, type: deterministic",
        "id: h, action: run_tests",
        "type: agent, goal: g",
        "id: i, type: agent, goal: ' '",
    ])), @r"
    b.yaml:4:43: `a` is an agent stage and has `action`; remove `action`, or write `type: deterministic`
    b.yaml:4:60: `a` is an agent stage and has `task`; remove `task`, or write `type: deterministic`
    b.yaml:4:71: `a` is an agent stage and has `expect`; remove `expect`, or write `type: deterministic`
    b.yaml:5:59: `b` is deterministic and has a `goal`; remove the goal, or write `type: agent`
    b.yaml:5:68: `b` has a `task`, which `run_tests` does not take; remove the task, or write `action: run_task`
    b.yaml:6:5: `c` has no `task`; write `task:` and the name of a declared task
    b.yaml:7:59: `d` has an `expect`, and `propose` judges nothing; remove it; only gates and `run_task` expect something
    b.yaml:8:63: `e` expects something of tests, and linters report none; write `expect: green` or leave the key out
    b.yaml:9:5: `f` has no `goal`; write `goal:` and what is to be achieved
    b.yaml:10:5: `g` has no `action`; write `action:` and what is to be done
    b.yaml:11:5: `h` has no `type`; write `type: deterministic` or `type: agent`
    b.yaml:12:5: this stage has no `id`; write `id:` and a name for it
    b.yaml:13:32: `i` has an empty `goal`; write what is to be achieved
    ");
}

#[test]
fn ids_and_routes_that_lead_nowhere() {
    assert_snapshot!(problems(&with_stages(&[
        "id: implement, type: agent, goal: g, on_success: run_test",
        "id: run_tests, type: deterministic, action: run_tests, on_failure: elsewhere",
        "id: run_tests, type: deterministic, action: run_tests",
        "id: done, type: deterministic, action: remember",
        "id: 'a b', type: deterministic, action: remember",
    ])), @r"
    b.yaml:4:55: the route leads to `run_test`, and there is no such stage; did you mean `run_tests`?
    b.yaml:5:73: the route leads to `elsewhere`, and there is no such stage; write `done`, `fail`, `implement`, `paused` or `run_tests`
    b.yaml:6:10: two stages are named `run_tests`; the first is in line 5; give this stage another id
    b.yaml:7:10: a stage is named `done`, which is the end of a run; give the stage another id
    b.yaml:8:10: `id` is `a b`; write letters, digits, `_`, `-` and `.`, beginning with a letter, a digit or `_`, at most 64
    ");
}

#[test]
fn stages_that_nothing_leads_to_and_runs_that_never_end_well() {
    assert_snapshot!(problems(&with_stages(&[
        "id: a, type: deterministic, action: build_context_pack, on_success: fail",
        "id: b, type: deterministic, action: summarize_run",
    ])), @r"
    b.yaml:4:10: no path of this blueprint leads to `done` or `paused`; route the last stage's `on_success` to `done`
    b.yaml:5:10: no route leads to `b`; route another stage to it, or remove it
    ");
}

#[test]
fn loops_without_an_agent() {
    assert_snapshot!(problems(&with_stages(&[
        "id: lint, type: deterministic, action: run_linters",
        "id: test, type: deterministic, action: run_tests, on_failure: pack",
        "id: pack, type: deterministic, action: build_context_pack, on_success: test",
        "id: again, type: deterministic, action: run_tests, on_failure: again",
    ])), @r"
    b.yaml:4:10: no path of this blueprint leads to `done` or `paused`; route the last stage's `on_success` to `done`
    b.yaml:5:10: the loop `test -> pack -> test` has no end: no stage in it counts its attempts; lead it through an agent stage, whose `retry_limit` bounds it
    b.yaml:7:10: no route leads to `again`; route another stage to it, or remove it
    b.yaml:7:10: the loop `again -> again` has no end: no stage in it counts its attempts; lead it through an agent stage, whose `retry_limit` bounds it
    ");
}

#[test]
fn retries_and_routes_that_can_never_be_taken() {
    assert_snapshot!(problems(&with_stages(&[
        "id: implement, type: agent, goal: g, retry_limit: 0, on_failure: implement",
        "id: run_tests, type: deterministic, action: run_tests, on_failure: implement",
        "id: propose, type: deterministic, action: propose, retry_limit: 1",
        "id: more, type: agent, goal: g, outputs: [notes], on_success: more",
    ])), @r"
    b.yaml:4:10: no path of this blueprint leads to `done` or `paused`; route the last stage's `on_success` to `done`
    b.yaml:4:71: `on_failure` of `implement` leads to itself and can never be taken: its retries are used up before; set `retry_limit` for retries in place, and route `on_failure` elsewhere or to `paused`
    b.yaml:5:73: `on_failure` of `run_tests` can never be taken: `implement` has been attempted before, and its `retry_limit` is 0; give `implement` a `retry_limit` of at least 1, or route elsewhere
    b.yaml:6:70: `propose` declares retries that can never be taken: `propose` is not idempotent and is never repeated by itself; remove `retry_limit` and route `on_failure` to `paused`
    b.yaml:7:68: `more` would repeat itself until its attempts are used up; route `on_success` to another stage or to `done`
    ");
}

#[test]
fn a_fix_that_may_be_attempted_once_is_no_mistake() {
    loaded(&with_stages(&[
        "id: implement, type: agent, goal: g, on_success: run_tests",
        "id: fix, type: agent, goal: g, retry_limit: 0, on_success: run_tests",
        "id: run_tests, type: deterministic, action: run_tests, retry_limit: 1, on_failure: fix",
    ]));
}

#[test]
fn inputs_that_nothing_leaves() {
    assert_snapshot!(problems(&with_stages(&[
        "id: implement, type: agent, goal: g, inputs: [instruction, contxt_pack, test_report, failing_test]",
        "id: pack, type: deterministic, action: build_context_pack, inputs: [patch]",
        "id: run_tests, type: deterministic, action: run_tests, inputs: [patch, context_pack]",
    ])), @r"
    b.yaml:4:65: no stage that can run before `implement` leaves `contxt_pack`; write `instruction` or `target`; or add it to the `outputs` of an earlier stage or to the run's `inputs`
    b.yaml:4:78: no stage that can run before `implement` leaves `test_report`; write `instruction` or `target`; or add it to the `outputs` of an earlier stage or to the run's `inputs`
    b.yaml:4:91: no stage that can run before `implement` leaves `failing_test`; write `instruction` or `target`; or add it to the `outputs` of an earlier stage or to the run's `inputs`
    ");
}

#[test]
fn gates_that_are_none_or_too_few() {
    let stages = ["id: implement, type: agent, goal: g", "id: gate, type: deterministic, action: run_tests"];
    let with_gates =
        |gates: &str| problems(&with_stages(&stages).replace("stages:", &format!("gates: {gates}\nstages:")));
    assert_snapshot!(with_gates("[]"), @"b.yaml:3:8: `gates` is empty, and stages of this blueprint edit; list `run_tests`: no edit is applied without it");
    assert_snapshot!(with_gates("[run_task]"), @r"
    b.yaml:3:8: `gates` does not list `run_tests`, and stages of this blueprint edit; list `run_tests`: no edit is applied without it
    b.yaml:3:9: `run_task` is not a gate; write `run_tests` or `run_linters`
    ");
    assert_snapshot!(with_gates("[run_linters, run_tests]"), @"b.yaml:6:10: edits would be applied without `run_linters`: `implement -> gate -> done`; put a stage with `action: run_linters` on this path after `implement`, and let only its `on_success` lead on");
}

#[test]
fn an_edit_without_its_gate() {
    assert_snapshot!(problems(&with_stages(&[
        "id: implement, type: agent, goal: g, outputs: [patch]",
        "id: propose, type: deterministic, action: propose",
        "id: apply_edit, type: deterministic, action: apply_edit",
    ])), @"b.yaml:6:10: edits would be applied without `run_tests`: `implement -> propose -> apply_edit`; put a stage with `action: run_tests` on this path after `implement`, and let only its `on_success` lead on");
    assert_snapshot!(problems(&with_stages(&[
        "id: implement, type: agent, goal: g, outputs: [patch]",
        "id: run_tests, type: deterministic, action: run_tests, on_failure: done",
    ])), @"b.yaml:5:10: edits would be applied without `run_tests`: `implement -> run_tests -> done`; put a stage with `action: run_tests` on this path after `implement`, and let only its `on_success` lead on");
    assert_snapshot!(problems(&with_stages(&[
        "id: implement, type: agent, goal: g, outputs: [patch]",
        "id: run_tests, type: deterministic, action: run_tests",
        "id: polish, type: agent, goal: g, outputs: [patch]",
    ])), @"b.yaml:6:10: edits would be applied without `run_tests`: `implement -> run_tests -> polish -> done`; put a stage with `action: run_tests` on this path after `polish`, and let only its `on_success` lead on");
}

#[test]
fn edits_that_would_be_lost() {
    assert_snapshot!(problems(&with_stages(&[
        "id: implement, type: agent, goal: g, outputs: [patch]",
        "id: run_tests, type: deterministic, action: run_tests",
        "id: apply_edit, type: deterministic, action: apply_edit",
        "id: format, type: deterministic, action: format",
        "id: remember, type: deterministic, action: remember",
    ])), @"b.yaml:7:10: `format` edits after the last `apply_edit`, so its edits would be lost: `implement -> run_tests -> apply_edit -> format -> remember -> done`; lead the path through the gates and another `apply_edit`, or let the stage edit nothing (`outputs` without `patch`)");
}

#[test]
fn edits_that_nothing_allows() {
    assert_snapshot!(problems(&with_stages(&[
        "id: implement, type: agent, goal: g, outputs: [patch], toolset: repo_readonly",
        "id: run_tests, type: deterministic, action: run_tests",
    ])), @"b.yaml:4:53: `implement` declares the output `patch`, but the toolset `repo_readonly` holds no editing action; remove `patch` from `outputs`, or allow the stage to edit");
}

#[test]
fn problems_of_every_step_are_reported_together() {
    assert_snapshot!(problems("
version: 1
name: x
owner: me
stages:
  - {id: implement, type: agent, goal: g, outputs: [patch], inputs: [ticket]}
  - {id: apply_edit, type: deterministic, action: apply_edit, retry_limit: 1}
  - {id: remember, type: deterministic, action: remember, on_success: done}
  - {id: orphan, type: deterministic, action: summarize_run}
"), @r"
    b.yaml:4:1: `owner` is not a key of a blueprint; remove it, or write `version`, `name`, `description`, `defaults`, `triggers`, `inputs`, `gates` or `stages`
    b.yaml:6:70: no stage that can run before `implement` leaves `ticket`; write `instruction` or `target`; or add it to the `outputs` of an earlier stage or to the run's `inputs`
    b.yaml:7:10: edits would be applied without `run_tests`: `implement -> apply_edit`; put a stage with `action: run_tests` on this path after `implement`, and let only its `on_success` lead on
    b.yaml:7:76: `apply_edit` declares retries that can never be taken: `apply_edit` is not idempotent and is never repeated by itself; remove `retry_limit` and route `on_failure` to `paused`
    b.yaml:9:10: no route leads to `orphan`; route another stage to it, or remove it
    ");
}

#[test]
fn files_that_are_no_yaml_document() {
    assert_snapshot!(problems(""), @"b.yaml:1:1: the file is empty; write `version: 1`, `name:` and `stages:`");
    assert_snapshot!(problems("version: 1\nname: [x\nstages: 1\n"), @"b.yaml:3:7: this is not a YAML document that can be read: illegal placement of ':' indicator; mend the syntax here or in the lines before");
    assert_snapshot!(problems("version: 1\n---\nversion: 1\n"), @"b.yaml:3:1: this is not a YAML document that can be read: only single YAML document expected but multiple found; mend the syntax here or in the lines before");
    assert_snapshot!(problems("version: !!python/object 1\n"), @"b.yaml:1:26: this is not a YAML document that can be read: unsupported tag `!!python/object`; mend the syntax here or in the lines before");
    assert_snapshot!(problems("- version: 1\n"), @"b.yaml:1:1: the file is a list; write a mapping with `version`, `name`, `description`, `defaults`, `triggers`, `inputs`, `gates` or `stages`");
}

#[test]
fn aliases_may_be_used_and_bombs_are_refused() {
    let blueprint = loaded(
        "
version: 1
name: x
stages:
  - id: implement
    type: agent
    goal: &goal Do it
    outputs: [patch]
  - {id: run_tests, type: deterministic, action: run_tests, on_failure: fix}
  - {id: apply_edit, type: deterministic, action: apply_edit, on_success: done}
  - {id: fix, type: agent, goal: *goal, on_success: run_tests}
",
    );
    assert!(matches!(&blueprint.stages[3].work, Work::Agent { goal, .. } if goal == "Do it"));

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(", ")));
    }
    assert!(problems(&bomb).contains("not a YAML document"), "{}", problems(&bomb));
}

#[test]
fn files_beyond_the_limits_are_refused() {
    assert!(problems(&"#".repeat(CONFIG_BYTES_MAX + 1)).contains("bytes; write at most"));
    let nested = format!("version: {}1{}", "[".repeat(100), "]".repeat(100));
    assert!(problems(&nested).contains("not a YAML document"), "{}", problems(&nested));
    let stages: Vec<String> = (0..=BLUEPRINT_STAGES_MAX)
        .map(|at| format!("id: s{at}, type: deterministic, action: run_tests"))
        .collect();
    let stages: Vec<&str> = stages.iter().map(String::as_str).collect();
    assert!(problems(&with_stages(&stages)).contains("`stages` has 65 stages"));
    let keys: String = (0..=CONFIG_PROBLEMS_MAX).map(|at| format!("unknown{at}: 1\n")).collect();
    assert_eq!(problems(&keys).lines().count(), CONFIG_PROBLEMS_MAX);
}

#[test]
fn whatever_loads_after_a_line_was_lost_or_doubled_is_proven() {
    let lines: Vec<&str> =
        include_str!("../../../../../blueprints/scoped_code_change.yaml").lines().collect();
    let mut accepted = 0;
    for at in 0..lines.len() {
        let mut lost = lines.clone();
        lost.remove(at);
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        for text in [lost.join("\n"), doubled.join("\n")] {
            match load("b.yaml", &text) {
                Ok(blueprint) => {
                    accepted += 1;
                    assert_eq!(crate::blueprint::prove(&blueprint), Ok(()), "{text}");
                }
                Err(error) => assert!(!error.diagnostics.is_empty()),
            }
        }
    }
    assert!(accepted > 0, "comments and descriptions can be lost");
}
