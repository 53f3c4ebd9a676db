//! The handlers: they take what they need out of the session, call plain functions, and
//! answer at once. Whatever takes longer goes on in a task of its own.

mod annotations;
mod capabilities;
mod for_own_files;
mod listing;
mod timeline;

use self::capabilities::capabilities;
use self::for_own_files::own_edit;
use super::actions::{Form, Place, RunLine, offered, short};
use super::commands::{self, OfRequest, OfRun, TrustArguments, Wish, meant, obvious_root};
use super::editor::{Answer, Editor};
use super::follow::{follow, run_of_token};
use super::own_files::{
    Known, OwnFile, Publisher, Surroundings, complete, definition, hover, references, rename, renamed_at,
    symbols,
};
use super::protocol::{
    CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams, CompletionResponse,
    DocumentSymbolParams, DocumentSymbolResponse, ExecuteCommandParams, GotoDefinitionParams,
    GotoDefinitionResponse, Hover, HoverParams, InitializeParams, InitializeResult, InitializedParams,
    InlayHint, InlayHintParams, Location, MessageType, PrepareRenameResponse, ReferenceParams, RenameParams,
    ServerInfo, TextDocumentPositionParams, WorkDoneProgressCancelParams, WorkspaceEdit,
};
use super::review::{
    evidence, request_markdown, review_markdown, status_markdown, trust_markdown, write_document,
    write_readonly, write_review, write_status,
};
use super::session::{Offers, Session};
use super::surface::EditorSurface;
use super::trust::TrustState;
use super::uri;
use crate::config::UserDirs;
use crate::disclosure;
use crate::driver::{Asked, DriverError, RunHandle, RunStatus, RunView, Runtime, Say, Surface, view_of};
use crate::limits::CODE_ACTIONS_MAX;
use openexec_engine::blueprint::Blueprint;
use openexec_engine::ids::RunId;
use openexec_engine::run::Outcome;
use openexec_engine::task::TaskKind;
use openexec_engine::text::visible;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tower_lsp::jsonrpc::{self, Error, ErrorCode};
use tower_lsp::{Client, LanguageServer};

/// The code of errors that are the user's to mend: LSP's `RequestFailed`.
const REQUEST_FAILED: i64 = -32803;

