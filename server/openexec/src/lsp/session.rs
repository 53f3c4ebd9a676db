//! What the server knows of the editor: its traits, its folders, its documents; and what it
//! may offer there.
//!
//! Everything behind one lock that is never held across a wait. Handlers take what they need
//! out of it and work on that.

use super::annotations::Known;
use super::documents::{Documents, OpenFile, SyncError};
use super::protocol::{MessageType, notification as sent, notification::Notification as _};
use super::roots::{Roots, below};
use super::service::Synchronised;
use super::traits::ClientTraits;
use super::trust::TrustState;
use super::uri;
use crate::driver::RunView;
use crate::limits::{COMPLAINTS_MAX, OFFERS_WAIT_MS, OPTIONS_CHARS_MAX, SYMBOLS_QUIET_MS};
use crate::workspace::Changed;
use openexec_engine::blueprint::Blueprint;
use openexec_engine::edit::FileChange;
use openexec_engine::ids::RunId;
use openexec_engine::run::OpenDocument;
use openexec_engine::task::TestFailure;
use openexec_engine::text::visible;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// What can be offered in one workspace, read beforehand so that no menu waits for the disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Offers {
    /// The workflows.
    pub(super) blueprints: Vec<Blueprint>,
    /// The model that a run gets when nobody names one.
    pub(super) model: Option<String>,
    /// Whether tasks may run, where that is known.
    pub(super) trust: Option<TrustState>,
    /// Why the declarations of the workspace cannot be read.
    pub(super) trouble: Option<String>,
    /// Whether a task is declared that tests.
    pub(super) has_tests: bool,
    /// The tests that are red as far as the last report goes.
    pub(super) failing: Vec<TestFailure>,
    /// Recorded runs that are not over and that this process does not drive.
    pub(super) pending: Vec<RunView>,
    /// Those of them that another process drives.
    pub(super) elsewhere: Vec<RunId>,
    /// The latest run that ended before this process began and that can be undone.
    pub(super) ended: Option<RunView>,
}

#[derive(Default)]
struct State {
    traits: Arc<ClientTraits>,
    roots: Arc<Roots>,
    documents: Documents,
    /// The document that the user touched last.
    focus: Option<PathBuf>,
    offers: BTreeMap<PathBuf, Arc<Offers>>,
    /// What is known about the symbols of open documents, by canonical path.
    known: BTreeMap<PathBuf, Arc<Known>>,
    /// Whether the editor's user wants annotations, where the editor says so.
    annotations: Option<bool>,
}

/// What the user must be told.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) typ: MessageType,
    pub(super) message: String,
}

/// What the server knows of the editor.
pub(super) struct Session {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    saved: watch::Sender<u64>,
    opened: watch::Sender<u64>,
    complaint: mpsc::Sender<Complaint>,
    /// Until somebody passes the complaints on.
    complaints: Mutex<Option<mpsc::Receiver<Complaint>>>,
    offers_read: watch::Sender<bool>,
    /// Files that may have changed on disk, for whoever knows them.
    files_changed: watch::Sender<Changed>,
    /// Whether nothing may be begun in the background any more.
    over: Mutex<bool>,
    /// When a document was changed last.
    typed: Mutex<Option<Instant>>,
}

impl Default for Session {
    fn default() -> Self {
        let (complaint, complaints) = mpsc::channel(COMPLAINTS_MAX);
        Self {
            state: Mutex::default(),
            changed: watch::Sender::new(0),
            saved: watch::Sender::new(0),
            opened: watch::Sender::new(0),
            complaint,
            complaints: Mutex::new(Some(complaints)),
            offers_read: watch::Sender::new(false),
            files_changed: watch::Sender::new(Changed::default()),
            over: Mutex::new(false),
            typed: Mutex::new(None),
        }
    }
}

impl Session {
    pub(super) fn traits(&self) -> Arc<ClientTraits> {
        Arc::clone(&self.state.lock().traits)
    }

    pub(super) fn roots(&self) -> Arc<Roots> {
        Arc::clone(&self.state.lock().roots)
    }

    /// The document that the client knows under this URI.
    pub(super) fn document(&self, uri: &str) -> Option<Arc<OpenFile>> {
        self.state.lock().documents.of_uri(uri)
    }

    /// The document at this canonical path.
    pub(super) fn document_at(&self, path: &Path) -> Option<Arc<OpenFile>> {
        self.state.lock().documents.at(path)
    }

