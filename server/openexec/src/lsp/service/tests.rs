//! The layer against tower-lsp as it comes, over in-memory streams.

use super::*;
use crate::limits::MESSAGES_CONCURRENT_MAX;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tower_lsp::lsp_types::{
    DidChangeTextDocumentParams, ExecuteCommandParams, InitializeParams, InitializeResult, WorkspaceEdit,
};
use tower_lsp::{Client, LanguageServer, LspService, Server, jsonrpc};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server as the documentation of tower-lsp suggests: handlers that wait.
struct Waiting {
    client: Client,
    applied: Arc<Mutex<Vec<i64>>>,
}

#[tower_lsp::async_trait]
impl LanguageServer for Waiting {
    async fn initialize(&self, _: InitializeParams) -> jsonrpc::Result<InitializeResult> {
        Ok(InitializeResult::default())
    }

    async fn shutdown(&self) -> jsonrpc::Result<()> {
        Ok(())
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        // Every other change has something to wait for before it is applied.
        if params.text_document.version % 2 == 1 {
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        }
        self.applied.lock().push(params.text_document.version.into());
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> jsonrpc::Result<Option<Value>> {
        match params.command.as_str() {
            "edit" => {
                self.client.apply_edit(WorkspaceEdit::default()).await?;
                Ok(None)
            }
            "panic" => panic!("this handler is broken"),
            "forever" => std::future::pending().await,
            _ => Ok(Some(json!(self.applied.lock().clone()))),
        }
    }
}

/// Applies what arrives at once, as the session does.
struct AtOnce(Arc<Mutex<Vec<i64>>>);

impl Synchronised for AtOnce {
    fn initialize(&self, _: &Value) {}

    fn notified(&self, method: &str, params: Value) -> bool {
        if method == "textDocument/didChange" {
            let version = params.pointer("/textDocument/version").and_then(Value::as_i64).unwrap();
            assert_ne!(version, -1, "a notification that panics");
            self.0.lock().push(version);
            return true;
        }
        false
    }
}

struct Peer {
    to_server: DuplexStream,
    from_server: BufReader<DuplexStream>,
    applied: Arc<Mutex<Vec<i64>>>,
    left: Option<watch::Receiver<Leaving>>,
}

enum Layer {
    AsItComes,
    Ours,
}

async fn peer(layer: Layer) -> Peer {
    let (to_server, input) = tokio::io::duplex(1 << 20);
    let (output, from_server) = tokio::io::duplex(1 << 20);
    let applied = Arc::new(Mutex::new(Vec::new()));
    let handlers = Arc::clone(&applied);
    let (service, socket) = LspService::new(|client| Waiting { client, applied: handlers });
    let left = match layer {
        Layer::AsItComes => {
            tokio::spawn(Server::new(input, output, socket).serve(service));
            None
        }
        Layer::Ours => {
            let (service, left) = OrderedService::new(service, Arc::new(AtOnce(Arc::clone(&applied))));
            let server = Server::new(input, output, socket).concurrency_level(MESSAGES_CONCURRENT_MAX);
            tokio::spawn(server.serve(service));
            Some(left)
        }
    };
    let mut peer = Peer { to_server, from_server: BufReader::new(from_server), applied, left };
    peer.send(json!({ "id": 0, "method": "initialize", "params": { "capabilities": {} } })).await;
    assert_eq!(peer.receive().await.unwrap()["id"], 0);
    peer
}

impl Peer {
    async fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.to_server.write_all(frame.as_bytes()).await.unwrap();
    }

    async fn change(&mut self, version: i64) {
        self.send(json!({ "method": "textDocument/didChange", "params": {
            "textDocument": { "uri": "file:///a", "version": version }, "contentChanges": [] } }))
            .await;
    }

    async fn command(&mut self, id: i64, command: &str) {
        self.send(json!({ "id": id, "method": "workspace/executeCommand",
            "params": { "command": command, "arguments": [] } }))
            .await;
    }

    /// The next message, or `None` when the server says nothing for this long.
    async fn receive_within(&mut self, limit: Duration) -> Option<Value> {
        tokio::time::timeout(limit, async {
            let mut length = 0;
            loop {
                let mut line = String::new();
                assert_ne!(self.from_server.read_line(&mut line).await.unwrap(), 0, "the server is gone");
                match line.trim_end().split_once(": ") {
                    Some((_, bytes)) => length = bytes.parse().unwrap(),
                    None => break,
                }
            }
            let mut body = vec![0; length];
            self.from_server.read_exact(&mut body).await.unwrap();
            serde_json::from_slice(&body).unwrap()
        })
        .await
        .ok()
    }

    async fn receive(&mut self) -> Option<Value> {
        self.receive_within(PATIENCE).await
    }

