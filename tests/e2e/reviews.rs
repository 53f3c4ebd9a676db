//! The document that shows a proposal, as a place of decision: lenses and menu of its hunks, over
//! the protocol. And what is decided part by part in a client that lists runs itself.

use crate::client::{Abilities, Client, uri};
use crate::project::{CHECK, FIXED, LIB, OTHER, Project, THREE_PARTS};
use serde_json::{Value, json};
use std::path::Path;

/// A project whose run waits, and the client that has started it.
fn waiting(abilities: Abilities) -> (Project, Client, [String; 2]) {
    let project = Project::with_other_file(THREE_PARTS);
    let mut client = project.editor(abilities);
    let root = project.root().canonicalize().unwrap();
    let files = ["src/lib.rs", "src/other.rs"].map(|file| client.open(&root.join(file)));
    client.execute("openexec.run", json!({ "blueprint": "fix_tests", "model": project.model() })).unwrap();
    (project, client, files)
}

fn lensing() -> Abilities {
    Abilities { annotations: true, ..Abilities::all() }
}

/// Opens the review that waits, as an editor that was told to show it does.
fn review(client: &mut Client) -> [String; 2] {
    client.wait_for_message("waits for you");
    // The next one is another one's.
    client.heard.retain(|message| message["method"] != "window/showMessage");
    let shown = client.execute("openexec.review", json!({})).unwrap();
    ["review", "diff"].map(|which| client.open(Path::new(shown[which].as_str().unwrap())))
}

/// The lenses of a document, by title and line, each with its command.
fn lenses(client: &mut Client, uri: &str) -> Vec<(String, Value)> {
    let params = json!({ "textDocument": { "uri": uri } });
    let shown = client.request("textDocument/codeLens", params).unwrap();
    let text: Vec<String> = client.text(uri).lines().map(str::to_owned).collect();
    let lens = |lens: &Value| {
        let line = usize::try_from(lens["range"]["start"]["line"].as_u64().unwrap()).unwrap();
        (format!("{} {}", lens["command"]["title"].as_str().unwrap(), text[line]), lens["command"].clone())
    };
    shown.as_array().into_iter().flatten().map(lens).collect()
}

/// Waits until a document has a lens like this and runs it.
fn press(client: &mut Client, uri: &str, wanted: &str) -> Value {
    let command = until_lens(client, uri, wanted);
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    client.request("workspace/executeCommand", params).unwrap()
}

/// Waits until a document has a lens that begins like this, and answers its command.
fn until_lens(client: &mut Client, uri: &str, wanted: &str) -> Value {
    loop {
        client.heard.retain(|message| message["method"] != "workspace/codeLens/refresh");
        let found = lenses(client, uri);
        if let Some((_, command)) = found.iter().find(|(title, _)| title.starts_with(wanted)) {
            return command.clone();
        }
        client.wait_for(&format!("a lens `{wanted}`; there are {found:#?}"), |message| {
            message["method"] == "workspace/codeLens/refresh"
        });
    }
}

#[test]
fn a_proposal_is_accepted_hunk_by_hunk_in_its_review() {
    let (project, mut client, [lib, other]) = waiting(lensing());
    let [markdown, diff] = review(&mut client);
    for document in [&markdown, &diff] {
        let titles: Vec<String> = lenses(&mut client, document).into_iter().map(|(title, _)| title).collect();
        assert_eq!(titles.len(), 2 + 2 * 4, "{titles:#?}");
        for wanted in [
            "Accept hunk @@ -1,4 +1,4 @@",
            "Reject file diff --git a/src/other.rs b/src/other.rs",
            "Accept hunk @@ -6,4 +6,4 @@",
        ] {
            assert!(titles.iter().any(|title| title == wanted), "{wanted}: {titles:#?}");
        }
    }
    let told = press(&mut client, &diff, "Accept hunk @@ -1,4 +1,4 @@");
    assert_eq!((&told["accepted"], &told["left"][1]), (&json!(["src/lib.rs:1"]), &json!("src/other.rs:2")));
    client.wait_for_message("1 of 3 parts of run");
    assert_eq!((client.text(&lib), client.text(&other)), (LIB, OTHER), "a part alone applies nothing");
    // With the last part everything is agreed to.
    press(&mut client, &markdown, "Accept file diff --git a/src/other.rs b/src/other.rs");
    client.wait_for_message("undo with");
    assert_eq!(client.text(&lib), FIXED);
    assert_eq!(client.text(&other), OTHER.replace("one", "ONE").replace("nine", "NINE"));
    // What was decided about decides nothing any more.
    assert_eq!(lenses(&mut client, &markdown), []);
    let run = project.only_run();
    let stale = json!({ "run": run, "parts": ["src/lib.rs:1"] });
    let error = client.execute("openexec.accept", stale).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("cannot be accepted now"), "{error}");
    client.leave();
}

