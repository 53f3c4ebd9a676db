//! The proof that no edit is applied before its gates have been passed.

use super::Blueprint;
use crate::ids::StageId;

/// A path on which an edit would be applied although a gate was not passed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escape {
    /// The stages of the path, in order; the last applies the edits.
    pub path: Vec<StageId>,
    /// The gate that is missing, by its action's name.
    pub gate: String,
}

/// Proves by data flow over the graph that every path to an apply has passed the gates.
///
/// # Errors
/// A shortest offending path.
pub fn prove(_blueprint: &Blueprint) -> Result<(), Escape> {
    todo!()
}
