//! What the engine asks the driver to do. Carrying out a command is the driver's business;
//! what it found goes back as the event that answers the command's id.

use super::event::{DiagnosticInput, Event, OpenDocument, Target};
use crate::digest::Digest;
use crate::edit::ChangeSet;
use crate::ids::CommandId;
use crate::memory::{MaintenanceRecord, Record};
use crate::model::ModelRequest;
use crate::path::{RequestedPath, WorkspacePath};
use crate::task::{Task, TestFailure};
use serde::{Deserialize, Serialize};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Append this decision to the journal and give it back to the state.
    Record {
        /// The decision.
        event: Box<Event>,
    },
    /// Find candidates for a context pack. Answer: `ContextGathered`.
    GatherContext {
        /// The id to answer.
        id: CommandId,
        /// What the pack is for.
        query: Box<ContextQuery>,
    },
    /// Call the model. Answer: `ModelReplied` or `ModelFailed`.
    CallModel {
        /// The id to answer.
        id: CommandId,
        /// Exactly what to send.
        request: Box<ModelRequest>,
    },
    /// Look at paths, through directory handles. Answer: `FactsGathered`.
    GatherFacts {
        /// The id to answer.
        id: CommandId,
        /// The paths as they were written.
        paths: Vec<RequestedPath>,
    },
    /// Read for the model. Answer: `Hydrated`.
    Hydrate {
        /// The id to answer.
        id: CommandId,
        /// What to read, already allowed. Proposed texts go before open buffers, these before the disk.
        reads: Vec<Read>,
        /// The proposed texts so far.
        changes: Box<ChangeSet>,
    },
    /// Make the shadow hold base, unsaved buffers and exactly these edits, whatever a task left
    /// there before, and run a task in it. Answer: `TaskFinished`.
    RunTask {
        /// The id to answer.
        id: CommandId,
        /// The task.
        task: Box<Task>,
        /// Unsaved buffers.
        open_documents: Vec<OpenDocument>,
        /// The edits, with every file that the run has touched, also those back at their base.
        changes: Box<ChangeSet>,
        /// The limit in milliseconds.
        timeout_ms: u64,
        /// The tree to report: the edits' own.
        tree: Digest,
        /// The files whose text is wanted back: for `format` where it changed, for a step of a
        /// procedure what stood there and what stands.
        want: Vec<WorkspacePath>,
        /// True for a task whose effects may be real at once. Nobody knows what one has done that
        /// was interrupted, so it is never run again by itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        once: bool,
    },
    /// Say what stands at these paths now. Answer: `BasesChecked`.
    CheckBases {
        /// The id to answer.
        id: CommandId,
        /// The paths.
        paths: Vec<WorkspacePath>,
    },
    /// Apply edits where the user sees them: one `WorkspaceEdit`, or atomic writes where no
    /// editor is. Files that already hold the proposed text are left alone, files that hold
    /// neither base nor proposal are not touched. Answer: `Applied`.
    Apply {
        /// The id to answer.
        id: CommandId,
        /// The edits.
        changes: Box<ChangeSet>,
        /// A label for the editor's undo history.
        label: String,
    },
    /// Store a pointer record under the run's id, replacing one of the same run. Answer: `Remembered`.
    Remember {
        /// The id to answer.
        id: CommandId,
        /// The record.
        record: Box<MaintenanceRecord>,
    },
    /// Keep a record among the user's own, replacing one of the same kind and id. The day is
    /// written into it where it has none. Answer: `Remembered`.
    Keep {
        /// The id to answer.
        id: CommandId,
        /// The record.
        record: Box<Record>,
    },
    /// Stop what is being done for these commands; no answer is wanted any more.
    Abandon {
        /// The commands.
        ids: Vec<CommandId>,
    },
    /// The journal and the engine disagree; the run must not go on.
    Halt {
        /// The first difference.
        reason: String,
    },
}

impl Command {
    /// The id to answer, for commands that want an answer.
    pub const fn id(&self) -> Option<CommandId> {
        match self {
            Self::GatherContext { id, .. }
            | Self::CallModel { id, .. }
            | Self::GatherFacts { id, .. }
            | Self::Hydrate { id, .. }
            | Self::RunTask { id, .. }
            | Self::CheckBases { id, .. }
            | Self::Apply { id, .. }
            | Self::Remember { id, .. }
            | Self::Keep { id, .. } => Some(*id),
            Self::Record { .. } | Self::Abandon { .. } | Self::Halt { .. } => None,
        }
    }
}

/// What a context pack is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextQuery {
    /// The place the user pointed at.
    pub target: Option<Target>,
    /// What the user wrote.
    pub instruction: Option<String>,
    /// Failing tests with their messages and places.
    pub failures: Vec<TestFailure>,
    /// The report's own text, from which names are taken.
    pub output: String,
    /// Diagnostics of other servers.
    pub diagnostics: Vec<DiagnosticInput>,
    /// Unsaved buffers: they go before the disk.
    pub open_documents: Vec<OpenDocument>,
    /// Proposed texts: they go before the buffers.
    pub changes: ChangeSet,
    /// True where the run may edit, so that what the project says of its code matters.
    #[serde(default)]
    pub may_edit: bool,
}

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "read", rename_all = "snake_case")]
pub enum Read {
    /// A file or a part of it.
    File {
        /// Where.
        path: WorkspacePath,
        /// How much.
        scope: ReadScope,
    },
    /// A literal search.
    Search {
        /// The text.
        text: String,
        /// Only below this folder or in this file.
        below: Option<WorkspacePath>,
    },
}

/// How much of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum ReadScope {
    /// These lines, counted from 1, both included, cut at the file's end.
    Lines {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
    /// One symbol.
    Symbol {
        /// Its qualified name.
        name: String,
    },
}
