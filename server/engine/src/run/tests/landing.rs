//! What landed in the user's files, whatever was typed around it, and the way back from there.

use super::world::*;
use crate::digest::Digest;
use crate::edit::{ChangeSet, FileChange};
use crate::run::landing::Landed;
use crate::run::{ApplyReport, Event, FileOutcome, Look, OpenDocument, Outcome, Status};

const BEFORE: &str = "// top\nfn value() -> u32 { wrong }\n// end\n";
const DONE: &str = "// top\nfn value() -> u32 { right }\n// end\n";

fn by() -> String {
    "test".into()
}

fn undo(world: &mut World) {
    world.say(Event::UndoRequested { by: by() });
}

fn typed_below(text: &str) -> String {
    format!("{text}\n// typed\n")
}

/// Two places of one file, far from each other; the first one makes the tests pass.
fn two_places() -> (World, String) {
    let reply = serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": "wrong", "new": "right" },
        { "id": "a2", "kind": "replace_text", "path": "src/lib.rs", "old": "// last", "new": "// LAST" },
        { "id": "a3", "kind": "finish", "summary": "done" },
    ]});
    let mut world = World::new(&[reply.to_string()]);
    let base = format!("{BEFORE}//\n//\n//\n//\n// last\n");
    world.files.insert("src/lib.rs".into(), base.clone());
    (world, base)
}

#[test]
fn what_is_typed_before_the_editor_answers_is_no_failure() {
    for sees in [true, false] {
        let mut world = World::new(&[replacing("wrong", "right")]);
        world.types_after_edit = Some(typed_below);
        world.sees = sees;
        world.start(start_of(FIX_TESTS));
        assert!(world.ending().starts_with("Done"), "{}", world.ending());
        assert_eq!(world.lib(), typed_below(DONE));
        world.types_after_edit = None;
        undo(&mut world);
        assert_eq!(
            (world.lib(), world.ending().as_str()),
            (&*typed_below(BEFORE), "Undone: undo this run again to redo it")
        );
    }
}

#[test]
fn what_is_typed_while_it_is_undone_is_no_failure_either() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start_of(FIX_TESTS));
    world.types_after_edit = Some(typed_below);
    undo(&mut world);
    assert_eq!(
        (world.lib(), world.ending().as_str()),
        (&*typed_below(BEFORE), "Undone: undo this run again to redo it")
    );
    world.types_after_edit = None;
    undo(&mut world);
    assert_eq!((world.lib(), world.ending().as_str()), (&*typed_below(DONE), "Done: redone"));
}

#[test]
fn an_edit_that_was_taken_back_at_once_has_not_landed() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.types_after_edit = Some(|text| text.replace("right", "wrong"));
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().contains("0 of 1 files were applied"), "{}", world.ending());
    assert!(world.ending().ends_with("or discard the run"), "{}", world.ending());
    assert!(world.state.applied().is_none());
}

#[test]
fn an_editor_that_ends_lines_in_its_own_way_has_applied_the_edit() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.types_after_edit = Some(|text| text.replace('\n', "\r\n"));
    world.sees = false;
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    world.types_after_edit = None;
    undo(&mut world);
    assert_eq!(world.lib(), BEFORE);
}

#[test]
fn a_mark_that_the_buffer_does_not_show_is_no_difference() {
    let mut world = World::new(&[edit_and_finish(
        "src/lib.rs",
        "top\nfn value() -> u32 { wrong",
        "top\nfn value() -> u32 { right",
    )]);
    let marked = |text: &str| format!("\u{FEFF}{text}");
    world.files.insert("src/lib.rs".into(), marked(BEFORE));
    // The editor opens the file for the edit and keeps the mark to itself.
    world.types_after_edit = Some(|text| text.replace('\u{FEFF}', ""));
    world.sees = false;
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    world.types_after_edit = None;
    undo(&mut world);
    assert_eq!(world.lib(), BEFORE);
    // After it was saved and closed, the mark is there again.
    undo(&mut world);
    world.files.insert("src/lib.rs".into(), marked(DONE));
    undo(&mut world);
    assert_eq!(world.lib(), marked(BEFORE));
}

