//! An agent step: a bounded conversation in which the model can only ask, and each reply
//! passes the gate as one batch before anything of it takes effect.

mod ask;

use super::prompt;
use super::state::{Active, Phase, record};
use super::{Command, Event, HydratedText, Read, ReadScope};
use crate::action::{self, Action, ActionKind, ActionRequest, Remember};
use crate::blueprint::{DeterministicAction, Work as StageWork};
use crate::context;
use crate::edit;
use crate::ids::{ActionId, CommandId, ToolsetName};
use crate::limits::{NOTES_MAX, STEP_MALFORMED_MAX};
use crate::memory::Note;
use crate::model::{ActionResult, ActionStatus, Message, ModelError, ModelReply, StopReason};
use crate::path::WorkspacePath;
use crate::policy::rules::Outgoing;
use crate::policy::{self, Decision, Facts, Toolset, Verdict};
use crate::task::{Task, TaskReport};
use std::collections::VecDeque;

/// What one agent step has said and heard.
#[derive(Debug)]
pub(super) struct Conversation {
    toolset: Toolset,
    edits: bool,
    system: String,
    messages: Vec<Message>,
    turn: u32,
    /// Replies in a row that had no effect.
    rejected: u32,
    /// The most that the last request can take: estimated tokens of it, and the limit of its reply.
    asked: (u64, u32),
    waits: Waits,
}

#[derive(Debug)]
enum Waits {
    Model {
        command: CommandId,
    },
    Facts {
        command: CommandId,
        batch: Vec<ActionRequest>,
    },
    Texts {
        command: CommandId,
        ids: Vec<ActionId>,
        work: Work,
    },
    Task {
        command: CommandId,
        id: ActionId,
        work: Work,
    },
    /// For the baseline run, which has the shadow.
    Background {
        work: Work,
    },
}

/// What is left of a batch after its edits were planned.
#[derive(Debug)]
struct Work {
    results: Vec<ActionResult>,
    tasks: VecDeque<(ActionId, Task)>,
    finish: Option<String>,
}

impl Conversation {
    pub(super) fn waits_for(&self) -> Option<CommandId> {
        match &self.waits {
            Waits::Model { command }
            | Waits::Facts { command, .. }
            | Waits::Texts { command, .. }
            | Waits::Task { command, .. } => Some(*command),
            Waits::Background { .. } => None,
        }
    }

    pub(super) fn turn(&self) -> u32 {
        self.turn
    }

    /// Estimated tokens of the last request.
    pub(super) fn input_tokens(&self) -> u64 {
        self.asked.0
    }
}

impl Active {
    pub(super) fn start_agent(
        &mut self,
        goal: &str,
        toolset: &ToolsetName,
        edits: bool,
        out: &mut Vec<Command>,
    ) {
        let Some(mut toolset) = policy::toolset(toolset) else {
            return self.action_failed(format!("there is no toolset `{toolset}`"), out);
        };
        if !edits {
            toolset.actions.retain(|kind| !kind.edits());
        }
        let text = self.task_message(goal, edits);
        let talk = Conversation {
            toolset,
            edits,
            system: prompt::system(edits),
            messages: vec![Message::User { text }],
            turn: 0,
            rejected: 0,
            asked: (0, 0),
            waits: Waits::Model { command: CommandId(0) },
        };
        self.ask_model(Box::new(talk), out);
    }

    pub(super) fn converse(
        &mut self,
        mut talk: Box<Conversation>,
        event: &Event,
        answered: Option<Command>,
        out: &mut Vec<Command>,
    ) {
        let waits = std::mem::replace(&mut talk.waits, Waits::Model { command: CommandId(0) });
        match (waits, event) {
            (Waits::Model { .. }, Event::ModelReplied { reply, .. }) => self.take_reply(talk, reply, out),
            (Waits::Model { .. }, Event::ModelFailed { error, .. }) => self.model_failed(talk, error, out),
            (Waits::Facts { batch, .. }, Event::FactsGathered { facts, .. }) => {
                let facts = facts.clone().at_versions(&self.start.open_versions);
                self.judge_batch(talk, &batch, &facts, out);
            }
            (Waits::Texts { ids, work, .. }, Event::Hydrated { texts, .. }) => {
                self.take_texts(talk, &ids, texts, work, out);
            }
            (Waits::Task { id, mut work, .. }, Event::TaskFinished { report, .. }) => {
                let text = self.report_text(report);
                work.results.push(ActionResult { id, status: ActionStatus::Done, text });
                self.run_next_task(talk, work, out);
            }
            (waits, _) => {
                talk.waits = waits;
                self.phase = Phase::Agent(talk);
                // An answer of the wrong kind leaves its command unanswered.
                out.extend(answered);
            }
        }
    }