#[test]
fn what_is_rejected_in_a_review_is_left_out_and_the_rest_is_another_review() {
    let (project, mut client, [lib, other]) = waiting(lensing());
    let [first, _] = review(&mut client);
    press(&mut client, &first, "Accept hunk @@ -1,4 +1,4 @@");
    press(&mut client, &first, "Reject hunk @@ -6,4 +6,4 @@");
    let [second, _] = review(&mut client);
    assert_ne!(first, second);
    assert_eq!(lenses(&mut client, &first), [], "this is not what waits");
    let titles: Vec<String> = lenses(&mut client, &second).into_iter().map(|(title, _)| title).collect();
    let run = project.only_run();
    let heading = format!("# Review of run {}", &run[run.len() - 6..]);
    assert_eq!(
        titles,
        [
            format!("Apply all (1 of 2 accepted) {heading}"),
            format!("Discard all {heading}"),
            "Accepted · Reject hunk @@ -1,4 +1,4 @@".to_owned(),
            "Accept hunk @@ -1,4 +1,4 @@".to_owned(),
            "Reject hunk @@ -1,4 +1,4 @@".to_owned(),
        ]
    );
    press(&mut client, &second, &format!("Apply all (1 of 2 accepted) {heading}"));
    client.wait_for_message("undo with");
    assert_eq!((client.text(&lib), client.text(&other)), (FIXED, OTHER.replace("one", "ONE").as_str()));
    client.leave();
}

