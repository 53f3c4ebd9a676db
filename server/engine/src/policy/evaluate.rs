//! The gate itself.

use super::{Decision, Facts, PolicySnapshot, Toolset};
use crate::action::ActionRequest;
use crate::edit::ChangeSet;
use crate::ids::TaskName;
use crate::task::TaskSet;

/// Judges a batch of actions on the simulated state of the whole batch.
/// `changes` are the edits that the run has planned already.
pub fn evaluate(
    _batch: &[ActionRequest],
    _toolset: &Toolset,
    _tasks: &TaskSet,
    _facts: &Facts,
    _changes: &ChangeSet,
    _policy: &PolicySnapshot,
) -> Decision {
    todo!()
}

/// Judges a complete change set before it is proposed.
pub fn evaluate_changes(_changes: &ChangeSet, _policy: &PolicySnapshot) -> Decision {
    todo!()
}

/// Judges the running of a declared task.
pub fn evaluate_task(_task: &TaskName, _tasks: &TaskSet, _policy: &PolicySnapshot) -> Decision {
    todo!()
}