    /// Everything that is open of the file at this canonical path, the best known first.
    pub(super) fn documents_at(&self, path: &Path) -> Vec<Arc<OpenFile>> {
        self.state.lock().documents.all_at(path)
    }

    /// All open documents, one of each file.
    pub(super) fn all_documents(&self) -> Vec<Arc<OpenFile>> {
        self.state.lock().documents.all().map(Arc::clone).collect()
    }

    /// The document that the user touched last, if it is still open.
    pub(super) fn focus(&self) -> Option<Arc<OpenFile>> {
        let state = self.state.lock();
        state.documents.at(state.focus.as_deref()?)
    }

    /// Notes that the user is here.
    pub(super) fn touch(&self, path: &Path) {
        self.state.lock().focus = Some(path.to_owned());
    }

    /// All open buffers below this root that have a path there, whichever folder owns them.
    pub(super) fn open_documents(&self, root: &Path) -> Vec<OpenDocument> {
        let open: Vec<Arc<OpenFile>> = self.state.lock().documents.all().map(Arc::clone).collect();
        open.iter()
            .filter(|file| !file.is_gone())
            .filter_map(|file| {
                let path = below(root, &file.path)?;
                Some(OpenDocument { path, version: file.version, text: file.text.to_string() })
            })
            .collect()
    }

    /// Notes that an edit of ours deleted the file of an open buffer.
    pub(super) fn mark_deleted(&self, path: &Path) {
        self.state.lock().documents.mark_deleted(path);
    }

    /// From here on the effect of this edit is awaited.
    pub(super) fn await_edit(&self, path: PathBuf, change: FileChange) {
        self.state.lock().documents.await_edit(path, change);
    }

    /// Notes what stands in a file whose edit is awaited, and says whether that has been seen.
    pub(super) fn has_seen_edit(&self, path: &Path, now: Option<&str>) -> bool {
        let documents = &mut self.state.lock().documents;
        if let Some(text) = now {
            documents.note(path, text);
        }
        documents.has_seen_edit(path)
    }

    /// Awaits an edit no longer. Answers the text in which it was seen to stand.
    pub(super) fn end_awaiting(&self, path: &Path) -> Option<String> {
        self.state.lock().documents.end_awaiting(path)
    }

    /// Counts the changes of documents; waiting on it is waiting for the next one.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Counts the events after which offers may be out of date.
    pub(super) fn saves(&self) -> watch::Receiver<u64> {
        self.saved.subscribe()
    }

    /// Tells of files that may have changed on disk, and of roots that have come or gone.
    pub(super) fn file_changes(&self) -> watch::Receiver<Changed> {
        self.files_changed.subscribe()
    }

    /// Notes that files may have changed.
    pub(super) fn tell_of_files(&self, more: Changed) {
        self.files_changed.send_modify(|changed| changed.merge(more));
    }

    /// When somebody last typed in a document.
    pub(super) fn typed_last(&self) -> Option<Instant> {
        *self.typed.lock()
    }

    /// Does something that must not be done once the session is over. May block.
    pub(super) fn unless_over(&self, work: impl FnOnce()) {
        let over = self.over.lock();
        if !*over {
            work();
        }
    }

    /// Ends the session with what is done last. May block.
    pub(super) fn end(&self, last: impl FnOnce()) {
        let mut over = self.over.lock();
        *over = true;
        last();
    }

    /// Takes what has changed since it was last taken.
    pub(super) fn take_file_changes(&self) -> Changed {
        let mut taken = Changed::default();
        self.files_changed.send_if_modified(|changed| {
            taken = std::mem::take(changed);
            false
        });
        taken
    }

    /// Counts the events after which annotations may be out of date.
    pub(super) fn openings(&self) -> watch::Receiver<u64> {
        self.opened.subscribe()
    }

    /// Notes that annotations may be out of date.
    pub(super) fn annotations_may_have_changed(&self) {
        self.opened.send_modify(|count| *count += 1);
    }

    /// False when the editor's user wants no annotations.
    pub(super) fn wants_annotations(&self) -> bool {
        self.state.lock().annotations.unwrap_or(true)
    }

    /// What is known about the symbols of the document at this path.
    pub(super) fn known_about(&self, path: &Path) -> Arc<Known> {
        self.state.lock().known.get(path).cloned().unwrap_or_default()
    }

    /// Notes what is known about the symbols of all open documents. True when it is something else.
    pub(super) fn set_known(&self, known: BTreeMap<PathBuf, Arc<Known>>) -> bool {
        let mut state = self.state.lock();
        let is_other = state.known != known;
        state.known = known;
        is_other
    }

