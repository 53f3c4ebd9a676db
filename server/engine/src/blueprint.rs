//! Blueprints: workflows as graphs of stages. This module parses them, validates them and
//! proves that no edit can be applied before its gates have been passed.
//!
//! A blueprint contains no shell, no expression, no template and no policy.

mod chart;
mod gate;
mod graph;
mod load;
mod names;
mod prove;
mod schema;
mod sketch;

pub use crate::yaml::{Diagnostic, LoadError, Mend, Related};
pub use chart::{Chart, ChartEdge, ChartStage};
pub use gate::with_gates;
pub use load::{Examined, examine, load};
pub use prove::{Escape, prove};
pub use schema::json_schema;
pub use sketch::{Named, Sketch, SketchedStage};

use crate::digest::Digest;
use crate::ids::{ArtifactName, BlueprintName, StageId, TaskName, ToolsetName};
use crate::policy::{ApprovalMode, SandboxMode};
use crate::task::{Expectation, TimeoutClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A validated blueprint: every route leads somewhere, every default is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// Its name.
    pub name: BlueprintName,
    /// For people.
    pub description: String,
    /// The actions that agent stages may use, unless a stage names its own.
    pub toolset: ToolsetName,
    /// How far effects may reach.
    pub sandbox: SandboxMode,
    /// When a proposal waits for the user.
    pub approval_mode: ApprovalMode,
    /// Where an editor offers it.
    pub triggers: Vec<Trigger>,
    /// What it must be given.
    pub inputs: Vec<InputDeclaration>,
    /// The gates that every edit must pass before it is applied.
    pub gates: Vec<DeterministicAction>,
    /// The stages, in the order of the file. The first is where a run begins.
    pub stages: Vec<Stage>,
}

/// Where an editor offers a blueprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// On a test.
    Test,
    /// On a diagnostic of another server.
    Diagnostic,
    /// On a comment directive `openexec: …`.
    Directive,
    /// On a selection.
    Selection,
    /// On the enclosing symbol.
    Symbol,
    /// On any place of a file.
    File,
}

/// An input that a run is started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputDeclaration {
    /// Which input.
    pub name: InputName,
    /// Whether a run can start without it.
    #[serde(default)]
    pub required: bool,
}

/// The inputs that a run can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputName {
    /// Free text from the user.
    Instruction,
    /// A place in a file.
    Target,
    /// The name of a failing test.
    FailingTest,
    /// Diagnostics of another server.
    Diagnostics,
    /// A unified diff, for `apply_patch`.
    Patch,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Unique in the blueprint.
    pub id: StageId,
    /// What it does.
    pub work: Work,
    /// Artifacts that must exist when it starts.
    pub inputs: Vec<ArtifactName>,
    /// Artifacts that it leaves.
    pub outputs: Vec<ArtifactName>,
    /// How often it may be attempted again after the first attempt, in place or by a route
    /// that leads back to it.
    pub retry_limit: u32,
    /// How long one attempt may take.
    pub timeout: TimeoutClass,
    /// Whether the user must approve its result before the run goes on.
    pub approval_required: bool,
    /// Where the run goes when it succeeds.
    pub on_success: Route,
    /// Where it goes when it fails and may not be retried.
    pub on_failure: Route,
}

impl Stage {
    /// True when the stage can change the proposed tree.
    pub fn edits(&self) -> bool {
        match &self.work {
            Work::Agent { edits, .. } => *edits,
            Work::Deterministic { action, .. } => action.edits(),
        }
    }
}

/// What a stage does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Work {
    /// Code of ours.
    Deterministic {
        /// Which.
        action: DeterministicAction,
        /// For `run_task`: which task.
        task: Option<TaskName>,
        /// For gates: what is demanded.
        expect: Expectation,
    },
    /// A model, within its toolset.
    Agent {
        /// What it is asked to achieve.
        goal: String,
        /// The actions it may use.
        toolset: ToolsetName,
        /// Whether it may edit: `outputs` names `patch`, or the file declares no outputs.
        edits: bool,
    },
}

/// Where a run goes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Route {
    /// To this stage.
    Stage {
        /// Its id.
        id: StageId,
    },
    /// To the end, successfully.
    Done,
    /// To the end, with an error.
    Fail,
    /// To a halt that the user can end.
    Paused,
}

