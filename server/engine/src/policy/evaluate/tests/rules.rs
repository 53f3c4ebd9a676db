//! Rules of policy files in the gate.

use super::*;
use crate::policy::rules::{self, Scope};

fn merged(user: &str, workspace: &str) -> PolicySnapshot {
    let load = |scope, text: &str| {
        let text = format!("version: 1\n{text}\n");
        (text.len() > 12)
            .then(|| rules::load(scope, "policy.yaml", &text).unwrap_or_else(|error| panic!("{error}")))
    };
    rules::merge(load(Scope::User, user).as_ref(), load(Scope::Workspace, workspace).as_ref()).unwrap()
}

fn rule(id: &str, effect: &str, when: &str) -> String {
    format!("  - {{id: {id}, effect: {effect}, reason: because, when: {{{when}}}}}\n")
}

fn with(user: &str, workspace: &str) -> Case {
    Case { policy: merged(user, workspace), ..Case::new() }
}

fn with_rules(all: &[String]) -> Case {
    with(&format!("rules:\n{}", all.concat()), "")
}

fn judged(case: &Case, changes: &[(&str, Option<&str>, Option<&str>)]) -> (Verdict, Vec<String>) {
    let mut set = ChangeSet::default();
    for (path, base, proposed) in changes {
        let change = FileChange {
            base: base.map(str::to_owned),
            proposed: proposed.map(str::to_owned),
            renamed_from: None,
        };
        set.files.insert(WorkspacePath::parse(path).unwrap(), change);
    }
    strictest(&evaluate_changes(&set, &Known::default(), &Policy::new(&case.policy)))
}

fn symbol(path: &str, symbol: &str, text: &str) -> Action {
    Action::ReplaceSymbol(ReplaceSymbol { path: at(path), symbol: symbol.to_owned(), text: text.to_owned() })
}

#[test]
fn what_is_denied_is_neither_read_nor_written_by_any_spelling() {
    let case = || with("deny_read: ['geheim/schlüssel.txt', 'infra/**']\ndeny_write: ['vendor/**']", "");
    for path in ["geheim/schlüssel.txt", "GEHEIM/Schlüssel.txt", "infra/a/b.tf"] {
        case().file(path, PRESENT).blocks(&[read(path)], "user.deny_read");
        case().file(path, PRESENT).blocks(&[replace(path, "fn a", "fn c")], "user.deny_read");
        case().file(path, PRESENT).blocks(&[rename(path, "src/x.rs")], "user.deny_read");
        case().file("src/x.rs", PRESENT).blocks(&[rename("src/x.rs", path)], "user.deny_read");
        case().blocks(&[create(path, "x\n")], "user.deny_read");
    }
    let decomposed = "geheim/schlu\u{308}ssel.txt";
    case().file(decomposed, PRESENT).blocks(&[read(decomposed)], "path.not_canonical");
    case().link("n.txt", Some("infra/b.tf")).blocks(&[read("n.txt")], "user.deny_read");
    case().file("vendor/a.rs", PRESENT).allows(&[read("vendor/a.rs")]);
    case().file("vendor/a.rs", PRESENT).blocks(&[delete("vendor/a.rs")], "user.deny_write");
    case().file("src/a.rs", PRESENT).allows(&[replace("src/a.rs", "fn a", "fn c"), read("src/a.rs")]);
    assert_eq!(
        judged(&case(), &[("vendor/a.rs", Some("x"), Some("y"))]),
        (Verdict::Block, vec!["user.deny_write".to_owned()])
    );
}

#[test]
fn the_strictest_of_both_scopes_decides() {
    let case = || {
        with(
            &format!("rules:\n{}", rule("look", "ask", "paths: ['m/**']")),
            &format!("rules:\n{}", rule("never", "block", "paths: ['m/x/**'], actions: [edit]")),
        )
    };
    case().asks(&[create("m/1.sql", "x\n")], "user.look");
    case().asks(&[create("m/x/1.sql", "x\n")], "user.look");
    case().file("m/x/1.sql", PRESENT).blocks(&[replace("m/x/1.sql", "fn a", "x")], "workspace.never");
    case().file("m/1.sql", PRESENT).allows(&[read("m/1.sql")]);
    assert_eq!(
        judged(&case(), &[("m/1.sql", None, Some("x"))]),
        (Verdict::Ask, vec!["user.look".to_owned()])
    );
}

