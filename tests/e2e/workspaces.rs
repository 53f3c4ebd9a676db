//! Where a workspace lies and what its files are called: several folders, one within another,
//! folders behind symbolic links, names that are hard to write as URIs.

use crate::client::{Abilities, Client, path_of, uri};
use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project};
use serde_json::{Value, json};
use std::path::Path;

fn add_folder(client: &mut Client, folder: &Path) {
    let added = json!([{ "uri": uri(folder), "name": "another" }]);
    client
        .notify("workspace/didChangeWorkspaceFolders", json!({ "event": { "added": added, "removed": [] } }));
}

/// A second project, whose user scope is nobody's.
fn second(place: &Path, name: &str) -> std::path::PathBuf {
    let root = place.join(name);
    for (path, text) in [
        ("src/lib.rs", LIB),
        ("check.py", CHECK),
        (
            ".openexec/tasks.yaml",
            "version: 1\ntasks:\n  - { name: test, kind: test, argv: [python3, check.py], report: tap }\n",
        ),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn run(client: &mut Client, project: &Project, file: &str) {
    let run = json!({ "blueprint": "fix_tests", "uri": file, "model": project.model() });
    client.execute("openexec.run", run).unwrap();
    client.wait_for_message("undo with `openexec.undo`");
    client.heard.clear();
}

#[test]
fn each_of_several_folders_has_runs_and_trust_of_its_own() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let place = project.place().canonicalize().unwrap();
    let mut client = project.editor(Abilities::all());
    let other = second(&place, "another");
    add_folder(&mut client, &other);
    let [ours, theirs] =
        [place.join("ws/src/lib.rs"), other.join("src/lib.rs")].map(|path| client.open(&path));
    run(&mut client, &project, &ours);
    assert_eq!((client.text(&ours), client.text(&theirs)), (FIXED, LIB));
    // Trust is given to a folder, not to a window.
    let trust = json!({ "uri": theirs });
    client.execute("openexec.trust", trust).unwrap();
    client.wait_for_message("trusted, may run");
    run(&mut client, &project, &theirs);
    assert_eq!((client.text(&ours), client.text(&theirs)), (FIXED, FIXED));
    // What a menu offers in a folder is about its runs.
    let undo = |client: &mut Client, file: &str| {
        client.choose(file, (1, 8), |title| title.starts_with("Undo run ")).unwrap();
        client.wait_for_message("undo this run again to redo it");
        client.heard.clear();
    };
    undo(&mut client, &ours);
    assert_eq!((client.text(&ours), client.text(&theirs)), (LIB, FIXED));
    undo(&mut client, &theirs);
    assert_eq!((client.text(&ours), client.text(&theirs)), (LIB, LIB));
    // A file of a folder that was taken out belongs to none.
    let removed = json!([{ "uri": uri(&other), "name": "another" }]);
    client.notify(
        "workspace/didChangeWorkspaceFolders",
        json!({ "event": { "added": [], "removed": removed } }),
    );
    let refused =
        client.execute("openexec.run", json!({ "blueprint": "fix_tests", "uri": theirs })).unwrap_err();
    assert!(refused["message"].as_str().unwrap().contains("lies in no open workspace folder"), "{refused}");
}

#[test]
fn a_file_belongs_to_the_innermost_folder() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let place = project.place().canonicalize().unwrap();
    let mut client = project.editor(Abilities::all());
    let inner = second(&place.join("ws"), "inner");
    add_folder(&mut client, &inner);
    let file = client.open(&inner.join("src/lib.rs"));
    client.execute("openexec.trust", json!({ "uri": file })).unwrap();
    client.wait_for_message("trusted, may run");
    run(&mut client, &project, &file);
    assert_eq!(client.text(&file), FIXED);
    assert_eq!(project.read("src/lib.rs"), LIB);
}

/// The repair, and a new file.
const WITH_NEW_FILE: &str = r##"
replies:
  - stage: fix
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "    41\n", new: "    42\n" }
        - { id: a2, kind: create_file, path: src/new.rs, text: "// new\n" }
        - { id: a3, kind: finish, summary: made it right }
"##;

#[test]
fn a_folder_behind_a_link_is_called_as_the_editor_calls_it() {
    let project = Project::scripted_tests(WITH_NEW_FILE, CHECK);
    project.trust();
    let place = project.place().canonicalize().unwrap();
    let link = place.join("a link");
    std::os::unix::fs::symlink(place.join("ws"), &link).unwrap();
    let mut client = project.editor_on(&link, Abilities::all());
    let file = client.open(&link.join("src/lib.rs"));
    run(&mut client, &project, &file);
    assert_eq!(client.text(&file), FIXED);
    let new = uri(&link.join("src/new.rs"));
    assert_eq!(client.text(&new), "// new\n", "{:?}", client.buffers.keys());
    assert!(client.buffers.keys().all(|name| path_of(name).starts_with(&link)));
}

