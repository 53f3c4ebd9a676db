//! What a verdict costs: one action, judged with the built-in rules alone and with a hundred
//! rules of a policy file; and what compiling such a file costs once for each run.
//!
//! `cargo bench -p openexec-engine --bench policy`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made must end the bench")]

use divan::{Bencher, black_box};
use openexec_engine::action::{Action, ActionRequest, ReadFile, ReplaceText};
use openexec_engine::edit::ChangeSet;
use openexec_engine::path::RequestedPath;
use openexec_engine::policy::rules::{self, Scope};
use openexec_engine::policy::{
    Entry, Facts, Known, PathFacts, Policy, PolicySnapshot, Resolved, Situation, Verdict, evaluate, toolset,
};
use openexec_engine::task::TaskSet;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How many rules a policy file has.
const RULES: [usize; 2] = [0, 100];

fn main() {
    divan::main();
}

/// Rules about folders, endings and single files, as people write them.
fn snapshot(count: usize) -> PolicySnapshot {
    let mut text = "version: 1\nrules:\n".to_owned();
    for at in 0..count {
        let when = match at % 4 {
            0 => format!("paths: ['services/s{at}/**'], actions: [edit, create]"),
            1 => format!("paths: ['**/*.e{at}'], except: ['docs/**']"),
            2 => format!("paths: ['config/c{at}.yaml', 'infra/i{at}/*.tf']"),
            _ => format!("languages: [rust], paths: ['crates/c{at}/src/**']"),
        };
        writeln!(text, "  - {{id: r{at}, effect: ask, reason: because, when: {{{when}}}}}").unwrap();
    }
    if count == 0 {
        text = "version: 1\n".to_owned();
    }
    let declared = rules::load(Scope::User, "policy.yaml", &text).unwrap();
    rules::merge(Some(&declared), None).unwrap()
}

fn judge(bencher: Bencher, policy: &Policy, action: Action) {
    let path = RequestedPath::new("crates/engine/src/policy.rs");
    let entry = Entry::Text { text: "fn a() {}\nfn b() {}\n".to_owned(), links: 1, version: None };
    let found = PathFacts { entry, resolved: Resolved::Direct, executed_by: None };
    let facts = Facts { paths: BTreeMap::from([(path, found)]), ..Facts::default() };
    let toolset = toolset(&"coding_backend".into()).unwrap();
    let (tasks, changes, known) = (TaskSet::default(), ChangeSet::default(), Known::default());
    let batch = [ActionRequest { id: "a1".into(), action }];
    bencher.bench_local(|| {
        let situation =
            Situation { toolset: &toolset, tasks: &tasks, facts: &facts, changes: &changes, known: &known };
        black_box(evaluate(black_box(&batch), situation, policy))
    });
}

#[divan::bench(args = RULES)]
fn edit(bencher: Bencher, rules: usize) {
    let policy = Policy::new(&snapshot(rules));
    let path = RequestedPath::new("crates/engine/src/policy.rs");
    let action = ReplaceText { path, old: "fn a".to_owned(), new: "fn c".to_owned() };
    judge(bencher, &policy, Action::ReplaceText(action));
}

#[divan::bench(args = RULES)]
fn read(bencher: Bencher, rules: usize) {
    let policy = Policy::new(&snapshot(rules));
    let path = RequestedPath::new("crates/engine/src/policy.rs");
    judge(bencher, &policy, Action::ReadFile(ReadFile { path, first_line: None, last_line: None }));
}

/// What the edge asks for each file of a search.
#[divan::bench(args = RULES)]
fn may_read(bencher: Bencher, rules: usize) {
    let policy = Policy::new(&snapshot(rules));
    let path = serde_json::from_str("\"crates/engine/src/policy.rs\"").unwrap();
    bencher.bench_local(|| black_box(policy.may_read(black_box(&path))));
}

#[divan::bench(args = RULES)]
fn compile(bencher: Bencher, rules: usize) {
    let snapshot = snapshot(rules);
    bencher.bench_local(|| Policy::new(black_box(&snapshot)));
}

/// Files of the large batch, and edits in each.
const FILES: usize = 20;
const EDITS: usize = 5;
/// Functions of one file, of five lines each.
const FUNCTIONS: usize = 60;

/// A file of 300 lines: functions, or tests.
fn file(is_test: bool) -> String {
    (0..FUNCTIONS).fold(String::new(), |mut text, at| {
        let attribute = if is_test { "#[test]" } else { "/// Adds." };
        let check = if is_test { "assert_eq!(sum, 3)" } else { "sum" };
        writeln!(text, "{attribute}\nfn part_{at}() {{\n    let sum = {at} + 1;\n    {check}\n}}").unwrap();
        text
    })
}

/// A hundred edits over twenty files, with a hundred rules and all content checks: by the number
/// of files that hold tests, which the guard reads on both sides.
#[divan::bench(args = [0, 2, 5, 20])]
fn batch(bencher: Bencher, test_files: usize) {
    let policy = Policy::new(&snapshot(100));
    let mut facts = Facts::default();
    let mut batch = Vec::new();
    for at in 0..FILES {
        let is_test = at < test_files;
        let path = if is_test { format!("tests/t{at}.rs") } else { format!("src/s{at}.rs") };
        let path = RequestedPath::new(path);
        let entry = Entry::Text { text: file(is_test), links: 1, version: None };
        let found = PathFacts { entry, resolved: Resolved::Direct, executed_by: None };
        facts.paths.insert(path.clone(), found);
        for edit in 0..EDITS {
            let number = edit * FUNCTIONS / EDITS;
            batch.push(ActionRequest {
                id: format!("a{at}-{edit}").as_str().into(),
                action: Action::ReplaceText(ReplaceText {
                    path: path.clone(),
                    old: format!("let sum = {number} + 1;"),
                    new: format!("let sum = {number} + 1; // counted from one"),
                }),
            });
        }
    }
    let toolset = toolset(&"coding_backend".into()).unwrap();
    let (tasks, changes, known) = (TaskSet::default(), ChangeSet::default(), Known::default());
    bencher.bench_local(|| {
        let situation =
            Situation { toolset: &toolset, tasks: &tasks, facts: &facts, changes: &changes, known: &known };
        let decision = evaluate(black_box(&batch), situation, &policy);
        assert_eq!(decision.verdict, Verdict::Allow, "{decision:?}");
        decision
    });
}
