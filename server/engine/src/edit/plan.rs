//! From actions to a change set, all or nothing.

use super::ChangeSet;
use crate::action::ActionRequest;
use crate::ids::ActionId;
use crate::policy::Facts;

/// Why a batch cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing was changed: {}", failures.iter().map(|(id, why)| format!("{id}: {why}")).collect::<Vec<_>>().join("; "))]
pub struct PlanError {
    /// The actions that could not be planned, and why.
    pub failures: Vec<(ActionId, String)>,
}

/// Applies a batch of editing actions to the proposed state. Other actions are passed over.
/// A file's present text is its proposed text in `changes`, else the text in `facts`.
///
/// # Errors
/// If any action cannot be planned, none is.
pub fn plan(_changes: &ChangeSet, _batch: &[ActionRequest], _facts: &Facts) -> Result<ChangeSet, PlanError> {
    todo!()
}
