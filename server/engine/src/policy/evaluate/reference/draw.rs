//! Random worlds: rules of both scopes, files, edits so far, and batches. One seed makes a whole
//! world; a property test draws the seeds.

use super::*;
use crate::ids::RuleId;
use crate::limits::NOTE_BYTES_MAX;
use crate::policy::rules::{Rule, RuleClass, Scope, When};

/// Globs that meet the paths in many ways, some of them spelt as no path is.
const GLOBS: &[&str] = &[
    "src/**",
    "**/*.rs",
    "src/*",
    "SRC/A.rs",
    "*",
    "**",
    "tests/**",
    "**/config",
    "cargo.*",
    "[cm]*",
    "src/?.rs",
    "{Makefile,CLAUDE.md}",
    "src/b.rs/**",
    "nothing/**",
];

/// Splitmix: small, quick, and the same everywhere.
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn word<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn some<T: Clone>(&mut self, all: &[T], most: usize) -> Vec<T> {
        (0..=self.below(most)).map(|_| self.pick(all).clone()).collect()
    }

    /// Ordinary paths are drawn more often, so that batches get far.
    fn path(&mut self) -> RequestedPath {
        let from = if self.chance(75) { &PATHS[..5] } else { PATHS };
        RequestedPath::new(*self.pick(from))
    }

    fn hash(&mut self) -> Option<String> {
        self.chance(20).then(|| hash(self.word(TEXTS)))
    }

    fn text(&mut self) -> String {
        (*self.pick(TEXTS)).to_owned()
    }

    fn piece(&mut self) -> String {
        (*self.pick(PIECES)).to_owned()
    }

    fn action(&mut self) -> Action {
        match self.below(16) {
            0..=2 => {
                Action::ReplaceText(ReplaceText { path: self.path(), old: self.piece(), new: self.piece() })
            }
            3..=5 => Action::CreateFile(CreateFile {
                path: self.path(),
                text: self.text(),
                overwrite: self.chance(20),
            }),
            6..=7 => Action::DeleteFile(DeleteFile { path: self.path(), base_hash: self.hash() }),
            8..=9 => Action::RenameFile(RenameFile {
                path: self.path(),
                new_path: self.path(),
                base_hash: self.hash(),
            }),
            10..=11 => Action::ReadFile(ReadFile { path: self.path(), first_line: None, last_line: None }),
            12 => {
                let below = self.chance(75).then(|| self.path());
                Action::Search(Search { text: "x".to_owned(), below })
            }
            13 => {
                let args = (0..self.below(3)).map(|_| self.arg()).collect();
                Action::RunTask(RunTask { task: TaskName::new(*self.pick(&["test", "deploy"])), args })
            }
            14 => {
                let text = if self.chance(95) {
                    (*self.pick(NOTES)).to_owned()
                } else {
                    "x".repeat(NOTE_BYTES_MAX + 1)
                };
                Action::Remember(Remember { text, key: None, scope: None })
            }
            _ => Action::Finish(Finish { summary: "done".to_owned() }),
        }
    }

    fn arg(&mut self) -> TaskArg {
        let name = *self.pick(&["filter", "filter", "other"]);
        let value = *self.pick(&["adds", "adds", "-adds", "a b"]);
        TaskArg { name: name.to_owned(), value: value.to_owned() }
    }

    pub(super) fn batch(&mut self) -> Vec<ActionRequest> {
        (0..self.below(4))
            .map(|at| ActionRequest { id: ActionId::new(format!("a{at}")), action: self.action() })
            .collect()
    }

    pub(super) fn facts(&mut self) -> Facts {
        let linked = |to: &str| Resolved::Linked { to: WorkspacePath::parse(to).unwrap() };
        let mut paths = BTreeMap::new();
        for path in PATHS {
            let entry = match self.below(15) {
                0..=3 => Entry::Missing,
                4..=9 => Entry::Text { text: self.text(), links: 1, version: None },
                10 => Entry::Text { text: "x\n".to_owned(), links: 2, version: None },
                11 => Entry::Opaque { bytes: 9 },
                12..=13 => Entry::Directory,
                _ => Entry::Other { what: "pipe".to_owned() },
            };
            let resolved = match self.below(15) {
                0..=11 => Resolved::Direct,
                12 => linked("src/b.rs"),
                13 => linked(".git/config"),
                _ => Resolved::Outside,
            };
            if self.chance(95) {
                paths.insert(RequestedPath::new(*path), PathFacts { entry, resolved, executed_by: None });
            }
        }
        Facts { paths, ..Facts::default() }
    }

    pub(super) fn changes(&mut self, paths: &[&str]) -> ChangeSet {
        let mut changes = ChangeSet::default();
        for _ in 0..self.below(3) {
            let path = WorkspacePath::parse(self.word(paths)).unwrap();
            let text = |draw: &mut Self| draw.chance(60).then(|| draw.text());
            let (base, proposed) = (text(self), text(self));
            if base != proposed {
                changes.files.insert(path, FileChange { base, proposed, renamed_from: None });
            }
        }
        changes
    }

    pub(super) fn tasks(&mut self) -> TaskSet {
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
                name: "filter".to_owned(),
                sort: ParamSort::String { pattern: "[a-z-]+".to_owned() },
                argv: vec!["--".to_owned(), "{value}".to_owned()],
            }],
        };
        let trust =
            if self.chance(80) { Trust::Trusted { content: Digest::of(b"") } } else { Trust::Untrusted };
        TaskSet { tasks: vec![task], trust }
    }

    pub(super) fn toolset(&mut self) -> Toolset {
        let lacking = self.chance(10).then(|| *self.pick(&ActionKind::ALL));
        let actions = ActionKind::ALL.into_iter().filter(|kind| Some(*kind) != lacking).collect();
        Toolset { name: ToolsetName::new("all"), actions }
    }

    /// A policy of the user's alone, and the same with rules of a workspace.
    pub(super) fn policies(&mut self) -> (PolicySnapshot, PolicySnapshot) {
        let mode = if self.chance(90) { SandboxMode::WorkspaceWrite } else { SandboxMode::ReadOnly };
        let mut user = PolicySnapshot::built_in(mode, ApprovalMode::OnRiskyActions);
        let count = self.below(5);
        user.rules = (0..count).map(|at| self.rule(at, Scope::User)).collect();
        let mut both = user.clone();
        for at in 0..self.below(3) {
            both.rules.push(self.rule(at, Scope::Workspace));
        }
        if self.chance(10) {
            let lost = *self.pick(&[Capability::RepoWrite, Capability::RunTasks, Capability::RepoRead]);
            both.capabilities.remove(&lost);
        }
        (user, both)
    }

    fn rule(&mut self, at: usize, scope: Scope) -> Rule {
        let effects: &[Verdict] = match scope {
            Scope::User => &[Verdict::Allow, Verdict::Allow, Verdict::Ask, Verdict::Block],
            Scope::Workspace => &[Verdict::Ask, Verdict::Block],
        };
        let effect = *self.pick(effects);
        let sized = effect != Verdict::Allow;
        let mut when = When::default();
        while when == When::default() {
            when = When {
                actions: self.maybe(40, |draw| draw.some(&ActionKind::ALL, 6)).into_iter().collect(),
                paths: self.maybe(60, |draw| draw.globs()),
                except: self.maybe(20, |draw| draw.globs()),
                tasks: self
                    .maybe(5, |draw| vec![TaskName::new(*draw.pick(&["test", "deploy"]))])
                    .into_iter()
                    .collect(),
                languages: BTreeSet::new(),
                symbols: Vec::new(),
                lines_changed_over: (sized && self.chance(15)).then(|| self.below(4) as u64),
                files_changed_over: (sized && self.chance(15)).then(|| self.below(3) as u64),
                class: self.maybe(20, |draw| draw.classes()).into_iter().collect(),
            };
        }
        let id = RuleId::new(format!("r{at}"));
        Rule { id, scope, effect, reason: "because".to_owned(), when, place: "here".to_owned() }
    }

    fn maybe<T>(&mut self, percent: usize, draw: impl Fn(&mut Self) -> Vec<T>) -> Vec<T> {
        if self.chance(percent) { draw(self) } else { Vec::new() }
    }

    fn globs(&mut self) -> Vec<String> {
        self.some(GLOBS, 2).into_iter().map(str::to_owned).collect()
    }

    fn classes(&mut self) -> Vec<RuleClass> {
        use RuleClass::{Configures, Executes, Instructs, Judges, Tests};
        self.some(&[Executes, Configures, Instructs, Judges, Tests], 2)
    }
}
