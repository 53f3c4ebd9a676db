//! The shadow: a copy of the workspace, at the same path where the kernel allows it, that
//! holds base, open buffers and proposed edits. Builds and tests run there; the user's files
//! are never touched.

use openexec_engine::edit::ChangeSet;
use openexec_engine::ids::RunId;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::OpenDocument;
use openexec_engine::task::{Task, TaskReport};
use std::path::Path;

/// Why the shadow could not be prepared or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ShadowError(pub String);

/// How strongly a task is confined here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// For evidence and people: `overlay+namespaces`, `copy`.
    pub name: String,
    /// True when a task has no network and cannot write outside the shadow.
    pub confined: bool,
    /// What is missing and what to do, when it is not.
    pub remedy: Option<String>,
}

/// Finds out what this machine offers, by trying it.
pub async fn probe() -> Confinement {
    todo!()
}

/// One run's shadow.
pub struct Shadow {}

impl Shadow {
    /// Prepares the shadow of `root` for a run, below `state`. Preparing one that is there
    /// already (a resumed run) takes it over.
    ///
    /// # Errors
    /// When it can be built neither as an overlay nor as a copy, or when tasks could not be
    /// confined and `allow_unconfined` is false.
    pub async fn prepare(
        _root: &Path,
        _state: &Path,
        _run: &RunId,
        _allow_unconfined: bool,
    ) -> Result<Self, ShadowError> {
        todo!()
    }

    /// Makes the shadow hold the base, these buffers and exactly these edits. Files of
    /// `changes` that are back at their base are written as such, with a new modification
    /// time, so that no build takes an older result for fresh. Files whose bytes are already
    /// right keep their modification time.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn write(&self, _open: &[OpenDocument], _changes: &ChangeSet) -> Result<(), ShadowError> {
        todo!()
    }

    /// Runs a task as the shadow stands. Dropping the future kills the whole tree. Whatever
    /// goes wrong is said in the report's `exit`.
    pub async fn run(&self, _task: &Task, _timeout_ms: u64, _want: &[WorkspacePath]) -> TaskReport {
        todo!()
    }

    /// Removes everything the shadow holds on disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn remove(self) -> Result<(), ShadowError> {
        todo!()
    }
}
