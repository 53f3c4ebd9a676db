//! Nothing is applied that has not passed its gates.

use super::world::*;
use crate::blueprint::{DeterministicAction, Route};
use crate::run::{Event, Status};
use crate::task::{TaskSet, Trust};

#[test]
fn a_red_attempt_goes_back_to_the_model_and_a_green_one_is_applied() {
    let mut world = World::new(&[replacing("wrong", "worse"), replacing("worse", "right")]);
    world.start(start_of(FIX_TESTS));
    assert_eq!(world.ending(), "Done: 1 file changed; run_tests: 2 tests passed");
    assert_eq!(world.lib(), "// top\nfn value() -> u32 { right }\n// end\n");
    assert_eq!((world.model_calls, world.applies, world.remembered.len()), (2, 1, 1));
    let timeline = world.names().join(" ").replace(" step_started", "\nstep_started");
    insta::assert_snapshot!(timeline, @r"
    run_started
    step_started policy_decided task_finished gate_judged step_finished
    step_started context_gathered context_built step_finished
    step_started model_requested model_replied facts_gathered policy_decided edits_planned step_finished
    step_started step_finished
    step_started policy_decided task_finished gate_judged step_finished
    step_started model_requested model_replied facts_gathered policy_decided edits_planned step_finished
    step_started step_finished
    step_started policy_decided task_finished gate_judged step_finished
    step_started proposed step_finished
    step_started bases_checked apply_intended applied step_finished
    step_started remembered step_finished run_ended
    ");
}

#[test]
fn nothing_reaches_the_files_while_the_gate_is_red() {
    let mut world = World::new(&["worse", "bad", "awful", "poor", "dire"].map(|word| {
        edit_and_finish("src/lib.rs", "fn value() -> u32 {", &format!("fn value() -> u32 {{ {word};"))
    }));
    let before = world.files.clone();
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().starts_with("Paused: stage `fix` has used its"), "{}", world.ending());
    assert_eq!(world.files, before);
    assert_eq!(world.applies, 0);
}

#[test]
fn when_nothing_fails_nothing_is_asked() {
    let mut world = World::new(&[]);
    world.files.insert("src/lib.rs".into(), "fn value() { right }".into());
    world.start(start_of(FIX_TESTS));
    assert_eq!(world.ending(), "Done: nothing had to be changed");
    assert_eq!(world.model_calls, 0);
}

#[test]
fn zero_tests_are_not_a_pass() {
    let mut world = World::new(&[replacing("wrong", "right; no tests")]);
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().contains("executed no test; zero tests are not a pass"), "{}", world.ending());
    assert_eq!(world.applies, 0);
}

#[test]
fn without_a_test_task_no_model_is_called() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(crate::run::RunStarted { tasks: trusted(Vec::new()), ..start_of(FIX_TESTS) });
    assert!(world.ending().starts_with("Failed: no task is declared for `run_tests`"), "{}", world.ending());
    assert_eq!(world.model_calls, 0);
}

#[test]
fn untrusted_tasks_do_not_run() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    let tasks = TaskSet { tasks: vec![test_task()], trust: Trust::Untrusted };
    world.start(crate::run::RunStarted { tasks, ..start_of(FIX_TESTS) });
    assert!(world.ending().starts_with("Failed: task `test` may not run"), "{}", world.ending());
    assert!(world.ending().contains("`openexec trust`, or the trust action"), "{}", world.ending());
    assert_eq!(world.count("task_finished"), 0);
}

/// The validator would refuse such a graph; the run refuses it once more.
#[test]
fn a_graph_that_goes_round_its_gates_still_applies_nothing() {
    let mut start = start_of(FIX_TESTS);
    for stage in &mut start.blueprint.stages {
        if stage.edits() {
            stage.on_success = Route::Stage { id: "apply_edit".into() };
        }
    }
    let mut world = World::new(&[replacing("wrong", "right")]);
    let before = world.files.clone();
    world.start(start);
    assert!(
        world.ending().contains("the edits have not passed run_tests as they are now"),
        "{}",
        world.ending()
    );
    assert_eq!((world.applies, world.files.clone()), (0, before));
}

#[test]
fn a_gate_that_was_passed_holds_for_no_other_tree() {
    // After the gate, one more editing stage leads straight to the application.
    let mut start = start_of(FIX_TESTS);
    let again = start.blueprint.stages.iter().find(|stage| stage.edits()).cloned().unwrap();
    let again = crate::blueprint::Stage {
        id: "again".into(),
        on_success: Route::Stage { id: "apply_edit".into() },
        ..again
    };
    start.blueprint.stages.push(again);
    for stage in &mut start.blueprint.stages {
        if stage.id.as_str() == "run_tests" {
            stage.on_success = Route::Stage { id: "again".into() };
        }
    }
    let mut world = World::new(&[replacing("wrong", "right"), replacing("right", "right again")]);
    world.start(start);
    assert!(world.ending().contains("have not passed run_tests as they are now"), "{}", world.ending());
    assert_eq!(world.applies, 0);
}

#[test]
fn a_required_linter_that_nobody_declares_blocks() {
    let mut start = start_of(FIX_TESTS);
    start.blueprint.gates.push(DeterministicAction::RunLinters);
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start);
    assert!(
        world.ending().starts_with("Failed: no task is declared for `run_linters`"),
        "{}",
        world.ending()
    );
}

#[test]
fn failures_of_before_are_told_apart_from_new_ones() {
    // `works` fails before and after; the task is another one.
    let mut start = start_of(IMPLEMENT);
    start.inputs.instruction = Some("say it louder".into());
    let mut world = World::new(&[replacing("wrong", "wrong, louder")]);
    world.start(start.clone());
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    assert!(world.lib().contains("wrong, louder"));
    // A new failure is not forgiven, and is named to the model.
    let mut world = World::new(&[replacing("fn value", "fn other")]);
    world.start(start);
    assert_eq!(world.state.status(), Status::Active, "{}", world.ending());
    let red = world.journal.iter().any(|event| match event {
        Event::GateJudged { judgement, .. } => format!("{judgement:?}").contains("newly failing: stands"),
        _ => false,
    });
    assert!(red, "{:?}", world.names());
}

#[test]
fn one_failing_test_can_be_meant_among_others() {
    let mut start = start_of(FIX_TESTS);
    start.inputs.failing_test = Some("tests::absent".into());
    let mut world = World::new(&[]);
    world.start(start);
    assert_eq!(world.ending(), "Done: nothing had to be changed");
}
