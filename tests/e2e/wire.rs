//! A model's server on a local socket: it answers each request with the next reply of a
//! script, as a stream in the wire format that it was started for, and keeps what it received.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// Which wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    AnthropicMessages,
    OpenaiChat,
    OpenaiResponses,
    Gemini,
    Ollama,
}

impl Wire {
    /// The name in the user's configuration.
    pub fn api(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "anthropic_messages",
            Self::OpenaiChat => "openai_chat",
            Self::OpenaiResponses => "openai_responses",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    fn endpoint(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "/v1/messages",
            Self::OpenaiChat => "/v1/chat/completions",
            Self::OpenaiResponses => "/v1/responses",
            // Whatever the model's name is; only one method of it is served.
            Self::Gemini => "/v1beta/models/{method}",
            Self::Ollama => "/api/chat",
        }
    }

    pub fn stream_type(self) -> &'static str {
        match self {
            Self::AnthropicMessages | Self::OpenaiChat | Self::OpenaiResponses | Self::Gemini => {
                "text/event-stream"
            }
            Self::Ollama => "application/x-ndjson",
        }
    }

    /// True when a request wants a stream.
    fn streams(self, uri: &Uri, request: &Value) -> bool {
        match self {
            Self::AnthropicMessages | Self::OpenaiChat | Self::OpenaiResponses => {
                request["stream"] == json!(true)
            }
            Self::Gemini => uri.path().ends_with(":streamGenerateContent") && uri.query() == Some("alt=sse"),
            Self::Ollama => request["stream"] != json!(false),
        }
    }
}

/// The model that the server says it has. It answers whichever is asked for.
pub const MODEL: &str = "scripted";

/// A tool call of a reply.
#[derive(Debug, Clone)]
pub struct Call {
    pub name: &'static str,
    pub arguments: Value,
}

/// A reply: a sentence, then the calls.
#[derive(Debug, Clone)]
pub struct Reply {
    pub text: &'static str,
    pub calls: Vec<Call>,
}

/// The server. It ends when it is dropped.
pub struct ModelServer {
    address: SocketAddr,
    script: Arc<Script>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Script {
    wire: Wire,
    replies: Mutex<VecDeque<Reply>>,
    received: Mutex<Vec<Value>>,
    /// How many requests are still turned away.
    busy: Mutex<usize>,
    /// Whether replies are kept back.
    thinks: tokio::sync::watch::Sender<bool>,
}

impl ModelServer {
    pub fn start(wire: Wire, replies: Vec<Reply>) -> Self {
        let script = Arc::new(Script {
            wire,
            replies: Mutex::new(replies.into()),
            received: Mutex::new(Vec::new()),
            busy: Mutex::new(0),
            thinks: tokio::sync::watch::Sender::new(false),
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).unwrap()
        };
        let mut router = Router::new().route(wire.endpoint(), post(answer));
        for list in ["/v1/models", "/v1beta/models", "/api/tags"] {
            router = router.route(list, get(listed));
        }
        let router = router.with_state(Arc::clone(&script));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, script, runtime: Some(runtime) }
    }

    /// What the user writes as `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Turns the next requests away, to be sent again after a second.
    pub fn turn_away(&self, requests: usize) {
        *self.script.busy.lock().unwrap() = requests;
    }

    /// From now on requests are taken, and answered when it is told to [`Self::reply`].
    pub fn think(&self) {
        self.script.thinks.send_replace(true);
    }

    /// Answers what waits, and what comes.
    pub fn reply(&self) {
        self.script.thinks.send_replace(false);
    }

    /// The bodies of all requests so far.
    pub fn received(&self) -> Vec<Value> {
        self.script.received.lock().unwrap().clone()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The one model that there is, in the forms that all lists have.
async fn listed() -> String {
    let model = json!({ "id": MODEL, "name": MODEL, "owned_by": "llamacpp" });
    json!({ "data": [model], "models": [model] }).to_string()
}

async fn answer(State(script): State<Arc<Script>>, uri: Uri, body: Bytes) -> Response {
    {
        let mut busy = script.busy.lock().unwrap();
        if *busy > 0 {
            *busy -= 1;
            let body = json!({ "error": { "message": "too many requests" } }).to_string();
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], body).into_response();
        }
    }
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refusal("the body is not JSON");
    };
    let number = {
        let mut received = script.received.lock().unwrap();
        received.push(request.clone());
        received.len()
    };
    if !script.wire.streams(&uri, &request) {
        return refusal("only streams are served here; set `stream`");
    }
    let Some(reply) = script.replies.lock().unwrap().pop_front() else {
        return refusal("the script has no reply left");
    };
    let _ = script.thinks.subscribe().wait_for(|thinks| !thinks).await;
    let model = request["model"].as_str().unwrap_or_default();
    let stream = stream(script.wire, &reply, model, number);
    // In small pieces that heed neither events nor characters, as a network may deliver them.
    let pieces: Vec<Result<Bytes, Infallible>> =
        stream.into_bytes().chunks(37).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let body = Body::from_stream(futures::stream::iter(pieces));
    ([(header::CONTENT_TYPE, script.wire.stream_type())], body).into_response()
}