    fn take_reply(&mut self, mut talk: Box<Conversation>, reply: &ModelReply, out: &mut Vec<Command>) {
        self.model_calls += 1;
        self.count_reply(&talk, reply);
        if reply.stop == StopReason::Refusal {
            return self.fail("the model refused the task", out);
        }
        talk.messages.push(Message::Model { reply: reply.clone() });
        match self.read_reply(reply) {
            Ok(batch) => {
                let mut paths: Vec<_> =
                    batch.iter().flat_map(|request| request.action.paths()).cloned().collect();
                paths.sort();
                paths.dedup();
                let command = self.next_command();
                out.push(Command::GatherFacts { id: command, paths });
                talk.waits = Waits::Facts { command, batch };
                self.phase = Phase::Agent(talk);
            }
            Err(reason) => self.reject(talk, &reason, out),
        }
    }

    fn read_reply(&self, reply: &ModelReply) -> Result<Vec<ActionRequest>, String> {
        if reply.stop == StopReason::Length {
            return Err("the reply was cut at the token limit; answer in smaller steps".into());
        }
        let mut batch = if reply.tool_calls.is_empty() {
            action::parse_document(&reply.text)
        } else {
            action::parse_tool_calls(&reply.tool_calls)
        }
        .map_err(|error| error.to_string())?;
        for request in &mut batch {
            self.restore_texts(&mut request.action)
                .map_err(|reason| format!("action `{}`: {reason}", request.id))?;
            end_last_line(&mut request.action);
        }
        Ok(batch)
    }

