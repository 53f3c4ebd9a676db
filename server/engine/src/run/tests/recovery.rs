//! Crashes, cancellation and replay.

use super::world::*;
use crate::run::{Command, Event, Outcome, RunState, Status};

fn whole_run() -> World {
    let mut world = World::new(&[replacing("wrong", "worse"), replacing("worse", "right")]);
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    world
}

#[test]
fn the_same_journal_gives_the_same_commands() {
    let journal = whole_run().journal;
    let commands = |journal: &[Event]| -> Vec<Vec<Command>> {
        let mut state = RunState::new();
        journal.iter().map(|event| state.apply(event)).collect()
    };
    let once = serde_json::to_vec(&commands(&journal)).unwrap();
    // Through the journal's own format, as a new process would read it.
    let read: Vec<Event> = serde_json::from_slice(&serde_json::to_vec(&journal).unwrap()).unwrap();
    assert_eq!(once, serde_json::to_vec(&commands(&read)).unwrap());
}

/// Wherever a run breaks off, it ends the same way, and no recorded model call is made again.
#[test]
fn every_prefix_of_a_journal_can_be_taken_up() {
    let whole = whole_run();
    for cut in 1..whole.journal.len() {
        let prefix = &whole.journal[..cut];
        let mut world = World::new(&[replacing("wrong", "worse"), replacing("worse", "right")]);
        let answered = prefix.iter().filter(|event| event.name() == "model_replied").count();
        world.replies.drain(..answered);
        if prefix.iter().any(|event| event.name() == "applied") {
            world.files = whole.files.clone();
        }
        world.take_up(prefix);
        assert_eq!(world.halted, None, "cut after {cut}");
        assert_eq!(world.ending(), whole.ending(), "cut after {cut}: {:?}", world.names());
        assert_eq!(world.files, whole.files, "cut after {cut}");
        assert_eq!(world.model_calls as usize, 2 - answered, "cut after {cut}");
        assert_eq!(world.names(), whole.names(), "cut after {cut}");
    }
}

/// The edit has landed, but nobody could write that down.
#[test]
fn an_edit_that_landed_unrecorded_is_not_applied_again() {
    let whole = whole_run();
    let at = whole.names().iter().position(|name| *name == "applied").unwrap();
    let mut world = World::new(&[]);
    world.files = whole.files.clone();
    world.take_up(&whole.journal[..at]);
    assert_eq!(world.files, whole.files);
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
}

#[test]
fn a_decision_that_was_tampered_with_stops_the_run() {
    let mut journal = whole_run().journal;
    let at = journal.iter().position(|event| event.name() == "gate_judged").unwrap();
    if let Event::GateJudged { judgement, .. } = &mut journal[at] {
        *judgement = crate::task::Judgement::Passed { summary: "trust me".into() };
    }
    let mut world = World::new(&[]);
    world.take_up(&journal[..=at]);
    assert!(world.halted.is_some_and(|reason| reason.contains("gate_judged")));
}

#[test]
fn a_run_can_be_cancelled_wherever_it_waits() {
    let whole = whole_run();
    for cut in 1..whole.journal.len() {
        let mut state = RunState::new();
        for event in &whole.journal[..cut] {
            state.apply(event);
        }
        if state.has_unrecorded() || matches!(state.status(), Status::Ended { .. }) {
            continue;
        }
        let applying = state.outstanding().iter().any(|command| matches!(command, Command::Apply { .. }));
        assert_eq!(state.uninterruptible().is_some(), applying, "cut after {cut}");
        let commands = state.apply(&Event::CancelRequested { by: "test".into() });
        if applying {
            assert_eq!(commands, [], "cut after {cut}");
            continue;
        }
        assert!(
            matches!(state.status(), Status::Ended { outcome: Outcome::Cancelled, .. }),
            "cut after {cut}: {:?}",
            state.status()
        );
        let left = state.outstanding();
        assert!(
            left.iter().all(|command| matches!(command, Command::Record { .. })),
            "cut after {cut}: {left:?}"
        );
    }
}

#[test]
fn an_answer_to_an_abandoned_command_has_no_effect() {
    let mut world = World::new(&[]);
    world.start(start_of(FIX_TESTS));
    let waiting = world.state.outstanding();
    let [Command::CallModel { id, .. }] = waiting.as_slice() else { panic!("{waiting:?}") };
    world.say(Event::CancelRequested { by: "test".into() });
    let late = Event::CommandFailed { command: *id, reason: "late".into() };
    assert_eq!(world.state.apply(&late), []);
    assert!(world.ending().starts_with("Cancelled"), "{}", world.ending());
}

#[test]
fn a_failed_command_pauses_and_can_be_tried_again() {
    let mut world = World::new(&[]);
    world.start(start_of(FIX_TESTS));
    let id = world.state.outstanding()[0].id().unwrap();
    let error = crate::model::ModelError::Unreachable { reason: "refused".into() };
    world.say(Event::ModelFailed { command: id, error });
    assert_eq!(world.ending(), "Paused: could not reach the model: refused");
    world.replies.push_back(replacing("wrong", "right"));
    world.say(Event::ResumeRequested { by: "test".into(), budget: None });
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
}
