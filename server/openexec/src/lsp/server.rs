//! The handlers: they take what they need out of the session, call plain functions, and
//! answer at once. Whatever takes longer goes on in a task of its own.

mod agreement;
mod annotations;
mod capabilities;
mod deciding;
mod drafts;
mod following;
mod for_memory;
mod for_own_files;
mod indexing;
mod listing;
mod offering;
mod showing;
mod timeline;
mod wishes;

use self::capabilities::capabilities;
use self::drafts::Draft;
use self::for_own_files::own_edit;
pub(super) use self::indexing::stop_indexing;
use super::actions::{Form, Place, RunLine, offered};
use super::commands;
use super::decisions::Accepted;
use super::documents::OpenFile;
use super::editor::Editor;
use super::follow::run_of_token;
use super::memory::Memory;
use super::own_files::{
    Known, OwnFile, Publisher, Surroundings, complete, definition, hover, references, rename, renamed_at,
    symbols, toolset_at,
};
use super::protocol::{
    CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams, CompletionResponse,
    DocumentSymbolParams, DocumentSymbolResponse, ExecuteCommandParams, GotoDefinitionParams,
    GotoDefinitionResponse, Hover, HoverParams, InitializeParams, InitializeResult, InitializedParams,
    InlayHint, InlayHintParams, Location, PrepareRenameResponse, ReferenceParams, RenameParams, ServerInfo,
    TextDocumentPositionParams, WorkDoneProgressCancelParams, WorkspaceEdit,
};
use super::session::Session;
use super::surface::EditorSurface;
use crate::config::UserDirs;
use crate::driver::{RunHandle, Runtime, Say, Surface};
use crate::limits::CODE_ACTIONS_MAX;
use openexec_engine::ids::RunId;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tower_lsp::jsonrpc::{self, Error, ErrorCode};
use tower_lsp::{Client, LanguageServer};

/// The code of errors that are the user's to mend: LSP's `RequestFailed`.
const REQUEST_FAILED: i64 = -32803;

/// The handlers.
pub(super) struct Handlers(Arc<Shared>);

/// What handlers and their tasks share.
struct Shared {
    session: Arc<Session>,
    editor: Editor,
    surface: Arc<EditorSurface>,
    runtime: Result<Arc<Runtime>, String>,
    state: PathBuf,
    surroundings: Arc<Surroundings>,
    memory: Arc<Memory>,
    publisher: Arc<Publisher>,
    /// The runs that the user is told about, and what is to be followed after that.
    followed: Mutex<BTreeMap<RunId, (RunHandle, Option<RunHandle>)>>,
    /// What the user has accepted of proposals that wait.
    accepted: Mutex<Accepted>,
    /// The runs to which an undo was said, the last one last.
    undone: Mutex<Vec<RunId>>,
    /// What keeps the tasks of a workspace from being read, as the user was told last.
    told_of_tasks: Mutex<BTreeMap<PathBuf, String>>,
    /// The memory files that were begun in this session.
    drafts: Mutex<BTreeMap<PathBuf, Draft>>,
}

impl Handlers {
    pub(super) fn new(
        client: Client,
        session: Arc<Session>,
        runtime: Result<Arc<Runtime>, String>,
        dirs: UserDirs,
    ) -> Self {
        let editor = Editor::new(client);
        let surface = Arc::new(EditorSurface { session: Arc::clone(&session), editor: editor.clone() });
        let (followed, accepted, drafts) = (Mutex::default(), Mutex::default(), Mutex::default());
        let memory = Arc::new(Memory::new(Arc::clone(&session), runtime.clone()));
        let surroundings =
            Arc::new(Surroundings::new(Arc::clone(&session), runtime.clone(), Arc::clone(&memory), &dirs));
        let publisher =
            Arc::new(Publisher::new(Arc::clone(&session), editor.clone(), Arc::clone(&surroundings)));
        let state = dirs.state;
        Self(Arc::new(Shared {
            session,
            editor,
            surface,
            runtime,
            state,
            surroundings,
            memory,
            publisher,
            followed,
            accepted,
            undone: Mutex::default(),
            told_of_tasks: Mutex::default(),
            drafts,
        }))
    }

    /// `window/workDoneProgress/cancel`, which tower-lsp does not route. Cancelling what is
    /// over, or what was never ours, is no error.
    pub(super) async fn progress_cancelled(&self, params: WorkDoneProgressCancelParams) {
        let handle = run_of_token(&params.token)
            .and_then(|run| self.0.runtime.as_ref().ok().and_then(|runtime| runtime.handle(&run)));
        if let Some(handle) = handle
            && let Err(error) = handle.say(Say::Cancel, &self.0.surface.name()).await
        {
            tracing::debug!(%error, "a progress was cancelled whose run cannot be");
        }
    }
}

