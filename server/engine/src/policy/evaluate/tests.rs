use super::*;
use crate::action::{
    Action, CreateFile, DeleteFile, Finish, InsertAtSymbol, ReadFile, RenameFile, ReplaceSymbol, ReplaceText,
    RunTask, Search, Side,
};
use crate::digest::Digest;
use crate::edit::FileChange;
use crate::ids::{ActionId, ToolsetName};
use crate::limits::{CHANGE_BYTES_MAX, CHANGE_FILES_MAX, FILE_BYTES_MAX};
use crate::policy::{
    Entry, Facts, PathFacts, PolicySnapshot, Resolved, SandboxMode, Taint, Toolset, Verdict, fingerprints,
};
use crate::task::{ParamSort, ReportFormat, Task, TaskKind, TaskParam, TimeoutClass};
use std::collections::BTreeMap;

mod rules;

const PRESENT: &str = "fn a() {}\nfn b() {}\n";

fn at(path: &str) -> RequestedPath {
    RequestedPath::new(path)
}

fn create(path: &str, text: &str) -> Action {
    Action::CreateFile(CreateFile { path: at(path), text: text.to_owned(), overwrite: false })
}

fn replace(path: &str, old: &str, new: &str) -> Action {
    Action::ReplaceText(ReplaceText { path: at(path), old: old.to_owned(), new: new.to_owned() })
}

fn delete(path: &str) -> Action {
    Action::DeleteFile(DeleteFile { path: at(path), base_hash: None })
}

fn rename(path: &str, new_path: &str) -> Action {
    Action::RenameFile(RenameFile { path: at(path), new_path: at(new_path), base_hash: None })
}

fn read(path: &str) -> Action {
    Action::ReadFile(ReadFile { path: at(path), first_line: None, last_line: None })
}

fn search(below: &str) -> Action {
    Action::Search(Search { text: "x".to_owned(), below: Some(at(below)) })
}

fn run(task: &str) -> Action {
    Action::RunTask(RunTask { task: TaskName::new(task), args: Vec::new() })
}

/// A workspace in which every path that the batch names is missing, but for those given.
struct Case {
    facts: BTreeMap<RequestedPath, PathFacts>,
    taint: Taint,
    known: Known,
    changes: ChangeSet,
    tasks: TaskSet,
    policy: PolicySnapshot,
    toolset: Toolset,
}

impl Case {
    fn new() -> Self {
        let task = Task {
            name: TaskName::new("test"),
            kind: TaskKind::Test,
            argv: vec!["cargo".to_owned(), "test".to_owned()],
            cwd: None,
            env: BTreeMap::new(),
            report: ReportFormat::Auto,
            report_file: None,
            timeout: TimeoutClass::Long,
            network: Vec::new(),
            origin: "Cargo.toml".to_owned(),
            writes: Vec::new(),
            params: vec![TaskParam {
                name: "path".to_owned(),
                sort: ParamSort::WorkspacePath,
                argv: vec!["{value}".to_owned()],
            }],
        };
        Self {
            facts: BTreeMap::new(),
            taint: Taint::default(),
            known: Known::default(),
            changes: ChangeSet::default(),
            tasks: TaskSet { tasks: vec![task], trust: Trust::Trusted { content: Digest::of(b"") } },
            policy: PolicySnapshot::built_in(SandboxMode::WorkspaceWrite, ApprovalMode::OnRiskyActions),
            toolset: Toolset {
                name: ToolsetName::new("all"),
                actions: ActionKind::ALL.into_iter().collect(),
            },
        }
    }

    fn entry(mut self, path: &str, entry: Entry) -> Self {
        self.facts.insert(at(path), PathFacts { entry, resolved: Resolved::Direct, executed_by: None });
        self
    }

    fn file(self, path: &str, text: &str) -> Self {
        self.entry(path, Entry::Text { text: text.to_owned(), links: 1, version: None })
    }