    /// The answer to a request. Requests of the server that come meanwhile are answered.
    async fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.receive().await.expect("the server has stopped answering");
            if message.get("method").is_some() {
                self.send(json!({ "id": message["id"], "result": { "applied": true } })).await;
            } else if message["id"] == id {
                return message;
            }
        }
    }
}

const CHANGES: i64 = 1_000;

async fn versions_applied(mut peer: Peer) -> Vec<i64> {
    for version in 1..=CHANGES {
        peer.change(version).await;
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while (peer.applied.lock().len() as i64) < CHANGES && tokio::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    let applied = peer.applied.lock().clone();
    assert_eq!(applied.len() as i64, CHANGES);
    applied
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_overtaken_without_the_layer() {
    let applied = versions_applied(peer(Layer::AsItComes).await).await;
    assert!(!applied.is_sorted(), "tower-lsp keeps the order now: the layer may be thinner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_keep_their_order_with_the_layer() {
    let applied = versions_applied(peer(Layer::Ours).await).await;
    assert_eq!(applied, (1..=CHANGES).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_sees_every_change_sent_before_it() {
    let mut peer = peer(Layer::Ours).await;
    for version in 1..=200 {
        peer.change(version).await;
        peer.command(version, "applied").await;
        let answer = peer.answer(version).await;
        assert_eq!(answer["result"].as_array().unwrap().last(), Some(&json!(version)));
    }
}

/// Commands that wait for the editor while it sends more messages, before it answers anything.
async fn flooded(peer: &mut Peer) {
    for id in 1..=8 {
        peer.command(id, "edit").await;
    }
    for id in 100..250 {
        peer.command(id, "applied").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_the_editor_stops_the_server_without_the_layer() {
    let mut peer = peer(Layer::AsItComes).await;
    flooded(&mut peer).await;
    let mut answered = 0;
    while let Some(message) = peer.receive_within(Duration::from_secs(1)).await {
        if message.get("method").is_some() {
            peer.send(json!({ "id": message["id"], "result": { "applied": true } })).await;
        } else {
            answered += 1;
        }
    }
    assert!(answered < 158, "tower-lsp does not get stuck any more: the layer may be thinner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_the_editor_stops_nothing_with_the_layer() {
    let mut peer = peer(Layer::Ours).await;
    flooded(&mut peer).await;
    let mut open: std::collections::BTreeSet<i64> = (1..=8).chain(100..250).collect();
    while !open.is_empty() {
        let message = peer.receive().await.unwrap_or_else(|| panic!("not answered: {open:?}"));
        if message.get("method").is_some() {
            peer.send(json!({ "id": message["id"], "result": { "applied": true } })).await;
        } else {
            open.remove(&message["id"].as_i64().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_one_error_and_no_more() {
    let mut peer = peer(Layer::Ours).await;
    peer.command(1, "panic").await;
    let answer = peer.answer(1).await;
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    peer.change(-1).await;
    peer.change(7).await;
    peer.command(2, "applied").await;
    assert_eq!(peer.answer(2).await["result"], json!([7]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_request_can_be_cancelled() {
    let mut peer = peer(Layer::Ours).await;
    peer.command(1, "forever").await;
    peer.command(2, "applied").await;
    peer.answer(2).await;
    peer.send(json!({ "method": "$/cancelRequest", "params": { "id": 1 } })).await;
    assert_eq!(peer.answer(1).await["error"]["code"], -32800);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_is_heard_while_the_input_stays_open() {
    for (shutdown_first, expected) in [(true, true), (false, false)] {
        let mut peer = peer(Layer::Ours).await;
        if shutdown_first {
            // Some clients write `params: null` where there are none.
            peer.send(json!({ "id": 9, "method": "shutdown", "params": null })).await;
            assert_eq!(peer.answer(9).await["result"], Value::Null);
        }
        peer.send(json!({ "method": "exit" })).await;
        let mut left = peer.left.take().unwrap();
        let gone = left.wait_for(|leaving| matches!(leaving, Leaving::Exited { .. }));
        let gone = *tokio::time::timeout(PATIENCE, gone).await.unwrap().unwrap();
        assert_eq!(gone, Leaving::Exited { after_shutdown: expected });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_things_are_answered_or_passed_over() {
    let mut peer = peer(Layer::Ours).await;
    peer.send(json!({ "id": 1, "method": "no/such", "params": {} })).await;
    assert_eq!(peer.answer(1).await["error"]["code"], -32601);
    peer.send(json!({ "method": "no/such", "params": [] })).await;
    peer.send(json!({ "method": "$/setTrace", "params": { "value": "off" } })).await;
    peer.command(2, "applied").await;
    assert!(peer.answer(2).await.get("result").is_some());
}
