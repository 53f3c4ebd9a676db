//! The tiny loop and what it remembers.
//!
//! An event either *answers* a command that is waiting in the outbox, or *confirms* a decision
//! that the engine asked to have recorded. Whatever is in the outbox and has not been answered
//! or confirmed is still to be done; that is all a resumed run needs to know.

use super::agent::Conversation;
use super::apply::Reversal;
use super::gate::{Background, Verification};
use super::procedure::{Mishap, Proceeding};
use super::{Command, Event, OpenDocument, Outcome, RunStarted};
use crate::blueprint::{DeterministicAction, Stage};
use crate::budget::{Budget, Spent};
use crate::context::{ContextPack, Envelopes};
use crate::digest::Digest;
use crate::edit::ChangeSet;
use crate::ids::{ArtifactName, CommandId, StageId, StepId, TaskName};
use crate::memory::{Note, Remedy};
use crate::model::{ModelRequest, Usage};
use crate::policy::{Known, Policy};
use crate::redact::Redactions;
use crate::task::TaskReport;
use std::collections::{BTreeMap, BTreeSet};

/// A run, as far as its events have brought it.
#[derive(Debug, Default)]
pub struct RunState {
    pub(super) run: Option<Active>,
    outbox: Vec<Command>,
}

/// What a started run remembers.
#[derive(Debug)]
pub(super) struct Active {
    pub start: RunStarted,
    /// The rules of `start`, compiled.
    pub policy: Policy,
    pub phase: Phase,
    pub step: Option<Step>,
    /// How often each stage has been attempted.
    pub attempts: BTreeMap<StageId, u32>,
    /// The stages that the run has come to, in the order in which it did so first.
    pub entered: Vec<StageId>,
    pub changes: ChangeSet,
    /// What was found out about the workspace.
    pub known: Known,
    pub redactions: Redactions,
    pub envelopes: Envelopes,
    pub pack: Option<ContextPack>,
    /// Text artifacts by name: reports, diffs, summaries.
    pub artifacts: BTreeMap<ArtifactName, String>,
    /// The reports on the unedited tree.
    pub baseline: BTreeMap<TaskName, TaskReport>,
    /// The baseline run that goes on beside the stages.
    pub background: Option<Box<Background>>,
    /// Gates that are open, each for exactly one tree.
    pub gates: BTreeMap<DeterministicAction, OpenGate>,
    /// The reports of the last red gate, for the next agent stage.
    pub red: Vec<TaskReport>,
    pub red_summary: Option<String>,
    /// The proposals that the policy allowed or the user approved.
    pub approved: BTreeSet<Digest>,
    /// What stands in the user's files through this run.
    pub applied: Option<ChangeSet>,
    /// The open buffers whose text differed from the disk when the user's files were looked at last;
    /// before that those of `start` count.
    pub open_documents: Option<Vec<OpenDocument>>,
    /// What the model says it did.
    pub summary: String,
    /// What the model noted for later runs.
    pub notes: Vec<Note>,
    /// What a runbook approves for the failure.
    pub remedy: Option<Remedy>,
    /// What came of it, where that was agreed to and did not succeed.
    pub mishap: Option<Mishap>,
    pub usage: Usage,
    /// What the models' work counts as.
    pub spent: Spent,
    /// The part of it since the start, or since the user resumed the run last.
    pub spent_since_resume: Spent,
    /// The limits in force: those of the start, or those of the last resume.
    pub budget: Budget,
    pub model_calls: u32,
    /// Requests that have left.
    pub requests: u32,
    last_command: u32,
    last_step: u32,
}

/// A gate that was passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenGate {
    pub tree: Digest,
    pub summary: String,
}

/// One attempt of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub id: StepId,
    pub stage: Stage,
    pub attempt: u32,
    /// The proposed tree when the attempt began.
    pub tree: Digest,
}

