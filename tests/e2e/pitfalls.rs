//! What editors do that a server must survive, each case with the tests that hold it.
//!
//! | | pitfall | held by |
//! |---|---|---|
//! | 1 | a stale version in the second change, answered `applied: true` | `pitfalls::a_stale_second_file_…`, `lsp::apply::a_liar_is_found_out` |
//! | 2 | the user types mid-run, mid-review, between check and apply | `neovim::typing_…`, `pitfalls::typing_during_a_review_…`, `pitfalls::typing_at_the_moment_…`, `pitfalls::typing_before_the_edit_is_answered_…` |
//! | 3 | optional fields omitted, `version` always there | `lsp::workspace_edit::nothing_optional_is_null`, every edit of this client |
//! | 4 | `applied` null or missing, `{}`, errors after a part, cancelled | `lsp::apply::answers_of_every_shape_are_taken`, `…an_error_after_a_part_…`, `manners::clients_that_tell_late_or_mumble_…` |
//! | 5 | create on a path that exists; no `overwrite`, no `ignoreIfExists` | `lsp::workspace_edit::a_new_file_never_lands_…`, `pitfalls::a_file_that_appeared_meanwhile_…` |
//! | 6 | rename into a missing folder; delete of a dirty buffer; a failure midway | `lsp::workspace_edit::a_rename_into_a_missing_folder_…`, `pitfalls::a_dirty_buffer_is_not_deleted`, `pitfalls::a_failure_midway_…` |
//! | 6a | the buffer of a deleted file stays open | `pitfalls::the_buffer_of_a_deleted_file_…`, `lsp::apply::the_kept_buffer_…` |
//! | 7 | two edits for one URI, overlapping edits, ranges past the end | `lsp::workspace_edit::each_file_is_edited_once_…`, every edit of this client, `workspaces::two_names_of_one_file_…` |
//! | 8 | commands are answered at once; cancel before begin, after end, twice | `lsp::every_command_is_answered_at_once_…`, `pitfalls::a_run_is_cancelled_before_its_progress_begins_…` |
//! | 9 | no showMessage, showDocument, codeLens or documentChanges | `manners::a_client_without_any_ability_…`, `pitfalls::without_any_ability_a_proposal_…` |
//! | 10 | two approvals at once; an unanswered request; a restart with a pending run | `pitfalls::two_approvals_at_once_…`, `manners::a_silent_editor_…`, `neovim::a_waiting_proposal_survives_…`, `several_editors::…` |
//! | 11 | partial acceptance in a preview | `pitfalls::a_partly_ticked_preview_…`, `pitfalls::what_landed_of_a_partly_ticked_…` |
//! | 12 | encodings 8, 16, 32 with emoji and combining marks | `texts::every_encoding_and_line_end_…`, `neovim::wide_characters_…`, `soak` |
//! | 13 | CRLF, mixed endings; a lone `\r` is a line break, U+2028 is not | `texts::…`, `lsp::documents::a_lone_carriage_return_…`, `soak` |
//! | 14 | no final newline; format-on-save after apply is not drift | `texts::a_line_end_that_saving_adds_is_no_drift`, `text::what_editors_do_by_themselves_…` |
//! | 15 | a byte order mark on disk that the buffer lacks | `texts::a_byte_order_mark_…`, `lsp::workspace_edit::a_byte_order_mark_is_no_text` |
//! | 16 | odd URIs; schemes other than `file` | `workspaces::odd_names_…`, `lsp::uri::…`, `lsp::odd_documents_…` |
//! | 17 | a symlinked root, nested and several roots, escape by symlink | `workspaces::…`, `lsp::roots::…`, `hostile` |
//! | 18 | no file events: stat and hash before use | `pitfalls::what_another_program_wrote_…` |
//! | 19 | a lost end of a progress: status is always available | `pitfalls::status_tells_what_a_progress_has_not` |
//! | 20 | two windows, two folders, no command collision | `pitfalls::the_extension_and_the_server_share_no_command`, `several_editors::…` |
//! | 21 | handlers overtake each other | `lsp::service::…`, `soak` |

use crate::client::{Abilities, Client, Manners};
use crate::project::{FIXED, LIB, OTHER, Project, THREE_PARTS};
use serde_json::{Value, json};
use std::path::Path;

/// The repair, a new file, and a file less.
const FILES_COME_AND_GO: &str = r##"
replies:
  - stage: fix
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "    41\n", new: "    42\n" }
        - { id: a2, kind: create_file, path: src/new.rs, text: "// new\n" }
        - { id: a3, kind: delete_file, path: src/other.rs }
        - { id: a4, kind: finish, summary: made it right }
"##;

struct Scene {
    project: Project,
    client: Client,
    lib: String,
    other: String,
}

