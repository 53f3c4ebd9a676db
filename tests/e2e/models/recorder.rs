//! A server that keeps each request as it was received and refuses it.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// Larger than any request of a test.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A request as it was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// Method, path and query.
    pub line: String,
    pub headers: HeaderMap,
    pub body: Value,
}

/// The server. It ends when it is dropped.
pub struct Recorder {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Recorder {
    pub async fn start() -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(record).with_state(Arc::clone(&received));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, received, serving }
    }

    /// What came in since the last time this was asked.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn record(State(received): State<Arc<Mutex<Vec<Received>>>>, request: Request) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("not JSON: {error}"));
    let line = format!("{} {}", parts.method, parts.uri);
    received.lock().unwrap().push(Received { line, headers: parts.headers, body });
    let refusal = r#"{"error": {"code": 400, "message": "recorded", "status": "INVALID_ARGUMENT"}}"#;
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], refusal)
}