/// The one choice of a question about a proposal: to look at it.
const REVIEW: &str = "Review";

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
    publisher: Arc<Publisher>,
    /// The runs that the user is told about, and what is to be followed after that.
    followed: Mutex<BTreeMap<RunId, (RunHandle, Option<RunHandle>)>>,
    /// Recorded runs, as they stood when their journal was read last.
    recorded_views: Mutex<BTreeMap<RunId, RunView>>,
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
        let (followed, recorded_views) = (Mutex::default(), Mutex::default());
        let surroundings = Arc::new(Surroundings::new(Arc::clone(&session), runtime.clone(), &dirs));
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
            publisher,
            followed,
            recorded_views,
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
        tokio::spawn(Arc::clone(&self.0.publisher).keep_telling());
    }

    async fn shutdown(&self) -> jsonrpc::Result<()> {
        Ok(())
    }

    async fn code_action(&self, params: CodeActionParams) -> jsonrpc::Result<Option<CodeActionResponse>> {
        self.0.session.first_offers().await;
        let mut actions = self.0.mends(&params).await;
        actions.extend(self.0.code_actions(&params));
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
        Ok(self.0.lenses(&params.text_document.uri).await)
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> jsonrpc::Result<Option<Vec<InlayHint>>> {
        Ok(self.0.hints(&params.text_document.uri, params.range).await)
    }

    async fn goto_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> jsonrpc::Result<Option<GotoDefinitionResponse>> {
        let TextDocumentPositionParams { text_document, position } = params.text_document_position_params;
        let places =
            self.0.about(&text_document.uri, move |file, known| definition(file, position, known)).await;
        Ok(places.filter(|places| !places.is_empty()).map(GotoDefinitionResponse::Array))
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

    fn code_actions(&self, params: &CodeActionParams) -> CodeActionResponse {
        let session = &self.session;
        let traits = session.traits();
        let roots = session.roots();
        let Some(file) = session.document(params.text_document.uri.as_str()) else {
            return Vec::new();
        };
        let Some(root) = roots.of_file(&file.path) else {
            return Vec::new();
        };
        session.touch(&file.path);
        let offers = session.offers(root);
        let mut runs = self.lines();
        runs.retain(|line| line.root == root);
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
            file: &file,
        };
        let form = Form { literals: traits.code_action_literals, disabled: traits.disabled_actions };
        offered(&place, form)
    }

    /// All runs of the open workspaces: first those that this process drives, then those that
    /// nobody does; each newest first.
    fn lines(&self) -> Vec<RunLine> {
        let Ok(runtime) = &self.runtime else {
            return Vec::new();
        };
        let line = |handle: RunHandle| {
            let driven = runtime.handle(&handle.run).is_some();
            RunLine { view: handle.view(), root: handle.root, driven }
        };
        let mut lines: Vec<RunLine> = runtime.handles().into_iter().map(line).collect();
        for root in self.session.roots().all() {
            let offers = self.session.offers(root);
            for view in &offers.pending {
                if !lines.iter().any(|line| line.view.run == view.run) {
                    lines.push(RunLine { root: root.to_owned(), view: view.clone(), driven: false });
                }
            }
            // One run at a time is the one to undo, and those of this process are later.
            if let Some(view) = &offers.ended
                && !lines.iter().any(|line| line.root == root && line.can_undo())
                && !lines.iter().any(|line| line.view.run == view.run)
            {
                lines.push(RunLine { root: root.to_owned(), view: view.clone(), driven: false });
            }
        }
        lines
    }

    async fn fulfil(self: Arc<Self>, wish: Wish) -> Result<Value, String> {
        match wish {
            Wish::Run(arguments) => self.start(*arguments).await,
            Wish::Cancel(of) => self.say(of, RunLine::can_cancel, "cancelled", |_| Ok(Say::Cancel)).await,
            Wish::Resume(of) => self.resume(of).await,
            Wish::Undo(of) => self.say(of, RunLine::can_undo, "undone", |_| Ok(Say::Undo)).await,
            Wish::Apply(of) => {
                let seen = of.proposal;
                let approve = move |status: &RunStatus| match status {
                    RunStatus::AwaitingApproval { proposal, .. }
                        if seen.is_none_or(|seen| seen == *proposal) =>
                    {
                        Ok(Say::Approve(*proposal))
                    }
                    _ => Err("the proposal has changed since it was shown; review it again".to_owned()),
                };
                self.say(of, RunLine::awaits_approval, "applied", approve).await
            }
            Wish::Discard(of) => {
                let seen = of.proposal;
                let refuse = move |status: &RunStatus| match status {
                    RunStatus::AwaitingApproval { proposal, .. }
                        if seen.is_none_or(|seen| seen == *proposal) =>
                    {
                        Ok(Say::Refuse(*proposal))
                    }
                    RunStatus::AwaitingApproval { .. } => {
                        Err("the proposal has changed since it was shown; review it again".to_owned())
                    }
                    RunStatus::Active | RunStatus::Paused { .. } | RunStatus::Ended { .. } => {
                        Err("the run waits for no decision any more; look at `openexec.status`".to_owned())
                    }
                };
                self.say(of, RunLine::awaits_approval, "discarded", refuse).await
            }
            Wish::Reject(of) => {
                let (seen, parts) = (of.proposal, of.parts()?);
                let reject = move |status: &RunStatus| match status {
                    RunStatus::AwaitingApproval { proposal, .. }
                        if seen.is_none_or(|seen| seen == *proposal) =>
                    {
                        Ok(Say::Reject { proposal: *proposal, parts })
                    }
                    _ => Err("the proposal has changed since it was shown; review it again".to_owned()),
                };
                let of = OfRun { run: of.run, proposal: of.proposal };
                self.say(of, RunLine::awaits_approval, "cut down", reject).await
            }
            Wish::Review(of) => self.review(&of).await,
            Wish::Request(of) => self.request(of).await,
            Wish::Status(OfRun { run: None, .. }) => self.status().await,
            Wish::Status(of) => self.timeline(of).await,
            Wish::Report(of) => self.page(of).await,
            Wish::Trust(arguments) => self.trust(arguments).await,
            Wish::Graph(arguments) => self.graph(arguments).await,
        }
    }

    async fn start(self: Arc<Self>, mut arguments: commands::RunArguments) -> Result<Value, String> {
        let runtime = self.runtime()?;
        let session = &self.session;
        let named = arguments.uri.take();
        let file = named.as_deref().and_then(|uri| session.document(uri));
        let path = match (&file, &named) {
            (Some(file), _) => Some(file.path.clone()),
            (None, Some(uri)) => Some(uri::canonical(&uri::path_of(uri).map_err(|error| error.to_string())?)),
            (None, None) => None,
        };
        let focus = session.focus();
        let request =
            commands::start_request(arguments, &session.roots(), file.as_deref(), path, focus.as_deref())?;
        let surface: Arc<dyn Surface> = self.surface.clone();
        let handle = runtime.start(request, surface).await.map_err(|error| error.to_string())?;
        let run = handle.run.clone();
        self.follow(handle);
        Ok(json!({ "run": run }))
    }

    /// Says something to the run that is meant, which is taken up first if nobody drives it.
    async fn say(
        self: &Arc<Self>,
        of: OfRun,
        fits: fn(&RunLine) -> bool,
        purpose: &str,
        what: impl FnOnce(&RunStatus) -> Result<Say, String>,
    ) -> Result<Value, String> {
        let mut handle = self.meant_handle(&of, fits, purpose).await?;
        let said = what(&handle.view().status)?;
        let mut answer = handle.say(said.clone(), &self.surface.name()).await;
        if answer.is_err() && !handle.is_driven() {
            // It came to its end at this very moment; it is taken up again.
            handle = self.meant_handle(&of, fits, purpose).await?;
            answer = handle.say(said, &self.surface.name()).await;
        }
        answer.map_err(|error| error.to_string())?;
        let run = handle.run.clone();
        self.follow(handle);
        Ok(json!({ "run": run }))
    }

    async fn resume(self: &Arc<Self>, of: OfRun) -> Result<Value, String> {
        let handle = self.meant_handle(&of, RunLine::can_resume, "resumed").await?;
        // One that was interrupted goes on by being taken up.
        if matches!(handle.view().status, RunStatus::Paused { .. }) {
            handle.say(Say::Resume, &self.surface.name()).await.map_err(|error| error.to_string())?;
        }
        let run = handle.run.clone();
        self.follow(handle);
        Ok(json!({ "run": run }))
    }

    async fn meant_handle(
        self: &Arc<Self>,
        of: &OfRun,
        fits: fn(&RunLine) -> bool,
        purpose: &str,
    ) -> Result<RunHandle, String> {
        let runtime = self.runtime()?;
        let lines = self.lines();
        let (root, run, shown) = match meant(&lines, of.run.as_deref(), fits, purpose) {
            Ok(line) => (line.root.clone(), line.view.run.clone(), Some(&line.view.status)),
            Err(reason) => {
                let (root, run) = self.recorded(of, &lines).ok_or(reason)?;
                (root, run, None)
            }
        };
        if let Some(handle) = runtime.handle(&run) {
            return Ok(handle);
        }
        let surface: Arc<dyn Surface> = self.surface.clone();
        let handle = runtime.take_up(&root, &run, surface).await.map_err(|error| error.to_string())?;
        self.session.run_driven(&run, &root);
        // Another process may have undone it meanwhile; an undo would then redo.
        if let Some(ended @ RunStatus::Ended { .. }) = shown
            && handle.view().status != *ended
        {
            return Err("the run has gone on since it was shown; look at `openexec.status`".to_owned());
        }
        Ok(handle)
    }

    /// A run that is over since before this process began.
    fn recorded(&self, of: &OfRun, lines: &[RunLine]) -> Option<(PathBuf, RunId)> {
        let named = of.run.as_deref()?;
        if lines.iter().any(|line| line.view.run.as_str().contains(named)) {
            return None;
        }
        let root = obvious_root(&self.session.roots(), self.session.focus().as_deref()).ok()?;
        let store = self.runtime.as_ref().ok()?.store(&root).ok()?;
        let run = store.find_run(named).ok()?;
        Some((root, run))
    }

    async fn review(self: &Arc<Self>, of: &OfRun) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let lines = self.lines();
        let line = meant(&lines, of.run.as_deref(), RunLine::awaits_approval, "reviewed")?.clone();
        let (diff, reasons) = match line.view.status.clone() {
            RunStatus::AwaitingApproval { what: Asked::Proposal { diff, reasons, .. }, .. } => {
                (diff, reasons)
            }
            RunStatus::AwaitingApproval { what: Asked::Request(request), .. } => {
                let number = usize::try_from(request.number).ok();
                let run = Some(line.view.run.to_string());
                return self.request(OfRequest { run, number }).await;
            }
            RunStatus::Active | RunStatus::Paused { .. } | RunStatus::Ended { .. } => {
                return Err("the run waits for no decision any more; look at `openexec.status`".to_owned());
            }
        };
        let files = blocking(move || {
            let run = &line.view.run;
            let store = runtime.store(&line.root).map_err(|error| error.to_string())?;
            let recorded = store.events(run).map_err(|error| error.to_string())?;
            let folder = runtime.run_dir(&line.root, run);
            let markdown = review_markdown(&line.view, &diff, &reasons, &evidence(&recorded));
            write_review(&folder, &visible(&diff), &markdown).map_err(|error| {
                format!("the review could not be written to `{}`: {error}", folder.display())
            })
        })
        .await?;
        self.show(files.markdown.clone());
        Ok(json!({ "review": files.markdown, "diff": files.diff }))
    }

    /// Shows what a run sends, or would send.
    async fn request(self: &Arc<Self>, of: OfRequest) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let lines = self.lines();
        let line = match of.run.as_deref() {
            None => lines.iter().find(|line| line.awaits_sending()).or_else(|| lines.first()),
            Some(_) => meant(&lines, of.run.as_deref(), |_| true, "shown").ok(),
        };
        let (root, run) = match line {
            Some(line) => (line.root.clone(), line.view.run.clone()),
            None => self.any_run(&OfRun { run: of.run.clone(), proposal: None }, &lines)?,
        };
        let (file, shown) = blocking(move || {
            let told = |error: DriverError| error.to_string();
            let recorded = runtime.journal(&root, &run).map_err(told)?;
            let requests = disclosure::requests(recorded.iter().map(|record| &record.event))?;
            let number = of.number.unwrap_or(requests.len());
            let request = number.checked_sub(1).and_then(|at| requests.get(at));
            let request =
                request.ok_or_else(|| format!("run {} has {} requests", short(&run), requests.len()))?;
            let (state, seq) = runtime.fold(&root, &run).map_err(told)?;
            let view = view_of(&run, &state, seq);
            let wire = runtime.preview(&root, &request.request).map_err(told);
            let markdown = request_markdown(&view, request, &wire);
            let folder = runtime.run_dir(&root, &run);
            let file =
                write_readonly(&folder, &format!("request-{number}.md"), &markdown).map_err(|error| {
                    format!("the request could not be written to `{}`: {error}", folder.display())
                })?;
            let shown = json!({ "request": file, "run": run, "number": number, "digest": request.digest });
            Ok((file, shown))
        })
        .await?;
        self.show(file);
        Ok(shown)
    }

    async fn status(self: &Arc<Self>) -> Result<Value, String> {
        let lines = self.lines();
        let roots = self.session.roots();
        let known = |root: &Path| Some((root.to_owned(), self.session.offers(root).trust.clone()?));
        let trust: Vec<(PathBuf, TrustState)> = roots.all().into_iter().filter_map(known).collect();
        let (state, runtime) = (self.state.clone(), self.runtime.clone());
        let (file, markdown) = blocking(move || {
            let today = runtime.as_ref().ok().and_then(|runtime| runtime.spent_today().ok());
            let trouble = runtime.as_ref().err().map(String::as_str);
            let markdown = status_markdown(&lines, &trust, trouble, today.as_deref());
            let file = write_status(&state, &markdown).map_err(|error| {
                format!("the status could not be written below `{}`: {error}", state.display())
            })?;
            Ok((file, markdown))
        })
        .await?;
        self.show(file.clone());
        Ok(json!({ "status": file, "markdown": markdown }))
    }

    /// Shows what trusting the workspace would agree to.
    async fn review_trust(self: &Arc<Self>, root: PathBuf) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let (file, seen) = blocking(move || {
            let state = trust_state(&runtime, &root)?;
            let markdown = trust_markdown(&root, &state);
            let folder = runtime.journal_path(&root).with_file_name("trust");
            let file = write_document(&folder, "trust.md", &markdown).map_err(|error| {
                format!("the review could not be written to `{}`: {error}", folder.display())
            })?;
            Ok((file, state))
        })
        .await?;
        self.show(file.clone());
        Ok(match seen {
            // What trust would bind, for a client that asks for it while the document is read.
            TrustState::Untrusted { content, commands, .. } => {
                json!({ "review": file, "content": content, "commands": commands })
            }
            TrustState::Trusted | TrustState::NothingDeclared => json!({ "review": file }),
        })
    }

    async fn trust(self: &Arc<Self>, arguments: TrustArguments) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let roots = self.session.roots();
        let root = match &arguments.uri {
            Some(uri) => {
                let path = uri::canonical(&uri::path_of(uri).map_err(|error| error.to_string())?);
                let outside = || format!("`{uri}` lies in no open workspace folder; open its folder");
                roots.of_file(&path).ok_or_else(outside)?.to_owned()
            }
            None => obvious_root(&roots, self.session.focus().as_deref())?,
        };
        if arguments.review {
            return self.review_trust(root).await;
        }
        let (done, message) = blocking(move || match trust_state(&runtime, &root)? {
            TrustState::NothingDeclared => {
                Err("this workspace declares no task; declare one in .openexec/tasks.yaml".to_owned())
            }
            TrustState::Trusted => Ok((
                json!({ "trusted": root }),
                "OpenExec: the tasks of this workspace are trusted already".to_owned(),
            )),
            TrustState::Untrusted { content, commands, .. }
                if arguments.content.is_some_and(|seen| seen != content)
                    || arguments.commands.as_ref().is_some_and(|seen| *seen != commands) =>
            {
                Err("the tasks have changed since they were shown; open the menu again".to_owned())
            }
            TrustState::Untrusted { content, commands, .. } => {
                runtime.trust(&root, content).map_err(|error| error.to_string())?;
                let message = format!("OpenExec: trusted, may run {}", commands.join(", "));
                Ok((json!({ "trusted": root, "commands": commands }), message))
            }
        })
        .await?;
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            // Whoever reads the message finds a menu that knows of it.
            Arc::clone(&shared).refresh_offers().await;
            shared.publisher.refresh();
            shared.editor.show_message(MessageType::INFO, message).await;
        });
        Ok(done)
    }

    /// Opens a document where the editor can, else names it.
    fn show(self: &Arc<Self>, path: PathBuf) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let shown = shared.session.traits().show_document && shared.editor.show_document(&path).await;
            if !shown {
                shared.editor.show_message(MessageType::INFO, format!("Open {}", path.display())).await;
            }
        });
    }

    /// Opens a page in the user's browser where the editor can, else names it.
    fn show_outside(self: &Arc<Self>, path: PathBuf) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let shown = shared.session.traits().show_document && shared.editor.show_outside(&path).await;
            if !shown {
                let message = format!("Open {} in a browser", path.display());
                shared.editor.show_message(MessageType::INFO, message).await;
            }
        });
    }

    /// Tells the user about a run, once at a time. A run that is taken up while the user is
    /// still being told of its last end is followed after that.
    fn follow(self: &Arc<Self>, handle: RunHandle) {
        let mut followed = self.followed.lock();
        if let Some((now, next)) = followed.get_mut(&handle.run) {
            *next = (!now.is_same(&handle)).then_some(handle);
            return;
        }
        followed.insert(handle.run.clone(), (handle.clone(), None));
        drop(followed);
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let traits = shared.session.traits();
            let stands = |handle: &RunHandle, view: &RunView| {
                let shared = Arc::clone(&shared);
                if matches!(view.status, RunStatus::Ended { .. }) {
                    // Its edits are new to the menus and to what is known about symbols.
                    shared.session.annotations_may_have_changed();
                    tokio::spawn(Arc::clone(&shared).refresh_offers());
                }
                match &view.status {
                    // A client that lists runs asks and shows by itself.
                    _ if traits.lists_runs => {}
                    RunStatus::AwaitingApproval { .. } if traits.questions => {
                        tokio::spawn(shared.offer_review(handle.clone()));
                    }
                    RunStatus::Ended { outcome: Outcome::Done, .. } if !view.applied => {
                        tokio::spawn(shared.show_report(handle.clone()));
                    }
                    RunStatus::AwaitingApproval { .. }
                    | RunStatus::Active
                    | RunStatus::Paused { .. }
                    | RunStatus::Ended { .. } => {}
                }
            };
            let editor = if traits.lists_runs { shared.editor.quiet() } else { shared.editor.clone() };
            let mut following = Some(handle);
            while let Some(handle) = following {
                shared.tell_of_changes(&handle);
                follow(editor.clone(), traits.progress, handle.clone(), &stands).await;
                following = shared.next_to_follow(&handle.run);
            }
        });
    }

    fn next_to_follow(&self, run: &RunId) -> Option<RunHandle> {
        let mut followed = self.followed.lock();
        let (_, next) = followed.remove(run)?;
        let next = next?;
        followed.insert(run.clone(), (next.clone(), None));
        Some(next)
    }

    /// Offers the review beside the user's work. Nothing that is answered here consents.
    async fn offer_review(self: Arc<Self>, handle: RunHandle) {
        let run = &handle.run;
        let message = format!("OpenExec run {} waits for you", short(run));
        let asked = self.editor.ask(message, &[REVIEW]);
        let answer = tokio::select! {
            answer = asked => answer,
            () = handle.over() => return,
        };
        let Ok(Answer::Said(chosen)) = answer else {
            return;
        };
        if chosen.get("title").and_then(Value::as_str) != Some(REVIEW) {
            return;
        }
        let of = OfRun { run: Some(run.to_string()), proposal: None };
        if let Err(reason) = self.review(&of).await {
            self.editor.show_message(MessageType::WARNING, reason).await;
        }
    }

    /// Shows what a run has found out that changes nothing: the answer to a question, a review.
    async fn show_report(self: Arc<Self>, handle: RunHandle) {
        let Ok(runtime) = self.runtime().map(Arc::clone) else { return };
        let written = blocking(move || {
            let (state, _) = runtime.fold(&handle.root, &handle.run).map_err(|error| error.to_string())?;
            let Some(report) = state.artifact("review_report") else { return Ok(None) };
            let folder = runtime.run_dir(&handle.root, &handle.run);
            let file = write_document(&folder, "report.md", &visible(report));
            file.map(Some).map_err(|error| {
                format!("the report could not be written to `{}`: {error}", folder.display())
            })
        });
        match written.await {
            Ok(None) => {}
            Ok(Some(file)) => self.show(file),
            Err(reason) => self.editor.show_message(MessageType::WARNING, reason).await,
        }
    }

    async fn keep_offers_fresh(self: Arc<Self>) {
        let mut saves = self.session.saves();
        Arc::clone(&self).renew_offers().await;
        self.session.set_offers_read();
        if self.say_which_model().await {
            Arc::clone(&self).renew_offers().await;
        }
        while saves.changed().await.is_ok() {
            Arc::clone(&self).renew_offers().await;
        }
    }

    /// Reads them anew and tells whoever shows them.
    async fn renew_offers(self: Arc<Self>) {
        Arc::clone(&self).refresh_offers().await;
        if self.session.traits().lists_runs {
            self.editor.runs_changed().await;
        }
    }

    /// Where no model is configured, the user is told once which one is taken. True when
    /// there is one, which menus then show.
    async fn say_which_model(&self) -> bool {
        let Ok(runtime) = &self.runtime else { return false };
        let Some(found) = runtime.model_at_hand().await else { return false };
        self.editor.log_message(MessageType::INFO, format!("OpenExec: {found}")).await;
        true
    }

    /// Reads from the disk what menus offer, so that no menu has to.
    async fn refresh_offers(self: Arc<Self>) {
        let Ok(runtime) = self.runtime.clone() else {
            return;
        };
        let session = Arc::clone(&self.session);
        let read = move || {
            for root in session.roots().all() {
                let offers = Offers {
                    has_tests: has_tests(&runtime, root),
                    failing: runtime.failing_tests(root),
                    blueprints: blueprints(&runtime, root),
                    model: runtime.default_model().map(|model| model.to_string()),
                    trust: trust_state(&runtime, root).ok(),
                    pending: runtime.pending(root),
                    ended: runtime.latest_applied(root),
                };
                session.set_offers(root, offers);
            }
            Ok(())
        };
        if let Err(reason) = blocking(read).await {
            tracing::error!(reason, "what can be offered could not be read");
        }
    }

    async fn pass_complaints_on(self: Arc<Self>) {
        let Some(mut complaints) = self.session.complaints() else { return };
        while let Some(complaint) = complaints.recv().await {
            self.editor.show_message(complaint.typ, complaint.message).await;
        }
    }
}

fn trust_state(runtime: &Runtime, root: &Path) -> Result<TrustState, String> {
    let state = || Ok(TrustState::of(runtime.declarations(root)?, runtime.trust_changes(root)?));
    state().map_err(|error: DriverError| error.to_string())
}

fn has_tests(runtime: &Runtime, root: &Path) -> bool {
    let declared = runtime.declarations(root).map(|declarations| declarations.declared.tasks);
    declared.is_ok_and(|tasks| tasks.iter().any(|task| task.kind == TaskKind::Test))
}

/// The usable blueprints of a workspace; `openexec blueprints` tells what is wrong with others.
fn blueprints(runtime: &Runtime, root: &Path) -> Vec<Blueprint> {
    let entries = runtime.catalogue(root).unwrap_or_default().entries;
    entries.into_values().filter_map(|entry| entry.blueprint.ok()).collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(format!("the server failed at this: {error}")),
    }
}