    fn link(mut self, path: &str, to: Option<&str>) -> Self {
        let resolved = match to {
            Some(to) => Resolved::Linked { to: WorkspacePath::parse(to).unwrap() },
            None => Resolved::Outside,
        };
        let entry = Entry::Text { text: PRESENT.to_owned(), links: 1, version: None };
        self.facts.insert(at(path), PathFacts { entry, resolved, executed_by: None });
        self
    }

    fn changed(mut self, path: &str, base: Option<&str>, proposed: Option<&str>) -> Self {
        let change = FileChange {
            base: base.map(str::to_owned),
            proposed: proposed.map(str::to_owned),
            renamed_from: None,
        };
        self.changes.files.insert(WorkspacePath::parse(path).unwrap(), change);
        self
    }

    fn judge(mut self, actions: &[Action]) -> Decision {
        for path in actions.iter().flat_map(Action::paths) {
            let missing = PathFacts { entry: Entry::Missing, resolved: Resolved::Direct, executed_by: None };
            self.facts.entry(path.clone()).or_insert(missing);
        }
        let batch: Vec<ActionRequest> = actions
            .iter()
            .enumerate()
            .map(|(n, action)| ActionRequest { id: ActionId::new(format!("a{n}")), action: action.clone() })
            .collect();
        let facts = Facts { paths: self.facts, taint: self.taint };
        let mut known = self.known;
        known.learn(&facts);
        let situation = Situation {
            toolset: &self.toolset,
            tasks: &self.tasks,
            facts: &facts,
            changes: &self.changes,
            known: &known,
        };
        evaluate(&batch, situation, &Policy::new(&self.policy))
    }

    /// The verdict, and the rules that gave it.
    fn rules(self, actions: &[Action]) -> (Verdict, Vec<String>) {
        strictest(&self.judge(actions))
    }

    fn blocks(self, actions: &[Action], rule: &str) {
        assert_eq!(self.rules(actions), (Verdict::Block, vec![rule.to_owned()]), "{actions:?}");
    }

    fn asks(self, actions: &[Action], rule: &str) {
        assert_eq!(self.rules(actions), (Verdict::Ask, vec![rule.to_owned()]), "{actions:?}");
    }

    fn allows(self, actions: &[Action]) {
        let decision = self.judge(actions);
        assert_eq!(decision.verdict, Verdict::Allow, "{actions:?}: {decision:#?}");
    }
}

fn strictest(decision: &Decision) -> (Verdict, Vec<String>) {
    let of = decision.reasons.iter().filter(|reason| reason.verdict == decision.verdict);
    (decision.verdict, of.map(|reason| reason.rule.as_str().to_owned()).collect())
}

#[test]
fn ordinary_work_is_allowed() {
    Case::new().file("src/a.rs", PRESENT).allows(&[replace("src/a.rs", "fn a", "fn c"), read("src/a.rs")]);
    Case::new().allows(&[create("src/parser/lexer.rs", "struct Lexer;\n")]);
    Case::new()
        .file("src/a.rs", PRESENT)
        .allows(&[rename("src/a.rs", "src/b.rs"), replace("src/b.rs", "b()", "c()")]);
    Case::new().allows(&[
        create("src/n.rs", "fn n() {}\n"),
        replace("src/n.rs", "n()", "m()"),
        delete("src/n.rs"),
    ]);
    Case::new().entry("src", Entry::Directory).allows(&[search("src"), run("test")]);
    Case::new().allows(&[create("src/n/a.rs", "x\n"), search("src/n")]);
    Case::new().allows(&[Action::Finish(Finish { summary: "Repaired `add`. ✅".to_owned() })]);
    Case::new().file(".github/workflows/ci.yml", "on: push\n").allows(&[read(".github/workflows/ci.yml")]);
    Case::new().file(".gitignore", "/target\n").allows(&[replace(
        ".gitignore",
        "/target\n",
        "/target\n*.log\n",
    )]);
    let symbol = Action::ReplaceSymbol(ReplaceSymbol {
        path: at("src/a.rs"),
        symbol: "a".to_owned(),
        text: "fn a() { 1 }".to_owned(),
    });
    let insert = Action::InsertAtSymbol(InsertAtSymbol {
        path: at("src/a.rs"),
        symbol: "a".to_owned(),
        side: Side::After,
        text: "fn c() {}".to_owned(),
    });
    Case::new().file("src/a.rs", PRESENT).allows(&[symbol, insert]);
}

