use super::*;
use crate::limits::{CONFIG_BYTES_MAX, POLICY_RULES_MAX};
use crate::path::WorkspacePath;
use crate::policy::{ApprovalMode, Capability, PolicySnapshot, SandboxMode, classify};
use insta::assert_snapshot;

/// The example of the reference.
pub(super) fn documented() -> &'static str {
    let reference = include_str!("../../../../../blueprints/POLICY.md");
    let (_, rest) = reference.split_once("```yaml\n").expect("there is an example");
    rest.split("```").next().expect("it ends")
}

fn problems(text: &str) -> String {
    load(Scope::User, "policy.yaml", text).expect_err("it is wrong").to_string()
}

fn declared(scope: Scope, text: &str) -> Declaration {
    load(scope, "policy.yaml", text).unwrap_or_else(|error| panic!("{error}"))
}

fn rule(text: &str) -> String {
    format!("version: 1\nrules:\n  - {text}\n")
}

fn merged(user: &str, workspace: &str) -> Result<PolicySnapshot, String> {
    let user = (!user.is_empty()).then(|| declared(Scope::User, &format!("version: 1\n{user}\n")));
    let workspace =
        (!workspace.is_empty()).then(|| declared(Scope::Workspace, &format!("version: 1\n{workspace}\n")));
    merge(user.as_ref(), workspace.as_ref()).map_err(|error| error.to_string())
}

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

/// The names of the rules that speak about something.
fn speaking(policy: &Policy, kind: ActionKind, paths: &[&str], extent: &Extent, files: u64) -> Vec<String> {
    let paths: Vec<WorkspacePath> = paths.iter().map(|text| path(text)).collect();
    let classes: Vec<PathClass> = paths.iter().flat_map(classify).collect();
    let paths: Vec<&WorkspacePath> = paths.iter().collect();
    let rulings = policy.rulings(&Subject {
        kinds: Kinds::of([&kind]),
        paths: &paths,
        task: None,
        extent,
        files_changed: files,
        classes: &classes,
        guarded: false,
    });
    let all = rulings.objections.iter().chain(&rulings.allowances);
    all.map(|rule| rule.name().to_string()).collect()
}

fn edits(rules: &str, file: &str) -> bool {
    let policy = Policy::new(&merged(&format!("rules:\n  - {rules}"), "").unwrap());
    !speaking(&policy, ActionKind::ReplaceText, &[file], &Extent::default(), 1).is_empty()
}

#[test]
fn the_documented_policy_is_read() {
    let declaration = declared(Scope::User, documented());
    assert!(declaration.examples() >= 6, "{}", declaration.examples());
    let snapshot = merge(Some(&declaration), None).unwrap();
    assert_eq!(Policy::new(&snapshot).fault(), None);
    let stored = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<PolicySnapshot>(&stored).unwrap(), snapshot);
}

