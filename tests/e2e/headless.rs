//! The command line as a user or a CI job meets it, good and bad.

use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project, TWO_ATTEMPTS};

#[test]
fn a_failing_test_is_fixed_and_everything_can_be_looked_at() {
    let project = Project::rust(TWO_ATTEMPTS);
    project.trust();
    let text = project.run_blueprint(0, "fix_tests", &[]);
    assert!(text.contains("gate red") && text.contains("gate passed: 1 test passed"), "{text}");
    assert_eq!(project.read("src/lib.rs"), FIXED);
    let run = project.only_run();
    let shown = project.expect(0, &["show", &run]);
    assert!(
        shown.contains("chain verified") && shown.contains("-    41") && shown.contains("+    42"),
        "{shown}"
    );
    let request = project.expect(0, &["show", &run, "--request", "2"]);
    assert!(request.contains("is_the_answer") && request.contains("attempt 2"), "{request}");
    let second = project.expect(1, &["show", &run, "--request", "9"]);
    assert!(second.contains("the run made 2 requests"), "{second}");
    // A few characters of the id are enough, from either end.
    project.expect(0, &["undo", &run[run.len() - 6..]]);
    assert_eq!(project.read("src/lib.rs"), LIB);
    project.expect(0, &["undo", &run]);
    assert_eq!(project.read("src/lib.rs"), FIXED);
}

#[test]
fn a_recorded_run_answers_once_more_byte_for_byte() {
    let project = Project::scripted_tests(TWO_ATTEMPTS, CHECK);
    project.trust().run_blueprint(0, "fix_tests", &[]);
    let first = project.only_run();
    project.expect(0, &["undo", &first]);
    assert_eq!(project.read("src/lib.rs"), LIB);
    // The script is gone; the journal has all that is needed.
    std::fs::remove_file(project.place().join("replies.yaml")).unwrap();
    let model = format!("recorded:{first}");
    let said = project.expect(0, &["run", "fix_tests", "--model", &model, "--json"]);
    assert_eq!(project.read("src/lib.rs"), FIXED);
    let replies = |journal: &str| -> Vec<serde_json::Value> {
        let events = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let replied = events.filter(|record| record["event"]["event"] == "model_replied");
        replied.map(|record| record["event"]["reply"].clone()).collect()
    };
    let recorded = replies(&project.expect(0, &["show", &first, "--json"]));
    assert_eq!(recorded.len(), 2);
    assert_eq!(replies(&said), recorded);
    let text = project.expect(1, &["run", "fix_tests", "--model", "recorded:ffffff"]);
    assert!(text.contains("ffffff"), "{text}");
}

#[test]
fn a_gate_that_stays_red_ends_with_a_reason_and_no_change() {
    let mut script = String::from("replies:\n");
    for attempt in 1..=6u32 {
        let (from, to) = (42 - attempt, 41 - attempt);
        script += &format!(
            "  - stage: fix\n    attempt: {attempt}\n    reply:\n      actions:\n        - {{ id: a, kind: replace_text, path: src/lib.rs, old: \"    {from}\\n\", new: \"    {to}\\n\" }}\n        - {{ id: b, kind: finish, summary: trust me }}\n"
        );
    }
    let project = Project::scripted_tests(&script, CHECK);
    project.trust();
    let before = project.tree();
    let text = project.run_blueprint(3, "fix_tests", &[]);
    assert!(text.contains("has used its 4 attempts") && text.contains("1 of 1 tests failed"), "{text}");
    assert_eq!(project.tree(), before);
}

#[test]
fn nothing_of_a_repository_runs_before_it_is_trusted() {
    let project = Project::scripted_tests(ONE_ATTEMPT, "open('ran', 'w')\n");
    let text = project.run_blueprint(1, "fix_tests", &[]);
    assert!(text.contains("openexec trust"), "{text}");
    project.trust();
    project.write("check.py", CHECK);
    project.write(
        ".openexec/tasks.yaml",
        &project.read(".openexec/tasks.yaml").replace("check.py", "./check.py"),
    );
    let text = project.run_blueprint(1, "fix_tests", &[]);
    assert!(text.contains("openexec trust"), "a changed declaration is untrusted again: {text}");
    let shown = project.expect(0, &["trust", "--show"]);
    assert!(
        shown.contains("-    argv: [python3, check.py]")
            && shown.contains("+    argv: [python3, ./check.py]"),
        "{shown}"
    );
    project.run_blueprint(1, "fix_tests", &[]);
    project.trust().run_blueprint(0, "fix_tests", &[]);
    assert_eq!(project.read("src/lib.rs"), FIXED);
}