#[test]
fn a_reply_may_ask_for_nothing() {
    Case::new().allows(&[]);
}

#[test]
fn paths_must_be_plain_and_inside() {
    for (path, rule) in [
        ("../outside/x", "path.not_canonical"),
        ("/etc/passwd", "path.outside"),
        ("~/.bashrc", "path.outside"),
        ("file:///etc/passwd", "path.outside"),
        ("C:\\x", "path.outside"),
        ("src\\..\\x", "path.not_canonical"),
        ("", "path.not_canonical"),
        (".", "path.not_canonical"),
        ("src/a.rs\0.txt", "path.not_canonical"),
        ("src/a.rs\nallow: x", "path.not_canonical"),
        (".g\u{200c}it/config", "path.not_canonical"),
        ("git~1/config", "path.not_canonical"),
        ("src/aux.rs", "path.not_canonical"),
    ] {
        Case::new().blocks(&[read(path)], rule);
        Case::new().blocks(&[create(path, "x\n")], rule);
        let decision = Case::new().judge(&[delete(path)]);
        assert!(!decision.reasons[0].matched.contains('\0') && !decision.reasons[0].matched.contains('\n'));
    }
    Case::new().file("src/a.rs", PRESENT).blocks(&[rename("src/a.rs", "../a.rs")], "path.not_canonical");
}

#[test]
fn a_path_without_facts_is_blocked() {
    let batch = [ActionRequest { id: ActionId::new("a"), action: read("src/a.rs") }];
    let case = Case::new();
    let situation = Situation {
        toolset: &case.toolset,
        tasks: &case.tasks,
        facts: &Facts::default(),
        changes: &case.changes,
        known: &Known::default(),
    };
    let decision = evaluate(&batch, situation, &Policy::new(&case.policy));
    assert_eq!(strictest(&decision), (Verdict::Block, vec!["facts.missing".to_owned()]));
}

#[test]
fn what_something_executes_asks_whatever_its_name() {
    let by = Some("core.hooksPath of .git/config".to_owned());
    let found = PathFacts { entry: Entry::Missing, resolved: Resolved::Direct, executed_by: by };
    let mut case = Case::new();
    case.facts.insert(at("assets/greeting.txt"), found);
    case.asks(&[create("assets/greeting.txt", "hi\n")], "class.executes");
}

#[test]
fn links_are_followed_by_the_judgement_and_not_by_the_edit() {
    for action in [replace("n.txt", "fn a", "x"), delete("n.txt"), read("n.txt")] {
        Case::new().link("n.txt", None).blocks(&[action], "path.outside");
    }
    Case::new().link("n.txt", Some("README.md")).blocks(&[replace("n.txt", "fn a", "x")], "link.symlink");
    Case::new().link("n.txt", Some("README.md")).allows(&[read("n.txt")]);
    Case::new().link("n.txt", Some(".git/config")).blocks(&[read("n.txt")], "never.git");
    Case::new().link("n.txt", Some("app/.env")).blocks(&[read("n.txt")], "secret.file");
    let (_, rules) = Case::new().link("cfg/x", Some(".git/x")).rules(&[replace("cfg/x", "fn a", "x")]);
    assert_eq!(rules, ["never.git", "link.symlink"]);
    let hard = Entry::Text { text: PRESENT.to_owned(), links: 2, version: None };
    Case::new().entry("d.txt", hard.clone()).blocks(&[replace("d.txt", "fn a", "x")], "link.hard");
    Case::new().entry("d.txt", hard).allows(&[read("d.txt")]);
}