    /// What the user must be told, for the one who passes it on.
    pub(super) fn complaints(&self) -> Option<mpsc::Receiver<Complaint>> {
        self.complaints.lock().take()
    }

    /// Notes what the user must be told. Where nobody passes anything on, the first are kept.
    fn complain(&self, typ: MessageType, message: String) {
        if self.complaint.try_send(Complaint { typ, message }).is_err() {
            tracing::warn!("more has to be said to the user than is passed on");
        }
    }

    pub(super) fn offers(&self, root: &Path) -> Arc<Offers> {
        self.state.lock().offers.get(root).cloned().unwrap_or_default()
    }

    /// Notes that offers have been read once, successfully or not.
    pub(super) fn set_offers_read(&self) {
        self.offers_read.send_replace(true);
    }

    /// Waits until offers have been read for the first time, or for a short limit. An editor
    /// may open its first menu before that, and would find it empty.
    pub(super) async fn first_offers(&self) {
        let mut read = self.offers_read.subscribe();
        let limit = Duration::from_millis(OFFERS_WAIT_MS);
        // Late offers are no error: the next menu has them.
        drop(tokio::time::timeout(limit, read.wait_for(|read| *read)).await);
    }

    pub(super) fn set_offers(&self, root: &Path, offers: Offers) {
        self.state.lock().offers.insert(root.to_owned(), Arc::new(offers));
    }

    /// Notes that a run is no longer one that nobody drives.
    pub(super) fn run_driven(&self, run: &RunId, root: &Path) {
        let mut state = self.state.lock();
        if let Some(offers) = state.offers.get_mut(root)
            && offers.pending.iter().any(|view| view.run == *run)
        {
            Arc::make_mut(offers).pending.retain(|view| view.run != *run);
        }
    }

    fn synchronise(&self, method: &str, params: Value) -> Option<Result<PathBuf, SyncError>> {
        let mut state = self.state.lock();
        let encoding = state.traits.encoding;
        let done = match method {
            sent::DidOpenTextDocument::METHOD => state.documents.open(params),
            sent::DidChangeTextDocument::METHOD => {
                let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).map(str::to_owned);
                match (state.documents.change(params, encoding), uri) {
                    // It has changed, and nobody here knows how.
                    (Err(SyncError::Malformed(reason)), Some(uri)) if state.documents.lose(&uri) => {
                        Err(SyncError::DoesNotFit { uri, reason })
                    }
                    (done, _) => done,
                }
            }
            sent::DidSaveTextDocument::METHOD => state.documents.saved(params),
            sent::DidCloseTextDocument::METHOD => state.documents.close(params),
            sent::DidChangeConfiguration::METHOD => {
                // What is sent may be nothing at all, or every setting of the editor.
                let said = params.get("settings").and_then(wanted_annotations)?;
                state.annotations = Some(said);
                drop(state);
                self.annotations_may_have_changed();
                return None;
            }
            sent::DidChangeWorkspaceFolders::METHOD => {
                Arc::make_mut(&mut state.roots).change(&params);
                drop(state);
                self.saved.send_modify(|count| *count += 1);
                self.files_changed.send_modify(|_| {});
                return None;
            }
            sent::DidChangeWatchedFiles::METHOD => {
                drop(state);
                self.watched(&params);
                return None;
            }
            _ => return None,
        };
        if let Ok(path) = &done
            && method != sent::DidCloseTextDocument::METHOD
        {
            state.focus = Some(path.clone());
        }
        Some(done)
    }
}

impl Session {
    /// `workspace/didChangeWatchedFiles`: where something was created, changed or deleted.
    fn watched(&self, params: &Value) {
        let events = params.get("changes").and_then(Value::as_array).into_iter().flatten();
        let places = events.filter_map(|event| uri::path_of(event.get("uri")?.as_str()?).ok());
        let places: Vec<PathBuf> = places.map(|path| uri::canonical(&path)).collect();
        self.files_changed.send_modify(|changed| places.into_iter().for_each(|place| changed.add(place)));
    }
}

/// The one setting that an editor may have: whether annotations are shown. A repository that sets
/// it through the editor hides them or shows them, and nothing else.
const ANNOTATIONS: &str = "annotations";

/// What settings say of annotations, as ours alone or among those of others.
fn wanted_annotations(settings: &Value) -> Option<bool> {
    let ours = settings.get("openexec").unwrap_or(settings);
    ours.get(ANNOTATIONS).and_then(Value::as_bool)
}

/// The way of notifications into the session.
pub(super) struct Inbox(pub(super) Arc<Session>);

