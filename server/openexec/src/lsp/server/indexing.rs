//! What is known of the files of the editor's folders, kept up to date while the session lasts.

use super::super::session::Session;
use super::{Shared, blocking};
use crate::driver::Runtime;
use crate::workspace::{Changed, OpenTexts};
use openexec_engine::syntax::SyntaxTree;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// The documents of a session, as far as they have been followed edit by edit.
struct Followed(Weak<Session>);

impl OpenTexts for Followed {
    fn tree_of(&self, place: &Path, text: &str) -> Option<SyntaxTree> {
        self.0.upgrade()?.document_at(place)?.tree_of(text)
    }

    fn typed_last(&self) -> Option<Instant> {
        self.0.upgrade()?.typed_last()
    }
}

impl Shared {
    /// Keeps the folders indexed until the session ends.
    pub(super) async fn keep_indexed(self: Arc<Self>) {
        let Ok(runtime) = self.runtime.clone() else { return };
        let texts: Arc<dyn OpenTexts> = Arc::new(Followed(Arc::downgrade(&self.session)));
        runtime.follow_texts(&texts);
        let mut changes = self.session.file_changes();
        let mut indexed: Vec<PathBuf> = Vec::new();
        loop {
            let roots: Vec<PathBuf> = self.session.roots().all().into_iter().map(Path::to_owned).collect();
            let changed = self.session.take_file_changes();
            let is_other = roots != indexed;
            let (session, runtime, wanted) = (Arc::clone(&self.session), Arc::clone(&runtime), roots.clone());
            let told = blocking(move || {
                session.unless_over(|| {
                    if is_other {
                        runtime.keep_indexed(&wanted.iter().map(PathBuf::as_path).collect::<Vec<_>>());
                    }
                    runtime.files_changed(&changed);
                });
                Ok(())
            });
            if let Err(error) = told.await {
                tracing::warn!(%error, "the index is not told of changes");
            }
            indexed = roots;
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Ends what works in the background, and waits for that.
    pub(super) async fn stop_indexing(&self) {
        let Ok(runtime) = self.runtime.clone() else { return };
        stop_indexing(&self.session, runtime).await;
    }

    /// Asks to be told of changes on disk. Clients that do not tell are no loss: before it is
    /// used, what is known is held against the disk.
    pub(super) async fn register_for_files(self: Arc<Self>) {
        if !self.session.traits().watches_files {
            return;
        }
        let registration = json!([{
            "id": "openexec.files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": [{ "globPattern": "**/*" }] },
        }]);
        if !self.editor.register(registration).await {
            tracing::warn!("the editor does not tell of changed files although it said it would");
            self.session.tell_of_files(Changed::anything());
        }
    }
}

/// Ends what works in the background of a session, and waits for that.
pub(in crate::lsp) async fn stop_indexing(session: &Arc<Session>, runtime: Arc<Runtime>) {
    let session = Arc::clone(session);
    let stopped = blocking(move || {
        session.end(|| runtime.keep_indexed(&[]));
        Ok(())
    });
    if let Err(error) = stopped.await {
        tracing::warn!(%error, "the index may not be saved");
    }
}