/// A project whose user is asked about every proposal, in an editor with both files open.
fn scene(replies: &str, abilities: Abilities) -> Scene {
    let project = Project::with_other_file(replies);
    let mut client = project.editor(abilities);
    let root = project.root().canonicalize().unwrap();
    let lib = client.open(&root.join("src/lib.rs"));
    let other = client.open(&root.join("src/other.rs"));
    Scene { project, client, lib, other }
}

impl Scene {
    fn start(&mut self) -> String {
        let run = json!({ "blueprint": "fix_tests", "uri": self.lib, "model": self.project.model() });
        let started = self.client.execute("openexec.run", run).unwrap();
        started["run"].as_str().unwrap().to_owned()
    }

    /// A run whose proposal waits.
    fn waiting(replies: &str) -> Self {
        let mut scene = scene(replies, Abilities::all());
        scene.start();
        scene.client.wait_for_message("waits for you");
        scene.client.heard.clear();
        scene
    }

    fn apply(&mut self) {
        self.client.execute("openexec.apply", Value::Null).unwrap();
    }

    fn texts(&self) -> (&str, &str) {
        (self.client.text(&self.lib), self.client.text(&self.other))
    }

    fn edits_sent(&self) -> usize {
        self.client.heard.iter().filter(|message| message["method"] == "workspace/applyEdit").count()
    }
}

fn changed() -> String {
    OTHER.replace("one", "ONE").replace("nine", "NINE")
}

#[test]
fn a_stale_second_file_is_reported_although_the_editor_says_that_it_applied() {
    let mut scene = Scene::waiting(THREE_PARTS);
    let typed = format!("{OTHER}// typed\n");
    scene.client.manners = Manners::FirstOnly;
    scene.client.types_at_edit = Some((scene.other.clone(), typed.clone()));
    scene.apply();
    let said = scene.client.wait_for_message("is paused");
    assert!(
        said.contains("1 of 2 files were applied; `src/other.rs` does not hold the proposed text"),
        "{said}"
    );
    assert_eq!(scene.texts(), (FIXED, typed.as_str()), "nothing of the user's is lost");
}

#[test]
fn typing_during_a_review_is_kept_and_what_comes_of_it_is_verified() {
    let mut scene = Scene::waiting(THREE_PARTS);
    let typed = OTHER.replace("five", "five, typed");
    scene.client.type_text(&scene.other.clone(), &typed);
    scene.apply();
    // Upon what was typed it is another proposal, about which the user is asked again.
    scene.client.wait_for_message("waits for you");
    assert_eq!(scene.texts(), (LIB, typed.as_str()));
    scene.apply();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.texts(), (FIXED, changed().replace("five", "five, typed").as_str()));
}

#[test]
fn typing_at_the_moment_of_the_edit_loses_nothing() {
    let mut scene = Scene::waiting(THREE_PARTS);
    let typed = LIB.replace("The answer", "The answer, typed");
    scene.client.types_at_edit = Some((scene.lib.clone(), typed.clone()));
    scene.apply();
    let said = scene.client.wait_for_message("is paused");
    assert!(said.contains("0 of 2 files were applied"), "{said}");
    assert_eq!(scene.texts(), (typed.as_str(), OTHER));
}

#[test]
fn a_failure_midway_is_told_with_what_stands() {
    let mut scene = Scene::waiting(THREE_PARTS);
    scene.client.manners = Manners::Midway;
    scene.apply();
    let said = scene.client.wait_for_message("is paused");
    assert!(said.contains("1 of 2 files were applied") && said.contains("`src/other.rs`"), "{said}");
    assert_eq!(scene.texts(), (FIXED, OTHER));
    // What landed can be taken back, or the rest applied.
    scene.client.manners = Manners::Honest;
    scene.client.execute("openexec.resume", Value::Null).unwrap();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.texts(), (FIXED, changed().as_str()));
}

#[test]
fn a_partly_ticked_preview_is_found_out() {
    let mut scene = Scene::waiting(THREE_PARTS);
    scene.client.manners = Manners::Ticking;
    scene.apply();
    let said = scene.client.wait_for_message("is paused");
    assert!(said.contains("1 of 2 files were applied") && said.contains("`src/other.rs`"), "{said}");
    assert_eq!(scene.texts(), (FIXED, OTHER.replace("one", "ONE").as_str()));
}

