//! A second evaluator, written for shortness and without looking at the first. It knows only
//! the few names and texts that the property below uses; on these both must agree.

use super::*;
use crate::action::{CreateFile, DeleteFile, Finish, ReadFile, RenameFile, ReplaceText, RunTask, Search};
use crate::digest::Digest;
use crate::edit::FileChange;
use crate::ids::{ActionId, ToolsetName};
use crate::policy::{SandboxMode, Verdict};
use crate::task::{ReportFormat, Task, TaskKind, TimeoutClass};
use proptest::prelude::*;
use std::collections::BTreeMap;

const PATHS: &[&str] = &[
    "src/a.rs",
    "src/A.rs",
    "src/b.rs",
    "src/b.rs/c.rs",
    "src",
    "tests/t.rs",
    "Makefile",
    "CLAUDE.md",
    "Cargo.toml",
    ".git/config",
    ".GIT/config",
    ".env",
    "../x",
    "/etc/x",
    "a\\b",
    "aux.rs",
];
const TEXTS: &[&str] = &["x\n", "y\n", "z\u{202e}\n", "x\ny\n"];
const PIECES: &[&str] = &["x", "y", "\u{202e}", "q"];

/// 0 allow, 1 ask, 2 block: the greatest wins.
fn name_verdict(path: &str, writing: bool) -> u8 {
    match path.to_lowercase().as_str() {
        ".git/config" | ".env" => 2,
        "tests/t.rs" | "makefile" | "claude.md" | "cargo.toml" => u8::from(writing),
        _ => 0,
    }
}

struct Reference<'a> {
    facts: &'a Facts,
    /// Decided texts by path.
    now: BTreeMap<String, Option<String>>,
    /// Paths whose file the run made.
    own: Vec<String>,
}

