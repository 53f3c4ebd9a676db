use super::*;
use crate::driver::{Asked, RunStatus, RunView};
use openexec_engine::run::Outcome;
use serde_json::json;

fn line(run: &str, status: RunStatus) -> RunLine {
    let view = RunView {
        run: run.into(),
        blueprint: "implement".into(),
        model: "local".into(),
        target: None,
        activity: "edit (attempt 1)".to_owned(),
        applied: matches!(status, RunStatus::Ended { outcome: Outcome::Done, .. }),
        status,
        taken: String::new(),
        events: 3,
    };
    RunLine { root: "/w".into(), view, driven: true, elsewhere: false }
}

fn waiting(run: &str) -> RunLine {
    let status = RunStatus::AwaitingApproval {
        proposal: Digest::of(b"p"),
        what: Asked::Proposal { diff: String::new(), reasons: Vec::new(), parts: Vec::new() },
    };
    line(run, status)
}

fn ended(run: &str, outcome: Outcome) -> RunLine {
    line(run, RunStatus::Ended { outcome, summary: "1 file changed".to_owned() })
}

fn roots() -> Roots {
    Roots::of(&json!({ "workspaceFolders": [
        { "uri": "file:///w", "name": "w" }, { "uri": "file:///w/inner", "name": "i" } ] }))
}

fn run_arguments(value: Value) -> RunArguments {
    match parse("openexec.run", vec![value]) {
        Ok(Wish::Run(arguments)) => *arguments,
        other => panic!("{other:?}"),
    }
}

#[test]
fn commands_are_taken_as_clients_write_them() {
    let named = |run: &str| Wish::Apply(OfRun { run: Some(run.to_owned()), proposal: None });
    for arguments in [vec![], vec![Value::Null], vec![json!({})]] {
        assert_eq!(parse("openexec.apply", arguments), Ok(Wish::Apply(OfRun::default())));
    }
    for arguments in [json!("ab12cd"), json!({ "run": "ab12cd" }), json!("{\"run\": \"ab12cd\"}")] {
        assert_eq!(parse("openexec.apply", vec![arguments]), Ok(named("ab12cd")));
    }
    assert_eq!(parse("openexec.status", vec![]), Ok(Wish::Status(OfRun::default())));
    let one = OfRun { run: Some("ab12cd".to_owned()), proposal: None };
    assert_eq!(parse("openexec.status", vec![json!("ab12cd")]), Ok(Wish::Status(one.clone())));
    assert_eq!(parse("openexec.report", vec![json!({ "run": "ab12cd" })]), Ok(Wish::Report(one)));
}