#[test]
fn a_snapshot_of_an_old_journal_is_read() {
    let old = r#"{"sandbox":"workspace_write","capabilities":["repo_read","repo_write","shell_exec","memory_write"],"approval_mode":"always"}"#;
    let snapshot: PolicySnapshot = serde_json::from_str(old).unwrap();
    assert!(snapshot.rules.is_empty() && snapshot.egress.is_empty() && snapshot.network_allowlist.is_empty());
    assert_eq!(serde_json::to_string(&snapshot).unwrap(), old);
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_a_remedy() {
    assert_snapshot!(problems(""), @"policy.yaml:1:1: the file is empty; write `version: 1`, or remove the file");
    assert_snapshot!(problems("sandbox: read_only\n"), @"policy.yaml:1:1: the file has no `version`; write `version: 1`");
    assert_snapshot!(problems("version: 2\n"), @"policy.yaml:1:10: `version` is 2; write `version: 1`, the only one there is");
    assert_snapshot!(problems("version: 1\nsandbx: read_only\n"), @"policy.yaml:2:1: `sandbx` is not a key of a policy; did you mean `sandbox`?");
    assert_snapshot!(problems("version: 1\nbase_url: https://llm.example\n"), @"policy.yaml:2:1: `base_url` is not a key of a policy; models, endpoints and keys stand in `config.yaml` of your own configuration, never in a policy");
    assert_snapshot!(problems("version: 1\napproval_mode: none\n"), @"policy.yaml:2:16: `approval_mode` is `none`; write `on_risky_actions` or `always`");
    assert_snapshot!(problems("version: 1\nnetwork_allowlist: ['*']\n"), @"policy.yaml:2:21: an item of `network_allowlist` is `*`; write the names of hosts one by one, such as `crates.example`, without scheme, port and wildcard");
    assert_snapshot!(problems("version: 1\ndeny_read: ['infra/']\n"), @"policy.yaml:2:13: an item of `deny_read` is `infra/`; this matches nothing; for everything below a folder write `infra/**`");
    assert_snapshot!(problems("version: 1\ndeny_read: ['../x', '/etc/**']\n"), @r"
    policy.yaml:2:13: an item of `deny_read` is `../x`; this matches nothing; write globs relative to the workspace's root, such as `infra/**`
    policy.yaml:2:21: an item of `deny_read` is `/etc/**`; this matches nothing; write globs relative to the workspace's root, such as `infra/**`
    ");
    assert_snapshot!(problems("version: 1\ndeny_read: ['src/[a']\n"), @"policy.yaml:2:13: an item of `deny_read` is `src/[a`; this is no glob: unclosed character class; missing ']'; see the reference for `paths`");
    assert_snapshot!(problems("version: 1\ndeny_read: [\"a\u{ff0a}\"]\n"), @"policy.yaml:2:13: an item of `deny_read` is `a＊`; it holds a letter that other spellings of Unicode take for a sign of globs; use `?` in its place");
    assert_snapshot!(problems(&rule("{id: Migrations, effect: ask, reason: r, when: {paths: [a]}}")), @"policy.yaml:3:10: `id` is `Migrations`; write at most 64 of a-z, 0-9 and `-`, not beginning with `-`");
    assert_snapshot!(problems(&rule("{id: a, effect: deny, reason: r, when: {paths: [a]}}")), @"policy.yaml:3:21: `effect` is `deny`; write `allow`, `ask` or `block`");
    assert_snapshot!(problems(&rule("{id: a, effect: ask, when: {paths: [a]}}")), @"policy.yaml:3:5: a rule has no `reason`; say why, in a sentence");
    assert_snapshot!(problems(&rule("{id: a, effect: block, reason: r, when: {}}")), @"policy.yaml:3:45: rule `a` is about everything: `when` is empty; name actions, paths, tasks, languages, symbols, sizes or classes");
    assert_snapshot!(problems(&rule("{id: a, effect: block, reason: r, when: {paths: []}}")), @r"
    policy.yaml:3:45: rule `a` is about everything: `when` is empty; name actions, paths, tasks, languages, symbols, sizes or classes
    policy.yaml:3:53: `paths` is an empty list; leave the key out, or name what it is about
    ");
    assert_snapshot!(problems(&rule("{id: a, effect: block, reason: r, when: {path: [a]}}")), @"policy.yaml:3:46: `path` is not a key of `when`; did you mean `paths`?");
    assert_snapshot!(problems(&rule("{id: a, effect: ask, reason: r, when: {actions: [edit, read]}}")), @"policy.yaml:3:53: rule `a` would ask about something that cannot wait for an answer; ask about edit, create, delete and rename only; for reading and running write `effect: block`");
    assert_snapshot!(problems(&rule("{id: a, effect: allow, reason: r, when: {symbols: [a]}}")), @"policy.yaml:3:45: rule `a` allows by the size or the place of a change; a rule that allows names actions, paths, languages or classes; write the opposite as `effect: ask`");
    assert_snapshot!(problems(&rule("{id: a, effect: allow, reason: r, when: {class: [secret]}}")), @"policy.yaml:3:54: an item of `class` is `secret`; write `executes`, `configures`, `instructs`, `judges` or `tests`");
    let twice = "version: 1\nrules:\n  - &r {id: a, effect: block, reason: r, when: {paths: [a]}}\n  - *r\n";
    assert_snapshot!(problems(twice), @"policy.yaml:4:5: the id `a` is used twice; give each rule a name of its own");
    assert_snapshot!(problems("version: 1\negress: [{to: none, reason: r}]\n"), @"policy.yaml:2:10: an egress rule is about everything; name `paths`, `labels` or `pointers`");
    assert_snapshot!(problems("version: 1\negress: [{paths: [a], reason: r}]\n"), @"policy.yaml:2:10: an egress rule has no `to`; write `none`, `local` or `any`");
}

#[test]
fn examples_are_checked_when_the_file_is_read() {
    let text = |examples: &str| {
        rule(&format!(
            "{{id: a, effect: ask, reason: r, when: {{actions: [edit], paths: ['m/**'], except: [m/x.md]}}, examples: {examples}}}"
        ))
    };
    let good = "{match: [{action: replace_text, path: m/1.sql}], no_match: [{action: read_file, path: m/1.sql}, {action: replace_text, path: m/x.md}]}";
    assert_eq!(declared(Scope::User, &text(good)).examples(), 3);
    assert_snapshot!(problems(&text("{match: [{action: delete_file, path: src/a.rs}]}")), @"policy.yaml:3:116: rule `a` does not match its example `delete_file src/a.rs` because of `actions`, `paths`; mend the rule, or the example");
    assert_snapshot!(problems(&text("{no_match: [{action: replace_text, path: m/2.sql}]}")), @"policy.yaml:3:119: rule `a` matches `replace_text m/2.sql`, which is listed under `no_match`; narrow the rule, with `except` for instance, or mend the example");
    assert_snapshot!(problems(&text("{match: [{action: replace_text, path: ../m}]}")), @"policy.yaml:3:145: `path` is `../m`; it is not canonical; write it without `.`, `..`, `//` and without a trailing `/`; write a path such as `src/lib.rs`");
    assert_snapshot!(problems(&text("{match: [{path: m/1}]}")), @"policy.yaml:3:116: an example has no `action`; write a kind of action");
    assert_snapshot!(problems(&text("{}")), @"policy.yaml:3:107: `examples` is empty; write `match` or `no_match`, or leave it out");
}

#[test]
fn bombs_and_bulk_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(", ")));
    }
    assert!(problems(&bomb).contains("not a YAML document"));
    assert!(problems(&"#".repeat(CONFIG_BYTES_MAX + 1)).contains("bytes; write at most"));
    let many: String = (0..=POLICY_RULES_MAX)
        .map(|at| format!("  - {{id: r{at}, effect: block, reason: r, when: {{paths: [a]}}}}\n"))
        .collect();
    assert!(
        problems(&format!("version: 1\nrules:\n{many}")).contains("`rules` has 501 items; write at most 500")
    );
    assert!(problems("version: !!python/object 1\n").contains("unsupported tag"));
}