impl Reference<'_> {
    fn text(&self, path: &str) -> Option<String> {
        match self.now.get(path) {
            Some(decided) => decided.clone(),
            None => match &self.facts.paths.get(&RequestedPath::new(path))?.entry {
                Entry::Text { text, .. } => Some(text.clone()),
                _ => None,
            },
        }
    }

    fn folder_of_ours(&self, path: &str) -> bool {
        self.now.iter().any(|(file, text)| text.is_some() && file.starts_with(&format!("{path}/")))
    }

    fn missing(&self, path: &str) -> bool {
        match self.now.get(path) {
            Some(decided) => decided.is_none(),
            None => {
                self.facts.paths[&RequestedPath::new(path)].entry == Entry::Missing
                    && !self.folder_of_ours(path)
            }
        }
    }

    fn path(&self, path: &str, writing: bool) -> u8 {
        if !self.reachable(path) {
            return 2;
        }
        let link = match &self.facts.paths[&RequestedPath::new(path)].resolved {
            Resolved::Linked { .. } | Resolved::Outside if writing => 2,
            Resolved::Linked { to } => name_verdict(to.as_str(), false),
            Resolved::Direct | Resolved::Outside => 0,
        };
        name_verdict(path, writing).max(link)
    }

    fn twin(&self, path: &str, moving: &str) -> bool {
        let stands = |facts: &PathFacts| facts.entry != Entry::Missing && facts.resolved != Resolved::Outside;
        let known = self.facts.paths.iter().filter(|(_, facts)| stands(facts));
        let all = self.now.keys().cloned().chain(known.map(|(path, _)| path.as_str().to_owned()));
        all.filter(|other| self.now.get(other) != Some(&None))
            .any(|other| other != path && other != moving && other.to_lowercase() == path.to_lowercase())
    }

    fn bidi(before: &str, after: &str) -> u8 {
        let count = |text: &str, line: &str| text.lines().filter(|one| *one == line).count();
        let worse =
            after.lines().any(|line| line.contains('\u{202e}') && count(after, line) > count(before, line));
        if worse { 2 } else { 0 }
    }

    fn action(&mut self, action: &Action, tasks: &TaskSet, policy: &PolicySnapshot) -> u8 {
        let may = |capability| if policy.capabilities.contains(&capability) { 0 } else { 2 };
        let write = may(Capability::RepoWrite);
        let read = may(Capability::RepoRead);
        match action {
            Action::ReplaceText(it) => {
                let path = it.path.as_str();
                let verdict = self.path(path, true).max(write);
                let Some(text) = self.text(path).filter(|_| self.reachable(path)) else { return 2 };
                let after = if text.matches(&it.old).count() == 1 {
                    text.replacen(&it.old, &it.new, 1)
                } else {
                    format!("{text}\n{}", it.new)
                };
                let untouched = !self.now.contains_key(path);
                let linked = matches!(
                    self.facts.paths.get(&it.path).map(|facts| &facts.entry),
                    Some(Entry::Text { links: 2.., .. })
                );
                let verdict =
                    verdict.max(Self::bidi(&text, &after)).max(if untouched && linked { 2 } else { 0 });
                self.now.insert(path.to_owned(), Some(after));
                verdict
            }
            Action::CreateFile(it) => {
                let path = it.path.as_str();
                let verdict = self.path(path, true).max(write);
                if !self.reachable(path) || !self.missing(path) || self.twin(path, "") {
                    return 2;
                }
                self.now.insert(path.to_owned(), Some(it.text.clone()));
                self.own.push(path.to_owned());
                verdict.max(Self::bidi("", &it.text))
            }
            Action::DeleteFile(it) => {
                let path = it.path.as_str();
                let verdict = self.path(path, true).max(write);
                if !self.reachable(path) || self.text(path).is_none() {
                    return 2;
                }
                let new = self.facts.paths[&it.path].entry == Entry::Missing;
                let own = self.own.iter().any(|own| own == path) && new;
                self.now.insert(path.to_owned(), None);
                self.own.retain(|own| own != path);
                verdict.max(u8::from(!own))
            }
            Action::RenameFile(it) => {
                let (from, to) = (it.path.as_str(), it.new_path.as_str());
                let verdict = self.path(from, true).max(self.path(to, true)).max(write);
                if !self.reachable(from) || !self.reachable(to) {
                    return 2;
                }
                let Some(text) = self.text(from) else { return 2 };
                if !self.missing(to) || self.twin(to, from) || from == to {
                    return 2;
                }
                if self.own.iter().any(|own| own == from) {
                    self.own.retain(|own| own != from);
                    self.own.push(to.to_owned());
                }
                self.now.insert(from.to_owned(), None);
                self.now.insert(to.to_owned(), Some(text));
                verdict
            }
            Action::ReadFile(it) => {
                let path = it.path.as_str();
                let there = self.reachable(path) && self.text(path).is_some();
                self.path(path, false).max(read).max(if there { 0 } else { 2 })
            }
            Action::Search(it) => {
                let Some(below) = &it.below else { return read };
                let path = below.as_str();
                let folder = || {
                    !self.now.contains_key(path)
                        && (self.facts.paths[below].entry == Entry::Directory
                            || (self.facts.paths[below].entry == Entry::Missing && self.folder_of_ours(path)))
                };
                let there = self.reachable(path) && (self.text(path).is_some() || folder());
                self.path(path, false).max(read).max(if there { 0 } else { 2 })
            }
            Action::RunTask(it) => {
                let good = it.task.as_str() == "test" && tasks.trust != Trust::Untrusted;
                may(Capability::ShellExec).max(if good { 0 } else { 2 })
            }
            Action::Finish(_) => 0,
            Action::ReplaceSymbol(_) | Action::InsertAtSymbol(_) | Action::ReadSymbol(_) => unreachable!(),
        }
    }

    /// A path that the gate looks behind at all: actions on others leave the state alone.
    fn reachable(&self, path: &str) -> bool {
        let spelt =
            !path.contains("..") && !path.starts_with('/') && !path.contains('\\') && path != "aux.rs";
        let known = self.facts.paths.get(&RequestedPath::new(path));
        let inside = known.is_some_and(|facts| facts.resolved != Resolved::Outside);
        let solid = |parent: &str| match self.now.get(parent) {
            Some(decided) => decided.is_some(),
            None => self.facts.paths.get(&RequestedPath::new(parent)).is_some_and(|facts| {
                matches!(facts.entry, Entry::Text { .. } | Entry::Opaque { .. } | Entry::Other { .. })
            }),
        };
        let mut parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        spelt && inside && !parents.any(solid)
    }
}

fn reference(
    batch: &[ActionRequest],
    toolset: &Toolset,
    tasks: &TaskSet,
    facts: &Facts,
    changes: &ChangeSet,
    policy: &PolicySnapshot,
) -> Verdict {
    let now =
        changes.files.iter().map(|(path, change)| (path.to_string(), change.proposed.clone())).collect();
    let made =
        changes.files.iter().filter(|(_, change)| change.base.is_none() && change.renamed_from.is_none());
    let own = made.map(|(path, _)| path.to_string()).collect();
    let mut state = Reference { facts, now, own };
    let mut worst = if batch.is_empty() { 2 } else { 0 };
    for request in batch {
        let held = if toolset.actions.contains(&request.action.kind()) { 0 } else { 2 };
        worst = worst.max(held).max(state.action(&request.action, tasks, policy));
    }
    [Verdict::Allow, Verdict::Ask, Verdict::Block][usize::from(worst)]
}

fn any_path() -> impl Strategy<Value = RequestedPath> {
    // The first few are ordinary, and drawn more often, so that batches get far.
    prop_oneof![
        3 => prop::sample::select(&PATHS[..5]).prop_map(RequestedPath::new),
        1 => prop::sample::select(PATHS).prop_map(RequestedPath::new),
    ]
}