#[test]
fn an_editor_that_resolves_the_link_itself_is_understood() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let place = project.place().canonicalize().unwrap();
    let link = place.join("link");
    std::os::unix::fs::symlink(place.join("ws"), &link).unwrap();
    // The folder by the link, the file by its true name.
    let mut client = project.editor_on(&link, Abilities::all());
    let file = client.open(&place.join("ws/src/lib.rs"));
    run(&mut client, &project, &file);
    assert_eq!(client.text(&file), FIXED);
}

#[test]
fn two_names_of_one_file_are_edited_once() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let place = project.place().canonicalize().unwrap();
    std::os::unix::fs::symlink("lib.rs", place.join("ws/src/alias.rs")).unwrap();
    let mut client = project.editor(Abilities::all());
    let file = client.open(&place.join("ws/src/lib.rs"));
    run(&mut client, &project, &file);
    let edits = client.heard.iter().filter(|message| message["method"] == "workspace/applyEdit").count();
    assert!(edits <= 1);
    assert_eq!(client.text(&file), FIXED);
    // What is behind the other name is the same file, so there is nothing more to change.
    let alias = client.open(&place.join("ws/src/alias.rs"));
    client.execute("openexec.undo", Value::Null).unwrap();
    client.heard.retain(|message| message["method"] != "window/showMessage");
    drop(alias);
}

#[test]
fn another_name_of_a_file_that_was_closed_leaves_the_dirty_buffer() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let place = project.place().canonicalize().unwrap();
    std::os::unix::fs::symlink("lib.rs", place.join("ws/src/alias.rs")).unwrap();
    let mut client = project.editor(Abilities::all());
    let file = client.open(&place.join("ws/src/lib.rs"));
    client.type_text(&file, &format!("// typed, not saved\n{LIB}"));
    let alias = client.open(&place.join("ws/src/alias.rs"));
    // Each name has its own text.
    let version = |client: &mut Client, uri: &str| {
        client.request("openexec/documentDigest", json!({ "uri": uri })).unwrap()["version"].clone()
    };
    assert_eq!((version(&mut client, &file), version(&mut client, &alias)), (json!(2), json!(1)));
    client.close(&alias);
    run(&mut client, &project, &file);
    assert_eq!(client.text(&file), format!("// typed, not saved\n{FIXED}"));
}

#[test]
fn a_file_whose_names_do_not_show_the_same_is_not_edited_on_a_guess() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let place = project.place().canonicalize().unwrap();
    std::os::unix::fs::symlink("lib.rs", place.join("ws/src/alias.rs")).unwrap();
    let mut client = project.editor(Abilities::all());
    let file = client.open(&place.join("ws/src/lib.rs"));
    let alias = client.open(&place.join("ws/src/alias.rs"));
    let typed = format!("// typed, not saved\n{LIB}");
    client.type_text(&alias, &typed);
    let run = json!({ "blueprint": "fix_tests", "uri": file, "model": project.model() });
    client.execute("openexec.run", run).unwrap();
    client.wait_for_message("open under two names that do not show the same text");
    assert_eq!((client.text(&file), client.text(&alias)), (LIB, typed.as_str()));
    client.close(&alias);
    client.execute("openexec.resume", Value::Null).unwrap();
    client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(client.text(&file), FIXED);
}

#[test]
fn odd_names_are_read_edited_and_created() {
    for name in ["a b#c%d+é.rs", "größe 100%.rs", "[id] drive.rs", "日本語.rs"] {
        let replies = format!(
            r##"
replies:
  - stage: fix
    reply:
      actions:
        - {{ id: a1, kind: replace_text, path: src/lib.rs, old: "    41\n", new: "    42\n" }}
        - {{ id: a2, kind: replace_text, path: "odd/{name}", old: "old", new: "new" }}
        - {{ id: a3, kind: finish, summary: made it right }}
"##
        );
        let project = Project::scripted_tests(&replies, CHECK);
        project.write(&format!("odd/{name}"), "// old\n");
        project.trust();
        let root = project.root().canonicalize().unwrap();
        let mut client = project.editor(Abilities::all());
        // As VS Code writes it, with more escapes than needed.
        let file = uri(&root.join("odd").join(name)).replace("+", "%2B").replace("drive", "%64rive");
        client.open_as(&file, "// old\n");
        run(&mut client, &project, &file);
        assert_eq!(client.text(&file), "// new\n", "{name}: {:?}", client.buffers.keys());
        assert_eq!(client.buffers.len(), 2, "{name}: {:?}", client.buffers.keys());
    }
}
