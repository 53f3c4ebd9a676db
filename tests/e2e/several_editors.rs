//! Several editors, each with a server process of its own, on one workspace: they share the
//! journal, every run is seen in all of them, and one process at a time drives it.

use crate::client::{Abilities, Client, PATIENCE};
use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project};
use serde_json::{Value, json};
use std::time::Instant;

struct Desk {
    client: Client,
    lib: String,
}

fn desk(project: &Project) -> Desk {
    let mut client = project.editor(Abilities { lists_runs: true, ..Abilities::all() });
    let lib = client.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    Desk { client, lib }
}

fn project() -> Project {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.ask_always().trust();
    project
}

impl Desk {
    fn start(&mut self, project: &Project) -> String {
        let run = json!({ "blueprint": "fix_tests", "uri": self.lib, "model": project.model() });
        self.client.execute("openexec.run", run).unwrap()["run"].as_str().unwrap().to_owned()
    }

    fn list(&mut self) -> Vec<Value> {
        let list = self.client.request("openexec/runs", Value::Null).unwrap();
        list["runs"].as_array().unwrap().clone()
    }

    /// Waits until a run stands like this, asking only when the server says that the list has
    /// changed.
    fn stands(&mut self, run: &str, state: &str) -> Value {
        self.client.asking(&format!("{run} {state}"), |client| {
            let list = client.request("openexec/runs", Value::Null).unwrap();
            let fits = |entry: &&Value| entry["run"] == run && entry["state"] == state;
            list["runs"].as_array().unwrap().iter().find(fits).cloned()
        })
    }

    /// Waits until the menu offers to trust the workspace, or does not.
    fn trust_is_offered(&mut self, is_offered: bool) {
        let what = if is_offered { "trust is offered" } else { "trust is not offered" };
        self.client.asking(what, |client| {
            let actions = client.code_actions(&self.lib, 1, 8);
            let mut titles = actions.iter().filter_map(|action| action["title"].as_str());
            let found = titles.any(|title| title.starts_with("Trust this workspace's tasks"));
            (found == is_offered).then_some(())
        });
    }
}

#[test]
fn a_run_is_seen_and_reviewed_in_both_and_driven_by_one() {
    let project = project();
    let (mut one, mut other) = (desk(&project), desk(&project));
    assert_eq!(other.list(), Vec::<Value>::new());
    let run = one.start(&project);
    let waiting = one.stands(&run, "waiting");
    // The other editor is told without doing anything, and shows the same proposal.
    let seen = other.stands(&run, "waiting");
    assert_eq!(seen["proposal"], waiting["proposal"]);
    let shown = other.client.execute("openexec.review", json!({ "run": run })).unwrap();
    let review = std::fs::read_to_string(shown["review"].as_str().unwrap()).unwrap();
    assert!(review.contains("+    42"), "{review}");
    let changes = other.client.request("openexec/changes", json!({ "run": run })).unwrap();
    assert_eq!(changes["files"][0]["proposed"], FIXED);
    // One process drives it: the other is told which.
    let bound = json!({ "run": run, "proposal": waiting["proposal"] });
    let refused = other.client.execute("openexec.apply", bound.clone()).unwrap_err();
    let refused = refused["message"].as_str().unwrap();
    assert!(refused.contains("is being driven by process"), "{refused}");
    assert_eq!((other.client.text(&other.lib), one.client.text(&one.lib)), (LIB, LIB));

    one.client.execute("openexec.apply", bound).unwrap();
    one.stands(&run, "done");
    other.stands(&run, "done");
    assert_eq!((other.client.text(&other.lib), one.client.text(&one.lib)), (LIB, FIXED));
}

#[test]
fn trust_that_is_given_or_revoked_in_a_terminal_is_seen_in_an_open_editor() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    let mut desk = desk(&project);
    desk.trust_is_offered(true);
    project.trust();
    desk.trust_is_offered(false);
    assert!(project.run(&["trust", "--revoke"]).status.success());
    desk.trust_is_offered(true);
}

