//! Annotations: prepared in the background, answered from what is at hand.

use super::{Shared, blocking};
use crate::driver::Runtime;
use crate::limits::ANNOTATED_RECORDS_MAX;
use crate::lsp::annotations::{Known, Memory, Sheet};
use crate::lsp::documents::OpenFile;
use crate::lsp::protocol::{CodeLens, Hover, InlayHint, Position, Range, Url};
use crate::lsp::roots::below;
use openexec_engine::ids::RunId;
use openexec_engine::memory::MaintenanceRecord;
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Symbol;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The runs' own records, without those of runs whose edits do not stand in the user's files.
struct Recorded<'a>(&'a Runtime);

impl Memory for Recorded<'_> {
    fn known_about(&self, root: &Path, path: &WorkspacePath) -> Vec<MaintenanceRecord> {
        let places = [(path.clone(), None)];
        let recalled = self.0.store(root).ok().map(|store| store.recall(&places, &[], ANNOTATED_RECORDS_MAX));
        let mut records = match recalled {
            Some(Ok(records)) => records,
            Some(Err(error)) => {
                tracing::warn!(%error, "memory cannot be read for annotations");
                Vec::new()
            }
            None => Vec::new(),
        };
        let is_applied = |run: &RunId| self.0.recorded_view(root, run).is_some_and(|view| view.applied);
        records.retain(|record| is_applied(&record.run));
        records
    }
}

impl Shared {
    /// Whether anything is annotated: not where the user's configuration or editor says no.
    pub(super) fn annotates(&self) -> bool {
        let configured =
            self.runtime.as_ref().is_ok_and(|runtime| runtime.config().annotations.unwrap_or(true));
        configured && self.session.wants_annotations()
    }

    /// Reads what is known about open documents whenever that may have changed.
    pub(super) async fn keep_annotations_fresh(self: Arc<Self>) {
        let mut openings = self.session.openings();
        loop {
            openings.mark_unchanged();
            Arc::clone(&self).refresh_annotations().await;
            if openings.changed().await.is_err() {
                return;
            }
        }
    }

    async fn refresh_annotations(self: Arc<Self>) {
        let (annotates, runtime, session) =
            (self.annotates(), self.runtime.clone(), Arc::clone(&self.session));
        let noted = Arc::clone(&self.memory);
        let read = move || {
            let (true, Ok(runtime)) = (annotates, runtime) else {
                return Ok(session.set_known(BTreeMap::new()));
            };
            let memory = Recorded(&runtime);
            let roots = session.roots();
            let known = session.all_documents().into_iter().filter_map(|file| {
                let root = roots.of_file(&file.path)?;
                let path = below(root, &file.path)?;
                let known =
                    Known::of(&path, memory.known_about(root, &path)).with(noted.notes_of(root, &path));
                (!known.is_empty()).then(|| (file.path.clone(), Arc::new(known)))
            });
            let known: BTreeMap<PathBuf, Arc<Known>> = known.collect();
            Ok(session.set_known(known))
        };
        let traits = self.session.traits();
        if blocking(read).await != Ok(true) {
            return;
        }
        if traits.code_lens.shows && traits.code_lens.refreshes {
            self.editor.refresh_lenses().await;
        } else if traits.inlay_hint.shows && traits.inlay_hint.refreshes {
            self.editor.refresh_hints().await;
        }
    }

    pub(super) async fn lenses(&self, uri: &Url) -> Option<Vec<CodeLens>> {
        self.annotated(uri, |sheet| sheet.lenses()).await
    }

    pub(super) async fn hints(&self, uri: &Url, within: Range) -> Option<Vec<InlayHint>> {
        self.annotated(uri, move |sheet| sheet.hints(within)).await
    }

    pub(super) async fn record_at(&self, uri: &Url, position: Position) -> Option<Hover> {
        let markdown = self.session.traits().markdown;
        self.annotated(uri, move |sheet| sheet.hover(position, markdown)).await.flatten()
    }

    /// Asks something about a document of which something is known; all others cost nothing.
    async fn annotated<T: Send + 'static>(
        &self,
        uri: &Url,
        question: impl FnOnce(&Sheet<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let file = self.session.document(uri.as_str())?;
        let known = self.session.known_about(&file.path);
        if known.is_empty() || !self.annotates() {
            return None;
        }
        let encoding = self.session.traits().encoding;
        let answer = move |file: &OpenFile, symbols: &[Symbol]| {
            question(&Sheet { file, symbols, encoding, known: &known })
        };
        match file.symbols_at_hand() {
            Some(symbols) => Some(answer(&file, &symbols)),
            None => blocking(move || Ok(answer(&file, &file.extract_symbols()))).await.ok(),
        }
    }
}
