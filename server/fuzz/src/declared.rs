//! The reader of `.openexec/tasks.yaml`, out of the crate that it belongs to: a fuzzing target
//! needs nothing of the rest of it, whose instrumented build takes many minutes.

#[path = "../../openexec/src/tasks/file.rs"]
mod file;

use openexec_engine::task::Task;

/// The file, in messages.
const TASKS_FILE: &str = ".openexec/tasks.yaml";

/// Why it could not be read.
#[derive(Debug)]
pub struct TasksError(pub String);

/// The tasks that a text declares.
pub fn tasks(text: &str) -> Result<Vec<Task>, TasksError> {
    file::read(text)?.over(Vec::new())
}
