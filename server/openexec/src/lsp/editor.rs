//! What is asked of the editor, and what is told to it.
//!
//! Every request is made from a task of its own, which nobody cancels: tower-lsp ends the
//! whole server when an answer arrives for somebody who no longer waits.

use super::protocol::{
    LogMessageParams, MessageType, ProgressParams, ProgressParamsValue, ProgressToken, Range,
    ShowMessageParams, Url, WorkDoneProgress, WorkDoneProgressCreateParams, notification, request,
};
use crate::limits::CLIENT_ANSWER_TIMEOUT_MS;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::sync::oneshot;
use tower_lsp::Client;
use tower_lsp::jsonrpc;

/// The editor at the other end.
#[derive(Clone)]
pub(super) struct Editor {
    client: Client,
    /// Whether messages about how runs stand are left out.
    is_quiet: bool,
}

/// What came of a request to the editor. Whatever is not an answer is no consent either.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It answered this, whatever it means.
    Said(Value),
    /// It answered with an error.
    Refused(String),
    /// It has not answered.
    Silent,
}

/// `workspace/applyEdit`, with answers taken as they come: clients send `null`, `{}` and more.
enum ApplyEdit {}

impl request::Request for ApplyEdit {
    type Params = Value;
    type Result = Value;
    const METHOD: &'static str = "workspace/applyEdit";
}

/// `openexec/runsChanged`.
enum RunsChanged {}

impl notification::Notification for RunsChanged {
    type Params = Value;
    const METHOD: &'static str = "openexec/runsChanged";
}

/// `workspace/codeLens/refresh`.
enum RefreshLenses {}

impl request::Request for RefreshLenses {
    type Params = Value;
    type Result = Value;
    const METHOD: &'static str = "workspace/codeLens/refresh";
}

/// `workspace/inlayHint/refresh`.
enum RefreshHints {}

impl request::Request for RefreshHints {
    type Params = Value;
    type Result = Value;
    const METHOD: &'static str = "workspace/inlayHint/refresh";
}

/// `window/showDocument`, likewise.
enum ShowDocument {}

impl request::Request for ShowDocument {
    type Params = Value;
    type Result = Value;
    const METHOD: &'static str = "window/showDocument";
}

/// `window/showMessageRequest`, likewise.
enum Question {}

impl request::Request for Question {
    type Params = Value;
    type Result = Value;
    const METHOD: &'static str = "window/showMessageRequest";
}

/// `textDocument/publishDiagnostics`, with the client's own spelling of the URI.
enum PublishDiagnostics {}

impl notification::Notification for PublishDiagnostics {
    type Params = Value;
    const METHOD: &'static str = "textDocument/publishDiagnostics";
}

/// `client/registerCapability`, with the answer taken as it comes.
enum RegisterCapability {}

impl request::Request for RegisterCapability {
    type Params = Value;
    type Result = Value;
    const METHOD: &'static str = "client/registerCapability";
}

impl Editor {
    pub(super) fn new(client: Client) -> Self {
        Self { client, is_quiet: false }
    }

    /// The same editor, without the messages: for whom a list of its own tells.
    pub(super) fn quiet(&self) -> Self {
        Self { is_quiet: true, ..self.clone() }
    }

    /// Tells a client that lists runs that the list is another one.
    pub(super) async fn runs_changed(&self) {
        self.client.send_notification::<RunsChanged>(json!({})).await;
    }

    /// Has the editor ask for lenses anew.
    pub(super) async fn refresh_lenses(&self) {
        within_limit(self.request::<RefreshLenses>(Value::Null)).await;
    }

    /// Has the editor ask for hints anew.
    pub(super) async fn refresh_hints(&self) {
        within_limit(self.request::<RefreshHints>(Value::Null)).await;
    }

    /// Sends `workspace/applyEdit`; the answer arrives in the receiver, if it ever does.
    pub(super) fn apply_edit(&self, params: Value) -> oneshot::Receiver<Answer> {
        self.request::<ApplyEdit>(params)
    }

    /// Shows a file. True when the editor says that it did.
    pub(super) async fn show_document(&self, path: &Path) -> bool {
        self.show_as(path, json!({ "takeFocus": true })).await
    }

