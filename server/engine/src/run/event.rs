//! What happened. Events are what the journal holds; nothing else moves a run.
//!
//! Two sorts: *answers* come from the world (a reply, a report, a decision of the user);
//! *decisions* come from the engine itself through [`Command::Record`](super::Command), so
//! that an auditor reads them in the journal and a replay can check them.

mod seen;
mod start;

pub use seen::{ApplyReport, FileOutcome, HydratedText, LiveText, Look, Nearness};
pub use start::{DiagnosticInput, Inputs, OpenDocument, RelatedPlace, RunStarted, Target};

use crate::budget::Budget;
use crate::context::{Candidate, PackPart};
use crate::digest::Digest;
use crate::edit::Part;
use crate::ids::{CommandId, ModelName, StageId, StepId, TaskName};
use crate::memory::Remedy;
use crate::model::{ModelError, ModelReply};
use crate::path::WorkspacePath;
use crate::policy::{Decision, Facts};
use crate::redact::Hidden;
use crate::task::{Judgement, TaskReport};
use serde::{Deserialize, Serialize};

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Answer of the world: the user started a run.
    RunStarted(Box<RunStarted>),
    /// Decision: an attempt of a stage begins.
    StepStarted {
        /// The step.
        step: StepId,
        /// Its stage.
        stage: StageId,
        /// Which attempt of the stage, counted from 1.
        attempt: u32,
    },
    /// Decision: the gate judged something.
    PolicyDecided {
        /// The step it was judged for.
        step: StepId,
        /// What was judged, for people: `3 actions`, `task test`, `proposal`.
        subject: String,
        /// The verdict and why.
        decision: Decision,
    },
    /// Answer: candidates for the context pack.
    ContextGathered {
        /// The command that is answered.
        command: CommandId,
        /// What was found, at most `CONTEXT_CANDIDATES_MAX`.
        candidates: Vec<Candidate>,
        /// The secrets in them, as their whole files give them away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hidden: Vec<Hidden>,
    },
    /// Decision: the pack was built.
    ContextBuilt {
        /// The step.
        step: StepId,
        /// The pack's digest.
        pack: Digest,
        /// Estimated tokens.
        tokens: usize,
        /// What is in it and what was left out.
        parts: Vec<PackPart>,
    },
    /// Decision: this request waits for the user, who wants to see each before it leaves.
    RequestProposed {
        /// The step.
        step: StepId,
        /// Which turn of the step.
        turn: u32,
        /// To which model.
        model: ModelName,
        /// The digest of the request: what an approval binds.
        request: Digest,
        /// Its estimated tokens.
        tokens: u64,
    },
    /// Decision: this request is about to leave.
    ModelRequested {
        /// The command that will carry it.
        command: CommandId,
        /// The step.
        step: StepId,
        /// Which turn of the step.
        turn: u32,
        /// To which model.
        model: ModelName,
        /// The digest of the request.
        request: Digest,
    },
    /// Answer: the model's whole reply.
    ModelReplied {
        /// The command that is answered.
        command: CommandId,
        /// The reply.
        reply: ModelReply,
        /// Wall time in milliseconds.
        duration_ms: u64,
    },
    /// Answer: no reply.
    ModelFailed {
        /// The command that is answered.
        command: CommandId,
        /// Why.
        error: ModelError,
    },
    /// Decision: a reply could not be taken as actions; the model is told.
    ReplyRejected {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// Answer: what stands at the paths that the actions name.
    FactsGathered {
        /// The command that is answered.
        command: CommandId,
        /// The facts.
        facts: Facts,
    },
    /// Answer: texts for reading actions, not yet redacted.
    Hydrated {
        /// The command that is answered.
        command: CommandId,
        /// In the order of the reads.
        texts: Vec<HydratedText>,
    },
    /// Decision: the edits of a reply were planned, all of them.
    EditsPlanned {
        /// The step.
        step: StepId,
        /// The files touched by the run so far.
        files: Vec<WorkspacePath>,
        /// The proposed tree.
        tree: Digest,
    },
    /// Answer: a task ended.
    TaskFinished {
        /// The command that is answered.
        command: CommandId,
        /// The report.
        report: Box<TaskReport>,
        /// The tree it ran on.
        tree: Digest,
    },
    /// Decision: a gate was judged.
    GateJudged {
        /// The step.
        step: StepId,
        /// The tree it holds for.
        tree: Digest,
        /// The judgement.
        judgement: Judgement,
    },
    /// Decision: an attempt ended.
    StepFinished {
        /// The step.
        step: StepId,
        /// How.
        outcome: StepOutcome,
    },
    /// Decision: a change set waits for the user, or needs not to.
    Proposed {
        /// The step.
        step: StepId,
        /// What an approval binds.
        proposal: Digest,
        /// The verdict and why.
        decision: Decision,
        /// The unified diff.
        diff: String,
    },
    /// Answer: the user approved exactly this.
    Approved {
        /// The proposal, stage result or request.
        proposal: Digest,
        /// Who, or by which surface: `terminal`, `neovim`.
        by: String,
    },
    /// Answer: the user refused, or gives a paused run up.
    Refused {
        /// The proposal, stage result or request; of a paused run, what it has planned.
        proposal: Digest,
        /// Who.
        by: String,
    },
    /// Answer: the user wants the proposal without these parts.
    PartsRejected {
        /// The proposal that they are parts of.
        proposal: Digest,
        /// The parts.
        parts: Vec<Part>,
        /// Who.
        by: String,
    },
    /// Answer: what stands now where edits are to be applied: the open buffer, else the disk.
    BasesChecked {
        /// The command that is answered.
        command: CommandId,
        /// One for each path asked for.
        texts: Vec<LiveText>,
        /// All open buffers whose text differs from the disk now. Journals of before have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        open_documents: Option<Vec<OpenDocument>>,
        /// How near to the run's own edits others may have changed lines.
        #[serde(default, skip_serializing_if = "Nearness::is_apart")]
        nearness: Nearness,
    },
    /// Decision: files changed meanwhile without overlap; the edits were rebased and must be
    /// verified again.
    Rebased {
        /// The step.
        step: StepId,
        /// The files that had moved.
        files: Vec<WorkspacePath>,
        /// The new proposed tree.
        tree: Digest,
    },
    /// Decision: edits are about to be applied. Durable before the first byte is written.
    ApplyIntended {
        /// The command that will apply them.
        command: CommandId,
        /// The change set.
        changes: Digest,
    },
    /// Answer: what stands in each file after applying.
    Applied {
        /// The command that is answered.
        command: CommandId,
        /// File by file.
        report: ApplyReport,
    },
    /// Decision: this is what a runbook approves for the failure.
    RunbookFound {
        /// The step.
        step: StepId,
        /// What is to be done.
        remedy: Box<Remedy>,
    },
    /// Decision: a task of a procedure was judged.
    ProcedureStepped {
        /// The step.
        step: StepId,
        /// Which part of the procedure it belongs to.
        part: ProcedurePart,
        /// The task.
        task: TaskName,
        /// The judgement of its report.
        judgement: Judgement,
    },
    /// Answer: the pointer record is stored.
    Remembered {
        /// The command that is answered.
        command: CommandId,
    },
    /// Answer: something the driver should carry out could not be carried out at all.
    CommandFailed {
        /// The command.
        command: CommandId,
        /// Why, and what to do.
        reason: String,
    },
    /// Answer: the user cancelled.
    CancelRequested {
        /// Who.
        by: String,
    },
    /// Answer: the user wants a paused run to go on.
    ResumeRequested {
        /// Who.
        by: String,
        /// The user's limits as they are now, which go on from here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<Budget>,
    },
    /// Answer: the user wants an applied run to be taken back, or the taking back to be undone.
    UndoRequested {
        /// Who.
        by: String,
    },
    /// Decision: the run halts until the user acts.
    RunPaused {
        /// Why, and what to do.
        reason: String,
    },
    /// Decision: the run is over (an undo can still follow).
    RunEnded {
        /// How.
        outcome: Outcome,
        /// For people.
        summary: String,
    },
}

