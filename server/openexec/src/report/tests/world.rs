//! A journal as the engine itself writes it, with a world that says what a test wants said.

use openexec_engine::blueprint;
use openexec_engine::budget::{Budget, Price};
use openexec_engine::context::{Candidate, Relevance};
use openexec_engine::digest::Digest;
use openexec_engine::edit::ChangeSet;
use openexec_engine::memory::Operations;
use openexec_engine::model::{ChosenModel, ModelReply, Models, StopReason, Usage};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::{Entry, Facts, PathFacts, PolicySnapshot, Resolved, Taint};
use openexec_engine::run::{
    ApplyReport, Command, Event, FileOutcome, Inputs, LiveText, Nearness, RunStarted, RunState,
};
use openexec_engine::task::{
    ReportFormat, Task, TaskExit, TaskKind, TaskReport, TaskSet, TestCounts, TestFailure, TimeoutClass, Trust,
};
use std::collections::{BTreeMap, VecDeque};

pub(super) const LIB: &str = "pub fn value() -> u32 {\n    41\n}\n";

/// One source file whose tests pass when it holds 42.
pub(super) struct World {
    /// What everybody says where they may say anything.
    pub(super) said: String,
    replies: VecDeque<String>,
    lib: String,
    state: RunState,
    pub(super) journal: Vec<Event>,
}

impl World {
    pub(super) fn new(said: &str, replies: &[String]) -> Self {
        Self {
            said: said.to_owned(),
            replies: replies.iter().cloned().collect(),
            lib: LIB.to_owned(),
            state: RunState::new(),
            journal: Vec::new(),
        }
    }

    /// The events with a second between each two.
    pub(super) fn timed(&self) -> Vec<(u64, &Event)> {
        (0..).map(|number| 1_784_021_400_000 + number * 1_000).zip(&self.journal).collect()
    }

    pub(super) fn start(&mut self) -> &mut Self {
        let yaml = include_str!("../../../../../blueprints/fix_tests.yaml");
        let blueprint = blueprint::load("fix_tests.yaml", yaml).unwrap();
        let price = Price { input: 3_000_000, output: 15_000_000, ..Price::default() };
        let model = ChosenModel { price: Some(price), ..ChosenModel::named("claude") };
        let start = RunStarted {
            run: "0192-ab12cd".into(),
            workspace: format!("/home/me/{}", self.said),
            at_ms: 1_784_021_400_000,
            policy: PolicySnapshot::built_in(blueprint.sandbox, blueprint.approval_mode),
            blueprint,
            models: Models::only(model),
            budget: Budget::default(),
            approve_requests: false,
            tasks: TaskSet { tasks: vec![task()], trust: Trust::Trusted { content: Digest::of(b"content") } },
            operations: Operations::default(),
            inputs: Inputs { instruction: Some(self.said.clone()), ..Inputs::default() },
            route: None,
            open_documents: Vec::new(),
            open_versions: BTreeMap::new(),
            environment: Taint::default(),
            masked: std::collections::BTreeSet::new(),
            entropy: "00".repeat(32),
            context_tokens_max: 4096,
        };
        self.say(Event::RunStarted(Box::new(start)))
    }

    pub(super) fn say(&mut self, event: Event) -> &mut Self {
        let mut queue = VecDeque::from([Command::Record { event: Box::new(event) }]);
        while let Some(command) = queue.pop_front() {
            let Some(event) = self.answer(command) else { continue };
            let mut next = self.state.apply(&event);
            self.journal.push(event);
            next.extend(queue);
            next.sort_by_key(|command| !matches!(command, Command::Record { .. }));
            queue = next.into();
        }
        self
    }