#[test]
fn what_landed_of_a_partly_ticked_preview_is_undone_or_completed() {
    for resumes in [false, true] {
        let mut scene = Scene::waiting(THREE_PARTS);
        scene.client.manners = Manners::Ticking;
        scene.apply();
        let said = scene.client.wait_for_message("is paused");
        assert!(
            said.contains("there is a part of it in `src/other.rs`") && said.contains("or undo"),
            "{said}"
        );
        scene.client.manners = Manners::Honest;
        if resumes {
            scene.client.execute("openexec.resume", Value::Null).unwrap();
            // The rest is another proposal.
            scene.client.wait_for_message("waits for you");
            scene.apply();
            scene.client.wait_for_message("undo with `openexec.undo`");
            assert_eq!(scene.texts(), (FIXED, changed().as_str()));
        }
        scene.client.execute("openexec.undo", Value::Null).unwrap();
        scene.client.wait_for_message("undo this run again to redo it");
        assert_eq!(scene.texts(), (LIB, OTHER));
    }
}

#[test]
fn typing_before_the_edit_is_answered_is_no_failure() {
    let mut scene = Scene::waiting(THREE_PARTS);
    scene.client.types_after_edit = Some((scene.lib.clone(), "// typed".to_owned()));
    scene.apply();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.texts(), (format!("{FIXED}// typed").as_str(), changed().as_str()));
    scene.client.types_after_edit = Some((scene.lib.clone(), ", more".to_owned()));
    scene.client.execute("openexec.undo", Value::Null).unwrap();
    scene.client.wait_for_message("undo this run again to redo it");
    assert_eq!(scene.texts(), (format!("{LIB}// typed, more").as_str(), OTHER));
}

#[test]
fn the_buffer_of_a_deleted_file_that_stays_open_is_not_filled_twice() {
    let mut scene = Scene::waiting(FILES_COME_AND_GO);
    scene.client.manners = Manners::Keeping;
    scene.apply();
    scene.client.wait_for_message("undo with `openexec.undo`");
    let new = crate::client::uri(&scene.project.root().canonicalize().unwrap().join("src/new.rs"));
    for said in ["undo this run again to redo it", "redone", "undo this run again to redo it"] {
        scene.client.heard.clear();
        scene.client.execute("openexec.undo", Value::Null).unwrap();
        scene.client.wait_for_message(said);
        let lib = if said == "redone" { FIXED } else { LIB };
        assert_eq!(scene.texts(), (lib, OTHER), "{said}");
        assert_eq!(scene.client.text(&new), "// new\n", "{said}");
        let root = scene.project.root();
        let there = ["src/other.rs", "src/new.rs"].map(|name| root.join(name).exists());
        assert_eq!(there, [said != "redone", said == "redone"]);
    }
}

#[test]
fn what_the_user_does_by_hand_while_a_proposal_waits_is_seen_by_the_tests() {
    let mut scene = Scene::waiting(THREE_PARTS);
    let by_hand = format!("{FIXED}// by hand\n");
    scene.client.type_text(&scene.lib.clone(), &by_hand);
    scene.apply();
    scene.client.wait_for_message("waits for you");
    scene.apply();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.texts(), (by_hand.as_str(), changed().as_str()));
}

#[test]
fn a_paused_run_of_which_nothing_stands_is_discarded() {
    let mut scene = Scene::waiting(THREE_PARTS);
    scene.client.manners = Manners::Rejecting;
    scene.apply();
    scene.client.wait_for_message("or discard the run");
    scene.client.execute("openexec.discard", Value::Null).unwrap();
    scene.client.wait_for_message("was discarded");
    assert_eq!(scene.texts(), (LIB, OTHER));
}

#[test]
fn a_file_that_appeared_meanwhile_is_not_overwritten() {
    let mut scene = Scene::waiting(FILES_COME_AND_GO);
    scene.project.write("src/new.rs", "// precious\n");
    scene.apply();
    scene.client.wait_for("a stand", |message| {
        let text = message["params"]["message"].as_str().unwrap_or_default();
        message["method"] == "window/showMessage" && text.contains("src/new.rs")
    });
    assert_eq!(scene.project.read("src/new.rs"), "// precious\n");
    assert_eq!(scene.texts(), (LIB, OTHER));
    assert_eq!(scene.edits_sent(), 0, "nothing is sent when a part of it cannot be");
}

#[test]
fn a_dirty_buffer_is_not_deleted() {
    let mut scene = Scene::waiting(FILES_COME_AND_GO);
    let typed = format!("{OTHER}// not saved\n");
    scene.client.type_text(&scene.other.clone(), &typed);
    scene.apply();
    scene.client.wait_for("a stand", |message| {
        let text = message["params"]["message"].as_str().unwrap_or_default();
        message["method"] == "window/showMessage" && text.contains("src/other.rs")
    });
    assert_eq!(scene.texts(), (LIB, typed.as_str()));
    assert_eq!((scene.project.read("src/other.rs").as_str(), scene.edits_sent()), (OTHER, 0));
}

