//! The editor as the driver sees it.

use super::apply::apply;
use super::editor::Editor;
use super::session::Session;
use crate::driver::{Landing, Surface};
use async_trait::async_trait;
use openexec_engine::edit::ChangeSet;
use openexec_engine::run::OpenDocument;
use std::path::Path;
use std::sync::Arc;

/// The editor at the other end of the protocol.
pub(super) struct EditorSurface {
    pub(super) session: Arc<Session>,
    pub(super) editor: Editor,
}

#[async_trait]
impl Surface for EditorSurface {
    fn name(&self) -> String {
        self.session.traits().name.clone()
    }

    fn open_documents(&self, root: &Path) -> Vec<OpenDocument> {
        self.session.open_documents(root)
    }

    async fn apply(&self, root: &Path, changes: &ChangeSet, label: &str) -> Option<Landing> {
        let send = |params| self.editor.apply_edit(params);
        Some(apply(&self.session, send, root, changes, label).await)
    }
}
