//! The tasks of a workspace: detected from its build files, overridable in
//! `.openexec/tasks.yaml`. Nothing is executed here.

mod detect;
mod file;
mod sources;

use openexec_engine::digest::Digest;
use openexec_engine::ids::TaskName;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use openexec_engine::task::{Task, TaskKind};
pub use sources::SourceFile;
use sources::Sources;
use std::collections::BTreeMap;
use std::path::Path;

/// The file in which a repository declares its tasks.
pub const TASKS_FILE: &str = ".openexec/tasks.yaml";

/// What a workspace declares, and the content that decides what it executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Ordered by kind, then by name.
    pub tasks: Vec<Task>,
    /// The digest that trust binds: all files of `.openexec/` and every file that a task was
    /// detected from.
    pub content: Digest,
    /// The files behind `content`, by their path relative to the root.
    pub files: BTreeMap<String, SourceFile>,
}

/// Why tasks could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TasksError(pub String);

/// Reads the declarations below `root`.
///
/// # Errors
/// When `.openexec/tasks.yaml` is malformed: with file, line, column and remedy.
pub fn declared(root: &Path) -> Result<Declared, TasksError> {
    declared_over(root, None)
}

/// The same as if `.openexec/tasks.yaml` held this text: what somebody writes and has not saved.
///
/// # Errors
/// When the text is malformed: with file, line, column and remedy.
pub fn declared_as_written(root: &Path, tasks_file: &str) -> Result<Declared, TasksError> {
    declared_over(root, Some(tasks_file))
}

/// Checks the text of a `.openexec/tasks.yaml` of which no workspace is known.
///
/// # Errors
/// When the text is malformed: with file, line, column and remedy.
pub fn check(tasks_file: &str) -> Result<(), TasksError> {
    file::read(tasks_file).map(|_| ())
}

/// The JSON Schema of `.openexec/tasks.yaml`, generated from the types that parse it.
pub fn json_schema() -> serde_json::Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<file::TasksFile>().to_value()
}

fn declared_over(root: &Path, tasks_file: Option<&str>) -> Result<Declared, TasksError> {
    let mut sources = Sources::new(root);
    sources.directory(".openexec").map_err(|error| TasksError(format!("`.openexec`: {error}")))?;
    let mut tasks = named(detect::detect(&mut sources));
    match tasks_file.map(str::to_owned).or_else(|| sources.text(TASKS_FILE)) {
        Some(text) => tasks = file::read(&text)?.over(tasks)?,
        None if root.join(TASKS_FILE).symlink_metadata().is_ok() => {
            return Err(TasksError(format!(
                "{TASKS_FILE}: it is no file, not UTF-8 or larger than {CONFIG_BYTES_MAX} bytes; \
                 mend or remove it"
            )));
        }
        None => {}
    }
    tasks.sort_by(|left, right| (left.kind, &left.name).cmp(&(right.kind, &right.name)));
    let (content, files) = sources.content();
    Ok(Declared { tasks, content, files })
}

/// Gives every detected task a name of its own: `test`, and where there are several of a
/// name, `test-npm` or `test-web` for the later ones.
fn named(found: Vec<detect::Found>) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for detect::Found { mut task, suffix } in found {
        let base = task.name.clone();
        let taken = |name: &TaskName, tasks: &[Task]| tasks.iter().any(|task| &task.name == name);
        let mut number = 1;
        while taken(&task.name, &tasks) {
            let name =
                if number == 1 { format!("{base}-{suffix}") } else { format!("{base}-{suffix}-{number}") };
            task.name = TaskName::new(name);
            number += 1;
        }
        tasks.push(task);
    }
    tasks
}

/// What a task of this kind is called where nothing else is said.
fn default_name(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Test => "test",
        TaskKind::Lint => "lint",
        TaskKind::Format => "format",
        TaskKind::Other => "other",
    }
}

#[cfg(test)]
mod tests;
