//! The peer: a server on the same crates that keeps the text of documents as a string and does
//! nothing else. The bench starts itself as one.

use crate::client::{Abilities, Client};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{
    CodeActionParams, CodeActionProviderCapability, CodeActionResponse, DidChangeTextDocumentParams,
    DidOpenTextDocumentParams, InitializeParams, InitializeResult, Position, ServerCapabilities,
    TextDocumentSyncCapability, TextDocumentSyncKind, Url,
};
use tower_lsp::{LanguageServer, LspService, Server};

/// What the bench is called with to be that server.
pub const ARGUMENT: &str = "--bare-server";

/// Starts it on a folder. Answers its process as well.
pub fn start(root: &Path) -> (u32, Client) {
    let child = Client::spawn(&std::env::current_exe().unwrap(), &[ARGUMENT], &[]);
    (child.id(), Client::of_child(child, root, Abilities::all()))
}

/// Serves on the standard streams, then ends the process.
pub fn serve() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (service, socket) = LspService::new(|_| Bare::default());
        Server::new(tokio::io::stdin(), tokio::io::stdout(), socket).serve(service).await;
    });
}

#[derive(Default)]
struct Bare {
    documents: Mutex<BTreeMap<Url, String>>,
}

#[tower_lsp::async_trait]
impl LanguageServer for Bare {
    async fn initialize(&self, _: InitializeParams) -> Result<InitializeResult> {
        Ok(InitializeResult {
            capabilities: ServerCapabilities {
                text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::INCREMENTAL)),
                code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
                ..ServerCapabilities::default()
            },
            server_info: None,
        })
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        self.documents.lock().insert(params.text_document.uri, params.text_document.text);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let mut documents = self.documents.lock();
        let Some(text) = documents.get_mut(&params.text_document.uri) else { return };
        for change in params.content_changes {
            match change.range {
                Some(range) => {
                    let (start, end) = (byte_of(text, range.start), byte_of(text, range.end));
                    text.replace_range(start..end, &change.text);
                }
                None => *text = change.text,
            }
        }
    }

    async fn code_action(&self, _: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        Ok(Some(Vec::new()))
    }

    async fn shutdown(&self) -> Result<()> {
        // tower-lsp waits for the end of its input otherwise.
        std::thread::spawn(|| {
            let patience = std::time::Duration::from_millis(100);
            std::thread::park_timeout(patience);
            std::process::exit(0);
        });
        Ok(())
    }
}

/// For texts of single bytes, which is what is measured.
fn byte_of(text: &str, at: Position) -> usize {
    let line = usize::try_from(at.line).unwrap();
    let start = text.match_indices('\n').nth(line.saturating_sub(1)).map_or(0, |(byte, _)| byte + 1);
    let start = if line == 0 { 0 } else { start };
    start + usize::try_from(at.character).unwrap()
}

/// A question that both servers answer at once, asked to know that all before it is done.
pub fn question(uri: &str) -> (&'static str, Value) {
    let at = json!({ "line": 0, "character": 0 });
    let params = json!({
        "textDocument": { "uri": uri }, "range": { "start": at, "end": at },
        "context": { "diagnostics": [], "triggerKind": 2 },
    });
    ("textDocument/codeAction", params)
}