#[tower_lsp::async_trait]
impl LanguageServer for Handlers {
    async fn initialize(&self, _: InitializeParams) -> jsonrpc::Result<InitializeResult> {
        // The session has read the parameters already, in the order of arrival.
        tokio::spawn(Arc::clone(&self.0).keep_offers_fresh());
        Ok(InitializeResult {
            capabilities: capabilities(&self.0.session, self.0.annotates()),
            server_info: Some(ServerInfo {
                name: "openexec".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        tokio::spawn(Arc::clone(&self.0).keep_annotations_fresh());
        tokio::spawn(Arc::clone(&self.0).pass_complaints_on());
        tokio::spawn(Arc::clone(&self.0).register_for_own_files());
        tokio::spawn(Arc::clone(&self.0).register_for_files());
        tokio::spawn(Arc::clone(&self.0).keep_indexed());
        tokio::spawn(Arc::clone(&self.0.publisher).keep_telling());
        let publisher = Arc::clone(&self.0.publisher);
        let session = Arc::clone(&self.0.session);
        tokio::spawn(Arc::clone(&self.0.memory).keep_fresh(move || {
            publisher.refresh();
            session.annotations_may_have_changed();
        }));
    }

    async fn shutdown(&self) -> jsonrpc::Result<()> {
        self.0.stop_indexing().await;
        Ok(())
    }

    async fn code_action(&self, params: CodeActionParams) -> jsonrpc::Result<Option<CodeActionResponse>> {
        // Whatever is typed while this waits, the question is about the text as it stands now.
        let file = self.0.session.document(params.text_document.uri.as_str());
        self.0.session.first_offers().await;
        if let Some(file) = &file {
            self.0.read_structure(file).await;
        }
        let mut actions = self.0.mends(&params).await;
        actions.extend(file.map(|file| self.0.code_actions(&file, &params)).unwrap_or_default());
        actions.truncate(CODE_ACTIONS_MAX);
        Ok(Some(actions))
    }

    async fn completion(&self, params: CompletionParams) -> jsonrpc::Result<Option<CompletionResponse>> {
        let TextDocumentPositionParams { text_document, position } = params.text_document_position;
        let items =
            self.0.about(&text_document.uri, move |file, known| complete(file, position, known)).await;
        Ok(items.map(CompletionResponse::Array))
    }

    async fn hover(&self, params: HoverParams) -> jsonrpc::Result<Option<Hover>> {
        let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
        let markdown = self.0.session.traits().markdown;
        let told = move |file: &OwnFile, known: &Known| hover(file, position, known, markdown);
        let told = self.0.about(&text_document.uri, told).await.flatten();
        match told {
            Some(told) => Ok(Some(told)),
            None => Ok(self.0.record_at(&text_document.uri, position).await),
        }
    }

    async fn code_lens(&self, params: CodeLensParams) -> jsonrpc::Result<Option<Vec<CodeLens>>> {
        let uri = &params.text_document.uri;
        match self.0.review_lenses(uri.as_str()).await {
            Some(lenses) => Ok(Some(lenses)),
            None => Ok(self.0.lenses(uri).await),
        }
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> jsonrpc::Result<Option<Vec<InlayHint>>> {
        Ok(self.0.hints(&params.text_document.uri, params.range).await)
    }

    async fn goto_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> jsonrpc::Result<Option<GotoDefinitionResponse>> {
        let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
        let question = move |file: &OwnFile, known: &Known| {
            (definition(file, position, known), toolset_at(file, position))
        };
        let places = match self.0.about(&text_document.uri, question).await {
            Some((_, Some(toolset))) => self.0.place_of_toolset(toolset).await.into_iter().collect(),
            Some((places, None)) => places,
            None => Vec::new(),
        };
        Ok(Some(places).filter(|places| !places.is_empty()).map(GotoDefinitionResponse::Array))
    }

    async fn references(&self, params: ReferenceParams) -> jsonrpc::Result<Option<Vec<Location>>> {
        let TextDocumentPositionParams { text_document, position } = params.text_document_position;
        let declared = params.context.include_declaration;
        let places =
            self.0.about(&text_document.uri, move |file, _| references(file, position, declared)).await;
        Ok(places.filter(|places| !places.is_empty()))
    }

    async fn document_symbol(
        &self,
        params: DocumentSymbolParams,
    ) -> jsonrpc::Result<Option<DocumentSymbolResponse>> {
        let nested = self.0.session.traits().nested_symbols;
        Ok(self.0.about(&params.text_document.uri, move |file, _| symbols(file, nested)).await)
    }

    async fn prepare_rename(
        &self,
        params: TextDocumentPositionParams,
    ) -> jsonrpc::Result<Option<PrepareRenameResponse>> {
        let position = params.position;
        let found = self.0.about(&params.text_document.uri, move |file, _| renamed_at(file, position)).await;
        let answer =
            |(range, placeholder)| PrepareRenameResponse::RangeWithPlaceholder { range, placeholder };
        Ok(found.flatten().map(answer))
    }

    async fn rename(&self, params: RenameParams) -> jsonrpc::Result<Option<WorkspaceEdit>> {
        let TextDocumentPositionParams { text_document, position } = params.text_document_position;
        let document_changes = self.0.session.traits().document_changes;
        let edit = move |file: &OwnFile, _: &Known| {
            let edits = rename(file, position, &params.new_name)?;
            Ok(own_edit(file, edits, document_changes))
        };
        match self.0.about(&text_document.uri, edit).await {
            None => Ok(None),
            Some(Ok(edit)) => Ok(edit),
            Some(Err(reason)) => Err(failed(reason)),
        }
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> jsonrpc::Result<Option<Value>> {
        let done = match commands::parse(&params.command, params.arguments) {
            Ok(wish) => Arc::clone(&self.0).fulfil(wish).await,
            Err(reason) => Err(reason),
        };
        done.map(Some).map_err(failed)
    }
}

fn failed(reason: String) -> Error {
    Error { code: ErrorCode::ServerError(REQUEST_FAILED), message: reason.into(), data: None }
}

impl Shared {
    fn runtime(&self) -> Result<&Arc<Runtime>, String> {
        self.runtime.as_ref().map_err(|reason| format!("OpenExec cannot run anything: {reason}"))
    }

    /// Parses a document where no other request waits for it.
    async fn read_structure(&self, file: &Arc<OpenFile>) {
        if !file.is_unread() {
            return;
        }
        let file = Arc::clone(file);
        let read = move || {
            file.read_for_menu();
            Ok(())
        };
        if let Err(reason) = blocking(read).await {
            tracing::error!(reason, "the structure of a document could not be read");
        }
    }

    fn code_actions(&self, file: &OpenFile, params: &CodeActionParams) -> CodeActionResponse {
        let session = &self.session;
        let traits = session.traits();
        let roots = session.roots();
        if let Some(actions) = self.review_actions(file, params) {
            return actions;
        }
        let Some(root) = roots.of_file(&file.path) else {
            return Vec::new();
        };
        session.touch(&file.path);
        let offers = session.offers(root);
        let mut runs = self.lines();
        runs.retain(|line| line.root == root);
        let undone = self.undone.lock().clone();
        let place = Place {
            range: params.range,
            encoding: traits.encoding,
            only: params.context.only.as_deref().unwrap_or_default(),
            diagnostics: &params.context.diagnostics,
            symbols: &file.symbols(),
            directive: file.directive_at(params.range.start.line),
            offers: &offers,
            root: Some(root),
            runs: &runs,
            known: &|symbol| self.known_about(&file.path, symbol),
            undone: &undone,
            file,
        };
        let form = Form { literals: traits.code_action_literals, disabled: traits.disabled_actions };
        offered(&place, form)
    }

    /// All runs of the open workspaces: first those that this process drives, then the others;
    /// each newest first.
    fn lines(&self) -> Vec<RunLine> {
        let Ok(runtime) = &self.runtime else {
            return Vec::new();
        };
        let line = |handle: RunHandle| {
            let driven = runtime.handle(&handle.run).is_some();
            RunLine { view: handle.view(), root: handle.root, driven, elsewhere: false }
        };
        let mut lines: Vec<RunLine> = runtime.handles().into_iter().map(line).collect();
        for root in self.session.roots().all() {
            let offers = self.session.offers(root);
            for view in &offers.pending {
                if !lines.iter().any(|line| line.view.run == view.run) {
                    let elsewhere = offers.elsewhere.contains(&view.run);
                    let (root, view) = (root.to_owned(), view.clone());
                    lines.push(RunLine { root, view, driven: elsewhere, elsewhere });
                }
            }
            // One run at a time is the one to undo, and those of this process are later.
            if let Some(view) = &offers.ended
                && !lines.iter().any(|line| line.root == root && line.can_undo())
                && !lines.iter().any(|line| line.view.run == view.run)
            {
                let (root, view) = (root.to_owned(), view.clone());
                lines.push(RunLine { root, view, driven: false, elsewhere: false });
            }
        }
        lines
    }

    async fn pass_complaints_on(self: Arc<Self>) {
        let Some(mut complaints) = self.session.complaints() else { return };
        while let Some(complaint) = complaints.recv().await {
            self.editor.show_message(complaint.typ, complaint.message).await;
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(format!("the server failed at this: {error}")),
    }
}