/// The actions that are code of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeterministicAction {
    /// Assemble the context for the next agent stage.
    BuildContextPack,
    /// Write the run's edits, or the input `patch`, into the shadow.
    ApplyPatch,
    /// Run the declared lint tasks in the shadow.
    RunLinters,
    /// Run the declared test tasks in the shadow.
    RunTests,
    /// Run one declared task in the shadow.
    RunTask,
    /// Run the declared format tasks in the shadow and take over what they rewrite.
    Format,
    /// Render the proposed edits as a diff for people.
    GenerateDiffReport,
    /// Put diff, verdicts and evidence together for a review.
    PrepareReviewBundle,
    /// Put the change set before the user, where the policy asks for it.
    Propose,
    /// Hand the change set to the editor, or write it when there is none.
    ApplyEdit,
    /// Write a pointer record of the run.
    Remember,
    /// Summarise the run from its journal.
    SummarizeRun,
    /// Find the runbook that knows the failure, and the procedure that it approves for it.
    FindRunbook,
    /// Carry out the procedure that was found, once the user has agreed to exactly it: declared
    /// tasks in the shadow, each judged by the policy, with rollback.
    RunProcedure,
    /// Write down why the symbol at the target is as it is.
    RecordDecision,
}

impl DeterministicAction {
    /// Every action, in the order of the reference.
    pub const ALL: [Self; 15] = [
        Self::BuildContextPack,
        Self::ApplyPatch,
        Self::RunLinters,
        Self::RunTests,
        Self::RunTask,
        Self::Format,
        Self::GenerateDiffReport,
        Self::PrepareReviewBundle,
        Self::Propose,
        Self::ApplyEdit,
        Self::Remember,
        Self::SummarizeRun,
        Self::FindRunbook,
        Self::RunProcedure,
        Self::RecordDecision,
    ];

    /// The name in a blueprint.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuildContextPack => "build_context_pack",
            Self::ApplyPatch => "apply_patch",
            Self::RunLinters => "run_linters",
            Self::RunTests => "run_tests",
            Self::RunTask => "run_task",
            Self::Format => "format",
            Self::GenerateDiffReport => "generate_diff_report",
            Self::PrepareReviewBundle => "prepare_review_bundle",
            Self::Propose => "propose",
            Self::ApplyEdit => "apply_edit",
            Self::Remember => "remember",
            Self::SummarizeRun => "summarize_run",
            Self::FindRunbook => "find_runbook",
            Self::RunProcedure => "run_procedure",
            Self::RecordDecision => "record_decision",
        }
    }

    /// True when the action can change the proposed tree, so that gates must be passed again.
    pub const fn edits(self) -> bool {
        matches!(self, Self::ApplyPatch | Self::Format | Self::RunProcedure)
    }

    /// True when carrying it out twice has the effect of carrying it out once.
    pub const fn is_idempotent(self) -> bool {
        match self {
            Self::Propose | Self::ApplyEdit | Self::Remember | Self::RunProcedure | Self::RecordDecision => {
                false
            }
            Self::BuildContextPack
            | Self::ApplyPatch
            | Self::RunLinters
            | Self::RunTests
            | Self::RunTask
            | Self::Format
            | Self::GenerateDiffReport
            | Self::PrepareReviewBundle
            | Self::SummarizeRun
            | Self::FindRunbook => true,
        }
    }

    /// The timeout class where the blueprint names none.
    pub const fn timeout(self) -> TimeoutClass {
        match self {
            Self::RunLinters | Self::RunTests | Self::RunTask | Self::RunProcedure => TimeoutClass::Long,
            Self::Format => TimeoutClass::Medium,
            Self::BuildContextPack
            | Self::ApplyPatch
            | Self::GenerateDiffReport
            | Self::PrepareReviewBundle
            | Self::Propose
            | Self::ApplyEdit
            | Self::Remember
            | Self::SummarizeRun
            | Self::FindRunbook
            | Self::RecordDecision => TimeoutClass::Fast,
        }
    }
}

impl Blueprint {
    /// Names the workflow.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The stage of this id.
    pub fn stage(&self, id: &StageId) -> Option<&Stage> {
        self.stages.iter().find(|stage| &stage.id == id)
    }

    /// True when some stage asks a model.
    pub fn asks_a_model(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage.work, Work::Agent { .. }))
    }

    /// True when some stage applies the edits; otherwise they are applied on the way to `done`.
    pub fn applies_explicitly(&self) -> bool {
        self.stages.iter().any(|stage| {
            matches!(&stage.work, Work::Deterministic { action: DeterministicAction::ApplyEdit, .. })
        })
    }
}