    /// Shows a place of a file. True when the editor says that it did.
    pub(super) async fn show_place(&self, path: &Path, at: Range) -> bool {
        self.show_as(path, json!({ "takeFocus": true, "selection": at })).await
    }

    /// Has a file shown by the program that the user has for such files.
    pub(super) async fn show_outside(&self, path: &Path) -> bool {
        self.show_as(path, json!({ "external": true })).await
    }

    async fn show_as(&self, path: &Path, mut how: Value) -> bool {
        let (Ok(uri), Some(members)) = (Url::from_file_path(path), how.as_object_mut()) else {
            return false;
        };
        members.insert("uri".to_owned(), json!(uri));
        let answer = self.request::<ShowDocument>(how);
        match within_limit(answer).await {
            Answer::Said(value) => value.get("success").and_then(Value::as_bool).unwrap_or(false),
            Answer::Refused(_) | Answer::Silent => false,
        }
    }

    /// Says what is wrong with a file, in place of what was said before.
    pub(super) async fn publish_diagnostics(&self, params: Value) {
        self.client.send_notification::<PublishDiagnostics>(params).await;
    }

    /// Asks to be asked about some files. False when the editor would not.
    pub(super) async fn register(&self, registrations: Value) -> bool {
        let answer = self.request::<RegisterCapability>(json!({ "registrations": registrations }));
        match within_limit(answer).await {
            Answer::Said(_) => true,
            Answer::Refused(_) | Answer::Silent => false,
        }
    }

    /// Says one sentence to the user.
    pub(super) async fn show_message(&self, typ: MessageType, message: String) {
        if self.is_quiet {
            return;
        }
        self.client.send_notification::<notification::ShowMessage>(ShowMessageParams { typ, message }).await;
    }

    /// Writes one sentence into the editor's log of this server.
    pub(super) async fn log_message(&self, typ: MessageType, message: String) {
        self.client.send_notification::<notification::LogMessage>(LogMessageParams { typ, message }).await;
    }

    /// Puts a question beside the user's work. The answer is what was chosen, if ever anything
    /// is; whoever waits for it sets the limit.
    pub(super) fn ask(&self, message: String, choices: &[&str]) -> oneshot::Receiver<Answer> {
        let actions: Vec<Value> = choices.iter().map(|title| json!({ "title": title })).collect();
        let typ = MessageType::INFO;
        self.request::<Question>(json!({ "type": typ, "message": message, "actions": actions }))
    }

    /// Asks the editor to make room for a progress. False when it would not.
    pub(super) async fn create_progress(&self, token: &ProgressToken) -> bool {
        let params = WorkDoneProgressCreateParams { token: token.clone() };
        match within_limit(self.request::<request::WorkDoneProgressCreate>(params)).await {
            Answer::Said(_) => true,
            Answer::Refused(_) | Answer::Silent => false,
        }
    }

    /// Reports a progress.
    pub(super) async fn progress(&self, token: &ProgressToken, progress: WorkDoneProgress) {
        let value = ProgressParamsValue::WorkDone(progress);
        let params = ProgressParams { token: token.clone(), value };
        self.client.send_notification::<notification::Progress>(params).await;
    }

    fn request<R>(&self, params: R::Params) -> oneshot::Receiver<Answer>
    where
        R: request::Request + 'static,
        R::Params: Send,
        R::Result: Send + serde::Serialize,
    {
        let (sender, receiver) = oneshot::channel();
        let client = self.client.clone();
        tokio::spawn(async move {
            let answer = Answer::of(client.send_request::<R>(params).await);
            // Nobody may be waiting any more; then the answer is late and means nothing.
            drop(sender.send(answer));
        });
        receiver
    }
}

impl Answer {
    fn of<T: serde::Serialize>(result: jsonrpc::Result<T>) -> Self {
        match result {
            Ok(value) => Self::Said(serde_json::to_value(value).unwrap_or(Value::Null)),
            Err(error) => Self::Refused(error.message.into_owned()),
        }
    }
}

async fn within_limit(answer: oneshot::Receiver<Answer>) -> Answer {
    match tokio::time::timeout(Duration::from_millis(CLIENT_ANSWER_TIMEOUT_MS), answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Answer::Silent,
    }
}