#[test]
fn a_client_without_lenses_decides_in_the_menu_of_the_same_lines() {
    let (_project, mut client, [lib, other]) = waiting(Abilities::all());
    assert!(client.server["capabilities"].get("codeLensProvider").is_none());
    let [markdown, _] = review(&mut client);
    let line_of =
        |text: &str, part: &str| u32::try_from(text.lines().position(|line| line == part).unwrap()).unwrap();
    let (top, hunk) = (0, line_of(client.text(&markdown), "+// NINE"));
    let titles = |client: &mut Client, line| -> Vec<String> {
        let actions = client.code_actions(&markdown, line, 0).into_iter();
        actions
            .map(|action| action["title"].as_str().unwrap().split(" of run").next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(titles(&mut client, top), ["Apply all", "Discard all"]);
    assert_eq!(titles(&mut client, hunk), ["Accept hunk", "Reject hunk", "Apply all", "Discard all"]);
    client.choose(&markdown, (hunk, 3), |title| title.starts_with("Reject hunk")).unwrap();
    let [rest, _] = review(&mut client);
    for part in ["+    42", "+// ONE"] {
        let line = line_of(client.text(&rest), part);
        client.choose(&rest, (line, 0), |title| title.starts_with("Accept hunk")).unwrap();
    }
    client.wait_for_message("undo with");
    assert_eq!((client.text(&lib), client.text(&other)), (FIXED, OTHER.replace("one", "ONE").as_str()));
    client.leave();
}

#[test]
fn a_client_that_runs_no_commands_has_no_lenses() {
    let project = Project::scripted_tests(THREE_PARTS, CHECK);
    let client = project.editor(Abilities { commands: false, ..lensing() });
    assert!(client.server["capabilities"].get("codeLensProvider").is_none());
    // A user who wants no annotations has the lenses of reviews all the same.
    let config = project.place().join("config/openexec");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.yaml"), "annotations: false\n").unwrap();
    let client = project.editor(lensing());
    assert!(client.server["capabilities"]["codeLensProvider"].is_object());
}

#[test]
fn a_client_that_lists_runs_is_told_which_parts_are_accepted() {
    let (_project, mut client, [lib, _]) = waiting(Abilities { lists_runs: true, ..Abilities::all() });
    let changes = client.asking("a waiting proposal", |client| {
        let runs = client.request("openexec/runs", Value::Null).unwrap();
        let run = &runs["runs"][0];
        let changes = json!({ "run": run["run"] });
        (run["state"] == "waiting").then(|| client.request("openexec/changes", changes).unwrap())
    });
    assert_eq!(changes["accepted"], json!([]));
    let of = |parts: Value| json!({ "run": changes["run"], "proposal": changes["proposal"], "parts": parts });
    for (parts, told) in [
        (json!(["src/lib.rs:2"]), "the proposal has no part `src/lib.rs:2`; it has `src/lib.rs:1`"),
        (json!(["../lib.rs"]), "is no part"),
    ] {
        let error = client.execute("openexec.accept", of(parts)).unwrap_err();
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
    }
    let mut other = of(json!(["src/lib.rs"]));
    other["proposal"] = json!(format!("sha256:{}", "0".repeat(64)));
    let error = client.execute("openexec.accept", other).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("has changed since it was shown"), "{error}");
    client.heard.clear();
    client.execute("openexec.accept", of(json!(["src/other.rs"]))).unwrap();
    client.wait_for("another list", |message| message["method"] == "openexec/runsChanged");
    let now = client.request("openexec/changes", json!({ "run": changes["run"] })).unwrap();
    assert_eq!(now["accepted"], json!(["src/other.rs:1", "src/other.rs:2"]));
    assert!(!client.heard.iter().any(|message| message["method"] == "window/showMessage"));
    assert_eq!(client.text(&lib), LIB);
    client.leave();
}

#[test]
fn a_review_that_was_opened_before_a_restart_still_decides() {
    let (project, mut client, _) = waiting(lensing());
    let [markdown, _] = review(&mut client);
    press(&mut client, &markdown, "Accept hunk @@ -1,4 +1,4 @@");
    let path = crate::client::path_of(&markdown);
    client.kill();
    drop(client);
    let mut client = project.editor(lensing());
    let root = project.root().canonicalize().unwrap();
    let lib = client.open(&root.join("src/lib.rs"));
    let reopened = client.open(&path);
    assert_eq!(reopened, uri(&path));
    // Menus wait for what the journals say; lenses are asked for again.
    client.code_actions(&lib, 0, 0);
    press(&mut client, &reopened, "Reject file diff --git a/src/other.rs b/src/other.rs");
    client.wait_for_message("waits for you");
    client.execute("openexec.apply", json!({})).unwrap();
    client.wait_for_message("undo with");
    assert_eq!(client.text(&lib), FIXED);
    client.leave();
}

#[test]
fn what_is_accepted_is_known_to_every_editor_and_after_a_restart() {
    let (project, mut client, _) = waiting(lensing());
    let [markdown, _] = review(&mut client);
    let path = crate::client::path_of(&markdown);
    let mut other = project.editor(lensing());
    let seen = other.open(&path);
    until_lens(&mut other, &seen, "Accept hunk @@ -1,4 +1,4 @@");
    press(&mut client, &markdown, "Accept hunk @@ -1,4 +1,4 @@");
    // The other editor is told, and shows it.
    until_lens(&mut other, &seen, "Apply all (1 of 3 accepted) # Review of run");
    until_lens(&mut other, &seen, "Accepted · Reject hunk @@ -1,4 +1,4 @@");
    // The editor that drives the run dies; whoever opens the workspace goes on where it ended.
    client.kill();
    drop(client);
    let mut client = project.editor(lensing());
    let root = project.root().canonicalize().unwrap();
    let files = ["src/lib.rs", "src/other.rs"].map(|file| client.open(&root.join(file)));
    let reopened = client.open(&path);
    until_lens(&mut client, &reopened, "Accepted · Reject hunk @@ -1,4 +1,4 @@");
    press(&mut client, &reopened, "Accept file diff --git a/src/other.rs b/src/other.rs");
    client.wait_for_message("undo with");
    let all = [FIXED.to_owned(), OTHER.replace("one", "ONE").replace("nine", "NINE")];
    assert_eq!(files.map(|file| client.text(&file).to_owned()), all);
    client.leave();
    other.leave();
}
