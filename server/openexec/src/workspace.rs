//! The user's files: read through directory handles that cannot leave the root, and, only
//! when no editor is there, written atomically.

use openexec_engine::context::Candidate;
use openexec_engine::edit::ChangeSet;
use openexec_engine::memory::MaintenanceRecord;
use openexec_engine::path::{RequestedPath, WorkspacePath};
use openexec_engine::policy::Facts;
use openexec_engine::run::{ContextQuery, HydratedText, OpenDocument, Read};
use std::path::{Path, PathBuf};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("`{path}`: {reason}")]
pub struct WorkspaceError {
    /// The path.
    pub path: String,
    /// Why, and what to do.
    pub reason: String,
}

/// A workspace.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Opens the directory. The root is made canonical here, once.
    ///
    /// # Errors
    /// When it is not a directory that can be read.
    pub fn open(_root: &Path) -> Result<Self, WorkspaceError> {
        todo!()
    }

    /// The canonical root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What stands at these paths. Open buffers go before the disk.
    pub fn facts(&self, _paths: &[RequestedPath], _open: &[OpenDocument]) -> Facts {
        todo!()
    }

    /// A file's text; `None` when there is none.
    ///
    /// # Errors
    /// When it leads out of the workspace, is too large, not a regular file or not UTF-8.
    pub fn read(&self, _path: &WorkspacePath) -> Result<Option<String>, WorkspaceError> {
        todo!()
    }

    /// Replaces, creates or (with `None`) deletes a file. The new text is durable and complete,
    /// or nothing has changed; mode and owner are kept.
    ///
    /// # Errors
    /// When it leads out of the workspace, or the disk refuses.
    pub fn write(&self, _path: &WorkspacePath, _text: Option<&str>) -> Result<(), WorkspaceError> {
        todo!()
    }

    /// Reads for the model. Proposed texts go before open buffers, these before the disk.
    pub fn hydrate(
        &self,
        _reads: &[Read],
        _changes: &ChangeSet,
        _open: &[OpenDocument],
    ) -> Vec<HydratedText> {
        todo!()
    }

    /// Finds candidates for a context pack.
    pub fn gather(&self, _query: &ContextQuery, _recall: &Recall<'_>) -> Vec<Candidate> {
        todo!()
    }
}

/// How records are found, so that this module needs not know the store.
pub type Recall<'a> = dyn Fn(&[(WorkspacePath, Option<String>)]) -> Vec<MaintenanceRecord> + Sync + 'a;