#[test]
fn what_is_never_touched_and_what_is_secret() {
    for path in [".git/hooks/pre-commit", "tools/.git", ".GIT/config"] {
        let (verdict, rules) = Case::new().rules(&[create(path, "x\n")]);
        assert_eq!((verdict, rules[0].as_str()), (Verdict::Block, "never.git"), "{path}");
        Case::new().file(path, "x\n").blocks(&[read(path)], "never.git");
    }
    Case::new().blocks(&[create(".OpenExec/Policy.yaml", "x\n")], "never.openexec");
    Case::new().file(".env", "A=b\n").blocks(&[read(".env")], "secret.file");
    Case::new().file(".env", "A=b\n").blocks(&[rename(".env", "public/env.txt")], "secret.file");
    // What direnv executes is code: it may be read, but for its values, and to write it is asked about.
    for path in [".envrc", "app/.envrc.local", ".direnv/bin/reload"] {
        Case::new().asks(&[create(path, "export A=b\n")], "class.executes");
    }
    let key =
        ["-----BEGIN PRIVATE KEY-----\nRkFLRSBLRVkgTk9U", "IFJFQUw=\n-----END PRIVATE KEY-----\n"].concat();
    Case::new().file("docs/notes.txt", &key).blocks(&[read("docs/notes.txt")], "secret.content");
}

#[test]
fn a_secret_that_stands_elsewhere_is_not_copied() {
    let secret = "not-a-real-pass-7c1d9e";
    let taint = || fingerprints([secret], &[7; 32]);
    let copy = create("src/a.rs", &format!("const DB: &str = \"{secret}\";\n"));
    Case { taint: taint(), ..Case::new() }.blocks(std::slice::from_ref(&copy), "content.secret_copied");
    let encoded = create("src/a.rs", "const DB: &str = \"bm90LWEtcmVhbC1wYXNzLTdjMWQ5ZQ==\";\n");
    Case { taint: taint(), ..Case::new() }.blocks(&[encoded], "content.secret_copied");
    // What the file held before is the user's; a second time is a copy.
    let held = format!("{PRESENT}// {secret}\n");
    Case { taint: taint(), ..Case::new() }
        .file("src/a.rs", &held)
        .allows(&[replace("src/a.rs", "fn a", "fn c")]);
    let twice = replace("src/a.rs", "fn a", &format!("// {secret}\nfn a"));
    Case { taint: taint(), ..Case::new() }.file("src/a.rs", &held).blocks(&[twice], "content.secret_copied");
    // A secret that the model saw as a placeholder, and that it put elsewhere.
    let mut known = Known::default();
    known.learn_redacted(crate::policy::Redacted::new(taint(), vec!["⟦secret:assignment:1⟧".to_owned()]));
    Case { known, ..Case::new() }.asks(&[copy], "content.secret_moved");
}

#[test]
fn a_task_reaches_only_hosts_that_the_user_has_listed() {
    let judged = |mode, listed: &[&str], wanted: &[&str]| {
        let mut case = Case::new();
        let mut snapshot = PolicySnapshot::built_in(mode, ApprovalMode::OnRiskyActions);
        snapshot.network_allowlist = listed.iter().map(|host| (*host).to_owned()).collect();
        case.policy = snapshot;
        case.tasks.tasks[0].network = wanted.iter().map(|host| (*host).to_owned()).collect();
        case.judge(&[run("test")])
    };
    let full = SandboxMode::DangerFullAccess;
    assert_eq!(
        judged(full, &["crates.example"], &["crates.example", "Crates.Example:8443"]).verdict,
        Verdict::Allow
    );
    for (mode, listed, wanted, rule) in [
        (SandboxMode::WorkspaceWrite, &["crates.example"][..], "crates.example", "capability.missing"),
        (full, &[], "crates.example", "network.host"),
        (full, &["crates.example"], "*.crates.example", "network.host"),
        (full, &["crates.example"], "crates.example.c2.example", "network.host"),
        (full, &["crates.example"], "169.254.169.254", "network.host"),
        (full, &["crates.example"], "crates.example\0", "network.host"),
    ] {
        let decision = judged(mode, listed, &[wanted]);
        assert_eq!(strictest(&decision), (Verdict::Block, vec![rule.to_owned()]), "{wanted}");
    }
}

