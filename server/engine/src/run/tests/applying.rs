//! From a proposal to the user's files and back.

use super::world::*;
use crate::blueprint::Route;
use crate::digest::Digest;
use crate::run::{Asked, Event, Outcome, Status};

const DONE: &str = "// top\nfn value() -> u32 { right }\n// end\n";
const BEFORE: &str = "// top\nfn value() -> u32 { wrong }\n// end\n";

fn by() -> String {
    "test".into()
}

#[test]
fn undo_restores_and_redo_repeats() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start_of(FIX_TESTS));
    assert_eq!(world.lib(), DONE);
    world.say(Event::UndoRequested { by: by() });
    assert_eq!((world.lib(), world.ending().as_str()), (BEFORE, "Undone: undo again to redo"));
    world.say(Event::UndoRequested { by: by() });
    assert_eq!((world.lib(), world.ending().as_str()), (DONE, "Done: redone"));
}

#[test]
fn undo_keeps_what_was_typed_since_and_refuses_where_it_cannot() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start_of(FIX_TESTS));
    world.files.insert("src/lib.rs".into(), format!("// mine\n{DONE}"));
    world.say(Event::UndoRequested { by: by() });
    assert_eq!(world.lib(), format!("// mine\n{BEFORE}"));

    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start_of(FIX_TESTS));
    let mine = DONE.replace("right", "mine");
    world.files.insert("src/lib.rs".into(), mine.clone());
    world.say(Event::UndoRequested { by: by() });
    assert_eq!(world.lib(), mine);
    assert!(world.ending().starts_with("Done: could not be undone"), "{}", world.ending());
}

#[test]
fn typing_elsewhere_is_kept_and_verified_again() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.typing = [Some(("src/lib.rs".to_owned(), format!("// mine\n{BEFORE}")))].into();
    world.start(start_of(FIX_TESTS));
    assert_eq!(world.lib(), format!("// mine\n{DONE}"));
    assert_eq!(world.count("rebased"), 1);
    // Reproduced, then judged, then judged once more with the user's typing in it.
    assert_eq!(world.count("gate_judged"), 3);
}

#[test]
fn typing_at_the_same_place_goes_back_to_the_user() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    let mine = BEFORE.replace("wrong", "mine");
    world.typing = [Some(("src/lib.rs".to_owned(), mine.clone()))].into();
    world.start(start_of(FIX_TESTS));
    assert_eq!(world.lib(), mine);
    assert!(world.ending().contains("changed meanwhile at the same lines"), "{}", world.ending());
    // Once the user has settled it, the run goes on.
    world.files.insert("src/lib.rs".into(), BEFORE.into());
    world.say(Event::ResumeRequested { by: by(), budget: None });
    assert_eq!(world.lib(), DONE);
}

#[test]
fn a_lying_editor_is_found_out() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.editor = Editor::Liar;
    world.start(start_of(FIX_TESTS));
    assert!(
        world.ending().starts_with("Paused: stage `apply_edit`: 0 of 1 files")
            || world.ending().contains("0 of 1 files were applied"),
        "{}",
        world.ending()
    );
    assert!(world.remembered.is_empty());
    world.editor = Editor::Honest;
    world.say(Event::ResumeRequested { by: by(), budget: None });
    assert_eq!(world.lib(), DONE);
}

#[test]
fn a_half_applied_edit_can_be_taken_back() {
    let reply = serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": "wrong", "new": "right" },
        { "id": "a2", "kind": "create_file", "path": "src/other.rs", "text": "// new\n" },
        { "id": "a3", "kind": "finish", "summary": "done" },
    ]});
    let mut world = World::new(&[reply.to_string()]);
    world.editor = Editor::Partial;
    let before = world.files.clone();
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().contains("1 of 2 files were applied"), "{}", world.ending());
    assert_eq!(world.lib(), DONE);
    world.editor = Editor::Honest;
    world.say(Event::UndoRequested { by: by() });
    assert_eq!(world.files, before);
}

