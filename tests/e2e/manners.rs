//! Whole runs against clients of every kind of manners: what an editor answers is not believed,
//! what stands in the files is.

use crate::client::{Abilities, Client, Manners, PATIENCE};
use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project};
use serde_json::{Value, json};

struct Scene {
    project: Project,
    client: Client,
    uri: String,
}

fn scene(abilities: Abilities, manners: Manners) -> Scene {
    scene_of(ONE_ATTEMPT, abilities, manners)
}

fn scene_of(replies: &str, abilities: Abilities, manners: Manners) -> Scene {
    let project = Project::scripted_tests(replies, CHECK);
    project.trust();
    let mut client = project.editor(abilities);
    client.manners = manners;
    let uri = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    Scene { project, client, uri }
}

impl Scene {
    fn start(&mut self) {
        let run = json!({ "blueprint": "fix_tests", "uri": self.uri, "model": self.project.model() });
        self.client.execute("openexec.run", run).unwrap();
    }
}

#[test]
fn an_honest_client_gets_the_edit_and_can_undo_it_twice() {
    let mut scene = scene(Abilities::all(), Manners::Honest);
    scene.start();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.client.text(&scene.uri), FIXED);
    assert_eq!(scene.project.read("src/lib.rs"), LIB, "an open file is never written by the server");
    scene.client.execute("openexec.undo", Value::Null).unwrap();
    scene.client.wait_for_message("undo this run again to redo it");
    assert_eq!(scene.client.text(&scene.uri), LIB);
    scene.client.execute("openexec.undo", Value::Null).unwrap();
    scene.client.wait_for("the text once more", |message| {
        message["method"] == "window/showMessage"
            && message["params"]["message"].as_str().is_some_and(|text| text.contains("redone"))
    });
    assert_eq!(scene.client.text(&scene.uri), FIXED);
}

#[test]
fn clients_that_tell_late_or_mumble_are_understood() {
    for manners in [Manners::Late, Manners::Mumbling] {
        let mut scene = scene(Abilities::all(), manners);
        scene.start();
        scene.client.wait_for_message("undo with `openexec.undo`");
        assert_eq!(scene.client.text(&scene.uri), FIXED, "{manners:?}");
    }
}

#[test]
fn an_edit_that_is_never_answered_counts_by_its_effect() {
    let mut scene = scene(Abilities::all(), Manners::Mute);
    scene.start();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.client.text(&scene.uri), FIXED);
}

#[test]
fn a_silent_editor_is_given_up_and_stays_usable_meanwhile() {
    let mut scene = scene(Abilities::all(), Manners::Silent);
    scene.start();
    scene.client.wait_for("an edit", |message| message["method"] == "workspace/applyEdit");
    scene.client.execute("openexec.status", Value::Null).unwrap();
    assert!(!scene.client.code_actions(&scene.uri, 1, 8).is_empty());
    // It may still be asking its user, so the server waits for long.
    let said = scene.client.wait_for_within(3 * PATIENCE, "the stand", |message| {
        message["method"] == "window/showMessage"
            && message["params"]["message"].as_str().is_some_and(|text| text.contains("is paused"))
    });
    let said = said["params"]["message"].as_str().unwrap();
    assert!(said.contains("0 of 1 files were applied"), "{said}");
    scene.client.manners = Manners::Honest;
    scene.client.execute("openexec.resume", Value::Null).unwrap();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.client.text(&scene.uri), FIXED);
}

#[test]
fn an_editor_that_takes_edits_only_after_a_command_gets_them_with_the_next_command() {
    // The model thinks for longer than Kate waits.
    let slow = ONE_ATTEMPT.replace("    reply:", "    delay_ms: 2200\n    reply:");
    let mut scene = scene_of(&slow, Abilities::all(), Manners::Kate);
    scene.start();
    let said = scene.client.wait_for_message("is paused");
    assert!(said.contains("0 of 1 files were applied"), "{said}");
    assert_eq!(scene.client.text(&scene.uri), LIB);
    // The command of the user is followed by the edit at once.
    scene.client.execute("openexec.resume", Value::Null).unwrap();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.client.text(&scene.uri), FIXED);
}