const TEST: &str = "#[test]\nfn adds() {\n    assert_eq!(1 + 1, 2);\n}\n";

#[test]
fn a_test_may_be_added_and_is_guarded_from_then_on() {
    let more = TEST.replace("adds", "subtracts");
    let add = || Case::new().file("tests/a.rs", TEST);
    add().allows(&[replace("tests/a.rs", "}\n", &format!("}}\n\n{more}"))]);
    let (verdict, rules) = add().rules(&[replace("tests/a.rs", "#[test]", "#[test]\n#[ignore]")]);
    assert_eq!((verdict, rules), (Verdict::Ask, vec!["guard.skipped".to_owned()]));
    // What the run has added itself it may take away again.
    let planned = add().changed("tests/b.rs", None, Some(&more));
    planned.allows(&[replace("tests/b.rs", "assert_eq!(1 + 1, 2)", "assert!(true)")]);
    // What stood there before the run is what counts, however many batches lead away from it.
    let planned = Case::new().changed("tests/a.rs", Some(TEST), Some("\n"));
    assert_eq!(planned.judge(&[create("src/x.rs", "fn x() {}\n")]).verdict, Verdict::Ask);
}

#[test]
fn what_executes_configures_instructs_or_judges_is_asked_about() {
    for (path, rule) in [
        ("build.rs", "class.executes"),
        (".vscode/settings.json", "class.executes"),
        (".husky/pre-commit", "class.executes"),
        ("Cargo.lock", "class.configures"),
        ("CLAUDE.md", "class.instructs"),
        ("codecov.yml", "class.judges"),
    ] {
        let case = || Case::new().file(path, PRESENT);
        let (verdict, rules) = case().rules(&[replace(path, "fn a", "x")]);
        assert_eq!((verdict, rules[0].as_str()), (Verdict::Ask, rule), "{path}");
        assert_eq!(case().judge(&[delete(path)]).verdict, Verdict::Ask);
        assert_eq!(case().judge(&[rename(path, "src/x.rs")]).verdict, Verdict::Ask);
        assert_eq!(
            Case::new().file("src/x.rs", "x").judge(&[rename("src/x.rs", path)]).verdict,
            Verdict::Ask
        );
        assert_eq!(Case::new().judge(&[create(path, "x\n")]).verdict, Verdict::Ask);
        case().allows(&[read(path)]);
    }
}

#[test]
fn the_batch_is_judged_on_its_own_state() {
    let case = || Case::new().file("src/a.rs", PRESENT).file("src/b.rs", PRESENT);
    case().blocks(&[create("src/a.rs", "x\n")], "entry.exists");
    case().blocks(&[rename("src/a.rs", "src/b.rs")], "entry.exists");
    case().asks(&[delete("src/a.rs")], "entry.deleted");
    case().asks(&[delete("src/a.rs"), create("src/a.rs", "x\n")], "entry.deleted");
    case().blocks(&[delete("src/a.rs"), replace("src/a.rs", "fn a", "x")], "entry.missing");
    case().blocks(&[rename("src/a.rs", "src/c.rs"), read("src/a.rs")], "entry.missing");
    case().blocks(&[create("src/a.rs/x.rs", "x\n"), read("src/a.rs")], "entry.parent_is_file");
    case().blocks(&[create("src/n.rs", "x\n"), create("src/n.rs/x.rs", "x\n")], "entry.parent_is_file");
    case().blocks(&[create("src/n/x.rs", "x\n"), create("src/n", "x\n")], "entry.exists");
    case().blocks(&[create("src/n.rs", "x\n"), create("src/N.rs", "x\n")], "path.twin");
    case().blocks(&[create("src/A.rs", "x\n"), read("src/a.rs")], "path.twin");
    case().allows(&[rename("src/a.rs", "src/A.rs")]);
    // What the run planned before counts as well.
    Case::new().changed("src/n.rs", None, Some(PRESENT)).allows(&[replace("src/n.rs", "fn a", "x")]);
    Case::new().changed("src/n.rs", None, Some(PRESENT)).allows(&[delete("src/n.rs")]);
    Case::new().changed("src/n.rs", None, Some(PRESENT)).blocks(&[create("src/n.rs", "x\n")], "entry.exists");
    case().changed("src/a.rs", Some(PRESENT), None).blocks(&[read("src/a.rs")], "entry.missing");
    case().changed("src/a.rs", Some(PRESENT), None).allows(&[create("src/a.rs", "x\n")]);
}

