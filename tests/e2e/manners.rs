//! Whole runs against clients of every kind of manners: what an editor answers is not believed,
//! what stands in the files is.

use crate::client::{Abilities, Client, Manners};
use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project};
use serde_json::{Value, json};
use std::path::Path;

struct Scene {
    project: Project,
    client: Client,
    uri: String,
}

fn scene(abilities: Abilities, manners: Manners) -> Scene {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let place = project.place().canonicalize().unwrap();
    let [config, state] = ["config", "state"].map(|name| place.join(name));
    let environment = [("XDG_CONFIG_HOME", config.as_path()), ("XDG_STATE_HOME", state.as_path())];
    let child = Client::spawn(Path::new(env!("CARGO_BIN_EXE_openexec")), &["lsp"], &environment);
    let root = project.root().canonicalize().unwrap();
    let mut client = Client::of_child(child, &root, abilities);
    client.manners = manners;
    let uri = client.open(&root.join("src/lib.rs"));
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
    scene.client.wait_for_message("undo again to redo");
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