#[test]
fn what_the_user_allows_is_not_asked_about() {
    let allow = |when: &str| with_rules(&[rule("fine", "allow", when)]);
    let edited = |case: Case, path: &str| case.file(path, PRESENT).rules(&[replace(path, "fn a", "fn c")]);
    let verdict = |when: &str, path: &str| edited(allow(when), path).0;
    assert_eq!(verdict("paths: [build.rs]", "build.rs"), Verdict::Allow);
    assert_eq!(verdict("class: [executes]", "build.rs"), Verdict::Allow);
    assert_eq!(verdict("class: [configures]", "build.rs"), Verdict::Ask);
    assert_eq!(verdict("paths: [other.rs]", "build.rs"), Verdict::Ask);
    assert_eq!(verdict("paths: [build.rs], actions: [create]", "build.rs"), Verdict::Ask);
    assert_eq!(verdict("paths: ['tests/**']", "tests/basic.rs"), Verdict::Allow);
    assert_eq!(verdict("paths: [CLAUDE.md]", "CLAUDE.md"), Verdict::Allow);
    // A file of two classes needs both.
    assert_eq!(verdict("class: [judges]", "conftest.py"), Verdict::Ask);
    assert_eq!(verdict("class: [judges, executes]", "conftest.py"), Verdict::Allow);
    // Never a block, never what a text brings in, never another rule.
    assert_eq!(verdict("paths: ['**']", ".git/config"), Verdict::Block);
    assert_eq!(verdict("paths: ['**']", ".env"), Verdict::Block);
    allow("paths: ['**']")
        .file("src/a.rs", PRESENT)
        .asks(&[replace("src/a.rs", "fn a", "#![allow(warnings)]\nfn a")], "content.lint_off");
    let both =
        || with_rules(&[rule("fine", "allow", "paths: ['**']"), rule("look", "ask", "paths: [build.rs]")]);
    assert_eq!(edited(both(), "build.rs"), (Verdict::Ask, vec!["user.look".to_owned()]));
    let decision =
        allow("paths: [build.rs]").file("build.rs", PRESENT).judge(&[replace("build.rs", "fn a", "fn c")]);
    assert_eq!(decision.reasons[0].rule.as_str(), "user.fine");
    assert_eq!(decision.reasons[0].remedy, "`class.executes` would ask; because");
}

#[test]
fn a_deletion_is_allowed_only_by_a_rule_about_deletions() {
    let case = |when: &str| with_rules(&[rule("fine", "allow", when)]).file("gen/a.rs", PRESENT);
    case("paths: ['gen/**']").allows(&[delete("gen/a.rs")]);
    case("paths: ['gen/**'], actions: [delete]").allows(&[delete("gen/a.rs")]);
    case("paths: ['gen/**'], actions: [edit]").asks(&[delete("gen/a.rs")], "entry.deleted");
    case("paths: ['src/**']").asks(&[delete("gen/a.rs")], "entry.deleted");
    let allowed = with_rules(&[rule("fine", "allow", "paths: ['gen/**']")]);
    assert_eq!(judged(&allowed, &[("gen/a.rs", Some("x"), None)]).0, Verdict::Allow);
}

#[test]
fn a_proposal_is_held_against_every_kind_that_may_have_led_to_it() {
    let changes: &[(&str, Option<&str>, Option<&str>)] = &[("build.rs", Some("x"), Some("y"))];
    let exact = |effect| with_rules(&[rule("r", effect, "paths: [build.rs], actions: [replace_text]")]);
    assert_eq!(judged(&exact("block"), changes), (Verdict::Block, vec!["user.r".to_owned()]));
    assert_eq!(judged(&exact("allow"), changes).0, Verdict::Ask);
    let group = with_rules(&[rule("r", "allow", "paths: [build.rs], actions: [edit]")]);
    assert_eq!(judged(&group, changes).0, Verdict::Allow);
    exact("allow").file("build.rs", PRESENT).allows(&[replace("build.rs", "fn a", "fn c")]);
}

#[test]
fn to_overwrite_is_to_edit() {
    let overwrite =
        Action::CreateFile(CreateFile { path: at("m/a"), text: "y\n".to_owned(), overwrite: true });
    let on = |group: &str| with_rules(&[rule("r", "block", &format!("paths: ['m/**'], actions: [{group}]"))]);
    on("edit").file("m/a", PRESENT).blocks(std::slice::from_ref(&overwrite), "user.r");
    on("create").file("m/a", PRESENT).allows(std::slice::from_ref(&overwrite));
    on("create").blocks(&[overwrite], "user.r");
}