#[test]
fn what_cannot_be_taken_says_what_to_write() {
    for (command, arguments, says) in [
        ("openexec.fly", vec![], "there are openexec.run"),
        ("openexec.run", vec![], "\"blueprint\""),
        ("openexec.run", vec![json!({ "blueprint": 7 })], "invalid type"),
        ("openexec.run", vec![json!({ "blueprint": "x", "shell": "rm" })], "unknown field `shell`"),
        ("openexec.run", vec![json!("{broken")], "not JSON"),
        ("openexec.reject", vec![json!({ "run": "a" })], "missing field `parts`"),
        ("openexec.apply", vec![json!({}), json!({})], "more than one"),
        ("openexec.apply", vec![json!({ "proposal": "latest" })], "not a digest"),
        ("openexec.apply", vec![json!(7)], "{\"run\""),
    ] {
        let error = parse(command, arguments).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn parts_are_files_and_hunks_of_the_workspace() {
    let parts = |parts: &[&str]| match parse("openexec.reject", vec![json!({ "parts": parts })]) {
        Ok(Wish::Reject(of)) => {
            of.parts().map(|parts| parts.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(parts(&["src/a.rs:2", "b c.txt"]).unwrap(), ["src/a.rs:2", "b c.txt"]);
    for wrong in ["../x:1", "/etc/passwd", ""] {
        let error = parts(&[wrong]).unwrap_err();
        assert!(error.contains("is no part"), "{error}");
    }
}

#[test]
fn every_advertised_command_is_known() {
    for id in IDS {
        let arguments = vec![json!({ "blueprint": "x" })];
        let symbol = json!({ "uri": "file:///a.rs", "range": { "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } } });
        let arguments = match id {
            "openexec.run" => arguments,
            "openexec.remember" | "openexec.known" => vec![symbol],
            "openexec.forget" => vec![json!({ "kind": "symbol", "id": "x" })],
            "openexec.confirm" => {
                let place = json!({ "path": "a.rs", "symbol": "f", "text": Digest::of(b"x") });
                vec![json!({ "kind": "symbol", "id": "x", "place": place })]
            }
            _ => vec![],
        };
        assert!(parse(id, arguments).is_ok(), "{id}");
    }
}

#[test]
fn the_one_obvious_run_is_meant() {
    let lines = [ended("run-000001", Outcome::Done), waiting("run-000002")];
    let run = |line: Result<&RunLine, String>| line.map(|line| line.view.run.to_string());
    let apply = |named| run(meant(&lines, named, RunLine::awaits_approval, "applied"));
    assert_eq!(apply(None), Ok("run-000002".to_owned()));
    assert_eq!(apply(Some("000002")), Ok("run-000002".to_owned()));
    assert!(apply(Some("000001")).unwrap_err().contains("cannot be applied now: done: 1 file changed"));
    assert!(apply(Some("run-")).unwrap_err().contains("names several runs"));
    assert!(apply(Some("")).is_err());
    let undo = run(meant(&lines, None, RunLine::can_undo, "undone"));
    assert_eq!(undo, Ok("run-000001".to_owned()));
}

#[test]
fn two_candidates_are_listed_and_none_is_chosen() {
    let lines = [waiting("run-000001"), waiting("run-000002")];
    let error = meant(&lines, None, RunLine::awaits_approval, "applied").unwrap_err();
    assert!(error.contains("000001") && error.contains("000002"), "{error}");
    let error = meant(&[], None, RunLine::awaits_approval, "applied").unwrap_err();
    assert!(error.contains("no run has been started here"), "{error}");
}

#[test]
fn only_what_was_done_can_be_undone() {
    let can = |outcome| ended("run-000001", outcome).can_undo();
    assert!(can(Outcome::Done) && can(Outcome::Undone));
    assert!(!can(Outcome::Failed) && !can(Outcome::Cancelled) && !can(Outcome::Discarded));
}

#[test]
fn a_run_starts_in_the_innermost_folder_with_lines_counted_from_one() {
    let arguments = run_arguments(json!({
        "blueprint": "implement",
        "instruction": "double it",
        "range": { "start": { "line": 4, "character": 0 }, "end": { "line": 6, "character": 0 } },
        "diagnostics": [{
            "range": { "start": { "line": 5, "character": 1 }, "end": { "line": 5, "character": 2 } },
            "message": "mismatched types", "source": "rustc", "code": "E0308", "severity": 1,
            "relatedInformation": [
                { "message": "expected due to this", "location": { "uri": "file:///w/inner/src/b.rs",
                    "range": { "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 1 } } } },
                { "message": "the standard library", "location": { "uri": "file:///usr/lib/std.rs",
                    "range": { "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 1 } } } }] }],
    }));
    let path = Some(PathBuf::from("/w/inner/src/a.rs"));
    let request = start_request(arguments, &roots(), None, path, None).unwrap();
    assert_eq!(request.root, PathBuf::from("/w/inner"));
    let target = request.inputs.target.unwrap();
    assert_eq!((target.path.as_str(), target.lines), ("src/a.rs", (5, 6)));
    let diagnostic = &request.inputs.diagnostics[0];
    assert_eq!((diagnostic.line, diagnostic.source.as_str()), (6, "rustc"));
    assert_eq!(diagnostic.code.as_deref(), Some("E0308"));
    let related: Vec<_> = diagnostic.related.iter().map(|it| (it.path.as_str(), it.line)).collect();
    assert_eq!(related, [("src/b.rs", 3)]);
    assert_eq!(request.inputs.instruction.as_deref(), Some("double it"));
}

#[test]
fn a_run_without_a_place_needs_one_obvious_folder() {
    let arguments = || run_arguments(json!({ "blueprint": "implement", "instruction": "x" }));
    let one = Roots::of(&json!({ "rootUri": "file:///w" }));
    assert_eq!(start_request(arguments(), &one, None, None, None).unwrap().root, PathBuf::from("/w"));
    let several = start_request(arguments(), &roots(), None, None, None).unwrap_err();
    assert!(several.contains("several workspace folders"), "{several}");
    let none = start_request(arguments(), &Roots::default(), None, None, None).unwrap_err();
    assert!(none.contains("no workspace folder"), "{none}");
    let outside =
        start_request(arguments(), &roots(), None, Some("/elsewhere/a.rs".into()), None).unwrap_err();
    assert!(outside.contains("lies in no open workspace folder"), "{outside}");
}

#[test]
fn a_request_is_named_by_run_and_number_or_not_at_all() {
    let of = |arguments| match parse("openexec.request", arguments) {
        Ok(Wish::Request(of)) => (of.run, of.number),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(vec![]), (None, None));
    assert_eq!(of(vec![json!("ab12")]), (Some("ab12".to_owned()), None));
    assert_eq!(of(vec![json!({ "run": "ab12", "number": 2 })]), (Some("ab12".to_owned()), Some(2)));
    assert!(parse("openexec.request", vec![json!({ "which": 2 })]).unwrap_err().contains("number"));
}

#[test]
fn an_undo_without_a_name_is_about_the_newest_that_stands_in_the_files() {
    let [first, second, third] = ["run-000001", "run-000002", "run-000003"];
    let named = |lines: &[RunLine], order: &[&str]| {
        let order: Vec<RunId> = order.iter().map(|run| RunId::new(*run)).collect();
        to_undo(lines, &order).map(|line| line.view.run.to_string())
    };
    let mut answered = ended(third, Outcome::Done);
    answered.view.applied = false;
    assert!(!answered.can_undo(), "it has changed nothing");
    let lines = [answered.clone(), ended(second, Outcome::Done), ended(first, Outcome::Done)];
    assert_eq!(named(&lines, &[]).as_deref(), Some(second));
    let lines = [answered.clone(), ended(second, Outcome::Undone), ended(first, Outcome::Done)];
    assert_eq!(named(&lines, &[second]).as_deref(), Some(first));
    let lines = [answered.clone(), ended(second, Outcome::Undone), ended(first, Outcome::Undone)];
    assert_eq!(named(&lines, &[second, first]).as_deref(), Some(first), "what was undone last");
    assert_eq!(named(&lines, &[]).as_deref(), Some(second));
    assert_eq!(named(&[answered], &[]), None);
}

#[test]
fn the_folder_itself_is_no_place_of_a_run() {
    let arguments = run_arguments(json!({ "blueprint": "implement", "instruction": "x" }));
    let error = start_request(arguments, &roots(), None, Some("/w".into()), None).unwrap_err();
    assert!(error.contains("not about the folder"), "{error}");
}