    fn answer(&mut self, command: Command) -> Option<Event> {
        Some(match command {
            Command::Record { event } => *event,
            Command::GatherContext { id, .. } => {
                Event::ContextGathered { command: id, candidates: vec![self.candidate()], hidden: Vec::new() }
            }
            Command::CallModel { id, .. } => {
                let reply = ModelReply {
                    text: self.replies.pop_front()?,
                    tool_calls: Vec::new(),
                    stop: StopReason::End,
                    usage: Usage { input_tokens: 1_200, output_tokens: 80, ..Usage::default() },
                    opaque: Vec::new(),
                };
                Event::ModelReplied { command: id, reply, duration_ms: 900 }
            }
            Command::GatherFacts { id, paths } => {
                let entry = Entry::Text { text: self.lib.clone(), links: 1, version: None };
                let facts = PathFacts { entry, resolved: Resolved::Direct, executed_by: None };
                let paths = paths.into_iter().map(|path| (path, facts.clone())).collect();
                Event::FactsGathered { command: id, facts: Facts { paths, ..Facts::default() } }
            }
            Command::RunTask { id, changes, tree, .. } => {
                let report = Box::new(self.report(&changes));
                Event::TaskFinished { command: id, report, tree }
            }
            Command::CheckBases { id, paths } => {
                let texts = paths.into_iter().map(|path| LiveText { path, text: Some(self.lib.clone()) });
                Event::BasesChecked {
                    command: id,
                    texts: texts.collect(),
                    open_documents: None,
                    nearness: Nearness::Apart,
                }
            }
            Command::Apply { id, changes, .. } => {
                self.lib = lib_of(&changes);
                let outcome = |path: &WorkspacePath| FileOutcome {
                    path: path.clone(),
                    text: Some(Digest::of(self.lib.as_bytes())),
                    look: None,
                };
                let files = changes.effective().map(|(path, _)| outcome(path)).collect();
                Event::Applied { command: id, report: ApplyReport { files, answer: Some(self.said.clone()) } }
            }
            Command::Remember { id, .. } | Command::Keep { id, .. } => Event::Remembered { command: id },
            Command::Hydrate { .. } | Command::Abandon { .. } => return None,
            Command::Halt { reason } => panic!("{reason}"),
        })
    }

    fn candidate(&self) -> Candidate {
        Candidate {
            path: Some(WorkspacePath::parse("src/lib.rs").unwrap()),
            symbol: Some(self.said.clone()),
            lines: Some((1, 3)),
            relevance: Relevance::Target,
            signature: None,
            text: self.lib.clone(),
            score: 1,
            signature_line: None,
            record: None,
        }
    }

    fn report(&self, changes: &ChangeSet) -> TaskReport {
        let failed = u32::from(!lib_of(changes).contains("42"));
        let failure = TestFailure {
            name: format!("is_the_answer {}", self.said),
            path: Some(WorkspacePath::parse("tests/it.rs").unwrap()),
            line: Some(3),
            message: format!("left: 41\nright: 42 {}", self.said),
        };
        TaskReport {
            task: "test".into(),
            kind: TaskKind::Test,
            argv: vec!["cargo".into(), "test".into(), self.said.clone()],
            exit: TaskExit::Exited { code: i32::from(failed > 0) },
            duration_ms: 1_530,
            tests: Some(TestCounts { passed: 3 - failed, failed, skipped: 0 }),
            failures: (failed > 0).then_some(failure).into_iter().collect(),
            output: format!("running 3 tests\n{}\n", self.said),
            output_bytes: 40,
            sandbox: "overlay+namespaces".into(),
            rewritten: Vec::new(),
            written: Vec::new(),
            connections: Vec::new(),
        }
    }
}

fn lib_of(changes: &ChangeSet) -> String {
    let proposed = changes.effective().find_map(|(_, change)| change.proposed.clone());
    proposed.unwrap_or_else(|| LIB.to_owned())
}

fn task() -> Task {
    Task {
        name: "test".into(),
        kind: TaskKind::Test,
        argv: vec!["cargo".into(), "test".into()],
        cwd: None,
        env: BTreeMap::new(),
        report: ReportFormat::Auto,
        report_file: None,
        timeout: TimeoutClass::Long,
        network: Vec::new(),
        writes: Vec::new(),
        origin: "here".into(),
        params: Vec::new(),
    }
}

/// A reply that edits the file and says something.
pub(super) fn edit(old: &str, new: &str, said: &str) -> String {
    serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": old, "new": new },
        { "id": "a2", "kind": "finish", "summary": said },
    ]})
    .to_string()
}