#[test]
fn a_change_is_counted_from_the_text_that_the_run_found() {
    let large = || with_rules(&[rule("large", "block", "lines_changed_over: 3")]);
    let text = "1\n2\n3\n4\n5\n6\n";
    let step = |number: u32| replace("a.txt", &format!("{number}\n"), &format!("{number}{number}\n"));
    large().file("a.txt", text).allows(&[step(1)]);
    large().file("a.txt", text).blocks(&[step(1), step(2)], "user.large");
    let moved = [rename("a.txt", "b.txt"), replace("b.txt", "6\n", "7\n")];
    large().file("a.txt", text).allows(&moved);
    large()
        .changed("a.txt", Some(text), Some("11\n2\n3\n4\n5\n6\n"))
        .file("a.txt", text)
        .blocks(&[step(2)], "user.large");
    large().file("a.txt", text).blocks(&[delete("a.txt")], "user.large");
    assert_eq!(judged(&large(), &[("a.txt", Some(text), Some("1\n2\n"))]).0, Verdict::Block);
    let wide = || with_rules(&[rule("wide", "ask", "files_changed_over: 2, paths: ['a/**']")]);
    let news = |paths: &[&str]| paths.iter().map(|path| create(path, "x\n")).collect::<Vec<_>>();
    wide().allows(&news(&["a/1", "b/1"]));
    wide().asks(&news(&["a/1", "b/1", "b/2"]), "user.wide");
    wide().changed("b/0", None, Some("x")).asks(&news(&["a/1", "b/1"]), "user.wide");
    wide().allows(&news(&["b/1", "b/2", "b/3"]));
}

#[test]
fn symbols_are_those_that_a_change_touches() {
    let source = "mod auth {\n    fn login() {}\n}\nfn main() {}\n";
    let case = || with_rules(&[rule("auth", "ask", "symbols: ['auth::*']")]).file("src/a.rs", source);
    case().asks(&[symbol("src/a.rs", "login", "fn login() { x() }")], "user.auth");
    case().allows(&[symbol("src/a.rs", "main", "fn main() { x() }")]);
    case().asks(&[replace("src/a.rs", "mod auth {\n", "mod auth {\n    fn more() {}\n")], "user.auth");
    let (_, rules) = case().rules(&[delete("src/a.rs")]);
    assert_eq!(rules, ["entry.deleted", "user.auth"]);
}

#[test]
fn tasks_searches_and_notes_are_subjects_too() {
    let case = |when: &str| with_rules(&[rule("r", "block", when)]);
    case("actions: [run], tasks: [test]").blocks(&[run("test")], "user.r");
    case("actions: [run], tasks: [deploy]").allows(&[run("test")]);
    case("actions: [search]")
        .blocks(&[Action::Search(Search { text: "x".to_owned(), below: None })], "user.r");
    case("actions: [read], paths: ['src/**']")
        .entry("src/x", Entry::Directory)
        .blocks(&[search("src/x")], "user.r");
    let note =
        Action::Remember(crate::action::Remember { text: "Two spaces.".to_owned(), key: None, scope: None });
    case("actions: [remember]").blocks(&[note], "user.r");
    let policy = Policy::new(&case("tasks: [test]").policy);
    let decision = evaluate_task(&TaskName::new("test"), &Case::new().tasks, &policy);
    assert_eq!(strictest(&decision), (Verdict::Block, vec!["user.r".to_owned()]));
}

#[test]
fn the_capabilities_of_a_file_are_the_runs() {
    let case = with("", "capabilities: [repo_read, repo_write]");
    case.file("src/a.rs", PRESENT).allows(&[replace("src/a.rs", "fn a", "fn c"), run("test")]);
    let reading = || with("", "sandbox: read_only\ncapabilities: [repo_read]");
    reading().blocks(&[create("src/a.rs", "x\n")], "capability.missing");
    reading().blocks(&[run("test")], "capability.missing");
    let mut old = Case::new();
    old.policy.capabilities.remove(&Capability::RunTasks);
    old.policy.capabilities.insert(Capability::ShellExec);
    old.allows(&[run("test")]);
}

#[test]
fn rules_that_cannot_be_understood_block_everything() {
    let mut case = with_rules(&[rule("r", "ask", "paths: [a]")]);
    case.policy.rules[0].when.paths = vec!["[".to_owned()];
    let policy = Policy::new(&case.policy);
    let blocked = (Verdict::Block, vec!["policy.unreadable".to_owned()]);
    assert_eq!(judged(&case, &[("src/a.rs", Some("x"), Some("y"))]), blocked);
    assert_eq!(strictest(&evaluate_task(&TaskName::new("test"), &case.tasks, &policy)), blocked);
    assert_eq!(case.file("src/a.rs", PRESENT).rules(&[read("src/a.rs")]), blocked);
}
