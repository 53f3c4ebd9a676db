//! The tasks of a workspace: detected from its build files, overridable in
//! `.openexec/tasks.yaml`. Nothing is executed here.

use openexec_engine::digest::Digest;
use openexec_engine::task::Task;
use std::path::Path;

/// What a workspace declares, and the content that decides what it executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Ordered by kind, then by name.
    pub tasks: Vec<Task>,
    /// The digest that trust binds: all files of `.openexec/` and every file that a task was
    /// detected from.
    pub content: Digest,
    /// The files behind `content`, for people, relative to the root.
    pub files: Vec<String>,
}

/// Why tasks could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TasksError(pub String);

/// Reads the declarations below `root`.
///
/// # Errors
/// When `.openexec/tasks.yaml` is malformed: with file, line, column and remedy.
pub fn declared(_root: &Path) -> Result<Declared, TasksError> {
    todo!()
}
