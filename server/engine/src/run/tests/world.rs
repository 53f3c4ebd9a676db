//! The world: files, a scripted model, a test runner that is a function of the files.

use crate::blueprint;
use crate::budget::Budget;
use crate::digest::Digest;
use crate::edit::{self, ChangeSet};
use crate::ids::CommandId;
use crate::memory::{MaintenanceRecord, Operations, Record};
use crate::model::{ChosenModel, ModelReply, ModelRequest, Models, StopReason, Usage};
use crate::path::{RequestedPath, WorkspacePath};
use crate::policy::{Entry, Facts, PathFacts, PolicySnapshot, Resolved};
use crate::run::{
    ApplyReport, Command, Event, FileOutcome, Inputs, LiveText, Look, Nearness, OpenDocument, RunStarted,
    RunState, Status,
};
use crate::task::{
    Content, ReportFormat, Task, TaskExit, TaskKind, TaskReport, TaskSet, TestCounts, TestFailure,
    TimeoutClass, Trust, WrittenFile,
};
use std::collections::{BTreeMap, VecDeque};

pub const FIX_TESTS: &str = include_str!("../../../../../blueprints/fix_tests.yaml");
pub const REMEDIATE: &str = include_str!("../../../../../blueprints/remediate.yaml");
pub const RECORD_DECISION: &str = include_str!("../../../../../blueprints/record_decision.yaml");
pub const IMPLEMENT: &str = include_str!("../../../../../blueprints/implement.yaml");

/// What the editor does with an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Editor {
    Honest,
    /// Applies nothing and says that it did.
    Liar,
    /// Applies the first file only.
    Partial,
    /// Applies the first hunk of each file.
    Ticking,
}

pub struct World {
    pub files: BTreeMap<String, String>,
    pub replies: VecDeque<String>,
    pub editor: Editor,
    /// Edits of the user, made when the bases are looked at for the n-th time.
    pub typing: VecDeque<Option<(String, String)>>,
    /// What the user makes of a text right after an edit was applied.
    pub types_after_edit: Option<fn(&str) -> String>,
    /// Whether the text is seen before that.
    pub sees: bool,
    /// Buffers that are not saved.
    pub open_documents: Vec<OpenDocument>,
    /// Whether tasks see the files as they were when the run began, and buffers only where they
    /// are given them.
    pub is_disk_stale: bool,
    /// Whether events are told as journals of before tell them.
    pub of_before: bool,
    pub journal: Vec<Event>,
    pub state: RunState,
    pub model_calls: u32,
    pub applies: u32,
    pub remembered: Vec<MaintenanceRecord>,
    /// The records that were kept among the user's own.
    pub kept: Vec<Record>,
    /// What was executed, in order.
    pub executed: Vec<String>,
    pub halted: Option<String>,
    /// The requests that were carried out.
    pub requests: Vec<ModelRequest>,
    /// What the next replies say they have cost; nothing when there is no entry.
    pub usages: VecDeque<Usage>,
    /// What is found for a pack.
    pub candidates: Vec<crate::context::Candidate>,
    /// The secrets in it that whole files give away.
    pub hidden: Vec<crate::redact::Hidden>,
}

pub fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

pub fn test_task() -> Task {
    Task {
        name: "test".into(),
        kind: TaskKind::Test,
        argv: vec!["check".into()],
        cwd: None,
        env: BTreeMap::new(),
        report: ReportFormat::Auto,
        report_file: None,
        timeout: TimeoutClass::Long,
        network: Vec::new(),
        origin: "here".into(),
        params: Vec::new(),
        writes: Vec::new(),
    }
}

pub fn trusted(tasks: Vec<Task>) -> TaskSet {
    TaskSet { tasks, trust: Trust::Trusted { content: Digest::of(b"content") } }
}

