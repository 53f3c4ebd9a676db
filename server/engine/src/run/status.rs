//! Where a run stands, for people and for surfaces. Reading only.

use super::state::{Phase, RunState};
use super::{Outcome, RunStarted};
use crate::context::ContextPack;
use crate::digest::Digest;
use crate::edit::ChangeSet;
use crate::model::Usage;

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It is going on, or about to begin.
    Active,
    /// It waits for the user to approve something.
    AwaitingApproval {
        /// What an approval must name.
        proposal: Digest,
        /// The unified diff.
        diff: String,
        /// Why it is asked, a line each.
        reasons: Vec<String>,
    },
    /// It waits for the user for another reason.
    Paused {
        /// Why, and what to do.
        reason: String,
    },
    /// It is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// For people.
        summary: String,
    },
}

/// A gate that is open for the present tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The tree that was judged.
    pub tree: Digest,
    /// For people: `run_tests: 12 tests passed`.
    pub summary: String,
}

impl RunState {
    /// How the run stands.
    pub fn status(&self) -> Status {
        let Some(run) = &self.run else {
            return Status::Active;
        };
        match &run.phase {
            Phase::Approval { proposal, diff, reasons, .. } => {
                Status::AwaitingApproval { proposal: *proposal, diff: diff.clone(), reasons: reasons.clone() }
            }
            Phase::Paused { reason } => Status::Paused { reason: reason.clone() },
            Phase::Ended { outcome, summary } => {
                Status::Ended { outcome: *outcome, summary: summary.clone() }
            }
            Phase::Between
            | Phase::Context { .. }
            | Phase::Agent(_)
            | Phase::Patch { .. }
            | Phase::Verifying(_)
            | Phase::Bases { .. }
            | Phase::Applying
            | Phase::Remembering { .. }
            | Phase::Reversing(_) => Status::Active,
        }
    }

    /// What it is doing, in a few words: `fix, attempt 2, turn 1`.
    pub fn activity(&self) -> String {
        let Some(run) = &self.run else {
            return "not started".into();
        };
        let stage = run.step.as_ref().map(|step| match step.attempt {
            1 => step.stage.id.to_string(),
            attempt => format!("{}, attempt {attempt}", step.stage.id),
        });
        let detail = match &run.phase {
            Phase::Agent(talk) => Some(talk.progress()),
            Phase::Approval { .. } => Some("waits for approval".into()),
            Phase::Paused { .. } => Some("paused".into()),
            Phase::Ended { .. } => Some("ended".into()),
            Phase::Reversing(_) => Some("undoing".into()),
            Phase::Between
            | Phase::Context { .. }
            | Phase::Patch { .. }
            | Phase::Verifying(_)
            | Phase::Bases { .. }
            | Phase::Applying
            | Phase::Remembering { .. } => None,
        };
        stage.into_iter().chain(detail).collect::<Vec<_>>().join(", ")
    }

    /// What the run was started with.
    pub fn start(&self) -> Option<&RunStarted> {
        self.run.as_ref().map(|run| &run.start)
    }

    /// The proposed edits.
    pub fn changes(&self) -> Option<&ChangeSet> {
        self.run.as_ref().map(|run| &run.changes)
    }

    /// What stands in the user's files through this run.
    pub fn applied(&self) -> Option<&ChangeSet> {
        self.run.as_ref().and_then(|run| run.applied.as_ref())
    }

    /// The last context pack.
    pub fn pack(&self) -> Option<&ContextPack> {
        self.run.as_ref().and_then(|run| run.pack.as_ref())
    }

    /// A named text artifact.
    pub fn artifact(&self, name: &str) -> Option<&str> {
        self.run.as_ref().and_then(|run| run.artifacts.get(name)).map(String::as_str)
    }

    /// The gates that are open for the tree as it is proposed.
    pub fn evidence(&self) -> Vec<Evidence> {
        let Some(run) = &self.run else {
            return Vec::new();
        };
        let tree = run.changes.tree();
        run.evidence_for(tree).into_iter().map(|summary| Evidence { tree, summary }).collect()
    }

    /// Tokens so far.
    pub fn usage(&self) -> Usage {
        self.run.as_ref().map(|run| run.usage).unwrap_or_default()
    }
}
