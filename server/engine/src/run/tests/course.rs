//! What people are told of how far a run has come.

use super::world::*;
use crate::blueprint::Route;
use crate::run::{RunStarted, RunState, Status};
use crate::task::Task;

/// What a run was doing, one after the other.
fn activities(start: RunStarted) -> Vec<String> {
    let mut world = World::new(&[replacing("wrong", "worse"), replacing("worse", "right")]);
    world.start(start);
    assert!(world.ending().starts_with("Done: 1 file changed"), "{}", world.ending());
    let mut state = RunState::new();
    let mut activities = Vec::new();
    for event in &world.journal {
        state.apply(event);
        if !state.has_unrecorded() && state.status() == Status::Active {
            activities.push(state.activity());
        }
    }
    activities.dedup();
    activities
}

#[test]
fn stages_are_counted_as_soon_as_it_is_certain_how_many_there_are() {
    // Where nothing fails, `reproduce` is all there is.
    let expected = [
        "reproduce, stage 1, task `test`",
        "gather_context, stage 2 of 8",
        "fix, stage 3 of 8, turn 1",
        "run_tests, stage 5 of 8, task `test`",
        "fix, stage 3 of 8, attempt 2 of 4, turn 1",
        "run_tests, stage 5 of 8, attempt 2, task `test`",
        "apply_edit, stage 7 of 8",
        "remember, stage 8 of 8",
    ];
    assert_eq!(activities(start_of(FIX_TESTS)), expected);
}

#[test]
fn a_failure_that_may_lead_elsewhere_leaves_the_number_open_until_it_has() {
    let mut start = start_of(FIX_TESTS);
    let fix = start.blueprint.stages.iter().find(|stage| stage.id.as_str() == "fix").unwrap();
    let mut repair = fix.clone();
    repair.id = "repair".into();
    repair.on_success = Route::Stage { id: "run_tests".into() };
    for stage in &mut start.blueprint.stages {
        if stage.id.as_str() == "run_tests" {
            stage.on_failure = Route::Stage { id: "repair".into() };
        }
    }
    start.blueprint.stages.push(repair);
    let expected = [
        "reproduce, stage 1, task `test`",
        "gather_context, stage 2",
        "fix, stage 3, turn 1",
        "run_tests, stage 5, task `test`",
        "repair, stage 6 of 9, turn 1",
        "run_tests, stage 5 of 9, attempt 2, task `test`",
        "apply_edit, stage 8 of 9",
        "remember, stage 9 of 9",
    ];
    assert_eq!(activities(start), expected);
}

#[test]
fn what_the_runtime_adds_counts_once_there_are_edits() {
    let mut start = start_of(FIX_TESTS);
    start.blueprint.stages.truncate(5);
    start.blueprint.stages[4].on_success = Route::Done;
    let expected = [
        "reproduce, stage 1, task `test`",
        "gather_context, stage 2",
        "fix, stage 3, turn 1",
        "run_tests, stage 5 of 8, task `test`",
        "fix, stage 3 of 8, attempt 2 of 4, turn 1",
        "run_tests, stage 5 of 8, attempt 2, task `test`",
        "(apply_edit), stage 7 of 8",
        "(remember), stage 8 of 8",
    ];
    assert_eq!(activities(start), expected);
}

#[test]
fn the_tasks_of_a_gate_are_counted_where_there_are_several() {
    let unit = Task { name: "unit".into(), ..test_task() };
    let told = activities(RunStarted { tasks: trusted(vec![unit, test_task()]), ..start_of(FIX_TESTS) });
    let expected = ["reproduce, stage 1, task `unit`, 1 of 2", "reproduce, stage 1, task `test`, 2 of 2"];
    assert_eq!(told[..2], expected);
}