#[test]
fn a_client_without_any_ability_completes_the_flow() {
    let mut scene = scene(Abilities::none(), Manners::Honest);
    scene.start();
    scene.client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(scene.client.text(&scene.uri), FIXED);
}

#[test]
fn liars_and_refusers_are_found_out_and_get_another_chance() {
    for manners in [Manners::Liar, Manners::Rejecting] {
        let mut scene = scene(Abilities::all(), manners);
        scene.start();
        let said = scene.client.wait_for_message("is paused");
        assert!(
            said.contains("0 of 1 files were applied; `src/lib.rs` does not hold the proposed text"),
            "{said}"
        );
        assert_eq!(scene.client.text(&scene.uri), LIB);
        // Nothing has landed, so there is nothing to take back.
        let refused = scene.client.execute("openexec.undo", Value::Null).unwrap_err();
        assert!(refused["message"].as_str().unwrap().contains("no run can be undone now"), "{refused}");
        scene.client.manners = Manners::Honest;
        scene.client.execute("openexec.resume", Value::Null).unwrap();
        scene.client.wait_for_message("undo with `openexec.undo`");
        assert_eq!(scene.client.text(&scene.uri), FIXED);
    }
}

/// The part of a run's id that people see.
fn short(started: &Value) -> String {
    let run = started["run"].as_str().unwrap();
    run[run.len() - 6..].to_owned()
}

#[test]
fn an_undo_without_a_name_takes_back_the_newest_run_of_a_session() {
    let mut scene = scene(Abilities::all(), Manners::Honest);
    for _ in 0..2 {
        let run = json!({ "blueprint": "fix_tests", "uri": scene.uri, "model": scene.project.model() });
        let run = short(&scene.client.execute("openexec.run", run).unwrap());
        scene.client.wait_for_message(&format!("Run {run}: 1 file changed"));
        assert_eq!(scene.client.text(&scene.uri), FIXED);
        let undone = scene.client.execute("openexec.undo", Value::Null).unwrap();
        assert_eq!(short(&undone), run);
        scene.client.wait_for_message(&format!("Run {run} was undone"));
        assert_eq!(scene.client.text(&scene.uri), LIB);
        // What was undone last can be done again.
        let redo = format!("Redo run {run} (fix_tests)");
        let actions = scene.client.code_actions(&scene.uri, 1, 8);
        assert!(actions.iter().any(|action| action["title"] == redo), "{actions:#?}");
    }
}

#[test]
fn an_edit_on_its_way_is_not_cancelled_and_says_so() {
    let mut scene = scene(Abilities::all(), Manners::Silent);
    scene.start();
    scene.client.wait_for("an edit", |message| message["method"] == "workspace/applyEdit");
    let refused = scene.client.execute("openexec.cancel", Value::Null).unwrap_err();
    let said = refused["message"].as_str().unwrap();
    assert!(said.contains("on its way") && said.contains("undo it afterwards"), "{said}");
}

#[test]
fn tasks_that_cannot_be_read_are_said_once_and_nothing_begins() {
    let scene = scene(Abilities::all(), Manners::Honest);
    let Scene { project, mut client, uri } = scene;
    client.choose(&uri, (1, 8), |title| title.starts_with("Remember why")).unwrap();
    project.write(".openexec/tasks.yaml", "tasks: [");
    client.save(&uri);
    client.wait_for_message("the workspace's tasks cannot be read");
    client.save(&uri);
    let status = client.execute("openexec.status", Value::Null).unwrap();
    assert!(
        status["markdown"].as_str().unwrap().contains("the workspace's tasks cannot be read"),
        "{status}"
    );
    let told = client.heard.iter().filter(|message| {
        let text = message["params"]["message"].as_str().unwrap_or_default();
        message["method"] == "window/showMessage" && text.contains("tasks cannot be read")
    });
    assert_eq!(told.count(), 1);
    for blueprint in ["review", "fix_tests"] {
        let run = json!({ "blueprint": blueprint, "uri": uri, "model": project.model() });
        let refused = client.execute("openexec.run", run).unwrap_err();
        assert!(refused["message"].as_str().unwrap().contains("tasks cannot be read"), "{refused}");
    }
}
