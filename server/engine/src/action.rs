//! The typed action contract: everything a model can say that has a meaning.
//!
//! A reply becomes actions in [`parse`], strictly: one document, no unknown field, no
//! duplicate key or id, limits before allocation. What does not parse has no effect.
//! Nothing here judges whether an action is allowed: the policy does.

mod parse;
#[cfg(test)]
pub(crate) mod samples;
mod schema;

pub use parse::{ReplyError, parse_document, parse_tool_calls};
pub use schema::{ActionSchema, document_schema, schema_of, schemas_for};

use crate::ids::{ActionId, TaskName};
use crate::path::RequestedPath;
use crate::task::TaskArg;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One action of a reply, with the id that the model gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// Unique within the reply.
    pub id: ActionId,
    /// What is asked for.
    pub action: Action,
}

/// What a model can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Replace a piece of a file's text. `old` must occur in the file exactly once.
    ReplaceText(ReplaceText),
    /// Replace a whole symbol: its attributes, doc comment, signature and body.
    ReplaceSymbol(ReplaceSymbol),
    /// Insert text directly before or after a symbol.
    InsertAtSymbol(InsertAtSymbol),
    /// Replace a range of a file, as positions of the text that `base_hash` or `version` names.
    /// Ranges of one reply with the same base all count in that base; they must not overlap.
    ReplaceRange(ReplaceRange),
    /// Create a file that does not exist yet.
    CreateFile(CreateFile),
    /// Delete a file.
    DeleteFile(DeleteFile),
    /// Rename a file; the new path must not exist yet.
    RenameFile(RenameFile),
    /// Read a range of a file's lines.
    ReadFile(ReadFile),
    /// Read one symbol of a file.
    ReadSymbol(ReadSymbol),
    /// Search the workspace for a literal text.
    Search(Search),
    /// Ask for a declared task to be run in the shadow.
    RunTask(RunTask),
    /// Note a fact about this workspace for later runs. It is kept as data, never as a rule.
    Remember(Remember),
    /// Say that this stage's work is complete.
    Finish(Finish),
}

/// See [`Action::ReplaceText`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceText {
    /// The file, relative to the workspace root.
    pub path: RequestedPath,
    /// The exact present text, with enough lines around it to occur only once.
    pub old: String,
    /// The text to stand there instead.
    pub new: String,
}

/// See [`Action::ReplaceSymbol`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceSymbol {
    /// The file, relative to the workspace root.
    pub path: RequestedPath,
    /// The symbol's qualified name, such as `Parser::next` or `Parser.next`.
    pub symbol: String,
    /// The complete new text of the symbol.
    pub text: String,
}

/// Which side of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Directly before it.
    Before,
    /// Directly after it.
    After,
}

/// See [`Action::InsertAtSymbol`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InsertAtSymbol {
    /// The file, relative to the workspace root.
    pub path: RequestedPath,
    /// The symbol's qualified name.
    pub symbol: String,
    /// Before or after it.
    pub side: Side,
    /// The text to insert.
    pub text: String,
}

/// A place in a text, as the Language Server Protocol counts: both from 0, characters in
/// UTF-16 code units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The line, counted from 0.
    pub line: u32,
    /// The UTF-16 code unit in the line, counted from 0.
    pub character: u32,
}

/// From one place up to, and without, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceRange {
    /// Where it begins.
    pub start: Place,
    /// Where it ends; not before `start`.
    pub end: Place,
}

/// See [`Action::ReplaceRange`]. Exactly one of `base_hash` and `version` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceRange {
    /// The file, relative to the workspace root.
    pub path: RequestedPath,
    /// The text that the range was chosen in: `sha256:` and 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
    /// Or the version of the open document that the range was chosen in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// What is replaced.
    pub range: PlaceRange,
    /// The text to stand there instead.
    pub text: String,
}

/// See [`Action::CreateFile`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateFile {
    /// The file, relative to the workspace root. It must not exist, unless `overwrite` is true.
    pub path: RequestedPath,
    /// Its whole text.
    pub text: String,
    /// True to replace the whole text of the file that stands there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overwrite: bool,
}

/// See [`Action::DeleteFile`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteFile {
    /// The file, relative to the workspace root.
    pub path: RequestedPath,
    /// The text that is to be deleted, and no other: `sha256:` and 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
}

/// See [`Action::RenameFile`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameFile {
    /// The file, relative to the workspace root.
    pub path: RequestedPath,
    /// Its new path, which must not exist.
    pub new_path: RequestedPath,
    /// The text that is to be moved, and no other: `sha256:` and 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
}

/// See [`Action::ReadFile`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadFile {
    /// The file, relative to the workspace root.
    pub path: RequestedPath,
    /// The first line, counted from 1; the file's first when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_line: Option<u32>,
    /// The last line, included; the file's last when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<u32>,
}