fn any_request() -> impl Strategy<Value = Action> {
    let piece = || prop::sample::select(PIECES).prop_map(str::to_owned);
    let text = || prop::sample::select(TEXTS).prop_map(str::to_owned);
    prop_oneof![
        3 => (any_path(), piece(), piece())
            .prop_map(|(path, old, new)| Action::ReplaceText(ReplaceText { path, old, new })),
        3 => (any_path(), text()).prop_map(|(path, text)| Action::CreateFile(CreateFile { path, text })),
        2 => any_path().prop_map(|path| Action::DeleteFile(DeleteFile { path })),
        2 => (any_path(), any_path()).prop_map(|(path, new_path)| Action::RenameFile(RenameFile { path, new_path })),
        1 => any_path().prop_map(|path| Action::ReadFile(ReadFile { path, first_line: None, last_line: None })),
        1 => proptest::option::of(any_path())
            .prop_map(|below| Action::Search(Search { text: "x".to_owned(), below })),
        1 => prop::sample::select(&["test", "deploy"][..])
            .prop_map(|task| Action::RunTask(RunTask { task: TaskName::new(task) })),
        1 => Just(Action::Finish(Finish { summary: "done".to_owned() })),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        4 => Just(Entry::Missing),
        6 => prop::sample::select(TEXTS).prop_map(|text| Entry::Text { text: text.to_owned(), links: 1 }),
        1 => Just(Entry::Text { text: "x\n".to_owned(), links: 2 }),
        1 => Just(Entry::Opaque { bytes: 9 }),
        2 => Just(Entry::Directory),
        1 => Just(Entry::Other { what: "pipe".to_owned() }),
    ]
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let linked = |to: &str| Resolved::Linked { to: WorkspacePath::parse(to).unwrap() };
    let resolved = prop_oneof![
        12 => Just(Resolved::Direct),
        1 => Just(linked("src/b.rs")),
        1 => Just(linked(".git/config")),
        1 => Just(Resolved::Outside),
    ];
    let one = proptest::option::weighted(0.95, (any_entry(), resolved));
    proptest::collection::vec(one, PATHS.len()).prop_map(|all| {
        let known = PATHS.iter().zip(all).filter_map(|(path, facts)| {
            let (entry, resolved) = facts?;
            Some((RequestedPath::new(*path), PathFacts { entry, resolved }))
        });
        Facts { paths: known.collect() }
    })
}

fn any_changes() -> impl Strategy<Value = ChangeSet> {
    let text = || proptest::option::of(prop::sample::select(TEXTS).prop_map(str::to_owned));
    let one = (prop::sample::select(&["src/a.rs", "src/b.rs", "src/d.rs"][..]), text(), text());
    proptest::collection::vec(one, 0..2).prop_map(|all| {
        let differing = all.into_iter().filter(|(_, base, proposed)| base != proposed);
        let files = differing.map(|(path, base, proposed)| {
            (WorkspacePath::parse(path).unwrap(), FileChange { base, proposed, renamed_from: None })
        });
        ChangeSet { files: files.collect() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn both_evaluators_agree(
        actions in proptest::collection::vec(any_request(), 0..5),
        facts in any_facts(),
        changes in any_changes(),
        lacking in proptest::option::weighted(0.1, prop::sample::select(&ActionKind::ALL[..])),
        trusted in prop::bool::weighted(0.8),
        writing in prop::bool::weighted(0.9),
    ) {
        let batch: Vec<ActionRequest> = actions
            .into_iter()
            .enumerate()
            .map(|(n, action)| ActionRequest { id: ActionId::new(format!("a{n}")), action })
            .collect();
        let actions = ActionKind::ALL.into_iter().filter(|kind| Some(*kind) != lacking).collect();
        let toolset = Toolset { name: ToolsetName::new("all"), actions };
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
        };
        let trust = if trusted { Trust::Trusted { content: Digest::of(b"") } } else { Trust::Untrusted };
        let tasks = TaskSet { tasks: vec![task], trust };
        let mode = if writing { SandboxMode::WorkspaceWrite } else { SandboxMode::ReadOnly };
        let policy = PolicySnapshot::built_in(mode, ApprovalMode::OnRiskyActions);
        let decision = evaluate(&batch, &toolset, &tasks, &facts, &changes, &policy);
        let expected = reference(&batch, &toolset, &tasks, &facts, &changes, &policy);
        prop_assert_eq!(decision.verdict, expected, "{:#?}", decision);
        prop_assert!(!decision.reasons.is_empty());
        prop_assert!(decision.reasons.windows(2).all(|pair| pair[0].verdict >= pair[1].verdict));
        prop_assert_eq!(decision.reasons[0].verdict, decision.verdict);
    }
}
