//! From a proposal to the user's files and back.

use super::world::*;
use crate::blueprint::Route;
use crate::digest::Digest;
use crate::edit::Part;
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
    assert_eq!((world.lib(), world.ending().as_str()), (BEFORE, "Undone: undo this run again to redo it"));
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
fn what_is_typed_beside_an_edit_is_kept_by_undo_and_redo() {
    let above = |text: &str| text.replace("fn value", "// mine\nfn value");
    let below = |text: &str| text.replace("// end", "// mine\n// end");
    let next = |text: &str| text.replace("// end", "// the end");
    for typed in [&above as &dyn Fn(&str) -> String, &below, &next] {
        let mut world = World::new(&[replacing("wrong", "right")]);
        world.start(start_of(FIX_TESTS));
        world.files.insert("src/lib.rs".into(), typed(DONE));
        for text in [BEFORE, DONE, BEFORE] {
            world.say(Event::UndoRequested { by: by() });
            assert_eq!(world.lib(), typed(text), "{}", world.ending());
        }
    }
    // A line that the run has written is taken back, and brought again where it stood.
    let mut world = World::new(&[replacing("{ wrong }", "{ right }\n// new")]);
    world.start(start_of(FIX_TESTS));
    let (before, done) = (below(BEFORE), below(&DONE.replace("// end", "// new\n// end")));
    world.files.insert("src/lib.rs".into(), done.clone());
    for text in [&before, &done] {
        world.say(Event::UndoRequested { by: by() });
        assert_eq!(world.lib(), text, "{}", world.ending());
    }
}

#[test]
fn typing_beside_an_edit_is_kept_and_verified_with_it() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    let typed = |text: &str| text.replace("// end", "// mine\n// end");
    world.typing = [Some(("src/lib.rs".to_owned(), typed(BEFORE)))].into();
    world.start(start_of(FIX_TESTS));
    assert_eq!((world.lib(), world.count("rebased")), (typed(DONE).as_str(), 1));
    assert_eq!(world.count("gate_judged"), 3);
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

fn asked_of(world: &World) -> (Vec<String>, String) {
    match world.state.status() {
        Status::AwaitingApproval { what: Asked::Proposal { diff, reasons, .. }, .. } => (reasons, diff),
        other => panic!("{other:?}"),
    }
}

fn part(file: &str, hunk: Option<usize>) -> Part {
    Part { path: path(file), hunk }
}

#[test]
fn what_is_left_after_a_rejection_is_verified_and_asked_for_again() {
    let mut world = World::new(&[touching_a_test()]);
    world.start(start_of(FIX_TESTS));
    let (whole, judged) = (proposal_of(&world), world.count("gate_judged"));
    world.say(Event::PartsRejected { proposal: whole, parts: vec![part("tests/it.rs", Some(1))], by: by() });
    let rest = proposal_of(&world);
    assert_ne!(whole, rest);
    assert_eq!((world.count("gate_judged"), world.applies), (judged + 1, 0));
    let (reasons, diff) = asked_of(&world);
    assert!(reasons[0].contains("what is left of it"), "{reasons:?}");
    assert!(diff.contains("src/lib.rs") && !diff.contains("tests/it.rs"), "{diff}");
    // The yes to the whole is none to the rest.
    world.say(Event::Approved { proposal: whole, by: by() });
    assert_eq!(world.applies, 0);
    world.say(Event::Approved { proposal: rest, by: by() });
    assert_eq!(world.lib(), DONE);
    assert_eq!(world.files["tests/it.rs"], "#[test]\nfn works() {}\n");
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
}

#[test]
fn a_rest_that_does_not_stand_brings_the_whole_back() {
    let mut world = World::new(&[touching_a_test()]);
    let before = world.files.clone();
    world.start(start_of(FIX_TESTS));
    let whole = proposal_of(&world);
    world.say(Event::PartsRejected { proposal: whole, parts: vec![part("src/lib.rs", None)], by: by() });
    assert_eq!((proposal_of(&world), world.files.clone()), (whole, before));
    let (reasons, _) = asked_of(&world);
    assert!(reasons[0].contains("does not pass"), "{reasons:?}");
    // What was proven of the whole holds still: it is applied without another judgement.
    let judged = world.count("gate_judged");
    world.say(Event::Approved { proposal: whole, by: by() });
    assert_eq!((world.lib(), world.count("gate_judged")), (DONE, judged));
}

#[test]
fn a_rejection_of_everything_or_of_nothing() {
    let mut world = World::new(&[touching_a_test()]);
    let before = world.files.clone();
    world.start(start_of(FIX_TESTS));
    let whole = proposal_of(&world);
    for parts in [vec![], vec![part("src/nowhere.rs", None)], vec![part("src/lib.rs", Some(9))]] {
        world.say(Event::PartsRejected { proposal: whole, parts, by: by() });
        assert_eq!(proposal_of(&world), whole);
    }
    let other = Digest::of(b"other");
    world.say(Event::PartsRejected { proposal: other, parts: vec![part("tests/it.rs", None)], by: by() });
    assert_eq!(proposal_of(&world), whole);
    let all = vec![part("src/lib.rs", Some(1)), part("tests/it.rs", None)];
    world.say(Event::PartsRejected { proposal: whole, parts: all, by: by() });
    assert!(matches!(world.state.status(), Status::Ended { outcome: Outcome::Discarded, .. }));
    assert_eq!((world.applies, world.files), (0, before));
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