#[test]
fn a_file_of_the_users_stays_the_users_wherever_it_is_moved() {
    let case = || Case::new().file("src/a.rs", PRESENT);
    case().asks(&[rename("src/a.rs", "src/n.rs"), delete("src/n.rs")], "entry.deleted");
    let edited = [replace("src/a.rs", "fn a", "fn c"), rename("src/a.rs", "src/n.rs"), delete("src/n.rs")];
    case().asks(&edited, "entry.deleted");
    // Neither does it become the run's where a file of the run stood.
    let with_own = || case().changed("src/own.rs", None, Some(PRESENT));
    let moved = [rename("src/own.rs", "src/n.rs"), rename("src/a.rs", "src/own.rs"), delete("src/own.rs")];
    with_own().asks(&moved, "entry.deleted");
    with_own().asks(
        &[delete("src/own.rs"), rename("src/a.rs", "src/own.rs"), delete("src/own.rs")],
        "entry.deleted",
    );
    // What the run made stays its own, too.
    with_own().allows(&[rename("src/own.rs", "src/n.rs"), delete("src/n.rs")]);
    with_own().allows(&[create("src/m.rs", "x\n"), rename("src/m.rs", "src/n.rs"), delete("src/n.rs")]);
}

#[test]
fn only_text_is_edited_and_read() {
    let pipe = || Entry::Other { what: "pipe".to_owned() };
    for entry in [Entry::Directory, Entry::Opaque { bytes: 5_000_000_000 }, pipe()] {
        for action in [replace("x", "a", "b"), delete("x"), rename("x", "y"), read("x")] {
            Case::new().entry("x", entry.clone()).blocks(&[action], "entry.not_text");
        }
    }
    Case::new().entry("x", pipe()).blocks(&[search("x")], "entry.not_text");
    Case::new().blocks(&[replace("x", "a", "b")], "entry.missing");
    Case::new().blocks(&[read("x")], "entry.missing");
    Case::new().blocks(&[search("x")], "entry.missing");
}

#[test]
fn hidden_characters_and_secrets_do_not_get_in() {
    let case = || Case::new().file("src/a.rs", PRESENT);
    case().blocks(&[replace("src/a.rs", "fn a", "/*\u{202e} */fn a")], "content.bidi");
    case().blocks(&[create("src/n.rs", "x\0")], "content.nul");
    let symbol = Action::ReplaceSymbol(ReplaceSymbol {
        path: at("src/a.rs"),
        symbol: "a".to_owned(),
        text: "fn a\u{200b}() {}".to_owned(),
    });
    case().blocks(&[symbol], "content.invisible");
    case().blocks(&[Action::Finish(Finish { summary: "ok\u{1b}[8m".to_owned() })], "content.escape");
    let key = ["AKIA", "FAKEFAKEFAKE7ABC"].concat();
    case().blocks(&[replace("src/a.rs", "fn a", &format!("// {key}\nfn a"))], "content.secret");
    case().asks(&[replace("src/a.rs", "fn a", "#![allow(warnings)]\nfn a")], "content.lint_off");
    let odd = Case::new().file("src/odd.rs", "// note \u{202e} here\nfn o() {}\n");
    odd.allows(&[replace("src/odd.rs", "// note \u{202e} here", "// note here")]);
    Case::new()
        .file(".gitignore", "/target\n.env\n")
        .asks(&[replace(".gitignore", "/target\n.env\n", "/target\n")], "content.ignore_narrowed");
}

