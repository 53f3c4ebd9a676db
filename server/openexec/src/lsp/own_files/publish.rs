//! Diagnostics of our files are pushed: at once when a file is opened or something was saved,
//! and when nobody has typed for a moment. What was said is taken back when it is mended or the
//! file is closed; nothing is said about a text that is no longer there.

use super::diagnose::diagnose;
use super::kind::Kind;
use super::{OwnFile, Surroundings};
use crate::limits::OWN_FILES_QUIET_MS;
use crate::lsp::documents::OpenFile;
use crate::lsp::editor::Editor;
use crate::lsp::session::Session;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Tells the editor what is wrong with our files.
pub(in crate::lsp) struct Publisher {
    session: Arc<Session>,
    editor: Editor,
    surroundings: Arc<Surroundings>,
    /// Something that the files are judged by has changed.
    stale: Notify,
}

/// The open files that may be ours.
type Open = BTreeMap<PathBuf, Arc<OpenFile>>;

/// What was said last, by the client's own names of the files.
type Told = BTreeMap<String, Value>;

impl Publisher {
    pub(in crate::lsp) fn new(
        session: Arc<Session>,
        editor: Editor,
        surroundings: Arc<Surroundings>,
    ) -> Self {
        Self { session, editor, surroundings, stale: Notify::new() }
    }

    /// Judges everything again, with what lies around it read anew.
    pub(in crate::lsp) fn refresh(&self) {
        self.surroundings.forget();
        self.stale.notify_one();
    }

    /// Goes on for as long as the editor is there.
    pub(in crate::lsp) async fn keep_telling(self: Arc<Self>) {
        let (mut changes, mut saves) = (self.session.changes(), self.session.saves());
        let quiet = Duration::from_millis(OWN_FILES_QUIET_MS);
        let mut told = Told::new();
        let mut seen = self.open();
        let mut due = Some(Instant::now());
        loop {
            let wait = due;
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let open = self.open();
                    if is_same(&open, &seen) {
                        continue;
                    }
                    // Who types is left alone; who opens or closes is answered at once.
                    let is_typing = open.keys().eq(seen.keys());
                    due = Some(Instant::now() + if is_typing { quiet } else { Duration::ZERO });
                    seen = open;
                }
                saved = saves.changed() => {
                    if saved.is_err() {
                        return;
                    }
                    self.surroundings.forget();
                    due = Some(Instant::now());
                }
                () = self.stale.notified() => due = Some(Instant::now()),
                () = until(wait), if wait.is_some() => {
                    due = None;
                    seen = self.open();
                    self.tell(&seen, &mut told).await;
                }
            }
        }
    }

    fn open(&self) -> Open {
        let all = self.session.all_documents().into_iter();
        let ours = all.filter(|file| Kind::of(&file.path, self.surroundings.config()).is_some());
        ours.map(|file| (file.path.clone(), file)).collect()
    }

    async fn tell(&self, open: &Open, told: &mut Told) {
        let takes = self.session.traits();
        let mut said = Told::new();
        for file in open.values() {
            let (surroundings, judged, takes) =
                (Arc::clone(&self.surroundings), Arc::clone(file), Arc::clone(&takes));
            let judge = move || {
                let own = OwnFile::of(&judged, takes.encoding, surroundings.config())?;
                let found = diagnose(&own, &surroundings.of(&own.path));
                let diagnostics: Vec<_> =
                    found.iter().map(|found| found.to_wire(&own, takes.related_information)).collect();
                let mut params = json!({ "uri": own.uri, "diagnostics": diagnostics });
                if takes.diagnostics_version
                    && let Some(params) = params.as_object_mut()
                {
                    params.insert("version".to_owned(), json!(own.version));
                }
                Some(params)
            };
            let params = match tokio::task::spawn_blocking(judge).await {
                Ok(Some(params)) => params,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(%error, "a file of ours could not be judged");
                    continue;
                }
            };
            // A text that has moved on is judged again when its writer rests.
            let is_there = self.session.document_at(&file.path).is_some_and(|now| Arc::ptr_eq(&now, file));
            if !is_there {
                if let Some(before) = told.remove(&file.uri) {
                    said.insert(file.uri.clone(), before);
                }
                continue;
            }
            let has_none = |params: &Value| params.get("diagnostics").is_some_and(|it| it == &json!([]));
            let before = told.remove(&file.uri);
            if before.as_ref() != Some(&params)
                && !(has_none(&params) && before.as_ref().is_none_or(has_none))
            {
                self.editor.publish_diagnostics(params.clone()).await;
            }
            said.insert(file.uri.clone(), params);
        }
        for (uri, params) in std::mem::take(told) {
            if params.get("diagnostics").is_some_and(|it| it != &json!([])) {
                self.editor.publish_diagnostics(json!({ "uri": uri, "diagnostics": [] })).await;
            }
        }
        *told = said;
    }
}

fn is_same(one: &Open, other: &Open) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|((path, file), (other_path, other_file))| {
            path == other_path && Arc::ptr_eq(file, other_file)
        })
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