#[test]
fn wrong_usage_says_what_to_type() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    for (code, arguments, expected) in [
        (1, vec!["run", "fix_tets", "--model", "scripted:x"], "there is no blueprint `fix_tets`"),
        (1, vec!["run", "fix_tests"], "no model is configured"),
        (1, vec!["run", "fix_tests", "--model", "claude"], "there is no model `claude`"),
        (1, vec!["run", "fix_tests", "--model", "scripted:/nowhere"], "/nowhere"),
        (1, vec!["run", "implement", "--model", "scripted:/nowhere"], "needs an instruction"),
        (1, vec!["show", "abc"], "there is no run `abc`"),
        (1, vec!["run", "fix_tests", "--workspace", "/nowhere"], "/nowhere"),
        (1, vec!["run", "fix_tests", "--at-place", "../x:1"], "not a path in the workspace"),
        (2, vec!["rnu"], "unrecognized subcommand"),
    ] {
        let text = project.expect(code, &arguments);
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
    assert!(project.expect(0, &["runs"]).starts_with("no run"));
}

#[test]
fn doctor_says_what_is_missing_and_what_to_type() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    let text = project.expect(1, &["doctor"]);
    assert!(text.contains("openexec trust") && text.contains("sandbox"), "{text}");
    project.trust();
    let text = project.expect(0, &["doctor"]);
    assert!(text.contains("ready: openexec run fix_tests"), "{text}");
    let empty = Project::empty(ONE_ATTEMPT);
    let text = empty.expect(1, &["doctor"]);
    assert!(text.contains("without tests nothing can be proven"), "{text}");
}

#[test]
fn a_blueprint_with_errors_is_refused_with_places() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    let wrong = "version: 1\nname: hasty\nstages:\n  - id: implement\n    type: agent\n    goal: do it\n    outputs: [patch]\n    on_success: apply\n  - id: apply\n    type: deterministic\n    action: apply_edit\n";
    project.write(".openexec/blueprints/hasty.yaml", wrong);
    project.trust();
    let text = project.run_blueprint(1, "hasty", &[]);
    assert!(text.contains("implement -> apply") && text.contains("hasty.yaml:"), "{text}");
    let text = project.expect(1, &["blueprint", "check", ".openexec/blueprints/hasty.yaml"]);
    assert!(text.contains("hasty.yaml:"), "{text}");
}

#[test]
fn a_blueprint_of_the_public_dsl_runs_unchanged() {
    let project = Project::scripted_tests(&ONE_ATTEMPT.replace("stage: fix", "stage: implement"), CHECK);
    let public = include_str!("../blueprints/backend_bugfix.yaml");
    project.write(".openexec/blueprints/backend_bugfix.yaml", public);
    // The reviewing stage answers, too.
    let replies = project.place().join("replies.yaml");
    let script = std::fs::read_to_string(&replies).unwrap()
        + "  - stage: review\n    reply:\n      actions:\n        - { id: r1, kind: finish, summary: looks right }\n";
    std::fs::write(&replies, script).unwrap();
    project.trust();
    project.run_blueprint(0, "backend_bugfix", &["--instruction", "return 42"]);
    assert_eq!(project.read("src/lib.rs"), FIXED);
}

#[test]
fn a_file_that_tools_execute_waits_for_approval_and_can_be_refused() {
    let touching = r#"
replies:
  - stage: fix
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "    41\n", new: "    42\n" }
        - { id: a2, kind: create_file, path: Makefile, text: "all:\n" }
        - { id: a3, kind: finish, summary: with a Makefile }
"#;
    for (answer, code, lib) in [("approve", 0, FIXED), ("discard", 0, LIB)] {
        let project = Project::scripted_tests(touching, CHECK);
        project.trust();
        let before = project.tree();
        let text = project.run_blueprint(3, "fix_tests", &["--no-input"]);
        assert!(text.contains("openexec approve") && text.contains("Makefile"), "{text}");
        assert_eq!(project.tree(), before);
        project.expect(code, &[answer, &project.only_run()]);
        assert_eq!(project.read("src/lib.rs"), lib);
    }
}