#[test]
fn kinds_and_capabilities_must_be_held() {
    let mut case = Case::new().file("src/a.rs", PRESENT);
    case.toolset.actions = [ActionKind::ReadFile].into();
    case.blocks(&[replace("src/a.rs", "fn a", "x"), read("src/a.rs")], "toolset.missing");
    let reading = || PolicySnapshot::built_in(SandboxMode::ReadOnly, ApprovalMode::OnRiskyActions);
    for action in [replace("src/a.rs", "fn a", "x"), create("n", "x\n"), delete("src/a.rs"), run("test")] {
        let mut case = Case::new().file("src/a.rs", PRESENT);
        case.policy = reading();
        let decision = case.judge(&[action]);
        assert_eq!(strictest(&decision), (Verdict::Block, vec!["capability.missing".to_owned()]));
    }
    let mut blind = Case::new().file("src/a.rs", PRESENT);
    blind.policy.capabilities.clear();
    blind.blocks(&[read("src/a.rs")], "capability.missing");
}

#[test]
fn tasks_are_declared_and_trusted() {
    Case::new().blocks(&[run("deploy")], "task.undeclared");
    Case::new().blocks(&[run("test; id")], "task.undeclared");
    let mut untrusted = Case::new();
    untrusted.tasks.trust = Trust::Untrusted;
    untrusted.blocks(&[run("test")], "task.untrusted");
    let mut empty = Case::new();
    empty.tasks.tasks[0].argv.clear();
    empty.blocks(&[run("test")], "task.empty");
    let case = Case::new();
    let decision = evaluate_task(&TaskName::new("test"), &case.tasks, &Policy::new(&case.policy));
    assert_eq!(decision.verdict, Verdict::Allow);
    let decision = evaluate_task(&TaskName::new("test"), &TaskSet::default(), &Policy::new(&case.policy));
    assert_eq!(decision.verdict, Verdict::Block);
}

#[test]
fn changes_have_limits() {
    let creates = |count: usize| -> Vec<Action> {
        (0..count).map(|n| create(&format!("src/f{n}.rs"), "x\n")).collect()
    };
    let line = format!("{}\n", "x".repeat(9999));
    Case::new().allows(&creates(CHANGE_FILES_MAX));
    Case::new().blocks(&creates(CHANGE_FILES_MAX + 1), "limit.files");
    Case::new().blocks(&[create("a.txt", &line.repeat(FILE_BYTES_MAX / line.len() + 1))], "limit.file_bytes");
    let large = line.repeat(FILE_BYTES_MAX / line.len());
    let many: Vec<Action> =
        (0..=CHANGE_BYTES_MAX / large.len()).map(|n| create(&format!("src/f{n}.txt"), &large)).collect();
    Case::new().blocks(&many, "limit.bytes");
}

#[test]
fn a_file_takes_secrets_to_another_place_only_with_approval() {
    let key = format!("KEY = \"AKIA{}\"\n", "2E0A8F3B244C9986");
    let moved = [rename("conf.py", "public/app.py")];
    Case::new().file("conf.py", &key).asks(&moved, "content.secret_moved");
    Case::new().file("conf.py", "KEY = 1\n").allows(&moved);
    let path = |path: &str| WorkspacePath::parse(path).unwrap();
    let policy =
        Policy::new(&PolicySnapshot::built_in(SandboxMode::WorkspaceWrite, ApprovalMode::OnRiskyActions));
    for (text, verdict) in [(key.as_str(), Verdict::Ask), ("KEY = 1\n", Verdict::Allow)] {
        let mut changes = proposal(&[("conf.py", Some(text), None), ("public/app.py", None, Some(text))]);
        changes.files.get_mut(&path("public/app.py")).unwrap().renamed_from = Some(path("conf.py"));
        let decision = evaluate_changes(&changes, &Known::default(), &policy);
        assert_eq!(decision.verdict, verdict, "{decision:?}");
    }
}