impl Synchronised for Inbox {
    fn initialize(&self, params: &Value) {
        let mut state = self.0.state.lock();
        state.traits = Arc::new(ClientTraits::of(params));
        state.roots = Arc::new(Roots::of(params));
        state.annotations = params.get("initializationOptions").and_then(wanted_annotations);
        drop(state);
        // Their scope is unknown to us: an editor may have taken them from the repository.
        let options = params.get("initializationOptions").and_then(Value::as_object);
        let names = options.into_iter().flatten().map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.filter(|name| *name != ANNOTATIONS).collect();
        if !names.is_empty() {
            let names = visible(&names.join("`, `")).chars().take(OPTIONS_CHARS_MAX).collect::<String>();
            let message = format!(
                "OpenExec takes no settings from an editor but `annotations`: `{names}` in initializationOptions \
                 has no effect; models, endpoints and keys stand in your own config.yaml, rules in policy.yaml"
            );
            self.0.complain(MessageType::WARNING, message);
        }
    }

    fn notified(&self, method: &str, params: Value) -> bool {
        let done = self.0.synchronise(method, params);
        match done {
            None => [
                sent::DidChangeWorkspaceFolders::METHOD,
                sent::DidChangeWatchedFiles::METHOD,
                sent::DidChangeConfiguration::METHOD,
            ]
            .contains(&method),
            Some(Ok(path)) => {
                self.0.changed.send_modify(|count| *count += 1);
                if method == sent::DidChangeTextDocument::METHOD {
                    *self.0.typed.lock() = Some(Instant::now());
                }
                if method == sent::DidOpenTextDocument::METHOD {
                    self.0.annotations_may_have_changed();
                }
                if method == sent::DidSaveTextDocument::METHOD {
                    self.0.saved.send_modify(|count| *count += 1);
                    self.0.files_changed.send_modify(|changed| changed.add(path.clone()));
                }
                extract_in_background(&self.0, &path);
                true
            }
            Some(Err(error @ SyncError::DoesNotFit { .. })) => {
                self.0.changed.send_modify(|count| *count += 1);
                self.0.complain(MessageType::ERROR, error.to_string());
                true
            }
            Some(Err(error)) => {
                tracing::debug!(method, %error, "a notification was passed over");
                true
            }
        }
    }
}

/// Extracts the symbols of a document where no menu waits for it: at once when none are known,
/// else when nobody has typed for a moment, so that it takes no processor from the menus
/// between two keys. One extraction at a time runs, and the last one sees the last text.
fn extract_in_background(session: &Arc<Session>, path: &Path) {
    let (Ok(runtime), Some(mut file)) = (Handle::try_current(), session.document_at(path)) else {
        return;
    };
    if !file.begin_extraction() {
        return;
    }
    let (session, path) = (Arc::downgrade(session), path.to_owned());
    let now = move || session.upgrade().and_then(|session| session.document_at(&path));
    runtime.spawn(async move {
        let quiet = Duration::from_millis(SYMBOLS_QUIET_MS);
        let mut is_quiet = !file.knows_symbols();
        loop {
            if is_quiet {
                let quiet_file = file.clone();
                // A panic in there has been logged; the symbols at hand stay.
                let _ = tokio::task::spawn_blocking(move || quiet_file.extract_symbols()).await;
            } else {
                tokio::time::sleep(quiet).await;
            }
            match now() {
                Some(next) if next.version != file.version => (file, is_quiet) = (next, false),
                Some(_) if !is_quiet => is_quiet = true,
                _ => break,
            }
        }
        file.end_extraction();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test]
    async fn only_menus_before_the_first_offers_wait_for_them() {
        let session = Arc::new(Session::default());
        let early = tokio::spawn({
            let session = Arc::clone(&session);
            async move {
                session.first_offers().await;
                session.offers(Path::new("/w")).model.clone()
            }
        });
        tokio::task::yield_now().await;
        assert!(!early.is_finished());
        session.set_offers(Path::new("/w"), Offers { model: Some("local".to_owned()), ..Offers::default() });
        session.set_offers_read();
        assert_eq!(early.await.unwrap(), Some("local".to_owned()));
        // A later one is not even suspended.
        assert!(futures::FutureExt::now_or_never(session.first_offers()).is_some());
    }

    #[tokio::test]
    async fn a_menu_does_not_wait_for_ever() {
        let began = Instant::now();
        Session::default().first_offers().await;
        assert!(began.elapsed() >= Duration::from_millis(OFFERS_WAIT_MS));
    }
}