/// What the run waits for.
#[derive(Debug)]
pub(super) enum Phase {
    /// Between two steps, while a handler is at work.
    Between,
    /// For candidates.
    Context { command: CommandId },
    /// For the model, for facts, for texts: see [`Conversation`].
    Agent(Box<Conversation>),
    /// For a patch's facts.
    Patch { command: CommandId },
    /// For the shadow and its tasks.
    Verifying(Box<Verification>),
    /// For the user.
    Approval { proposal: Digest, diff: String, reasons: Vec<String>, then: AfterApproval },
    /// For the user, who wants to see each request before it leaves.
    Request { digest: Digest, request: Box<ModelRequest>, talk: Box<Conversation> },
    /// For the live texts of the files that are to be changed.
    Bases { command: CommandId, rounds: u32 },
    /// For the editor, or the disk.
    Applying,
    /// For a task of a procedure.
    Proceeding(Box<Proceeding>),
    /// For the text of the file in which a decision is to be recorded.
    Deciding { command: CommandId },
    /// For the store.
    Remembering { command: CommandId },
    /// For the user, who has read why. A conversation that can go on where it stands is kept.
    Paused { reason: String, talk: Option<Box<Conversation>> },
    /// For nothing, but an undo is possible.
    Ended { outcome: Outcome, summary: String },
    /// For an undo or a redo to be carried out.
    Reversing(Box<Reversal>),
}

/// What an approval opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterApproval {
    /// The next stage.
    Route,
    /// The application of edits that had to be rebased.
    Apply,
    /// The procedure that was found.
    Proceed,
}

impl RunState {
    /// A run of which nothing has happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one event and answers with what is to be done now: records first, so that a
    /// decision is durable before anything that follows from it happens.
    ///
    /// INVARIANT: this reads nothing but `self` and `event`.
    pub fn apply(&mut self, event: &Event) -> Vec<Command> {
        if event.is_decision() {
            return self.confirm(event);
        }
        let Some(answered) = self.settle(event) else {
            return Vec::new();
        };
        let mut commands = Vec::new();
        match (&mut self.run, event) {
            (None, Event::RunStarted(start)) => {
                self.run.insert(Active::new(start.as_ref().clone())).begin(&mut commands);
            }
            (None, _) => commands.push(halt("the journal does not begin with `run_started`")),
            (Some(run), event) => run.react(event, answered, &mut commands),
        }
        commands.sort_by_key(|command| !matches!(command, Command::Record { .. }));
        self.remember(&commands);
        commands
    }

    /// What is still to be done: everything asked for and neither answered nor confirmed,
    /// records first.
    pub fn outstanding(&self) -> Vec<Command> {
        let mut commands = self.outbox.clone();
        commands.sort_by_key(|command| !matches!(command, Command::Record { .. }));
        commands
    }

    /// True while a decision is not yet known to be durable.
    pub fn has_unrecorded(&self) -> bool {
        self.outbox.iter().any(|command| matches!(command, Command::Record { .. }))
    }

    /// A decision came back from the journal. It must be the one that was asked for.
    fn confirm(&mut self, event: &Event) -> Vec<Command> {
        let next = self.outbox.iter().position(|command| matches!(command, Command::Record { .. }));
        let Some(at) = next else {
            return vec![halt(&format!(
                "the journal holds `{}`, which the engine did not decide",
                event.name()
            ))];
        };
        match self.outbox.remove(at) {
            Command::Record { event: expected } if expected.as_ref() == event => Vec::new(),
            _ => {
                vec![halt(&format!("the journal's `{}` differs from what the engine decides", event.name()))]
            }
        }
    }

    /// Takes the answered command out of the outbox. An answer that nobody waits for, because
    /// its command was abandoned, has no effect: `None`.
    fn settle(&mut self, event: &Event) -> Option<Option<Command>> {
        let Some(id) = event.answers() else {
            return Some(None);
        };
        let at = self.outbox.iter().position(|command| command.id() == Some(id))?;
        Some(Some(self.outbox.remove(at)))
    }

    fn remember(&mut self, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Abandon { ids } => {
                    self.outbox.retain(|pending| pending.id().is_none_or(|id| !ids.contains(&id)));
                }
                Command::Halt { .. } => {}
                _ => self.outbox.push(command.clone()),
            }
        }
    }
}

fn halt(reason: &str) -> Command {
    Command::Halt { reason: reason.to_owned() }
}

impl Active {
    fn new(start: RunStarted) -> Self {
        // Journals of before told the masks with their records alone.
        let masked = start.masked.iter().map(String::as_str).chain(start.operations.masked());
        let redactions = Redactions::for_run(start.policy.redact.clone(), &start.environment, masked);
        Self {
            envelopes: Envelopes::new(&start.entropy),
            policy: Policy::new(&start.policy),
            budget: start.budget,
            start,
            phase: Phase::Between,
            step: None,
            attempts: BTreeMap::new(),
            entered: Vec::new(),
            changes: ChangeSet::default(),
            redactions,
            known: Known::default(),
            pack: None,
            artifacts: BTreeMap::new(),
            baseline: BTreeMap::new(),
            background: None,
            gates: BTreeMap::new(),
            red: Vec::new(),
            red_summary: None,
            approved: BTreeSet::new(),
            applied: None,
            open_documents: None,
            summary: String::new(),
            notes: Vec::new(),
            remedy: None,
            mishap: None,
            usage: Usage::default(),
            spent: Spent::default(),
            spent_since_resume: Spent::default(),
            model_calls: 0,
            requests: 0,
            last_command: 0,
            last_step: 0,
        }
    }