    /// The model saw marks and placeholders; the files hold the texts themselves.
    fn restore_texts(&self, action: &mut Action) -> Result<(), String> {
        let texts: Vec<&mut String> = match action {
            Action::ReplaceText(it) => vec![&mut it.old, &mut it.new],
            Action::ReplaceSymbol(it) => vec![&mut it.symbol, &mut it.text],
            Action::InsertAtSymbol(it) => vec![&mut it.symbol, &mut it.text],
            Action::ReplaceRange(it) => vec![&mut it.text],
            Action::CreateFile(it) => vec![&mut it.text],
            Action::ReadSymbol(it) => vec![&mut it.symbol],
            Action::Search(it) => vec![&mut it.text],
            Action::DeleteFile(_)
            | Action::RenameFile(_)
            | Action::ReadFile(_)
            | Action::RunTask(_)
            // A note is kept as the model wrote it: with its placeholders.
            | Action::Remember(_)
            | Action::Finish(_) => Vec::new(),
        };
        for text in texts {
            let plain = context::unmark(text);
            *text = self.redactions.restore(&plain).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn judge_batch(
        &mut self,
        talk: Box<Conversation>,
        batch: &[ActionRequest],
        facts: &Facts,
        out: &mut Vec<Command>,
    ) {
        self.learn(facts);
        let situation = self.situation(&talk.toolset, facts);
        let decision = policy::evaluate(batch, situation, &self.policy);
        let subject = match batch {
            [one] => format!("action {}", one.action.kind().name()),
            many => format!("{} actions", many.len()),
        };
        record(Event::PolicyDecided { step: self.step_id(), subject, decision: decision.clone() }, out);
        // An `ask` is asked once, on the finished proposal; until then the edit lives in the shadow.
        if decision.verdict == Verdict::Block {
            return self.reject(talk, &blocked_text(&decision), out);
        }
        if batch.is_empty() {
            let reason = "the reply asks for nothing; send an action, or `finish` when the work is complete";
            return self.reject(talk, reason, out);
        }
        match edit::plan(&self.changes, batch, facts) {
            Ok(changes) => self.accept(talk, batch, changes, out),
            Err(error) => self.reject(talk, &error.to_string(), out),
        }
    }

    fn accept(
        &mut self,
        mut talk: Box<Conversation>,
        batch: &[ActionRequest],
        changes: edit::ChangeSet,
        out: &mut Vec<Command>,
    ) {
        talk.rejected = 0;
        let mut work = Work { results: Vec::new(), tasks: VecDeque::new(), finish: None };
        let mut reads = Vec::new();
        let mut ids = Vec::new();
        for request in batch {
            match &request.action {
                Action::RunTask(it) => {
                    // The policy has checked that the values fit.
                    if let Some(task) = self.start.tasks.named(&it.task)
                        && let Ok(argv) = task.argv_with(&it.args)
                    {
                        work.tasks.push_back((request.id.clone(), Task { argv, ..task.clone() }));
                    }
                }
                Action::Remember(it) => {
                    let result = self.note(it);
                    work.results.push(ActionResult { id: request.id.clone(), ..result });
                }
                Action::Finish(it) => work.finish = Some(it.summary.clone()),
                action => match read_of(action) {
                    Some(read) => match self.withheld(&read) {
                        Some(text) => work.results.push(ActionResult {
                            id: request.id.clone(),
                            status: ActionStatus::Refused,
                            text,
                        }),
                        None => {
                            reads.push(read);
                            ids.push(request.id.clone());
                        }
                    },
                    None => work.results.push(ActionResult {
                        id: request.id.clone(),
                        status: ActionStatus::Done,
                        text: "planned; it is in the shadow, not yet in the user's files".into(),
                    }),
                },
            }
        }
        if batch.iter().any(|request| request.action.kind().edits()) {
            self.changes = changes;
            self.record_planned(out);
        }
        if reads.is_empty() {
            return self.run_next_task(talk, work, out);
        }
        let command = self.next_command();
        out.push(Command::Hydrate { id: command, reads, changes: Box::new(self.changes.clone()) });
        talk.waits = Waits::Texts { command, ids, work };
        self.phase = Phase::Agent(talk);
    }

    /// Keeps a note until the run writes what it remembers.
    fn note(&mut self, it: &Remember) -> ActionResult {
        let id = ActionId::new("");
        let stages = &self.start.blueprint.stages;
        let is_kept = stages.iter().any(|stage| {
            matches!(&stage.work, StageWork::Deterministic { action: DeterministicAction::Remember, .. })
        });
        if !is_kept {
            let text = "this workflow keeps no memory; leave notes out".into();
            return ActionResult { id, status: ActionStatus::Refused, text };
        }
        if self.notes.len() >= NOTES_MAX {
            let text = format!("a run keeps at most {NOTES_MAX} notes; leave further ones out");
            return ActionResult { id, status: ActionStatus::Refused, text };
        }
        self.notes.push(Note { key: it.key.clone(), text: it.text.clone() });
        let text = "noted; it is kept when the run has completed".into();
        ActionResult { id, status: ActionStatus::Done, text }
    }

    /// Why a file may not go to the run's model. What a search finds is sifted where it is read.
    fn withheld(&self, read: &Read) -> Option<String> {
        match read {
            Read::File { path, .. } => {
                let text = Outgoing { paths: std::slice::from_ref(path), ..Outgoing::default() };
                self.policy.may_leave(&text, self.start.models.are_local()).err().map(|why| why.to_string())
            }
            Read::Search { .. } => None,
        }
    }

    fn take_texts(
        &mut self,
        talk: Box<Conversation>,
        ids: &[ActionId],
        texts: &[HydratedText],
        mut work: Work,
        out: &mut Vec<Command>,
    ) {
        for (id, hydrated) in ids.iter().zip(texts) {
            self.redactions.know(&hydrated.hidden);
            let (status, text) = match &hydrated.text {
                Ok(text) => {
                    let by_position = talk.toolset.actions.contains(&ActionKind::ReplaceRange);
                    let title = match &hydrated.base {
                        Some(base) if by_position => format!("{}, base_hash {base}", hydrated.title),
                        _ => hydrated.title.clone(),
                    };
                    (ActionStatus::Done, self.as_data_of(hydrated.path.as_ref(), &title, text))
                }
                Err(reason) => (ActionStatus::Refused, reason.clone()),
            };
            work.results.push(ActionResult { id: id.clone(), status, text });
        }
        self.run_next_task(talk, work, out);
    }

    fn run_next_task(&mut self, mut talk: Box<Conversation>, mut work: Work, out: &mut Vec<Command>) {
        if work.tasks.is_empty() {
            return self.answer(talk, work, out);
        }
        if self.background.is_some() {
            talk.waits = Waits::Background { work };
        } else if let Some((id, task)) = work.tasks.pop_front() {
            let command = self.run_task(&task, &self.changes.clone(), out);
            talk.waits = Waits::Task { command, id, work };
        }
        self.phase = Phase::Agent(talk);
    }

    /// The baseline run has ended; what waited for the shadow goes on.
    pub(super) fn shadow_is_free(&mut self, mut talk: Box<Conversation>, out: &mut Vec<Command>) {
        match std::mem::replace(&mut talk.waits, Waits::Model { command: CommandId(0) }) {
            Waits::Background { work } => self.run_next_task(talk, work, out),
            waits => {
                talk.waits = waits;
                self.phase = Phase::Agent(talk);
            }
        }
    }

    fn answer(&mut self, mut talk: Box<Conversation>, work: Work, out: &mut Vec<Command>) {
        if let Some(summary) = work.finish {
            return self.finish_agent(&talk, summary, out);
        }
        talk.messages.push(answer_message(&talk.messages, work.results));
        self.ask_model(talk, out);
    }

    fn finish_agent(&mut self, talk: &Conversation, summary: String, out: &mut Vec<Command>) {
        let unchanged = self.step.as_ref().is_some_and(|step| step.tree == self.changes.tree());
        if talk.edits && unchanged {
            return self.fail("the model finished without changing anything", out);
        }
        let artifact = if talk.edits { "patch" } else { "review_report" };
        let text = if talk.edits { edit::unified_diff(&self.changes) } else { summary.clone() };
        self.artifacts.insert(artifact.into(), text);
        self.summary.clone_from(&summary);
        self.succeed(summary, out);
    }

    /// Tells the model why its reply had no effect, as often as the limit allows.
    fn reject(&mut self, mut talk: Box<Conversation>, reason: &str, out: &mut Vec<Command>) {
        record(Event::ReplyRejected { step: self.step_id(), reason: reason.to_owned() }, out);
        talk.rejected += 1;
        if talk.rejected > STEP_MALFORMED_MAX {
            return self.fail(format!("{} replies in a row had no effect: {reason}", talk.rejected), out);
        }
        let results = calls_of(&talk.messages)
            .into_iter()
            .map(|id| ActionResult { id, status: ActionStatus::Refused, text: reason.to_owned() })
            .collect::<Vec<_>>();
        let message = if results.is_empty() {
            Message::User { text: format!("Your reply had no effect: {reason}") }
        } else {
            Message::Results { results }
        };
        talk.messages.push(message);
        self.ask_model(talk, out);
    }

    /// A model that cannot be reached is no judgement of the work: the run waits for the user.
    /// A reply that broke off or is nonsense is an attempt.
    fn model_failed(&mut self, talk: Box<Conversation>, error: &ModelError, out: &mut Vec<Command>) {
        self.count_failure(&talk, error);
        match error {
            ModelError::BrokenOff { .. } | ModelError::TooLarge { .. } | ModelError::Malformed { .. } => {
                self.fail(error.to_string(), out);
            }
            ModelError::NotConfigured { .. }
            | ModelError::Unreachable { .. }
            | ModelError::Unauthorized { .. }
            | ModelError::RateLimited { .. }
            | ModelError::Server { .. }
            | ModelError::Rejected { .. }
            | ModelError::TimedOut { .. }
            | ModelError::ScriptExhausted { .. } => {
                self.retract_attempt();
                self.pause(error.to_string(), out);
            }
            // Nothing was sent: the conversation goes on where it stands.
            ModelError::BudgetExhausted { .. } => {
                let talk = Box::new(Conversation { turn: talk.turn.saturating_sub(1), ..*talk });
                self.pause_talk(talk, error.to_string(), out);
            }
        }
    }

    /// An attempt in which the model never answered does not count against the limit.
    fn retract_attempt(&mut self) {
        if let Some(step) = &self.step
            && let Some(attempts) = self.attempts.get_mut(&step.stage.id)
        {
            *attempts = attempts.saturating_sub(1);
        }
    }

    /// Redacts a text that is of no file and wraps it as data.
    pub(super) fn as_data(&mut self, title: &str, text: &str) -> String {
        self.as_data_of(None, title, text)
    }

    fn as_data_of(&mut self, path: Option<&WorkspacePath>, title: &str, text: &str) -> String {
        let (text, _) = self.redactions.redact_in(path, text);
        let (title, _) = self.redactions.redact(title);
        self.envelopes.wrap(&title, &text)
    }

    pub(super) fn report_text(&mut self, report: &TaskReport) -> String {
        let summary = prompt::report(report);
        self.as_data(&format!("output of task {}", report.task), &summary)
    }
}

fn read_of(action: &Action) -> Option<Read> {
    let parse = |path: &crate::path::RequestedPath| WorkspacePath::parse(path.as_str()).ok();
    match action {
        Action::ReadFile(it) => Some(Read::File {
            path: parse(&it.path)?,
            scope: ReadScope::Lines {
                first: it.first_line.unwrap_or(1),
                last: it.last_line.unwrap_or(u32::MAX),
            },
        }),
        Action::ReadSymbol(it) => {
            Some(Read::File { path: parse(&it.path)?, scope: ReadScope::Symbol { name: it.symbol.clone() } })
        }
        Action::Search(it) => {
            Some(Read::Search { text: it.text.clone(), below: it.below.as_ref().and_then(parse) })
        }
        Action::ReplaceText(_)
        | Action::ReplaceSymbol(_)
        | Action::InsertAtSymbol(_)
        | Action::CreateFile(_)
        | Action::DeleteFile(_)
        | Action::RenameFile(_)
        | Action::ReplaceRange(_)
        | Action::RunTask(_)
        | Action::Remember(_)
        | Action::Finish(_) => None,
    }
}

/// The ids of the last reply's tool calls.
fn calls_of(messages: &[Message]) -> Vec<ActionId> {
    match messages.last() {
        Some(Message::Model { reply }) => reply.tool_calls.iter().map(|call| call.id.clone()).collect(),
        Some(Message::User { .. } | Message::Results { .. }) | None => Vec::new(),
    }
}

/// The answers to the last reply: as results of its calls, in their order, or as text for
/// a model that wrote a document.
fn answer_message(messages: &[Message], mut results: Vec<ActionResult>) -> Message {
    let calls = calls_of(messages);
    if calls.is_empty() {
        let lines = results.iter().map(|result| {
            let status = match result.status {
                ActionStatus::Done => "done",
                ActionStatus::Refused => "refused",
            };
            format!("action `{}` {status}: {}", result.id, result.text)
        });
        return Message::User { text: lines.collect::<Vec<_>>().join("\n") };
    }
    results.sort_by_key(|result| calls.iter().position(|id| id == &result.id));
    Message::Results { results }
}

fn blocked_text(decision: &Decision) -> String {
    let reasons = decision.reasons.iter().filter(|reason| reason.verdict == Verdict::Block);
    let lines =
        reasons.map(|reason| format!("{} blocks `{}`: {}", reason.rule, reason.matched, reason.remedy));
    format!("nothing of this reply was carried out; {}", lines.collect::<Vec<_>>().join("; "))
}

/// A file that a model creates ends with a line end. Models leave it out by oversight, and
/// editors such as Neovim put it there, so that the file would never be as proposed.
fn end_last_line(action: &mut Action) {
    if let Action::CreateFile(it) = action
        && !it.text.is_empty()
        && !it.text.ends_with('\n')
    {
        it.text.push('\n');
    }
}