#[test]
fn without_files_the_built_in_policy_holds() {
    let snapshot = merged("", "").unwrap();
    assert_eq!(snapshot, PolicySnapshot::built_in(SandboxMode::WorkspaceWrite, ApprovalMode::OnRiskyActions));
    use Capability::{MemoryWrite, RepoRead, RepoWrite, RunTasks};
    assert_eq!(snapshot.capabilities, BTreeSet::from([RepoRead, RepoWrite, RunTasks, MemoryWrite]));
}

#[test]
fn a_workspace_narrows() {
    let narrowed = merged(
        "sandbox: repo_write\nnetwork_allowlist: [a.example, b.example]\nrules: [{id: a, effect: ask, reason: r, when: {paths: [a]}}]",
        "sandbox: read_only\ncapabilities: [repo_read]\napproval_mode: always\nnetwork_allowlist: [b.example]\ndeny_read: ['infra/**']",
    )
    .unwrap();
    assert_eq!(narrowed.sandbox, SandboxMode::ReadOnly);
    assert_eq!(narrowed.capabilities, BTreeSet::from([Capability::RepoRead]));
    assert_eq!(narrowed.approval_mode, ApprovalMode::Always);
    assert_eq!(narrowed.network_allowlist, BTreeSet::from(["b.example".to_owned()]));
    let names: Vec<String> = narrowed.rules.iter().map(|rule| rule.name().to_string()).collect();
    assert_eq!(names, ["user.a", "workspace.deny_read"]);
    // What the contract's own example lists leaves declared tasks and memory as they are.
    let plain =
        merged("", "sandbox: workspace_write\ncapabilities: [repo_read, repo_write]\nnetwork_allowlist: []");
    assert_eq!(plain.unwrap(), merged("", "").unwrap());
    // A narrower mode takes its capabilities with it, whoever wrote it.
    let reading = merged("capabilities: [repo_read, repo_write]", "sandbox: read_only").unwrap();
    assert_eq!(reading.capabilities, BTreeSet::from([Capability::RepoRead, Capability::MemoryWrite]));
    let run = merged("", "").unwrap().for_run(SandboxMode::ReadOnly, ApprovalMode::Always);
    assert_eq!((run.sandbox, run.approval_mode), (SandboxMode::ReadOnly, ApprovalMode::Always));
    assert!(!run.capabilities.contains(&Capability::RepoWrite));
    assert_eq!(
        merged("", "").unwrap().for_run(SandboxMode::DangerFullAccess, ApprovalMode::Always).sandbox,
        SandboxMode::WorkspaceWrite
    );
}