    /// Every pairing of an event with what the run waits for has a place here; what does not
    /// fit together has no effect.
    fn react(&mut self, event: &Event, answered: Option<Command>, out: &mut Vec<Command>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Between);
        match (phase, event) {
            (phase, Event::CancelRequested { by }) => self.cancel(phase, by, out),
            (phase, event) if self.is_background(event) => {
                self.phase = phase;
                self.background_done(event, out);
            }
            (phase, Event::CommandFailed { reason, command }) => {
                self.command_failed(phase, *command, reason, out)
            }
            (Phase::Context { .. }, Event::ContextGathered { candidates, hidden, .. }) => {
                self.redactions.know(hidden);
                self.build_pack(candidates, out)
            }
            (Phase::Agent(talk), event) => self.converse(talk, event, answered, out),
            (Phase::Patch { .. }, Event::FactsGathered { facts, .. }) => self.take_patch(facts, out),
            (Phase::Verifying(verification), event) => self.verify(verification, event, out),
            (Phase::Approval { proposal, then, .. }, Event::Approved { proposal: named, .. })
                if proposal == *named =>
            {
                self.approved_by_user(proposal, then, out);
            }
            (Phase::Approval { proposal, .. }, Event::Refused { proposal: named, by })
                if proposal == *named =>
            {
                self.refused_by_user(by, out);
            }
            (
                Phase::Approval { proposal, diff, reasons, then },
                Event::PartsRejected { proposal: named, parts, by },
            ) if proposal == *named => match self.without(proposal, parts) {
                Some(rest) => self.take_rest(rest, by, then, out),
                None => self.phase = Phase::Approval { proposal, diff, reasons, then },
            },
            (Phase::Request { digest, request, talk }, Event::Approved { proposal: named, .. })
                if digest == *named =>
            {
                self.send(talk, request, out);
            }
            (Phase::Request { digest, request, .. }, Event::Refused { proposal: named, by })
                if digest == *named =>
            {
                self.request_refused(&request, by, out);
            }
            (Phase::Bases { rounds, .. }, Event::BasesChecked { texts, open_documents, nearness, .. }) => {
                self.open_documents = open_documents.clone().or(self.open_documents.take());
                self.check_bases(texts, rounds, open_documents.is_some(), *nearness, out)
            }
            (Phase::Applying, Event::Applied { report, .. }) => self.check_applied(report, out),
            (Phase::Proceeding(proceeding), event) => self.proceed(proceeding, event, out),
            (Phase::Deciding { .. }, Event::FactsGathered { facts, .. }) => self.keep_decision(facts, out),
            (Phase::Remembering { .. }, Event::Remembered { .. }) => {
                self.succeed("the record is stored", out)
            }
            (Phase::Paused { talk, .. }, Event::ResumeRequested { budget, .. }) => {
                self.resume(talk, *budget, out);
            }
            (Phase::Paused { .. }, Event::Refused { by, .. }) if self.applied.is_none() => {
                self.discarded_by_user(by, out);
            }
            (phase @ (Phase::Ended { .. } | Phase::Paused { .. }), Event::UndoRequested { .. }) => {
                self.start_reversal(phase, out);
            }
            (Phase::Reversing(reversal), event) => self.reverse(reversal, event, out),
            (phase, _) => self.phase = phase,
        }
    }

    pub(super) fn next_command(&mut self) -> CommandId {
        self.last_command += 1;
        CommandId(self.last_command)
    }

    pub(super) fn next_step(&mut self) -> StepId {
        self.last_step += 1;
        StepId(self.last_step)
    }

    pub(super) fn steps(&self) -> u32 {
        self.last_step
    }

    /// The step in progress. Before the first one: step 0, which never starts.
    pub(super) fn step_id(&self) -> StepId {
        self.step.as_ref().map_or(StepId(0), |step| step.id)
    }
}

/// Asks for a decision to be recorded.
pub(super) fn record(event: Event, out: &mut Vec<Command>) {
    out.push(Command::Record { event: Box::new(event) });
}
