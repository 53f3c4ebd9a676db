//! Clients that keep a list of runs themselves: what they are told, and what they are not.

use crate::client::{Abilities, Client};
use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project};
use serde_json::{Value, json};
use std::path::Path;

/// A client on a project whose policy wants to be asked about every proposal.
fn client(project: &Project, lists_runs: bool) -> Client {
    let place = project.place().canonicalize().unwrap();
    let config = place.join("config/openexec");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("policy.yaml"), "version: 1\napproval_mode: always\n").unwrap();
    let [config, state] = ["config", "state"].map(|name| place.join(name));
    let environment = [("XDG_CONFIG_HOME", config.as_path()), ("XDG_STATE_HOME", state.as_path())];
    let child = Client::spawn(Path::new(env!("CARGO_BIN_EXE_openexec")), &["lsp"], &environment);
    let abilities = Abilities { lists_runs, ..Abilities::all() };
    Client::of_child(child, &project.root().canonicalize().unwrap(), abilities)
}

/// The newest run, once the client has been told of a change after which it stands like this.
fn stands(client: &mut Client, state: &str) -> Value {
    client.asking(state, |client| {
        let list = client.request("openexec/runs", Value::Null).unwrap();
        list["runs"].as_array().unwrap().first().filter(|run| run["state"] == state).cloned()
    })
}

#[test]
fn a_list_follows_a_run_from_its_start_to_its_undoing() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let mut client = client(&project, true);
    assert_eq!(client.server["capabilities"]["experimental"]["openexec"]["runs"], true);
    assert_eq!(client.request("openexec/runs", Value::Null).unwrap(), json!({ "runs": [] }));
    let uri = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    let run = json!({ "blueprint": "fix_tests", "uri": uri, "model": project.model() });
    let started = client.execute("openexec.run", run).unwrap()["run"].clone();

    let waiting = stands(&mut client, "waiting");
    assert_eq!((&waiting["run"], &waiting["blueprint"]), (&started, &json!("fix_tests")));
    assert_eq!(waiting["can"], json!(["review", "apply", "discard", "cancel"]));
    assert!(waiting["startedAtMs"].as_u64().unwrap() > 1_500_000_000_000, "{waiting}");

    let changes = client.request("openexec/changes", json!({ "run": started })).unwrap();
    assert_eq!(changes["proposal"], waiting["proposal"]);
    let file = &changes["files"][0];
    assert_eq!((&file["base"], &file["proposed"]), (&json!(LIB), &json!(FIXED)));
    assert_eq!((&file["uri"], &file["hunks"]), (&json!(uri), &json!(["@@ -1,4 +1,4 @@"])));
    assert!(changes["evidence"].to_string().contains("gate passed"), "{changes}");
    assert_eq!(client.text(&uri), LIB);

    let other = json!({ "run": started, "proposal": format!("sha256:{}", "0".repeat(64)) });
    for command in ["openexec.apply", "openexec.discard"] {
        let error = client.execute(command, other.clone()).unwrap_err();
        assert!(error["message"].as_str().unwrap().contains("has changed since it was shown"), "{error}");
    }
    let bound = json!({ "run": started, "proposal": waiting["proposal"] });
    client.execute("openexec.apply", bound).unwrap();
    let done = stands(&mut client, "done");
    assert_eq!((&done["applied"], &done["can"]), (&json!(true), &json!(["undo"])));
    assert_eq!(client.text(&uri), FIXED);
    client.execute("openexec.undo", json!({ "run": started })).unwrap();
    stands(&mut client, "undone");
    assert_eq!(client.text(&uri), LIB);
    // Its own list tells all of this; nothing is said twice.
    let said = client.heard.iter().filter(|message| {
        ["window/showMessage", "window/showMessageRequest"].iter().any(|method| message["method"] == *method)
    });
    assert_eq!(said.collect::<Vec<_>>(), Vec::<&Value>::new());
}

#[test]
fn what_another_process_recorded_is_listed_and_can_be_looked_at() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    project.run_blueprint(0, "fix_tests", &[]);
    let mut client = client(&project, true);
    let done = stands(&mut client, "done");
    assert_eq!(done["run"], project.only_run());
    let short = done["short"].as_str().unwrap();
    let changes = client.request("openexec/changes", json!({ "run": short })).unwrap();
    assert_eq!(changes["files"][0]["proposed"], FIXED);
    assert!(changes.get("proposal").is_none(), "{changes}");
    let error = client.request("openexec/changes", json!({ "run": "nonsense" })).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("there is no run `nonsense`"), "{error}");
}

#[test]
fn a_client_without_a_list_is_not_told_of_one() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let mut client = client(&project, false);
    let uri = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    let run = json!({ "blueprint": "fix_tests", "uri": uri, "model": project.model() });
    client.execute("openexec.run", run).unwrap();
    client.wait_for_message("waits for you");
    assert!(client.heard.iter().all(|message| message["method"] != "openexec/runsChanged"));
}

#[test]
fn what_trust_would_bind_is_told_with_the_document_that_shows_it() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    let mut client = client(&project, true);
    let seen = client.execute("openexec.trust", json!({ "review": true })).unwrap();
    assert_eq!(seen["commands"], json!(["python3 check.py"]));
    let tasks = project.root().join(".openexec/tasks.yaml");
    let before = std::fs::read_to_string(&tasks).unwrap();
    std::fs::write(&tasks, before.replace("python3, check.py", "python3, other.py")).unwrap();
    let bound = json!({ "content": seen["content"], "commands": seen["commands"] });
    let error = client.execute("openexec.trust", bound).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("have changed since"), "{error}");
    std::fs::write(&tasks, before).unwrap();
    let bound = json!({ "content": seen["content"], "commands": seen["commands"] });
    client.execute("openexec.trust", bound).unwrap();
    let seen = client.execute("openexec.trust", json!({ "review": true })).unwrap();
    assert!(seen.get("content").is_none(), "{seen}");
}

#[test]
fn the_answer_to_a_question_can_be_read() {
    let replies = "replies:\n  - stage: answer\n    reply: {actions: [{id: a1, kind: finish, summary: 'It returns 41, src/lib.rs:3.'}]}\n";
    let project = Project::scripted_tests(replies, CHECK);
    let mut client = client(&project, true);
    let question = json!({ "instruction": "what does answer return?", "model": project.model() });
    let run = client.execute("openexec.run", question).unwrap()["run"].clone();
    let done = stands(&mut client, "done");
    assert_eq!((&done["run"], &done["blueprint"]), (&run, &json!("answer")));
    let changes = client.request("openexec/changes", json!({ "run": run })).unwrap();
    assert_eq!((&changes["report"], &changes["files"]), (&json!("It returns 41, src/lib.rs:3."), &json!([])));
}

#[test]
fn an_answer_is_shown_where_no_list_of_runs_is() {
    let replies = "replies:\n  - stage: answer\n    reply: {actions: [{id: a1, kind: finish, summary: 'It returns 41, src/lib.rs:3.'}]}\n";
    let project = Project::scripted_tests(replies, CHECK);
    let mut client = client(&project, false);
    let question = json!({ "instruction": "what does answer return?", "model": project.model() });
    client.execute("openexec.run", question).unwrap();
    let shown = client.wait_for("the answer", |message| message["method"] == "window/showDocument");
    let file = crate::client::path_of(shown["params"]["uri"].as_str().unwrap());
    assert!(file.ends_with("report.md"), "{}", file.display());
    assert_eq!(std::fs::read_to_string(file).unwrap(), "It returns 41, src/lib.rs:3.");
}