pub fn start_of(yaml: &str) -> RunStarted {
    let blueprint = blueprint::load("test.yaml", yaml).unwrap_or_else(|error| panic!("{error}"));
    RunStarted {
        run: "run-1".into(),
        workspace: "/ws".into(),
        at_ms: 1,
        policy: PolicySnapshot::built_in(blueprint.sandbox, blueprint.approval_mode),
        blueprint,
        models: Models::only(ChosenModel::named("scripted")),
        budget: Budget::default(),
        approve_requests: false,
        tasks: trusted(vec![test_task()]),
        operations: Operations::default(),
        inputs: Inputs::default(),
        route: None,
        open_documents: Vec::new(),
        open_versions: BTreeMap::new(),
        environment: crate::policy::Taint::default(),
        masked: std::collections::BTreeSet::new(),
        entropy: "00".repeat(32),
        context_tokens_max: 4096,
    }
}

/// A reply that replaces text in `src/lib.rs` and finishes.
pub fn replacing(old: &str, new: &str) -> String {
    edit_and_finish("src/lib.rs", old, new)
}

pub fn edit_and_finish(file: &str, old: &str, new: &str) -> String {
    serde_json::json!({ "actions": [
        { "id": "a1", "kind": "replace_text", "path": file, "old": old, "new": new },
        { "id": "a2", "kind": "finish", "summary": "done" },
    ]})
    .to_string()
}

impl World {
    /// One source file; its tests pass when it contains `right`.
    pub fn new(replies: &[String]) -> Self {
        let files = BTreeMap::from([
            ("src/lib.rs".to_owned(), "// top\nfn value() -> u32 { wrong }\n// end\n".to_owned()),
            ("tests/it.rs".to_owned(), "#[test]\nfn works() {}\n".to_owned()),
        ]);
        Self {
            files,
            replies: replies.iter().cloned().collect(),
            editor: Editor::Honest,
            typing: VecDeque::new(),
            types_after_edit: None,
            sees: true,
            open_documents: Vec::new(),
            is_disk_stale: false,
            of_before: false,
            journal: Vec::new(),
            state: RunState::new(),
            model_calls: 0,
            applies: 0,
            remembered: Vec::new(),
            kept: Vec::new(),
            executed: Vec::new(),
            halted: None,
            requests: Vec::new(),
            usages: VecDeque::new(),
            candidates: Vec::new(),
            hidden: Vec::new(),
        }
    }

    pub fn lib(&self) -> &str {
        &self.files["src/lib.rs"]
    }

    pub fn start(&mut self, start: RunStarted) -> &mut Self {
        self.say(Event::RunStarted(Box::new(start)))
    }

    /// Records an event of the world and everything that follows from it.
    pub fn say(&mut self, event: Event) -> &mut Self {
        self.journal.push(event.clone());
        let commands = self.state.apply(&event);
        self.carry_out(commands);
        self
    }

    /// Takes up a journal as a new process would.
    pub fn take_up(&mut self, journal: &[Event]) -> &mut Self {
        self.journal = journal.to_vec();
        self.state = RunState::new();
        for event in journal {
            for command in self.state.apply(event) {
                if let Command::Halt { reason } = command {
                    self.halted = Some(reason);
                }
            }
        }
        let outstanding = self.state.outstanding();
        self.carry_out(outstanding);
        self
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.journal.iter().map(Event::name).collect()
    }

    pub fn count(&self, name: &str) -> usize {
        self.names().iter().filter(|other| **other == name).count()
    }

    pub fn ending(&self) -> String {
        match self.state.status() {
            Status::Ended { outcome, summary } => format!("{outcome:?}: {summary}"),
            Status::Paused { reason } => format!("Paused: {reason}"),
            other => format!("{other:?}"),
        }
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        let mut queue = VecDeque::from(commands);
        while let Some(command) = queue.pop_front() {
            let event = match command {
                Command::Record { event } => *event,
                Command::Halt { reason } => {
                    self.halted = Some(reason);
                    return;
                }
                Command::Abandon { ids } => {
                    queue.retain(|command| command.id().is_none_or(|id| !ids.contains(&id)));
                    continue;
                }
                command => match self.answer(command) {
                    Some(event) => event,
                    None => continue,
                },
            };
            self.journal.push(event.clone());
            let mut next = self.state.apply(&event);
            // What follows from an event comes before what was asked for beside it.
            next.extend(queue);
            next.sort_by_key(|command| !matches!(command, Command::Record { .. }));
            queue = next.into();
        }
    }

