use super::*;
use openexec_engine::edit::{FileChange, Part, ShownPart};
use openexec_engine::path::WorkspacePath;
use serde_json::{Value, json};

fn line(run: &str, status: RunStatus, driven: bool, applied: bool) -> RunLine {
    let view = RunView {
        run: RunId::new(run),
        blueprint: "fix_tests".into(),
        model: "local".into(),
        target: None,
        activity: "run_tests, attempt 2".to_owned(),
        status,
        applied,
        taken: String::new(),
        events: 17,
    };
    RunLine { root: "/w".into(), view, driven, elsewhere: false }
}

fn part(hunk: usize) -> ShownPart {
    let part = Part { path: WorkspacePath::parse("a.rs").unwrap(), hunk: Some(hunk) };
    ShownPart { part, lines: (1, 2), added: 1, removed: 1 }
}

fn entries(lines: Vec<RunLine>) -> Vec<Value> {
    let list = serde_json::to_value(list(lines, &BTreeMap::from([(RunId::new("0192-aaaaaa"), 5)]))).unwrap();
    list["runs"].as_array().unwrap().clone()
}

#[test]
fn a_list_says_how_each_run_stands_and_what_can_be_done_with_it() {
    let ended = |outcome| RunStatus::Ended { outcome, summary: "3 tests passed".to_owned() };
    let waiting = RunStatus::AwaitingApproval {
        proposal: Digest::of(b"x"),
        what: Asked::Proposal {
            diff: String::new(),
            reasons: vec!["tests/it.rs: it judges the work".to_owned()],
            parts: vec![part(1), part(2)],
        },
    };
    let paused = RunStatus::Paused { reason: "the budget is spent".to_owned() };
    for (status, driven, applied, state, detail, can) in [
        (RunStatus::Active, true, false, "working", "run_tests, attempt 2", json!(["cancel"])),
        (RunStatus::Active, false, false, "interrupted", "interrupted", json!(["resume", "cancel"])),
        (
            waiting,
            true,
            false,
            "waiting",
            "tests/it.rs: it judges the work",
            json!(["review", "apply", "discard", "reject", "cancel"]),
        ),
        (
            paused.clone(),
            false,
            false,
            "paused",
            "the budget is spent",
            json!(["discard", "resume", "cancel"]),
        ),
        (paused, false, true, "paused", "the budget is spent", json!(["resume", "cancel", "undo"])),
        (ended(Outcome::Done), false, true, "done", "3 tests passed", json!(["undo"])),
        (ended(Outcome::Failed), false, false, "failed", "3 tests passed", json!([])),
        (ended(Outcome::Undone), false, false, "undone", "3 tests passed", json!(["undo"])),
    ] {
        let entry = entries(vec![line("0192-aaaaaa", status, driven, applied)]).remove(0);
        assert_eq!((&entry["state"], &entry["detail"], &entry["can"]), (&json!(state), &json!(detail), &can));
        assert_eq!(entry["proposal"].is_string(), state == "waiting");
        assert_eq!((&entry["startedAtMs"], &entry["short"]), (&json!(5), &json!("aaaaaa")));
    }
}

#[test]
fn a_run_that_could_not_be_undone_is_called_stuck() {
    for (summary, stuck) in [
        ("could not be undone: `a.rs` changed since at the same lines", json!(true)),
        ("1 file changed", Value::Null),
    ] {
        let status = RunStatus::Ended { outcome: Outcome::Done, summary: summary.to_owned() };
        assert_eq!(entries(vec![line("0192-aaaaaa", status, false, true)])[0]["stuck"], stuck);
    }
}

#[test]
fn the_newest_run_comes_first() {
    let runs = ["0192-aaaaaa", "0194-bbbbbb", "0193-cccccc"];
    let lines = runs.map(|run| line(run, RunStatus::Active, true, false)).to_vec();
    let short: Vec<Value> = entries(lines).iter().map(|entry| entry["short"].clone()).collect();
    assert_eq!(short, ["bbbbbb", "cccccc", "aaaaaa"]);
}

#[test]
fn a_changed_file_brings_both_its_texts_and_the_headers_of_its_hunks() {
    let path = |path: &str| WorkspacePath::parse(path).unwrap();
    let base: String = (1..30).map(|line| format!("{line}\n")).collect();
    let proposed = base.replace("\n3\n", "\n3\n@@ no header @@\n").replace("\n25\n", "\n");
    let change = |base: Option<&str>, proposed: Option<&str>| FileChange {
        base: base.map(str::to_owned),
        proposed: proposed.map(str::to_owned),
        renamed_from: None,
    };
    let changes = ChangeSet {
        files: BTreeMap::from([
            (path("a b.txt"), change(Some(&base), Some(&proposed))),
            (path("new.txt"), change(None, Some("text\n"))),
            (path("same.txt"), change(Some("x"), Some("x"))),
        ]),
    };
    let roots = Roots::of(&json!({ "workspaceFolders": [{ "uri": "file:///w", "name": "w" }] }));
    let files = serde_json::to_value(files(&changes, Path::new("/w"), &roots)).unwrap();
    assert_eq!(files.as_array().unwrap().len(), 2);
    assert_eq!(files[0]["uri"], "file:///w/a%20b.txt");
    assert_eq!(files[0]["hunks"], json!(["@@ -1,6 +1,7 @@", "@@ -22,7 +23,6 @@"]));
    assert_eq!((&files[0]["base"], &files[0]["proposed"]), (&json!(base), &json!(proposed)));
    assert_eq!(
        files[1],
        json!({
            "path": "new.txt", "uri": "file:///w/new.txt", "proposed": "text\n", "hunks": ["@@ -0,0 +1 @@"],
        })
    );
}
