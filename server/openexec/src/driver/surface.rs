//! Where the user sees a run: an editor behind LSP, or a terminal.

use crate::models::ModelProgress;
use async_trait::async_trait;
use openexec_engine::edit::ChangeSet;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::{Event, OpenDocument};
use std::collections::BTreeMap;

/// What came of an edit that was given to an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// One sentence for the record: what the editor says. Nobody believes it.
    pub answer: String,
    /// The files in which the proposed text was seen once the edit had been sent, whatever became
    /// of it since, with the text as it stood there, byte for byte.
    pub seen: BTreeMap<WorkspacePath, String>,
}

/// The place where the user's files are open. The driver asks it; it does not ask back.
#[async_trait]
pub trait Surface: Send + Sync + 'static {
    /// Its name in the journal: `terminal`, `Neovim 0.11.4`.
    fn name(&self) -> String;

    /// All open buffers below this canonical root, at their present text.
    fn open_documents(&self, root: &std::path::Path) -> Vec<OpenDocument>;

    /// Applies a change set to the user's files and waits until its effect can be seen, or
    /// cannot be expected any more. `None` means that there is no editor: the driver writes
    /// the files itself.
    async fn apply(&self, root: &std::path::Path, changes: &ChangeSet, label: &str) -> Option<Landing>;

    /// The present text of a file that is open in the editor.
    fn live_text(&self, root: &std::path::Path, path: &WorkspacePath) -> Option<String> {
        self.open_documents(root)
            .into_iter()
            .find(|document| &document.path == path)
            .map(|document| document.text)
    }

    /// Called when the run stops without an event that says so: the journal refuses, say.
    fn stopped(&self, _reason: &str) {}

    /// Called, not too often, with what the run is doing while a model answers.
    fn progressed(&self, _activity: &str, _progress: &ModelProgress) {}

    /// Called before an event is recorded. A surface that steps through a run waits here.
    async fn before_record(&self, _seq: u64, _event: &Event) {}

    /// Called when an event is durable and nothing has followed from it yet.
    async fn after_record(&self, _seq: u64, _event: &Event) {}
}
