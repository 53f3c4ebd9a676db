//! One JSON Schema for each action, generated from the types.

use super::ActionKind;
use serde_json::Value;

/// An action as a model is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionSchema {
    /// Which.
    pub kind: ActionKind,
    /// What it does.
    pub description: String,
    /// The schema of its arguments: an object, closed, without `kind` and `id`.
    pub arguments: Value,
}

/// The schema of one action.
pub fn schema_of(_kind: ActionKind) -> ActionSchema {
    todo!()
}

/// The schemas of several actions, in their order.
pub fn schemas_for(kinds: &[ActionKind]) -> Vec<ActionSchema> {
    kinds.iter().map(|kind| schema_of(*kind)).collect()
}

/// The schema of a whole reply `{"actions": […]}` for models without tool calling.
pub fn document_schema(_kinds: &[ActionKind]) -> Value {
    todo!()
}