#[test]
fn the_hunk_that_landed_can_be_taken_back_and_the_other_applied() {
    let (mut world, base) = two_places();
    world.editor = Editor::Ticking;
    world.start(start_of(FIX_TESTS));
    let ending = world.ending();
    assert!(ending.contains("0 of 1 files were applied"), "{ending}");
    assert!(
        ending.contains("there is a part of it in `src/lib.rs`") && ending.ends_with("or undo"),
        "{ending}"
    );
    let part = world.lib().to_owned();
    assert_eq!(part, base.replace("wrong", "right"));
    world.editor = Editor::Honest;
    let mut other = two_places().0;
    other.editor = Editor::Ticking;
    other.start(start_of(FIX_TESTS));
    other.editor = Editor::Honest;
    undo(&mut world);
    assert_eq!(world.lib(), base);
    // The rest lands later, and one undo takes back both.
    other.say(Event::ResumeRequested { by: by(), budget: None });
    assert_eq!(other.lib(), base.replace("wrong", "right").replace("last", "LAST"));
    undo(&mut other);
    assert_eq!(other.lib(), base);
}

#[test]
fn what_landed_first_is_not_forgotten_when_the_rest_lands() {
    let reply = serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": "wrong", "new": "right" },
        { "id": "a2", "kind": "create_file", "path": "src/other.rs", "text": "// new\n" },
        { "id": "a3", "kind": "finish", "summary": "done" },
    ]});
    let mut world = World::new(&[reply.to_string()]);
    world.editor = Editor::Partial;
    let before = world.files.clone();
    world.start(start_of(FIX_TESTS));
    // Something is typed into the file that holds its edit, so nothing is left to do there.
    world.files.insert("src/lib.rs".into(), typed_below(DONE));
    world.editor = Editor::Honest;
    world.say(Event::ResumeRequested { by: by(), budget: None });
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    undo(&mut world);
    assert_eq!(world.lib(), typed_below(BEFORE));
    assert_eq!(world.files.len(), before.len());
}

#[test]
fn an_undo_that_finds_nothing_is_refused() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start_of(FIX_TESTS));
    // Another editor shows the file without the edits, which stand unsaved in the first one.
    for elsewhere in [BEFORE.to_owned(), typed_below(BEFORE)] {
        let here = world.files.insert("src/lib.rs".into(), elsewhere.clone()).unwrap();
        let applies = world.applies;
        undo(&mut world);
        assert!(
            world.ending().starts_with("Done: could not be undone: nothing of its edits stands"),
            "{}",
            world.ending()
        );
        assert_eq!((world.lib(), world.applies), (elsewhere.as_str(), applies));
        world.files.insert("src/lib.rs".into(), here);
    }
    undo(&mut world);
    assert_eq!((world.lib(), world.ending().as_str()), (BEFORE, "Undone: undo this run again to redo it"));
}

#[test]
fn a_redo_that_fails_is_called_one_and_says_why() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start_of(FIX_TESTS));
    undo(&mut world);
    world.editor = Editor::Liar;
    undo(&mut world);
    assert_eq!(
        world.ending(),
        "Undone: could not be redone: `src/lib.rs` could not be changed again (the editor answered: applied)"
    );
    world.files.remove("src/lib.rs");
    undo(&mut world);
    assert_eq!(world.ending(), "Undone: could not be redone: `src/lib.rs` was deleted or renamed since");
}

#[test]
fn a_file_that_is_gone_is_not_told_as_changed() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start_of(FIX_TESTS));
    world.files.remove("src/lib.rs");
    undo(&mut world);
    assert_eq!(world.ending(), "Done: could not be undone: `src/lib.rs` was deleted or renamed since");
}

#[test]
fn a_verification_after_a_rebase_sees_the_buffers_as_they_are() {
    let reply = serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": "wrong", "new": "right" },
        { "id": "a2", "kind": "create_file", "path": "src/other.rs", "text": "// new\n" },
        { "id": "a3", "kind": "finish", "summary": "done" },
    ]});
    let mut world = World::new(&[reply.to_string()]);
    // The user makes one of the changes by hand, and one more. Nothing of it is saved, so the tests
    // see it only if they are given the buffer.
    let by_hand = typed_below(DONE);
    world.typing = [Some(("src/lib.rs".to_owned(), by_hand.clone()))].into();
    world.open_documents = vec![OpenDocument { path: path("src/lib.rs"), version: 2, text: by_hand.clone() }];
    world.is_disk_stale = true;
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    assert_eq!((world.lib(), world.files.contains_key("src/other.rs")), (by_hand.as_str(), true));
}