#[test]
fn a_workspace_cannot_widen() {
    assert_snapshot!(merged("", "capabilities: [repo_read, repo_write, network_access, shell_exec]\nnetwork_allowlist: [a.example]").unwrap_err(), @r"
    policy.yaml:2:39: workspace configuration cannot widen: the user's policy does not have the capability `network_access`; remove it; a capability is given by the user's own policy.yaml
    policy.yaml:2:55: workspace configuration cannot widen: the user's policy does not have the capability `shell_exec`; remove it; a capability is given by the user's own policy.yaml
    policy.yaml:3:21: workspace configuration cannot widen: the user's policy does not let `a.example` be reached; remove it; hosts are named by the user's own policy.yaml
    ");
    assert_snapshot!(merged("", "sandbox: danger_full_access").unwrap_err(), @"policy.yaml:2:10: workspace configuration cannot widen: `sandbox` is `danger_full_access`, and the user's is `workspace_write`; write the same or a narrower mode; a wider one stands in the user's own policy.yaml");
    assert_snapshot!(merged("approval_mode: always", "approval_mode: on_risky_actions").unwrap_err(), @"policy.yaml:2:16: workspace configuration cannot widen: `approval_mode` asks less often than the user's; remove it, or write `always`");
    assert_snapshot!(merged("", "rules: [{id: a, effect: allow, reason: r, when: {paths: [build.rs]}}]").unwrap_err(), @"policy.yaml:2:9: workspace configuration cannot widen: rule `a` allows; write `ask` or `block`, or put the rule into the user's own policy.yaml");
    assert_snapshot!(merged("", "egress: [{paths: [a], to: any, reason: r}]").unwrap_err(), @"policy.yaml:2:10: workspace configuration cannot widen: an egress rule lets texts go to any model; write `none` or `local`, or remove the rule: without one a text may go");
    assert_snapshot!(merged("capabilities: [git_commit]", "").unwrap_err(), @"policy.yaml:2:16: the sandbox mode `workspace_write` does not have the capability `git_commit`; remove it, or write a wider `sandbox`");
}

#[test]
fn a_path_is_compared_folded() {
    let denied = "{id: a, effect: block, reason: r, when: {paths: [geheim/schlüssel.txt, 'Infra/**']}}";
    for file in ["geheim/schlüssel.txt", "Geheim/SCHLÜSSEL.TXT", "infra/a", "INFRA/b/c.tf"] {
        assert!(edits(denied, file), "{file}");
    }
    for file in ["geheim/schluessel.txt", "infrastructure/a", "x/infra/a", "infra"] {
        assert!(!edits(denied, file), "{file}");
    }
    let decomposed = denied.replace('ü', "u\u{308}");
    assert!(edits(&decomposed, "geheim/schlüssel.txt"));
}

#[test]
fn a_star_stays_within_a_name() {
    let one = "{id: a, effect: block, reason: r, when: {paths: ['src/*.rs']}}";
    assert!(edits(one, "src/a.rs") && !edits(one, "src/a/b.rs"));
    let except = "{id: a, effect: block, reason: r, when: {except: ['src/**']}}";
    assert!(!edits(except, "src/a.rs") && edits(except, "docs/a.md"));
}

#[test]
fn the_place_that_a_path_leads_to_counts_as_well() {
    let all = Extent::default();
    let policy = |rules: &str| Policy::new(&merged(&format!("rules:\n  - {rules}"), "").unwrap());
    let block = policy("{id: a, effect: block, reason: r, when: {paths: ['infra/**'], except: [infra/ok]}}");
    let says =
        |policy: &Policy, paths: &[&str]| !speaking(policy, ActionKind::ReadFile, paths, &all, 0).is_empty();
    assert!(says(&block, &["a", "infra/b"]) && says(&block, &["infra/b", "a"]));
    assert!(says(&block, &["infra/ok", "infra/b"]) && !says(&block, &["infra/ok", "a"]));
    // What loosens must be true of both.
    let allow = policy("{id: a, effect: allow, reason: r, when: {paths: ['ci/**']}}");
    assert!(says(&allow, &["ci/a"]) && says(&allow, &["ci/a", "ci/b"]) && !says(&allow, &["ci/a", "b"]));
}

#[test]
fn sizes_symbols_languages_and_classes_are_conditions() {
    let policy = Policy::new(
        &merged(
            "rules:\n\
             \x20 - {id: large, effect: ask, reason: r, when: {lines_changed_over: 10}}\n\
             \x20 - {id: wide, effect: ask, reason: r, when: {files_changed_over: 2}}\n\
             \x20 - {id: auth, effect: ask, reason: r, when: {symbols: ['auth::*']}}\n\
             \x20 - {id: go, effect: block, reason: r, when: {languages: [go]}}\n\
             \x20 - {id: ci, effect: block, reason: r, when: {class: [executes], actions: [create]}}",
            "",
        )
        .unwrap(),
    );
    let says = |kind, file: &str, extent: &Extent, files| speaking(&policy, kind, &[file], extent, files);
    let extent = |lines, symbol: &str| Extent { lines, symbols: BTreeSet::from([symbol.to_owned()]) };
    let edit = ActionKind::ReplaceText;
    assert_eq!(says(edit, "a.rs", &extent(10, "main"), 2), [""; 0]);
    assert_eq!(says(edit, "a.rs", &extent(11, "main"), 3), ["user.large", "user.wide"]);
    assert_eq!(says(edit, "a.rs", &extent(1, "auth::Session::new"), 1), ["user.auth"]);
    assert_eq!(says(edit, "a.py", &extent(1, "auth.Session.new"), 1), ["user.auth"]);
    assert_eq!(says(edit, "a.go", &extent(1, "author"), 1), ["user.go"]);
    assert_eq!(says(ActionKind::CreateFile, "build.rs", &extent(1, "main"), 1), ["user.ci"]);
    assert_eq!(says(edit, "build.rs", &extent(1, "main"), 1), [""; 0]);
    // Asking is for edits.
    assert_eq!(says(ActionKind::ReadFile, "a.rs", &extent(99, "auth::x"), 9), [""; 0]);
}

#[test]
fn the_extent_of_a_change_is_its_lines_and_their_symbols() {
    let base = "mod auth {\n    fn login() {\n        a();\n    }\n    fn logout() {}\n}\nfn main() {}\n";
    let of = |proposed: &str| {
        let extent = extent(&path("src/a.rs"), base, proposed, true);
        (extent.lines, extent.symbols.into_iter().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(of(base), (0, String::new()));
    assert_eq!(of(&base.replace("a();", "b();")), (2, "auth auth::login".to_owned()));
    assert_eq!(of(&base.replace("    fn logout() {}\n", "")), (1, "auth auth::logout".to_owned()));
    assert_eq!(of(&format!("{base}fn more() {{}}\n")), (1, "more".to_owned()));
    assert_eq!(of(""), (7, "auth auth::login auth::logout main".to_owned()));
    let long = |word: &str| (0..3000).map(|at| format!("{word}{at}\nsame{at}\n")).collect::<String>();
    // Beyond the limit everything between the first and the last difference counts.
    assert_eq!(extent(&path("a.txt"), &long("a"), &long("b"), false).lines, 2 * (2 * 3000 - 1));
}

#[test]
fn rules_that_cannot_be_understood_are_a_fault() {
    let mut snapshot = merged("rules: [{id: a, effect: ask, reason: r, when: {paths: [a]}}]", "").unwrap();
    snapshot.rules[0].when.paths = vec!["[".to_owned()];
    assert!(Policy::new(&snapshot).fault().is_some());
    snapshot.rules[0].when = When::default();
    assert!(Policy::new(&snapshot).fault().is_some());
    snapshot.rules[0].when.paths = vec!["a".to_owned()];
    assert_eq!(Policy::new(&snapshot).fault(), None);
    snapshot.rules[0] = Rule { scope: Scope::Workspace, effect: Verdict::Allow, ..snapshot.rules[0].clone() };
    assert!(Policy::new(&snapshot).fault().is_some());
}

#[test]
fn a_text_goes_where_every_rule_lets_it_go() {
    let policy = Policy::new(
        &merged(
            "egress:\n\
             \x20 - {paths: ['secret-docs/**'], to: none, reason: never}\n\
             \x20 - {paths: ['docs/**', 'secret-docs/**'], to: local, reason: stays here}\n\
             \x20 - {labels: [internal], pointers: [environment], to: none, reason: both}\n\
             deny_read: ['infra/**']",
            "egress: [{paths: ['DOCS/api/**'], to: none, reason: the team says so}]",
        )
        .unwrap(),
    );
    let file = |text: &str, local| {
        policy.may_leave(&Outgoing { paths: &[path(text)], ..Outgoing::default() }, local).is_ok()
    };
    assert!(file("src/a.rs", false));
    assert!(!file("docs/a.md", false) && file("docs/a.md", true));
    assert!(!file("docs/api/a.md", true) && !file("secret-docs/a.md", true) && !file("infra/a.tf", true));
    let record = |pointer, labels: &[&str]| {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        policy.may_leave(&Outgoing { paths: &[], pointer: Some(pointer), labels: &labels }, true).is_ok()
    };
    assert!(!record(PointerKind::Environment, &["internal", "eu"]));
    assert!(record(PointerKind::Environment, &["eu"]) && record(PointerKind::Service, &["internal"]));
    let denied = Outgoing { paths: &[path("infra/a.tf")], ..Outgoing::default() };
    let told = policy.may_leave(&denied, true).unwrap_err();
    assert_snapshot!(told, @"`user.deny_read (policy.yaml:6)` keeps it from the model: the policy keeps this file from being read or written");
}

#[test]
fn every_kind_has_a_group_but_the_end_of_the_work() {
    let groups = [
        ActionName::Edit,
        ActionName::Create,
        ActionName::Delete,
        ActionName::Rename,
        ActionName::Read,
        ActionName::Run,
        ActionName::Remember,
    ];
    let grouped: BTreeSet<ActionKind> = groups.iter().flat_map(|group| group.kinds()).copied().collect();
    let all = BTreeSet::from(ActionKind::ALL);
    assert_eq!(all.difference(&grouped).copied().collect::<Vec<_>>(), [ActionKind::Finish]);
    for kind in grouped {
        let name: ActionName = serde_json::from_value(kind.name().into()).unwrap();
        assert_eq!(name.kinds(), [kind]);
    }
}

#[test]
fn tests_are_what_judges_in_every_language() {
    for class in ["judges", "tests"] {
        let rule = format!("{{id: a, effect: block, reason: r, when: {{class: [{class}]}}}}");
        for file in ["tests/basic.rs", "spec/a_spec.rb", "src/__snapshots__/a.snap"] {
            assert!(edits(&rule, file), "{class}: {file}");
        }
        assert!(!edits(&rule, "src/lib.rs"));
    }
}
