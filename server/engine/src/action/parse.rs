//! From a reply's bytes to actions, strictly.

use super::ActionRequest;
use crate::model::ToolCall;

/// Why a reply is not a list of actions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReplyError(pub String);

/// Parses `{"actions": [{"id": "a1", "kind": "replace_text", …}, …]}`.
///
/// # Errors
/// Names the place and what to write instead.
pub fn parse_document(_document: &str) -> Result<Vec<ActionRequest>, ReplyError> {
    todo!()
}

/// Parses native tool calls: the tool's name is the action's kind, its arguments the rest.
///
/// # Errors
/// Names the call and what to write instead.
pub fn parse_tool_calls(_calls: &[ToolCall]) -> Result<Vec<ActionRequest>, ReplyError> {
    todo!()
}