fn touching_a_test() -> String {
    let actions = serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": "wrong", "new": "right" },
        { "id": "a2", "kind": "replace_text", "path": "tests/it.rs", "old": "#[test]\n", "new": "#[test]\n#[ignore]\n" },
        { "id": "a3", "kind": "finish", "summary": "done" },
    ]});
    actions.to_string()
}

fn proposal_of(world: &World) -> Digest {
    match world.state.status() {
        Status::AwaitingApproval { proposal, .. } => proposal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_judges_the_work_needs_an_approval_of_exactly_these_bytes() {
    let mut world = World::new(&[touching_a_test()]);
    let before = world.files.clone();
    world.start(start_of(FIX_TESTS));
    let proposal = proposal_of(&world);
    let Status::AwaitingApproval { what: Asked::Proposal { reasons, .. }, .. } = world.state.status() else {
        panic!("it waits")
    };
    assert!(!reasons.is_empty() && reasons.iter().all(|reason| !reason.contains("(allow.")), "{reasons:?}");
    // Another digest opens nothing.
    world.say(Event::Approved { proposal: Digest::of(b"other"), by: by() });
    assert_eq!((proposal_of(&world), world.files.clone()), (proposal, before));
    world.say(Event::Approved { proposal, by: by() });
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    assert_eq!(world.lib(), DONE);
}

#[test]
fn a_refused_proposal_changes_nothing() {
    let mut world = World::new(&[touching_a_test()]);
    let before = world.files.clone();
    world.start(start_of(FIX_TESTS));
    let proposal = proposal_of(&world);
    world.say(Event::Refused { proposal, by: by() });
    assert!(matches!(world.state.status(), Status::Ended { outcome: Outcome::Discarded, .. }));
    assert_eq!(world.files, before);
    // An approval that comes late opens nothing.
    world.say(Event::Approved { proposal, by: by() });
    assert_eq!((world.applies, world.files), (0, before));
}

#[test]
fn an_approval_ends_with_its_run() {
    let asked = || {
        let mut world = World::new(&[touching_a_test()]);
        world.start(start_of(FIX_TESTS));
        world
    };
    let mut first = asked();
    let proposal = proposal_of(&first);
    first.say(Event::Approved { proposal, by: by() });
    assert_eq!(first.applies, 1);
    // The same bytes in another run are another question.
    let second = asked();
    assert_eq!((proposal_of(&second), second.applies), (proposal, 0));
}

#[test]
fn an_approval_does_not_cover_what_a_rebase_made_of_it() {
    let mut world = World::new(&[touching_a_test()]);
    world.typing = [Some(("src/lib.rs".to_owned(), format!("// mine\n{BEFORE}")))].into();
    world.start(start_of(FIX_TESTS));
    let first = proposal_of(&world);
    world.say(Event::Approved { proposal: first, by: by() });
    let second = proposal_of(&world);
    assert_ne!(first, second);
    assert_eq!(world.applies, 0);
    world.say(Event::Approved { proposal: second, by: by() });
    assert_eq!(world.lib(), format!("// mine\n{DONE}"));
}

/// A blueprint need not have a stage that proposes; the approval is asked for all the same.
#[test]
fn without_a_proposing_stage_the_approval_is_still_asked_for() {
    let mut start = start_of(FIX_TESTS);
    for stage in &mut start.blueprint.stages {
        if stage.id.as_str() == "run_tests" {
            stage.on_success = Route::Stage { id: "apply_edit".into() };
        }
    }
    let mut world = World::new(&[touching_a_test()]);
    let before = world.files.clone();
    world.start(start);
    let proposal = proposal_of(&world);
    assert_eq!((world.applies, world.files.clone()), (0, before));
    world.say(Event::Approved { proposal, by: by() });
    assert_eq!((world.applies, world.lib()), (1, DONE));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
}
