//! A model's server on a local socket, in the Chat Completions format: it notes when each
//! request arrives, and either refuses it (a run pauses then) or answers with an edit.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request that has arrived.
pub struct Arrival {
    /// When its head was read.
    pub at: Instant,
    /// Bytes of its body.
    pub bytes: usize,
}

/// What the server says to every request; none: it refuses.
type Reply = Option<Vec<(&'static str, Value)>>;

struct Shared {
    reply: Mutex<Reply>,
    arrivals: SyncSender<Arrival>,
    number: AtomicUsize,
}

/// The server. It ends when it is dropped.
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    arrivals: Receiver<Arrival>,
    _runtime: tokio::runtime::Runtime,
}

impl ModelServer {
    pub fn start() -> Self {
        let (sender, arrivals) = sync_channel(1024);
        let shared =
            Arc::new(Shared { reply: Mutex::new(None), arrivals: sender, number: AtomicUsize::new(0) });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router =
            Router::new().route("/v1/chat/completions", post(answer)).with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, shared, arrivals, _runtime: runtime }
    }

    /// What the user writes as `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From now on every request is answered with these tool calls.
    pub fn answer_with(&self, calls: Vec<(&'static str, Value)>) {
        *self.shared.reply.lock().unwrap() = Some(calls);
    }

    /// Waits for a request.
    pub fn arrival(&self) -> Arrival {
        self.arrivals.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// Forgets the requests that nobody asked about.
    pub fn forget_arrivals(&self) {
        while self.arrivals.try_recv().is_ok() {}
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let at = Instant::now();
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    shared.arrivals.send(Arrival { at, bytes: body.len() }).ok();
    let number = shared.number.fetch_add(1, Ordering::Relaxed);
    match shared.reply.lock().unwrap().as_ref() {
        Some(calls) => ([(header::CONTENT_TYPE, "text/event-stream")], stream(calls, number)).into_response(),
        None => {
            let body = json!({ "error": { "type": "invalid_request_error", "message": "measured" } });
            (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], body.to_string())
                .into_response()
        }
    }
}

fn stream(calls: &[(&'static str, Value)], number: usize) -> String {
    let calls: Vec<Value> = (0..)
        .zip(calls)
        .map(|(index, (name, arguments)): (usize, _)| {
            json!({ "index": index, "id": format!("call_{number}_{index}"), "type": "function",
                    "function": { "name": name, "arguments": arguments.to_string() } })
        })
        .collect();
    let chunk = |delta: Value, finish: Value| {
        json!({ "id": format!("chatcmpl-{number}"), "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
    };
    let first =
        chunk(json!({ "role": "assistant", "content": "I change it.", "tool_calls": calls }), Value::Null);
    let last = chunk(json!({}), json!("tool_calls"));
    format!("data: {first}\n\ndata: {last}\n\ndata: [DONE]\n\n")
}