/// A reply as the body of the answer to the request of this number.
pub fn stream(wire: Wire, reply: &Reply, model: &str, number: usize) -> String {
    match wire {
        Wire::AnthropicMessages => anthropic_stream(reply, model, number),
        Wire::OpenaiChat => chat_stream(reply, model, number),
        Wire::OpenaiResponses => responses_stream(reply, model, number),
        Wire::Gemini => gemini_stream(reply, number),
        Wire::Ollama => ollama_stream(reply, model),
    }
}

/// A refusal that no client repeats.
fn refusal(message: &str) -> Response {
    let body = json!({ "type": "error", "error": { "type": "invalid_request_error", "message": message } });
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// JSON text in pieces, between characters.
fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(11).map(|piece| piece.iter().collect()).collect()
}

fn anthropic_stream(reply: &Reply, model: &str, number: usize) -> String {
    let mut stream = String::new();
    let mut send = |event: Value| {
        let name = event["type"].as_str().unwrap();
        write!(stream, "event: {name}\ndata: {event}\n\n").unwrap();
    };
    send(json!({ "type": "message_start", "message": {
        "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 1000, "output_tokens": 1 },
    } }));
    send(
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
    );
    send(json!({ "type": "ping" }));
    for piece in pieces(reply.text) {
        let delta = json!({ "type": "text_delta", "text": piece });
        send(json!({ "type": "content_block_delta", "index": 0, "delta": delta }));
    }
    send(json!({ "type": "content_block_stop", "index": 0 }));
    for (index, call) in (1..).zip(&reply.calls) {
        let id = format!("toolu_{number}_{index}");
        let block = json!({ "type": "tool_use", "id": id, "name": call.name, "input": {} });
        send(json!({ "type": "content_block_start", "index": index, "content_block": block }));
        for piece in pieces(&call.arguments.to_string()) {
            let delta = json!({ "type": "input_json_delta", "partial_json": piece });
            send(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        }
        send(json!({ "type": "content_block_stop", "index": index }));
    }
    let stop = if reply.calls.is_empty() { "end_turn" } else { "tool_use" };
    send(json!({
        "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null },
        "usage": { "output_tokens": 100 },
    }));
    send(json!({ "type": "message_stop" }));
    stream
}

fn chat_stream(reply: &Reply, model: &str, number: usize) -> String {
    let mut stream = String::new();
    let mut send = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": format!("chatcmpl-{number}"), "object": "chat.completion.chunk", "created": 1, "model": model,
            "choices": choices, "usage": usage,
        });
        write!(stream, "data: {chunk}\n\n").unwrap();
    };
    let choice =
        |delta: Value, finish: Value| json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    send(choice(json!({ "role": "assistant", "content": "" }), Value::Null), Value::Null);
    for piece in pieces(reply.text) {
        send(choice(json!({ "content": piece }), Value::Null), Value::Null);
    }
    for (index, call) in reply.calls.iter().enumerate() {
        let head = json!({
            "index": index, "id": format!("call_{number}_{index}"), "type": "function",
            "function": { "name": call.name, "arguments": "" },
        });
        send(choice(json!({ "tool_calls": [head] }), Value::Null), Value::Null);
        for piece in pieces(&call.arguments.to_string()) {
            let part = json!({ "index": index, "function": { "arguments": piece } });
            send(choice(json!({ "tool_calls": [part] }), Value::Null), Value::Null);
        }
    }
    let finish = if reply.calls.is_empty() { "stop" } else { "tool_calls" };
    send(choice(json!({}), json!(finish)), Value::Null);
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100 });
    send(json!([]), usage);
    stream.push_str("data: [DONE]\n\n");
    stream
}

