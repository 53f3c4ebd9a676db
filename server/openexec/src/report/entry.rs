//! What an event says to people, typed.

use openexec_engine::context::PackPart;
use openexec_engine::digest::Digest;
use openexec_engine::edit::Part;
use openexec_engine::ids::TaskName;
use openexec_engine::model::{ModelError, ModelReply};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::Decision;
use openexec_engine::run::{Event, Outcome, ProcedurePart};
use openexec_engine::task::{Judgement, TaskReport};

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Milliseconds since the run began.
    pub(super) at_ms: u64,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// The gate of the policy judged something.
    Judged { subject: String, decision: Decision },
    /// The context for the model was put together.
    Context { tokens: usize, parts: Vec<PackPart> },
    /// This request waits for the user; its place among the run's requests.
    RequestWaits(usize),
    /// This request left; its place among the run's requests.
    Asked(usize),
    /// The model answered.
    Answered(Box<ModelReply>),
    /// The model did not.
    NoAnswer(ModelError),
    /// A reply was no use.
    ReplyRejected { reason: String },
    /// The model was shown these, by their titles; or told why not.
    Read(Vec<(String, Option<String>)>),
    /// Edits exist in the shadow.
    Edited { files: Vec<WorkspacePath>, tree: Digest },
    /// A task ran on this tree.
    Ran { report: Box<TaskReport>, tree: Digest },
    /// A gate judged this tree.
    Gate { judgement: Judgement, tree: Digest },
    /// The edits were put before the user or the policy.
    Proposed { proposal: Digest, decision: Decision, diff: String },
    /// The user said yes to exactly this.
    Approved { proposal: Digest, by: String },
    /// The user said no.
    Refused { proposal: Digest, by: String },
    /// The user wants it without these.
    PartsRejected { parts: Vec<Part>, by: String },
    /// The user had changed these files meanwhile.
    Rebased { files: Vec<WorkspacePath>, tree: Digest },
    /// The edits stand in these files, or nothing does.
    Applied { files: Vec<(WorkspacePath, Option<Digest>)>, answer: Option<String> },
    /// A runbook knows the failure and approves this, line by line.
    RunbookFound { lines: Vec<String> },
    /// A task of a procedure was judged.
    ProcedureStepped { part: ProcedurePart, task: TaskName, judgement: Judgement },
    /// A record was stored.
    Remembered,
    /// Something could not be carried out.
    Failed { reason: String },
    /// The user stopped it.
    Cancelled { by: String },
    /// The user let it go on.
    Resumed { by: String },
    /// The user took it back, or the taking back.
    UndoAsked { by: String },
    /// It waits for the user.
    Paused { reason: String },
    /// It is over.
    Ended { outcome: Outcome, summary: String },
}

/// What an event says; nothing where it is only for machines, or where the chapters say it.
pub(super) fn what(event: &Event) -> Option<What> {
    Some(match event {
        Event::PolicyDecided { subject, decision, .. } => {
            What::Judged { subject: subject.clone(), decision: decision.clone() }
        }
        Event::ContextBuilt { tokens, parts, .. } => What::Context { tokens: *tokens, parts: parts.clone() },
        Event::ModelReplied { reply, .. } => What::Answered(Box::new(reply.clone())),
        Event::ModelFailed { error, .. } => What::NoAnswer(error.clone()),
        Event::ReplyRejected { reason, .. } => What::ReplyRejected { reason: reason.clone() },
        Event::Hydrated { texts, .. } => What::Read(
            texts.iter().map(|text| (text.title.clone(), text.text.as_ref().err().cloned())).collect(),
        ),
        Event::EditsPlanned { files, tree, .. } => What::Edited { files: files.clone(), tree: *tree },
        Event::TaskFinished { report, tree, .. } => What::Ran { report: report.clone(), tree: *tree },
        Event::GateJudged { judgement, tree, .. } => What::Gate { judgement: judgement.clone(), tree: *tree },
        Event::Proposed { proposal, decision, diff, .. } => {
            What::Proposed { proposal: *proposal, decision: decision.clone(), diff: diff.clone() }
        }
        Event::Approved { proposal, by } => What::Approved { proposal: *proposal, by: by.clone() },
        Event::Refused { proposal, by } => What::Refused { proposal: *proposal, by: by.clone() },
        Event::PartsRejected { parts, by, .. } => {
            What::PartsRejected { parts: parts.clone(), by: by.clone() }
        }
        Event::Rebased { files, tree, .. } => What::Rebased { files: files.clone(), tree: *tree },
        Event::Applied { report, .. } => What::Applied {
            files: report.files.iter().map(|file| (file.path.clone(), file.text)).collect(),
            answer: report.answer.clone(),
        },
        Event::RunbookFound { remedy, .. } => What::RunbookFound { lines: remedy.lines() },
        Event::ProcedureStepped { part, task, judgement, .. } => {
            What::ProcedureStepped { part: *part, task: task.clone(), judgement: judgement.clone() }
        }
        Event::Remembered { .. } => What::Remembered,
        Event::CommandFailed { reason, .. } => What::Failed { reason: reason.clone() },
        Event::CancelRequested { by } => What::Cancelled { by: by.clone() },
        Event::ResumeRequested { by, .. } => What::Resumed { by: by.clone() },
        Event::UndoRequested { by } => What::UndoAsked { by: by.clone() },
        Event::RunPaused { reason } => What::Paused { reason: reason.clone() },
        Event::RunEnded { outcome, summary } => What::Ended { outcome: *outcome, summary: summary.clone() },
        Event::RunStarted(_)
        | Event::StepStarted { .. }
        | Event::StepFinished { .. }
        | Event::RequestProposed { .. }
        | Event::ModelRequested { .. }
        | Event::ContextGathered { .. }
        | Event::FactsGathered { .. }
        | Event::BasesChecked { .. }
        | Event::ApplyIntended { .. } => return None,
    })
}
