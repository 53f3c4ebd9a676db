//! A model's server for tests: it listens on a real socket, gives prepared answers in order,
//! and remembers what it was asked and who hung up.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Response};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::sync::mpsc;

/// Longer than anything takes; reached only by a test that fails.
const DEADLINE: Duration = Duration::from_secs(30);

/// Makes a response.
pub(super) type Answer = Box<dyn FnOnce() -> BoxFuture<'static, Response<Body>> + Send>;

#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Value,
}

struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
    asked: mpsc::UnboundedSender<()>,
    gone: mpsc::UnboundedSender<()>,
}

pub(super) struct Peer {
    pub url: String,
    shared: Arc<Shared>,
    asked: mpsc::UnboundedReceiver<()>,
    gone: mpsc::UnboundedReceiver<()>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Peer {
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, asked_receiver) = mpsc::unbounded_channel();
        let (gone, gone_receiver) = mpsc::unbounded_channel();
        let answers = Mutex::new(answers.into_iter().collect());
        let shared = Arc::new(Shared { answers, seen: Mutex::new(Vec::new()), asked, gone });
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, asked: asked_receiver, gone: gone_receiver, serving }
    }

    /// Every request so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().clone()
    }

    /// Waits for the next request.
    pub(super) async fn asked(&mut self) {
        tokio::time::timeout(DEADLINE, self.asked.recv()).await.expect("nobody asked").unwrap();
    }

    /// Waits until an answer is not wanted any more, or was given whole.
    pub(super) async fn gone(&mut self) {
        tokio::time::timeout(DEADLINE, self.gone.recv()).await.expect("nobody hung up").unwrap();
    }
}

/// Says that a response is not wanted any more when it is dropped.
struct Wanted(mpsc::UnboundedSender<()>);

impl Drop for Wanted {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let wanted = Wanted(shared.gone.clone());
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path().to_owned();
    let stream_type = stream_type(&path);
    shared.seen.lock().push(Seen {
        path,
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap(),
    });
    let _ = shared.asked.send(());
    let answer = shared.answers.lock().pop_front();
    let mut response = match answer {
        Some(answer) => answer().await,
        None => Response::builder().status(418).body(Body::from("no answer is prepared")).unwrap(),
    };
    if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == STREAM) {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(stream_type));
    }
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map(move |chunk| {
            let _ = &wanted;
            chunk
        }))
    })
}

/// Stands for the media type of a stream, whatever the wire API.
const STREAM: &str = "stream";

/// The media type of a stream at this path.
fn stream_type(path: &str) -> &'static str {
    match path {
        "/api/chat" => "application/x-ndjson",
        _ => "text/event-stream; charset=utf-8",
    }
}

/// A status with headers and a body.
pub(super) fn status(code: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut response = Response::builder().status(code);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(Body::from(body.to_owned())).unwrap();
    Box::new(move || Box::pin(async move { response }))
}

/// One piece of a streamed body.
#[derive(Clone)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    /// Nothing comes any more.
    Silence,
    /// This, again and again.
    Forever(Vec<u8>),
}

/// A stream of events in one piece.
pub(super) fn stream(text: String) -> Answer {
    pieces([Piece::Bytes(text.into_bytes())])
}

/// A stream of events in these pieces.
pub(super) fn pieces(pieces: impl IntoIterator<Item = Piece>) -> Answer {
    let pieces: Vec<Piece> = pieces.into_iter().collect();
    let chunks = futures::stream::iter(pieces).flat_map(|piece| match piece {
        Piece::Bytes(bytes) => futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(bytes))]).boxed(),
        Piece::Silence => futures::stream::pending().boxed(),
        Piece::Forever(bytes) => {
            let bytes = Bytes::from(bytes);
            // Yields, so that the client's clock gets its turn.
            futures::stream::unfold(bytes, |bytes| async move {
                tokio::task::yield_now().await;
                Some((Ok(bytes.clone()), bytes))
            })
            .boxed()
        }
    });
    let response = Response::builder().header(CONTENT_TYPE, STREAM);
    let response = response.body(Body::from_stream(chunks)).unwrap();
    Box::new(move || Box::pin(async move { response }))
}

/// No answer at all.
pub(super) fn never() -> Answer {
    Box::new(|| Box::pin(std::future::pending()))
}

/// A server that cuts each connection after this much of a streamed body, or before any answer
/// where there is none. Gives its address; ends when all have been served.
pub(super) async fn cutting(bodies: Vec<Option<String>>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        for body in bodies {
            let (socket, _) = listener.accept().await.unwrap();
            let mut socket = BufReader::new(socket);
            let path = read_request(&mut socket).await;
            if let Some(body) = body {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ntransfer-encoding: chunked\r\n\r\n",
                    stream_type(&path)
                );
                let chunk =
                    if body.is_empty() { String::new() } else { format!("{:x}\r\n{body}\r\n", body.len()) };
                socket.write_all(format!("{head}{chunk}").as_bytes()).await.unwrap();
            }
            socket.shutdown().await.unwrap();
        }
    });
    (url, serving)
}

/// Reads one request and answers it with a stream of events, over a connection of any sort.
pub(super) async fn say_once(connection: impl AsyncRead + AsyncWrite + Unpin, stream: &str) {
    let mut connection = BufReader::new(connection);
    let path = read_request(&mut connection).await;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        stream_type(&path),
        stream.len()
    );
    connection.write_all(format!("{head}{stream}").as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
}

/// Gives the path. Reads all of it, because closing a socket with unread bytes would throw the answer away.
async fn read_request(socket: &mut BufReader<impl AsyncRead + Unpin>) -> String {
    let mut first = String::new();
    socket.read_line(&mut first).await.unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    socket.read_exact(&mut vec![0; length]).await.unwrap();
    first.split(' ').nth(1).unwrap().to_owned()
}