#[test]
fn an_undo_where_nothing_of_the_edits_stands_is_refused_and_changes_nothing() {
    let project = project();
    let mut one = desk(&project);
    let mut other = project.editor(Abilities::all());
    let lib = other.open(&project.root().canonicalize().unwrap().join("src/lib.rs"));
    let run = one.start(&project);
    let waiting = one.stands(&run, "waiting");
    let bound = json!({ "run": run, "proposal": waiting["proposal"] });
    one.client.execute("openexec.apply", bound).unwrap();
    one.stands(&run, "done");
    // The edits stand in the first editor, unsaved.
    other.choose(&lib, (1, 8), |title| title.starts_with("Undo run")).unwrap();
    other.wait_for_message("could not be undone: nothing of its edits stands");
    assert_eq!((other.text(&lib), one.client.text(&one.lib)), (LIB, FIXED));
    one.stands(&run, "done");
    // The other process gives the run back when it has ended there, and how it ended is seen a
    // moment later.
    let deadline = Instant::now() + PATIENCE;
    while let Err(refused) = one.client.execute("openexec.undo", json!({ "run": run })) {
        let message = refused["message"].as_str().unwrap();
        let is_early = ["driven by process", "has gone on since"].iter().any(|why| message.contains(why));
        assert!(is_early && Instant::now() < deadline, "{message}");
    }
    one.stands(&run, "undone");
    assert_eq!((other.text(&lib), one.client.text(&one.lib)), (LIB, LIB));
}

#[test]
fn a_run_at_work_is_not_taken_for_an_interrupted_one() {
    let project = Project::scripted_tests(
        &ONE_ATTEMPT.replace("    reply:", "    delay_ms: 600000\n    reply:"),
        CHECK,
    );
    project.trust();
    let (mut one, mut other) = (desk(&project), desk(&project));
    let run = one.start(&project);
    other.stands(&run, "working");
    // The process that drives it dies.
    one.client.kill();
    let interrupted = other.stands(&run, "interrupted");
    assert!(interrupted["can"].as_array().unwrap().contains(&json!("resume")), "{interrupted}");
    other.client.execute("openexec.cancel", json!({ "run": run })).unwrap();
    other.stands(&run, "cancelled");
}

#[test]
fn a_proposal_outlives_the_editor_that_asked_for_it() {
    let project = project();
    let (mut one, mut other) = (desk(&project), desk(&project));
    let run = one.start(&project);
    let waiting = one.stands(&run, "waiting");
    other.stands(&run, "waiting");
    one.client.leave();
    drop(one);
    // Whoever is still there can take it up; so can an editor that is opened later.
    let mut third = desk(&project);
    third.stands(&run, "waiting");
    let bound = json!({ "run": run, "proposal": waiting["proposal"] });
    other.client.execute("openexec.apply", bound.clone()).unwrap();
    other.stands(&run, "done");
    assert_eq!(other.client.text(&other.lib), FIXED);
    third.stands(&run, "done");
    // It has been applied already, so nothing is applied twice.
    let refused = third.client.execute("openexec.apply", bound).unwrap_err();
    assert!(refused["message"].as_str().unwrap().contains("cannot be applied now"), "{refused}");
    assert_eq!(third.client.text(&third.lib), LIB);
}

#[test]
fn two_editors_run_at_the_same_time() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let (mut one, mut other) = (desk(&project), desk(&project));
    let (first, second) = (one.start(&project), other.start(&project));
    one.stands(&first, "done");
    other.stands(&second, "done");
    // Each changed its own buffer; both runs stand in both lists.
    assert_eq!((one.client.text(&one.lib), other.client.text(&other.lib)), (FIXED, FIXED));
    one.stands(&second, "done");
    other.stands(&first, "done");
    for desk in [&mut one, &mut other] {
        assert_eq!(desk.list().len(), 2);
    }
}
