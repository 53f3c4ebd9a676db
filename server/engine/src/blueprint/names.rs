//! The names of artifacts, inputs and triggers.

use super::{DeterministicAction, InputName, Trigger};

/// The name under which edits are passed on.
pub(super) const PATCH: &str = "patch";

impl DeterministicAction {
    /// The artifact that the action leaves, whether or not its stage declares it.
    pub const fn output(self) -> &'static str {
        match self {
            Self::BuildContextPack => "context_pack",
            Self::ApplyPatch => "patch_applied",
            Self::RunLinters => "lint_report",
            Self::RunTests => "test_report",
            Self::RunTask => "task_report",
            Self::Format => PATCH,
            Self::GenerateDiffReport => "diff_report",
            Self::PrepareReviewBundle => "review_bundle",
            Self::Propose => "proposal",
            Self::ApplyEdit => "apply_report",
            Self::Remember => "memory_record",
            Self::SummarizeRun => "summary",
            Self::FindRunbook => "remediation",
            Self::RunProcedure => PATCH,
            Self::RecordDecision => "decision",
        }
    }
}

impl Trigger {
    /// The name in a blueprint.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Diagnostic => "diagnostic",
            Self::Directive => "directive",
            Self::Selection => "selection",
            Self::Symbol => "symbol",
            Self::File => "file",
        }
    }
}

impl InputName {
    /// The name in a blueprint.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instruction => "instruction",
            Self::Target => "target",
            Self::FailingTest => "failing_test",
            Self::Diagnostics => "diagnostics",
            Self::Patch => "patch",
        }
    }
}