fn proposal(changes: &[(&str, Option<&str>, Option<&str>)]) -> ChangeSet {
    changes
        .iter()
        .fold(Case::new(), |case, (path, base, proposed)| case.changed(path, *base, *proposed))
        .changes
}

#[test]
fn a_proposal_is_judged_as_a_whole() {
    let policy = |mode| Policy::new(&PolicySnapshot::built_in(SandboxMode::WorkspaceWrite, mode));
    let judged = |changes: &ChangeSet| {
        strictest(&evaluate_changes(changes, &Known::default(), &policy(ApprovalMode::OnRiskyActions)))
    };
    let allowed =
        |rules: &[&str]| (Verdict::Allow, rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>());
    let one = |verdict, rule: &str| (verdict, vec![rule.to_owned()]);
    assert_eq!(judged(&proposal(&[])), allowed(&["allow.nothing"]));
    assert_eq!(judged(&proposal(&[("tests/a.rs", Some("x"), Some("x"))])), allowed(&["allow.nothing"]));
    assert_eq!(judged(&proposal(&[("src/a.rs", Some("x"), Some("y"))])), allowed(&["allow.edit"]));
    for (changes, expected) in [
        (proposal(&[("codecov.yml", Some("x"), Some("y"))]), one(Verdict::Ask, "class.judges")),
        (proposal(&[("tests/a.rs", Some(TEST), Some("\n"))]), one(Verdict::Ask, "guard.deleted")),
        (proposal(&[("src/a.rs", Some("x"), None)]), one(Verdict::Ask, "entry.deleted")),
        (proposal(&[(".git/config", None, Some("x"))]), one(Verdict::Block, "never.git")),
        (proposal(&[("src/a.rs", Some("x"), Some("x\u{202e}"))]), one(Verdict::Block, "content.bidi")),
        (
            proposal(&[("src/a.rs", Some("x"), Some("⟦secret:jwt:1⟧"))]),
            one(Verdict::Block, "content.placeholder"),
        ),
    ] {
        assert_eq!(judged(&changes), expected, "{changes:?}");
    }
    let twins = proposal(&[("src/a.rs", None, Some("x")), ("src/A.rs", None, Some("y"))]);
    assert_eq!(judged(&twins).0, Verdict::Block);
    let mut moved = proposal(&[("src/a.rs", Some("x\u{202e}"), None), ("src/b.rs", None, Some("x\u{202e}"))]);
    moved.files.get_mut(&WorkspacePath::parse("src/b.rs").unwrap()).unwrap().renamed_from =
        Some(WorkspacePath::parse("src/a.rs").unwrap());
    assert_eq!(judged(&moved), allowed(&["allow.edit", "allow.edit"]));
    moved.files.get_mut(&WorkspacePath::parse("src/b.rs").unwrap()).unwrap().renamed_from = None;
    assert_eq!(judged(&moved), one(Verdict::Block, "content.bidi"));

    let plain = proposal(&[("src/a.rs", Some("x"), Some("y"))]);
    let always = evaluate_changes(&plain, &Known::default(), &policy(ApprovalMode::Always));
    assert_eq!(strictest(&always), one(Verdict::Ask, "approval.always"));
    let reading = PolicySnapshot::built_in(SandboxMode::ReadOnly, ApprovalMode::OnRiskyActions);
    assert_eq!(
        strictest(&evaluate_changes(&plain, &Known::default(), &Policy::new(&reading))),
        one(Verdict::Block, "capability.missing")
    );
}