#[test]
fn a_paused_run_of_which_nothing_stands_can_be_discarded() {
    let discard = |world: &mut World| {
        let proposal = world.state.changes().unwrap().digest();
        world.say(Event::Refused { proposal, by: by() });
    };
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.editor = Editor::Liar;
    world.start(start_of(FIX_TESTS));
    discard(&mut world);
    assert!(matches!(world.state.status(), Status::Ended { outcome: Outcome::Discarded, .. }));
    // Where a part of it stands there is something to undo first.
    let (mut world, _) = two_places();
    world.editor = Editor::Ticking;
    world.start(start_of(FIX_TESTS));
    discard(&mut world);
    assert!(matches!(world.state.status(), Status::Paused { .. }));
}

#[test]
fn a_refusal_after_a_part_has_landed_says_that_it_stands() {
    let reply = serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": "wrong", "new": "right" },
        { "id": "a2", "kind": "replace_text", "path": "tests/it.rs", "old": "#[test]\n", "new": "#[test]\n#[ignore]\n" },
        { "id": "a3", "kind": "finish", "summary": "done" },
    ]});
    let mut world = World::new(&[reply.to_string()]);
    let waiting = |world: &World| match world.state.status() {
        Status::AwaitingApproval { proposal, .. } => proposal,
        other => panic!("{other:?}"),
    };
    world.editor = Editor::Partial;
    world.start(start_of(FIX_TESTS));
    world.say(Event::Approved { proposal: waiting(&world), by: by() });
    assert!(world.ending().contains("1 of 2 files were applied"), "{}", world.ending());
    // The rest is another question once its file has moved.
    let moved = format!("{}// mine\n", world.files["tests/it.rs"]);
    world.files.insert("tests/it.rs".into(), moved);
    world.say(Event::ResumeRequested { by: by(), budget: None });
    world.say(Event::Refused { proposal: waiting(&world), by: by() });
    assert!(world.ending().contains("stands in your files; undo it"), "{}", world.ending());
    undo(&mut world);
    assert_eq!(world.lib(), BEFORE);
}

#[test]
fn an_empty_file_has_not_landed_in_the_text_of_somebody_else() {
    let reply = serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": "wrong", "new": "right" },
        { "id": "a2", "kind": "create_file", "path": "src/marker", "text": "" },
        { "id": "a3", "kind": "finish", "summary": "done" },
    ]});
    let mut world = World::new(&[reply.to_string()]);
    world.sees = false;
    // Somebody else writes both files in the moment in which ours are written.
    world.types_after_edit = Some(|text| if text.is_empty() { "of another".into() } else { text.to_owned() });
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().contains("1 of 2 files were applied"), "{}", world.ending());
}

#[test]
fn hunks_are_not_looked_for_in_a_file_that_somebody_has_formatted() {
    let lines = |of: &dyn Fn(usize) -> String| (0..4_000).map(of).collect::<String>();
    let base = lines(&|at| format!("line {at}\n"));
    let change = FileChange {
        proposed: Some(lines(&|at| {
            if at % 100 == 0 { format!("line {at} edited\n") } else { format!("line {at}\n") }
        })),
        base: Some(base),
        renamed_from: None,
    };
    // The first hunk has landed; half of the other lines are formatted.
    let now = lines(&|at| match at {
        0 => "line 0 edited\n".to_owned(),
        at if at % 2 == 1 && at > 10 => format!("  line {at}\n"),
        at => format!("line {at}\n"),
    });
    let changes = ChangeSet { files: [(path("a.txt"), change)].into() };
    let look = Look { seen: None, now: Some(now.clone()) };
    let outcome =
        FileOutcome { path: path("a.txt"), text: Some(Digest::of(now.as_bytes())), look: Some(look) };
    let landed = Landed::of(&changes, &ApplyReport { files: vec![outcome], answer: None });
    assert_eq!((landed.stands.len(), landed.wrong), (0, vec![path("a.txt")]));
}

/// Journals of before tell digests only, and what was decided on them is decided again.
#[test]
fn a_journal_of_before_is_folded_as_it_was() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.types_after_edit = Some(typed_below);
    world.of_before = true;
    world.start(start_of(FIX_TESTS));
    assert!(world.ending().contains("0 of 1 files were applied"), "{}", world.ending());
    let journal = serde_json::to_string(&world.journal).unwrap();
    assert!(!journal.contains("\"look\"") && !journal.contains("\"seen\""), "{journal}");
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.of_before = true;
    world.start(start_of(FIX_TESTS));
    world.files.insert("src/lib.rs".into(), BEFORE.into());
    undo(&mut world);
    assert_eq!(world.ending(), "Undone: undo again to redo");
}