/// See [`Action::ReadSymbol`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSymbol {
    /// The file, relative to the workspace root.
    pub path: RequestedPath,
    /// The symbol's qualified name.
    pub symbol: String,
}

/// See [`Action::Search`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// The literal text to look for.
    pub text: String,
    /// Only below this folder or in this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<RequestedPath>,
}

/// See [`Action::RunTask`]. There are no free arguments: a task takes the parameters that were
/// declared with it, each checked against its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTask {
    /// The name of a declared task.
    pub task: TaskName,
    /// Values for parameters that the task declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<TaskArg>,
}

/// See [`Action::Remember`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remember {
    /// The fact, in a sentence or two.
    pub text: String,
    /// A short name for it: lower-case letters, digits, `_` and `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whom it concerns; `workspace`, which is also the default, is the only scope there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// See [`Action::Finish`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// What was done and why, in a few sentences. It is shown and remembered, never obeyed.
    pub summary: String,
}

/// The kinds of action, without their contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented on `Action`")]
pub enum ActionKind {
    ReplaceText,
    ReplaceSymbol,
    InsertAtSymbol,
    ReplaceRange,
    CreateFile,
    DeleteFile,
    RenameFile,
    ReadFile,
    ReadSymbol,
    Search,
    RunTask,
    Remember,
    Finish,
}

impl ActionKind {
    /// Every kind, in the order in which a model is shown them.
    pub const ALL: [Self; 13] = [
        Self::ReplaceText,
        Self::ReplaceSymbol,
        Self::InsertAtSymbol,
        Self::ReplaceRange,
        Self::CreateFile,
        Self::DeleteFile,
        Self::RenameFile,
        Self::ReadFile,
        Self::ReadSymbol,
        Self::Search,
        Self::RunTask,
        Self::Remember,
        Self::Finish,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReplaceText => "replace_text",
            Self::ReplaceSymbol => "replace_symbol",
            Self::InsertAtSymbol => "insert_at_symbol",
            Self::ReplaceRange => "replace_range",
            Self::CreateFile => "create_file",
            Self::DeleteFile => "delete_file",
            Self::RenameFile => "rename_file",
            Self::ReadFile => "read_file",
            Self::ReadSymbol => "read_symbol",
            Self::Search => "search",
            Self::RunTask => "run_task",
            Self::Remember => "remember",
            Self::Finish => "finish",
        }
    }

    /// True for the kinds that change files.
    pub const fn edits(self) -> bool {
        match self {
            Self::ReplaceText
            | Self::ReplaceSymbol
            | Self::InsertAtSymbol
            | Self::ReplaceRange
            | Self::CreateFile
            | Self::DeleteFile
            | Self::RenameFile => true,
            Self::ReadFile
            | Self::ReadSymbol
            | Self::Search
            | Self::RunTask
            | Self::Remember
            | Self::Finish => false,
        }
    }
}

impl Action {
    /// The kind.
    pub const fn kind(&self) -> ActionKind {
        match self {
            Self::ReplaceText(_) => ActionKind::ReplaceText,
            Self::ReplaceSymbol(_) => ActionKind::ReplaceSymbol,
            Self::InsertAtSymbol(_) => ActionKind::InsertAtSymbol,
            Self::ReplaceRange(_) => ActionKind::ReplaceRange,
            Self::CreateFile(_) => ActionKind::CreateFile,
            Self::DeleteFile(_) => ActionKind::DeleteFile,
            Self::RenameFile(_) => ActionKind::RenameFile,
            Self::ReadFile(_) => ActionKind::ReadFile,
            Self::ReadSymbol(_) => ActionKind::ReadSymbol,
            Self::Search(_) => ActionKind::Search,
            Self::RunTask(_) => ActionKind::RunTask,
            Self::Remember(_) => ActionKind::Remember,
            Self::Finish(_) => ActionKind::Finish,
        }
    }

    /// The paths that the action names, as they were written.
    pub fn paths(&self) -> Vec<&RequestedPath> {
        match self {
            Self::ReplaceText(it) => vec![&it.path],
            Self::ReplaceSymbol(it) => vec![&it.path],
            Self::InsertAtSymbol(it) => vec![&it.path],
            Self::ReplaceRange(it) => vec![&it.path],
            Self::CreateFile(it) => vec![&it.path],
            Self::DeleteFile(it) => vec![&it.path],
            Self::RenameFile(it) => vec![&it.path, &it.new_path],
            Self::ReadFile(it) => vec![&it.path],
            Self::ReadSymbol(it) => vec![&it.path],
            Self::Search(it) => it.below.iter().collect(),
            Self::RunTask(_) | Self::Remember(_) | Self::Finish(_) => Vec::new(),
        }
    }
}