fn responses_stream(reply: &Reply, model: &str, number: usize) -> String {
    let mut stream = String::new();
    let mut send = |mut event: Value, sequence_number: usize| {
        event["sequence_number"] = json!(sequence_number);
        let name = event["type"].as_str().unwrap();
        write!(stream, "event: {name}\ndata: {event}\n\n").unwrap();
    };
    let response = |status: &str, output: &[Value]| json!({ "id": format!("resp_{number}"), "object": "response", "model": model, "status": status, "output": output });
    let mut events = vec![
        json!({ "type": "response.created", "response": response("in_progress", &[]) }),
        json!({ "type": "response.in_progress", "response": response("in_progress", &[]) }),
    ];
    let message = |status: &str, content: Value| json!({ "type": "message", "id": format!("msg_{number}"), "role": "assistant", "status": status, "content": content });
    events.push(json!({ "type": "response.output_item.added", "output_index": 0, "item": message("in_progress", json!([])) }));
    for piece in pieces(reply.text) {
        events.push(json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": piece }));
    }
    let mut output =
        vec![message("completed", json!([{ "type": "output_text", "text": reply.text, "annotations": [] }]))];
    events.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": output[0] }));
    for (index, call) in (1..).zip(&reply.calls) {
        let item = |status: &str, arguments: &str| {
            json!({
                "type": "function_call", "id": format!("fc_{number}_{index}"), "call_id": format!("call_{number}_{index}"),
                "name": call.name, "arguments": arguments, "status": status,
            })
        };
        let arguments = call.arguments.to_string();
        events.push(json!({ "type": "response.output_item.added", "output_index": index, "item": item("in_progress", "") }));
        for piece in pieces(&arguments) {
            events.push(json!({ "type": "response.function_call_arguments.delta", "output_index": index, "delta": piece }));
        }
        events.push(json!({ "type": "response.function_call_arguments.done", "output_index": index, "arguments": arguments }));
        output.push(item("completed", &arguments));
        events.push(json!({ "type": "response.output_item.done", "output_index": index, "item": item("completed", &arguments) }));
    }
    let mut completed = response("completed", &output);
    completed["usage"] = json!({ "input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100 });
    events.push(json!({ "type": "response.completed", "response": completed }));
    for (sequence_number, event) in events.into_iter().enumerate() {
        send(event, sequence_number);
    }
    stream
}

fn gemini_stream(reply: &Reply, number: usize) -> String {
    let mut stream = String::new();
    let mut send = |part: Value, finish: Option<&str>| {
        let mut candidate = json!({ "content": { "role": "model", "parts": [part] }, "index": 0 });
        if let Some(finish) = finish {
            candidate["finishReason"] = json!(finish);
        }
        let mut chunk = json!({ "candidates": [candidate], "responseId": format!("r{number}") });
        if finish.is_some() {
            chunk["usageMetadata"] =
                json!({ "promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100 });
        }
        write!(stream, "data: {chunk}\n\n").unwrap();
    };
    for piece in pieces(reply.text) {
        send(json!({ "text": piece }), None);
    }
    for call in &reply.calls {
        send(json!({ "functionCall": { "name": call.name, "args": call.arguments } }), None);
    }
    send(json!({ "text": "" }), Some("STOP"));
    stream
}

fn ollama_stream(reply: &Reply, model: &str) -> String {
    let mut stream = String::new();
    let mut send = |message: Value, end: Value| {
        let mut line = json!({ "model": model, "created_at": "2026-01-01T00:00:00Z", "message": message, "done": end.is_object() });
        line.as_object_mut().unwrap().extend(end.as_object().cloned().unwrap_or_default());
        writeln!(stream, "{line}").unwrap();
    };
    for piece in pieces(reply.text) {
        send(json!({ "role": "assistant", "content": piece }), Value::Null);
    }
    for call in &reply.calls {
        let function = json!({ "function": { "name": call.name, "arguments": call.arguments } });
        send(json!({ "role": "assistant", "content": "", "tool_calls": [function] }), Value::Null);
    }
    send(
        json!({ "role": "assistant", "content": "" }),
        json!({ "done_reason": "stop", "prompt_eval_count": 1000, "eval_count": 100 }),
    );
    stream
}

/// The server itself, read by another hand: an event-stream parser that is not ours.
mod served {
    use super::*;
    use eventsource_stream::Eventsource as _;
    use futures::StreamExt as _;

    /// Sends a request; the data of each event of the answer.
    async fn events(server: &ModelServer, wire: Wire, body: Value) -> Result<Vec<String>, (u16, String)> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let path = wire.endpoint().replace("{method}", "m:streamGenerateContent?alt=sse");
        let url = format!("{}{path}", server.base_url());
        let answer = client.post(url).body(body.to_string()).send().await.unwrap();
        if !answer.status().is_success() {
            return Err((answer.status().as_u16(), answer.text().await.unwrap()));
        }
        Ok(answer.bytes_stream().eventsource().map(|event| event.unwrap().data).collect().await)
    }

    fn script() -> Vec<Reply> {
        let arguments = json!({ "path": "src/größe.rs", "old": "a", "new": "b\n\"c\"" });
        vec![Reply { text: "I change it.", calls: vec![Call { name: "replace_text", arguments }] }]
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn messages_carry_the_script_and_end_when_it_ends() {
        let wire = Wire::AnthropicMessages;
        let server = ModelServer::start(wire, script());
        let request = json!({ "model": "m", "stream": true, "marker": 1 });
        let events_read = events(&server, wire, request.clone()).await.unwrap();
        let parsed: Vec<Value> = events_read.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
        let joined = |field: &str| -> String {
            parsed.iter().filter_map(|event| event["delta"][field].as_str()).collect()
        };
        assert_eq!(joined("text"), "I change it.");
        let arguments: Value = serde_json::from_str(&joined("partial_json")).unwrap();
        assert_eq!(arguments, script()[0].calls[0].arguments);
        assert_eq!(joined("stop_reason"), "tool_use");
        let (status, said) = events(&server, wire, request.clone()).await.unwrap_err();
        assert_eq!(status, 400);
        assert!(said.contains("no reply left"), "{said}");
        assert_eq!(server.received(), [request.clone(), request]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn chat_completions_carry_the_script() {
        let wire = Wire::OpenaiChat;
        let server = ModelServer::start(wire, script());
        assert_eq!(events(&server, wire, json!({ "model": "m" })).await.unwrap_err().0, 400);
        let mut read = events(&server, wire, json!({ "model": "m", "stream": true })).await.unwrap();
        assert_eq!(read.pop().as_deref(), Some("[DONE]"));
        let chunks: Vec<Value> = read.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
        let delta = |pointer: &str| -> String {
            chunks
                .iter()
                .filter_map(|chunk| chunk.pointer(&format!("/choices/0{pointer}"))?.as_str())
                .collect()
        };
        assert_eq!(delta("/delta/content"), "I change it.");
        let arguments: Value =
            serde_json::from_str(&delta("/delta/tool_calls/0/function/arguments")).unwrap();
        assert_eq!(arguments, script()[0].calls[0].arguments);
        assert_eq!(delta("/finish_reason"), "tool_calls");
        assert_eq!(chunks.last().unwrap()["usage"]["total_tokens"], 1100);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn responses_carry_the_script() {
        let wire = Wire::OpenaiResponses;
        let server = ModelServer::start(wire, script());
        assert_eq!(events(&server, wire, json!({ "model": "m" })).await.unwrap_err().0, 400);
        let read = events(&server, wire, json!({ "model": "m", "stream": true })).await.unwrap();
        let read: Vec<Value> = read.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
        let joined = |kind: &str| -> String {
            read.iter().filter(|it| it["type"] == kind).filter_map(|it| it["delta"].as_str()).collect()
        };
        assert_eq!(joined("response.output_text.delta"), "I change it.");
        let arguments: Value =
            serde_json::from_str(&joined("response.function_call_arguments.delta")).unwrap();
        assert_eq!(arguments, script()[0].calls[0].arguments);
        let last = read.last().unwrap();
        assert_eq!(last["type"], "response.completed");
        assert_eq!(last["response"]["output"].as_array().unwrap().len(), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn gemini_carries_the_script() {
        let wire = Wire::Gemini;
        let server = ModelServer::start(wire, script());
        let read = events(&server, wire, json!({ "contents": [] })).await.unwrap();
        let read: Vec<Value> = read.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
        let part = |chunk: &Value, pointer: &str| {
            chunk.pointer(&format!("/candidates/0/content/parts/0{pointer}")).cloned()
        };
        let text: String =
            read.iter().filter_map(|chunk| part(chunk, "/text")?.as_str().map(str::to_owned)).collect();
        assert_eq!(text, "I change it.");
        let called = read.iter().find_map(|chunk| part(chunk, "/functionCall/args")).unwrap();
        assert_eq!(called, script()[0].calls[0].arguments);
        assert_eq!(read.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn ollama_carries_the_script() {
        let server = ModelServer::start(Wire::Ollama, script());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}{}", server.base_url(), Wire::Ollama.endpoint());
        let answer = client.post(url).body(json!({ "model": "m" }).to_string()).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        let text = answer.text().await.unwrap();
        let read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let said: String = read.iter().filter_map(|line| line["message"]["content"].as_str()).collect();
        assert_eq!(said, "I change it.");
        let called =
            read.iter().find_map(|line| line.pointer("/message/tool_calls/0/function/arguments")).unwrap();
        assert_eq!(*called, script()[0].calls[0].arguments);
        assert_eq!(
            (&read.last().unwrap()["done"], read.iter().filter(|it| it["done"] == true).count()),
            (&json!(true), 1)
        );
    }
}
