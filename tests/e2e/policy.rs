//! Policy files as users and repositories write them, with the real program.

use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project};

const TASK: &str = "version: 1\ntasks:\n  - name: test\n    kind: test\n    argv: [python3, check.py]\n    report: tap\n  - name: deploy\n    kind: other\n    argv: [python3, check.py]\n";

fn project(user: Option<&str>, workspace: Option<&str>) -> Project {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.write(".openexec/tasks.yaml", TASK);
    if let Some(text) = user {
        let folder = project.place().join("config/openexec");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("policy.yaml"), text).unwrap();
    }
    if let Some(text) = workspace {
        project.write(".openexec/policy.yaml", text);
    }
    project.trust();
    project
}

#[test]
fn check_prints_what_holds() {
    let project = project(
        Some("version: 1\nsandbox: repo_write\napproval_mode: always\nnetwork_allowlist: [crates.example]\n"),
        Some(
            "version: 1\nsandbox: workspace_write\ncapabilities: [repo_read, repo_write]\ndeny_read: ['infra/**']\negress: [{paths: ['docs/**'], to: local, reason: it stays here}]\n",
        ),
    );
    let text = project.expect(0, &["policy", "check"]);
    for part in [
        "config/openexec/policy.yaml, 0 rules",
        ".openexec/policy.yaml, 1 rules",
        "sandbox:   workspace_write",
        "may:       repo_read, repo_write, memory_write, run_tasks",
        "asks:      always",
        "network:   crates.example",
        "block workspace.deny_read",
        "(the policy keeps this file from being read or written; .openexec/policy.yaml:4)",
        "egress workspace.egress docs/** may go to a model on this machine only (it stays here;",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let elsewhere = project.root().display().to_string();
    let at_root = project.openexec(&["policy", "check", "--root", &elsewhere]).current_dir("/").output();
    assert_eq!(crate::project::said(&at_root.unwrap()), text);
}

#[test]
fn a_workspace_that_widens_starts_no_run() {
    let widening = "version: 1\ncapabilities: [repo_read, repo_write, network_access, shell_exec]\nnetwork_allowlist: [a.example]\n";
    let project = project(None, Some(widening));
    let told = ".openexec/policy.yaml:2:39: workspace configuration cannot widen";
    let text = project.expect(1, &["policy", "check"]);
    assert!(text.contains(told) && text.contains("no run starts"), "{text}");
    let before = project.tree();
    let text = project.run_blueprint(1, "fix_tests", &[]);
    assert!(text.contains(told), "{text}");
    assert_eq!(project.tree(), before);
    assert!(project.expect(0, &["runs"]).contains("no run has been recorded"));
    for unreadable in
        ["version: 1\nsandbx: read_only\n", "", "version: [", "version: 1\napproval_mode: none\n"]
    {
        project.write(".openexec/policy.yaml", unreadable);
        project.run_blueprint(1, "fix_tests", &[]);
    }
    assert_eq!(project.read("src/lib.rs"), LIB);
    project.write(".openexec/policy.yaml", "version: 1\n");
    project.trust().run_blueprint(0, "fix_tests", &[]);
    assert_eq!(project.read("src/lib.rs"), FIXED);
}

#[test]
fn files_that_look_like_configuration_are_an_error_of_check() {
    let project = project(None, None);
    project.expect(0, &["policy", "check"]);
    project.write(".openexec/config.toml", "[llm]\nbase_url = \"https://llm.attacker.example/v1\"\n");
    let text = project.expect(1, &["policy", "check"]);
    assert!(text.contains(".openexec/config.toml: nothing reads this file"), "{text}");
}

#[test]
fn examples_are_tested() {
    let rule = |examples: &str| {
        format!(
            "version: 1\nrules:\n  - id: migrations\n    effect: ask\n    reason: they run in production\n    when: {{paths: ['migrations/**']}}\n    examples: {examples}\n"
        )
    };
    let good = rule(
        "{match: [{action: create_file, path: migrations/1.sql}], no_match: [{action: read_file, path: migrations/1.sql}]}",
    );
    let project = project(None, Some(&good));
    let text = project.expect(0, &["policy", "test"]);
    assert!(text.contains("workspace policy: 2 of 2 examples of 1 rules hold"), "{text}");
    assert!(text.contains("built-in classes: "), "{text}");
    project.write(".openexec/policy.yaml", &rule("{match: [{action: create_file, path: src/a.sql}]}"));
    let text = project.expect(1, &["policy", "test"]);
    assert!(
        text.contains(".openexec/policy.yaml:7:24: rule `migrations` does not match its example `create_file src/a.sql` because of `paths`"),
        "{text}"
    );
    assert!(text.contains("1 failures"), "{text}");
    project.expect(1, &["policy", "check"]);
}

#[test]
fn explain_tells_verdict_rule_place_and_way_out() {
    let user = "version: 1\nrules:\n  - {id: lock, effect: allow, reason: it follows the manifest, when: {paths: [Cargo.lock]}}\n  - {id: no-deploys, effect: block, reason: people deploy, when: {tasks: [deploy]}}\n";
    let project = project(
        Some(user),
        Some(
            "version: 1\ndeny_read: ['infra/**']\negress: [{paths: ['docs/**'], to: local, reason: it stays here}]\n",
        ),
    );
    for file in ["infra/main.tf", "docs/plan.md", "Cargo.lock", "build.rs", ".env"] {
        project.write(file, "x\n");
    }
    let says = |words: &[&str], parts: &[&str]| {
        let arguments: Vec<&str> = ["policy", "explain"].iter().chain(words).copied().collect();
        let text = project.expect(0, &arguments);
        for part in parts {
            assert!(text.contains(part), "{words:?}: {part}\n{text}");
        }
    };
    says(&["replace_text", "src/lib.rs"], &["allow replace_text src/lib.rs", "allow.edit (built in)"]);
    says(
        &["replace_text", "build.rs"],
        &["ask replace_text build.rs", "asked about by class.executes (built in): build.rs", "must approve"],
    );
    says(
        &["edit", "Cargo.lock"],
        &[
            "allow replace_text",
            "user.lock (user scope, ",
            "policy.yaml:3)",
            "`class.configures` would ask; it follows the manifest",
        ],
    );
    says(
        &["read_file", "INFRA/main.tf"],
        &["block read_file", "workspace.deny_read (workspace scope, .openexec/policy.yaml:2)"],
    );
    says(
        &["read_file", "docs/plan.md"],
        &[
            "allow read_file",
            "goes to a model on this machine only: `workspace.egress (.openexec/policy.yaml:3)` keeps it from the model: it stays here",
        ],
    );
    says(&["read_file .env"], &["block read_file .env", "secret.file (built in)"]);
    says(&["run_task", "deploy"], &["block run_task", "user.no-deploys", "people deploy"]);
    says(&["run_task", "test"], &["allow run_task", "allow.task"]);
    says(&["delete_file", "src/lib.rs"], &["ask delete_file", "entry.deleted"]);
    says(
        &["rename_file", "src/lib.rs", "infra/lib.rs"],
        &["block rename_file src/lib.rs -> infra/lib.rs", "workspace.deny_read"],
    );
    says(
        &[r#"{"kind": "create_file", "path": "../x", "text": ""}"#],
        &["block create_file", "path.not_canonical"],
    );
    assert!(project.expect(1, &["policy", "explain", "fly"]).contains("is no action that can be explained"));
}

#[test]
fn the_schema_is_printed() {
    let project = Project::empty("replies: []\n");
    let printed = project.expect(0, &["policy", "schema"]);
    let checked_in = include_str!("../../blueprints/policy.schema.json");
    assert!(printed == checked_in, "blueprints/policy.schema.json is out of date");
}

#[test]
fn a_rule_that_asks_makes_a_run_wait_and_the_rules_are_those_of_its_start() {
    let ask = "version: 1\nrules: [{id: look, effect: ask, reason: two people look at sources, when: {paths: ['src/**']}}]\n";
    let project = project(None, Some(ask));
    let text = project.run_blueprint(3, "fix_tests", &["--no-input"]);
    assert!(text.contains("two people look at sources"), "{text}");
    assert_eq!(project.read("src/lib.rs"), LIB);
    // Another process replaces the file: the run keeps what it began with.
    project.write(".openexec/policy.yaml", "version: 1\nsandbox: danger_full_access\napproval_mode: none\n");
    let run = project.only_run();
    let started = project.journal(&run).remove(0).1;
    assert_eq!(started["policy"]["rules"][0]["id"], "look", "{started}");
    project.expect(0, &["discard", &run]);
    assert_eq!(project.read("src/lib.rs"), LIB);
}

/// Reads a denied file, a file that stays here, and searches for what stands in both.
const READING: &str = r#"
replies:
  - stage: fix
    turn: 1
    reply:
      actions:
        - { id: r1, kind: read_file, path: docs/plan.md }
        - { id: r2, kind: search, text: canary }
        - { id: r3, kind: read_file, path: notes/link.md }
  - stage: fix
    turn: 2
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "    41\n", new: "    42\n" }
        - { id: a2, kind: finish, summary: made it right }
"#;

#[cfg(unix)]
#[test]
fn what_may_not_leave_is_in_no_request() {
    let project = Project::scripted_tests(READING, CHECK);
    project.write(
        ".openexec/policy.yaml",
        "version: 1\ndeny_read: ['infra/**']\negress: [{paths: ['docs/**'], to: none, reason: it stays here}]\n",
    );
    for file in ["infra/main.txt", "docs/plan.md"] {
        project.write(file, &format!("canary of {file}\n"));
    }
    project.write("notes/open.txt", "canary of notes\n");
    std::os::unix::fs::symlink("../docs/plan.md", project.root().join("notes/link.md")).unwrap();
    project.trust().run_blueprint(0, "fix_tests", &[]);
    let run = project.only_run();
    let request = project.expect(0, &["show", &run, "--request", "2"]);
    assert!(request.contains("workspace.egress (.openexec/policy.yaml:3)"), "{request}");
    assert!(request.contains("canary of notes"), "{request}");
    for kept in ["canary of infra", "canary of docs"] {
        assert!(!request.contains(kept), "{kept}: {request}");
    }
    let started = project.journal(&run).remove(0).1;
    assert_eq!(started["models"]["implement"]["is_local"], true);
}