/// A part of a procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcedurePart {
    /// What must hold before.
    Precondition,
    /// What is done.
    Step,
    /// What is done when a step has failed.
    Rollback,
}

impl ProcedurePart {
    /// `precondition`, `step` or `rollback`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Precondition => "precondition",
            Self::Step => "step",
            Self::Rollback => "rollback",
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum StepOutcome {
    /// The stage's work is done.
    Succeeded {
        /// For people.
        summary: String,
    },
    /// It is not, and the blueprint says what then.
    Failed {
        /// Why.
        reason: String,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Through `done`.
    Done,
    /// Through `fail`, or stopped by a limit or the policy.
    Failed,
    /// By the user.
    Cancelled,
    /// By the user, who refused the proposal.
    Discarded,
    /// Done, and taken back since.
    Undone,
}

impl Event {
    /// True for what the engine itself decided.
    pub const fn is_decision(&self) -> bool {
        match self {
            Self::StepStarted { .. }
            | Self::PolicyDecided { .. }
            | Self::ContextBuilt { .. }
            | Self::RequestProposed { .. }
            | Self::ModelRequested { .. }
            | Self::ReplyRejected { .. }
            | Self::EditsPlanned { .. }
            | Self::GateJudged { .. }
            | Self::StepFinished { .. }
            | Self::Proposed { .. }
            | Self::Rebased { .. }
            | Self::ApplyIntended { .. }
            | Self::RunbookFound { .. }
            | Self::ProcedureStepped { .. }
            | Self::RunPaused { .. }
            | Self::RunEnded { .. } => true,
            Self::RunStarted(_)
            | Self::ContextGathered { .. }
            | Self::ModelReplied { .. }
            | Self::ModelFailed { .. }
            | Self::FactsGathered { .. }
            | Self::Hydrated { .. }
            | Self::TaskFinished { .. }
            | Self::Approved { .. }
            | Self::Refused { .. }
            | Self::PartsRejected { .. }
            | Self::BasesChecked { .. }
            | Self::Applied { .. }
            | Self::Remembered { .. }
            | Self::CommandFailed { .. }
            | Self::CancelRequested { .. }
            | Self::ResumeRequested { .. }
            | Self::UndoRequested { .. } => false,
        }
    }

    /// The command that the event answers, if it answers one.
    pub const fn answers(&self) -> Option<CommandId> {
        match self {
            Self::ContextGathered { command, .. }
            | Self::ModelReplied { command, .. }
            | Self::ModelFailed { command, .. }
            | Self::FactsGathered { command, .. }
            | Self::Hydrated { command, .. }
            | Self::TaskFinished { command, .. }
            | Self::BasesChecked { command, .. }
            | Self::Applied { command, .. }
            | Self::Remembered { command }
            | Self::CommandFailed { command, .. } => Some(*command),
            Self::RunStarted(_)
            | Self::StepStarted { .. }
            | Self::PolicyDecided { .. }
            | Self::ContextBuilt { .. }
            | Self::RequestProposed { .. }
            | Self::ModelRequested { .. }
            | Self::ReplyRejected { .. }
            | Self::EditsPlanned { .. }
            | Self::GateJudged { .. }
            | Self::StepFinished { .. }
            | Self::Proposed { .. }
            | Self::Approved { .. }
            | Self::Refused { .. }
            | Self::PartsRejected { .. }
            | Self::Rebased { .. }
            | Self::ApplyIntended { .. }
            | Self::RunbookFound { .. }
            | Self::ProcedureStepped { .. }
            | Self::CancelRequested { .. }
            | Self::ResumeRequested { .. }
            | Self::UndoRequested { .. }
            | Self::RunPaused { .. }
            | Self::RunEnded { .. } => None,
        }
    }

    /// The name under which the journal files it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run_started",
            Self::StepStarted { .. } => "step_started",
            Self::PolicyDecided { .. } => "policy_decided",
            Self::ContextGathered { .. } => "context_gathered",
            Self::ContextBuilt { .. } => "context_built",
            Self::RequestProposed { .. } => "request_proposed",
            Self::ModelRequested { .. } => "model_requested",
            Self::ModelReplied { .. } => "model_replied",
            Self::ModelFailed { .. } => "model_failed",
            Self::ReplyRejected { .. } => "reply_rejected",
            Self::FactsGathered { .. } => "facts_gathered",
            Self::Hydrated { .. } => "hydrated",
            Self::EditsPlanned { .. } => "edits_planned",
            Self::TaskFinished { .. } => "task_finished",
            Self::GateJudged { .. } => "gate_judged",
            Self::StepFinished { .. } => "step_finished",
            Self::Proposed { .. } => "proposed",
            Self::Approved { .. } => "approved",
            Self::Refused { .. } => "refused",
            Self::PartsRejected { .. } => "parts_rejected",
            Self::BasesChecked { .. } => "bases_checked",
            Self::Rebased { .. } => "rebased",
            Self::ApplyIntended { .. } => "apply_intended",
            Self::Applied { .. } => "applied",
            Self::RunbookFound { .. } => "runbook_found",
            Self::ProcedureStepped { .. } => "procedure_stepped",
            Self::Remembered { .. } => "remembered",
            Self::CommandFailed { .. } => "command_failed",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::ResumeRequested { .. } => "resume_requested",
            Self::UndoRequested { .. } => "undo_requested",
            Self::RunPaused { .. } => "run_paused",
            Self::RunEnded { .. } => "run_ended",
        }
    }
}