    fn answer(&mut self, command: Command) -> Option<Event> {
        let id = command.id()?;
        Some(match command {
            Command::GatherContext { .. } => Event::ContextGathered {
                command: id,
                candidates: self.candidates.clone(),
                hidden: self.hidden.clone(),
            },
            Command::CallModel { request, .. } => {
                self.requests.push(*request);
                self.reply(id)?
            }
            Command::GatherFacts { paths, .. } => {
                Event::FactsGathered { command: id, facts: self.facts(&paths) }
            }
            Command::Hydrate { reads, .. } => Event::Hydrated {
                command: id,
                texts: reads
                    .iter()
                    .map(|_| crate::run::HydratedText {
                        title: "a file".into(),
                        text: Ok("text".into()),
                        base: Some(Digest::of(self.lib().as_bytes())),
                        path: None,
                        hidden: Vec::new(),
                    })
                    .collect(),
            },
            Command::RunTask { task, changes, tree, want, open_documents, .. } => {
                self.executed.push(task.argv.join(" "));
                let mut shadow = self.disk();
                shadow.extend(open_documents.into_iter().map(|open| (open.path.to_string(), open.text)));
                for (path, change) in changes.effective() {
                    match &change.proposed {
                        Some(text) => shadow.insert(path.to_string(), text.clone()),
                        None => shadow.remove(path.as_str()),
                    };
                }
                let report = match task.kind {
                    TaskKind::Other => carry_out(&shadow, &task, &want),
                    _ => judge(&shadow, &task),
                };
                Event::TaskFinished { command: id, report: Box::new(report), tree }
            }
            Command::CheckBases { paths, .. } => {
                if let Some(Some((file, text))) = self.typing.pop_front() {
                    self.files.insert(file, text);
                }
                let live =
                    |path: WorkspacePath| LiveText { text: self.files.get(path.as_str()).cloned(), path };
                Event::BasesChecked {
                    command: id,
                    texts: paths.into_iter().map(live).collect(),
                    open_documents: (!self.of_before).then(|| self.open_documents.clone()),
                    nearness: if self.of_before { Nearness::Apart } else { Nearness::Beside },
                }
            }
            Command::Apply { changes, .. } => Event::Applied { command: id, report: self.apply(&changes) },
            Command::Remember { record, .. } => {
                self.remembered.push(*record);
                Event::Remembered { command: id }
            }
            Command::Keep { record, .. } => {
                self.kept.push(*record);
                Event::Remembered { command: id }
            }
            Command::Record { .. } | Command::Abandon { .. } | Command::Halt { .. } => return None,
        })
    }

    fn disk(&self) -> BTreeMap<String, String> {
        match self.is_disk_stale {
            true => Self::new(&[]).files,
            false => self.files.clone(),
        }
    }

    fn apply(&mut self, changes: &ChangeSet) -> ApplyReport {
        self.applies += 1;
        let mut files = Vec::new();
        for (number, (path, change)) in changes.effective().enumerate() {
            let becomes = match (self.editor, &change.base, &change.proposed) {
                (Editor::Liar, ..) => None,
                (Editor::Partial, ..) if number > 0 => None,
                (Editor::Ticking, Some(base), Some(proposed)) => {
                    let hunk = edit::hunks(base, proposed).remove(0);
                    let mut text = base.clone();
                    text.replace_range(hunk.base, &hunk.text);
                    Some(Some(text))
                }
                (Editor::Honest | Editor::Partial | Editor::Ticking, _, proposed) => Some(proposed.clone()),
            };
            let mut seen = None;
            if let Some(text) = becomes
                && self.files.get(path.as_str()) == change.base.as_ref()
            {
                seen = text.clone().filter(|text| self.sees && change.stands_in(text));
                let typed = self.types_after_edit;
                match text.map(|text| typed.map_or(text.clone(), |typed| typed(&text))) {
                    Some(text) => self.files.insert(path.to_string(), text),
                    None => self.files.remove(path.as_str()),
                };
            }
            let now = self.files.get(path.as_str()).cloned();
            let text = now.as_ref().map(|text| Digest::of(text.as_bytes()));
            let is_as_proposed = now == change.proposed;
            let look = if is_as_proposed { Look::default() } else { Look { seen, now } };
            files.push(FileOutcome { path: path.clone(), text, look: (!self.of_before).then_some(look) });
        }
        ApplyReport { files, answer: Some("applied".into()) }
    }