#[test]
fn what_another_program_wrote_is_seen_without_a_file_event() {
    let mut scene = Scene::waiting(THREE_PARTS);
    scene.client.close(&scene.other.clone()).unwrap();
    let written = OTHER.replace("five", "five, by another program");
    scene.project.write("src/other.rs", &written);
    scene.apply();
    scene.client.wait_for_message("waits for you");
    scene.apply();
    scene.client.wait_for_message("undo with `openexec.undo`");
    let wanted = changed().replace("five", "five, by another program");
    assert_eq!(scene.texts(), (FIXED, wanted.as_str()));
}

#[test]
fn a_run_is_cancelled_before_its_progress_begins_and_after_its_end_and_twice() {
    let slow = THREE_PARTS.replace("    reply:", "    delay_ms: 600000\n    reply:");
    let mut scene = scene(&slow, Abilities::all());
    let run = scene.start();
    let token = json!({ "token": format!("openexec/{run}/1") });
    for _ in 0..2 {
        scene.client.notify("window/workDoneProgress/cancel", token.clone());
    }
    scene.client.wait_for_message("was cancelled");
    scene.client.notify("window/workDoneProgress/cancel", token);
    let refused = scene.client.execute("openexec.cancel", json!({ "run": run })).unwrap_err();
    assert!(refused["message"].as_str().unwrap().contains("cannot be cancelled now"), "{refused}");
    let told = |kind: &str, client: &Client| {
        client.heard.iter().filter(|message| message["params"]["value"]["kind"] == kind).count()
    };
    assert_eq!(told("begin", &scene.client), told("end", &scene.client), "no progress stays for ever");
    assert_eq!(scene.texts(), (LIB, OTHER));
}

#[test]
fn without_any_ability_a_proposal_is_reviewed_applied_and_undone() {
    // What needs no new file, since such a client has no way to make one.
    let mut scene = scene(THREE_PARTS, Abilities::none());
    scene.start();
    scene.client.wait_for_message("waits for you");
    scene.client.choose(&scene.lib.clone(), (0, 0), |title| title.starts_with("Review run")).unwrap();
    let named = scene.client.wait_for_message("Open ");
    let review = std::fs::read_to_string(named.trim_start_matches("Open ")).unwrap();
    assert!(review.contains("+    42"), "{review}");
    scene.client.choose(&scene.lib.clone(), (0, 0), |title| title.starts_with("Apply run")).unwrap();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.texts(), (FIXED, changed().as_str()));
    scene.client.choose(&scene.lib.clone(), (0, 0), |title| title.starts_with("Undo run")).unwrap();
    scene.client.wait_for_message("undo this run again to redo it");
    assert_eq!(scene.texts(), (LIB, OTHER));
}

#[test]
fn two_approvals_at_once_are_one_edit() {
    let mut scene = Scene::waiting(THREE_PARTS);
    let apply = json!({ "command": "openexec.apply", "arguments": [] });
    let asked: Vec<i64> =
        (0..2).map(|_| scene.client.ask("workspace/executeCommand", apply.clone())).collect();
    let answers: Vec<_> = asked.into_iter().map(|id| scene.client.answer(id)).collect();
    assert!(answers.iter().any(Result::is_ok), "{answers:?}");
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.edits_sent(), 1);
    assert_eq!(scene.texts(), (FIXED, changed().as_str()));
}

#[test]
fn status_tells_what_a_progress_has_not() {
    let abilities = Abilities { progress: false, ..Abilities::all() };
    let mut scene = scene(THREE_PARTS, abilities);
    scene.start();
    scene.client.wait_for_message("waits for you");
    let status = scene.client.execute("openexec.status", Value::Null).unwrap();
    let markdown = status["markdown"].as_str().unwrap();
    assert!(markdown.contains("fix_tests") && markdown.contains("waiting for your decision"), "{markdown}");
    scene.client.execute("openexec.discard", Value::Null).unwrap();
    scene.client.wait_for_message("was discarded");
    let status = scene.client.execute("openexec.status", Value::Null).unwrap();
    assert!(!status["markdown"].as_str().unwrap().contains("waiting for your decision"), "{status}");
}

#[test]
fn the_extension_and_the_server_share_no_command() {
    // A command id that is registered twice keeps VS Code's client from starting.
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../editors/vscode/package.json");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(manifest).unwrap()).unwrap();
    let scene = scene(THREE_PARTS, Abilities::all());
    let server = scene.client.server["capabilities"]["executeCommandProvider"]["commands"].clone();
    let server = server.as_array().unwrap();
    let contributed = manifest["contributes"]["commands"].as_array().unwrap();
    assert!(!server.is_empty() && !contributed.is_empty());
    for command in contributed {
        assert!(!server.contains(&command["command"]), "{command}");
    }
}