    /// The next reply; without one the model stays silent and the run waits.
    fn reply(&mut self, command: CommandId) -> Option<Event> {
        let text = self.replies.pop_front()?;
        self.model_calls += 1;
        let reply = ModelReply {
            text,
            tool_calls: Vec::new(),
            stop: StopReason::End,
            usage: self.usages.pop_front().unwrap_or_default(),
            opaque: Vec::new(),
        };
        Some(Event::ModelReplied { command, reply, duration_ms: 1 })
    }

    fn facts(&self, paths: &[RequestedPath]) -> Facts {
        let entry = |path: &RequestedPath| match self.files.get(path.as_str()) {
            Some(text) => Entry::Text { text: text.clone(), links: 1, version: None },
            None => Entry::Missing,
        };
        let facts = |path: &RequestedPath| PathFacts {
            entry: entry(path),
            resolved: Resolved::Direct,
            executed_by: None,
        };
        Facts { paths: paths.iter().map(|path| (path.clone(), facts(path))).collect(), ..Facts::default() }
    }
}

/// `write PATH TEXT`, `delete PATH`, `fail` and everything else, which does nothing.
fn carry_out(shadow: &BTreeMap<String, String>, task: &Task, want: &[WorkspacePath]) -> TaskReport {
    let mut after = shadow.clone();
    let words: Vec<&str> = task.argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["write", path, text] => drop(after.insert((*path).to_owned(), (*text).to_owned())),
        ["delete", path] => drop(after.remove(*path)),
        _ => {}
    }
    let content = |files: &BTreeMap<String, String>, path: &WorkspacePath| match files.get(path.as_str()) {
        Some(text) => Content::Text { text: text.clone() },
        None => Content::Nothing,
    };
    let written = want.iter().map(|path| WrittenFile {
        path: path.clone(),
        before: content(shadow, path),
        after: content(&after, path),
    });
    TaskReport {
        exit: TaskExit::Exited { code: i32::from(words.first() == Some(&"fail")) },
        tests: None,
        failures: Vec::new(),
        written: written.collect(),
        ..judge(shadow, task)
    }
}

fn judge(shadow: &BTreeMap<String, String>, task: &Task) -> TaskReport {
    let text = shadow.get("src/lib.rs").cloned().unwrap_or_default();
    let failing: Vec<&str> = [("works", "right"), ("stands", "fn value")]
        .into_iter()
        .filter(|(_, wanted)| !text.contains(wanted))
        .map(|(name, _)| name)
        .collect();
    let none = text.contains("no tests");
    TaskReport {
        task: task.name.clone(),
        kind: task.kind,
        argv: task.argv.clone(),
        exit: TaskExit::Exited { code: i32::from(!failing.is_empty() && !none) },
        duration_ms: 1,
        tests: Some(if none {
            TestCounts::default()
        } else {
            TestCounts { passed: 2 - failing.len() as u32, failed: failing.len() as u32, skipped: 0 }
        }),
        failures: failing
            .into_iter()
            .filter(|_| !none)
            .map(|name| TestFailure { name: name.into(), path: None, line: None, message: "no".into() })
            .collect(),
        output: "output".into(),
        output_bytes: 6,
        sandbox: "memory".into(),
        rewritten: Vec::new(),
        written: Vec::new(),
        connections: Vec::new(),
    }
}
