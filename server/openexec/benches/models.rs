//! What a model adapter costs beside a plain HTTP client that reads the same bytes from the same
//! local server: for each call, for each streamed event, and in memory while ten megabytes stream.
//!
//! `cargo bench -p openexec --bench models`
//!
//! Each figure is one line that begins with `bench NAME:`; nothing is asserted on time. Calls of
//! both kinds alternate, so that a noisy machine is noisy for both.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made must end the bench"
)]

#[expect(dead_code, reason = "the end-to-end tests serve it")]
#[path = "../../../tests/e2e/wire.rs"]
mod wire;

use openexec::config::{HttpModelConfig, ModelConfig, NetworkConfig};
use openexec::models::{Model, Timeouts, connect_with, http_client};
use openexec_engine::action::ActionKind;
use openexec_engine::ids::StepId;
use openexec_engine::model::{Message, ModelRequest};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use wire::{Reply, Wire};

/// The wires with their names.
const WIRES: [Wire; 5] =
    [Wire::AnthropicMessages, Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Gemini, Wire::Ollama];
/// Calls of each kind behind each figure.
const ROUNDS: usize = 60;
/// Characters of text in a reply of a few events, of many, and in one of about ten megabytes.
const FEW: usize = 11;
const MANY: usize = 44_000;
const TEN_MEGABYTES: usize = 10 * 1024 * 1024;
/// What this program is called with where it measures its own memory.
const MEMORY: &str = "memory-of";
/// How a server's writes are cut.
const CHUNK_BYTES: usize = 4096;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [what, api, short, long] = arguments.as_slice()
        && what == MEMORY
    {
        let wire = WIRES.into_iter().find(|wire| wire.api() == api).unwrap();
        return measure_memory(&runtime, wire, short, long);
    }
    for wire in WIRES {
        per_call_and_event(&runtime, wire);
    }
    for wire in WIRES {
        memory(wire);
    }
}

/// A server that answers every request with the same stream and remembers the last body.
struct Server {
    url: String,
    body: Arc<Mutex<Vec<u8>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// The threads end with the bench.
    fn start(wire: Wire, stream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer: Arc<[u8]> = answer(wire, stream).into();
        let (body, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (last, count) = (Arc::clone(&body), Arc::clone(&connections));
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let (answer, last) = (Arc::clone(&answer), Arc::clone(&last));
                std::thread::spawn(move || serve(&connection.unwrap(), &answer, &last));
            }
        });
        Self { url, body, connections }
    }
}

/// Head and body as they go over the wire, in chunks as model servers send them.
fn answer(wire: Wire, stream: &str) -> Vec<u8> {
    let kind = wire.stream_type();
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes();
    for chunk in stream.as_bytes().chunks(CHUNK_BYTES) {
        answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

/// Until the client hangs up.
fn serve(connection: &TcpStream, answer: &[u8], last: &Mutex<Vec<u8>>) {
    connection.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(connection);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        *last.lock().unwrap() = body;
        let mut writer = connection;
        if writer.write_all(answer).is_err() {
            return;
        }
    }
}

/// A stream that says this many characters.
fn stream(wire: Wire, characters: usize) -> String {
    let text: &'static str = "Well then. ".repeat(characters / 11).leak();
    wire::stream(wire, &Reply { text, calls: Vec::new() }, "the-model", 1)
}

fn events(wire: Wire, stream: &str) -> usize {
    match wire {
        Wire::Ollama => stream.lines().count(),
        _ => stream.lines().filter(|line| line.starts_with("data:")).count(),
    }
}

/// Where the endpoint is that the adapter calls.
fn endpoint(wire: Wire, url: &str) -> String {
    let path = match wire {
        Wire::AnthropicMessages => "/v1/messages",
        Wire::OpenaiChat => "/v1/chat/completions",
        Wire::OpenaiResponses => "/v1/responses",
        Wire::Gemini => "/v1beta/models/the-model:streamGenerateContent?alt=sse",
        Wire::Ollama => "/api/chat",
    };
    format!("{url}{path}")
}

fn model(wire: Wire, http: &reqwest::Client, url: &str) -> Arc<dyn Model> {
    let config = HttpModelConfig {
        model: "the-model".into(),
        base_url: Some(url.into()),
        ..HttpModelConfig::default()
    };
    let config = match wire {
        Wire::AnthropicMessages => ModelConfig::AnthropicMessages(config),
        Wire::OpenaiChat => ModelConfig::OpenaiChat(config),
        Wire::OpenaiResponses => ModelConfig::OpenaiResponses(config),
        Wire::Gemini => ModelConfig::Gemini(config),
        Wire::Ollama => ModelConfig::Ollama { http: config, num_ctx: None },
    };
    connect_with(&"bench".into(), &config, http, Timeouts::default(), &|_| None).unwrap()
}

/// A stage's first request: every tool, and a pack of some tens of kilobytes.
fn request() -> ModelRequest {
    ModelRequest {
        model: "bench".into(),
        stage: "fix".into(),
        step: StepId(4),
        attempt: 1,
        turn: 1,
        system: "You answer with actions. ".repeat(100),
        messages: vec![Message::User { text: "fn answer() -> u32 {\n    41\n}\n".repeat(1000) }],
        actions: ActionKind::ALL.to_vec(),
        output_tokens_max: 1000,
    }
}

/// One server with a client of each kind.
struct Pair {
    server: Server,
    request: ModelRequest,
    model: Arc<dyn Model>,
    plain: reqwest::Client,
    endpoint: String,
    bytes: usize,
}

impl Pair {
    fn new(runtime: &Runtime, wire: Wire, stream: &str) -> Self {
        let server = Server::start(wire, stream);
        let endpoint = endpoint(wire, &server.url);
        let model = model(wire, &http_client(&NetworkConfig::default()).unwrap(), &server.url);
        let plain = http_client(&NetworkConfig::default()).unwrap();
        let pair = Self { server, request: request(), model, plain, endpoint, bytes: stream.len() };
        // The first call of each kind makes its connection.
        runtime.block_on(pair.adapter());
        runtime.block_on(pair.plain());
        pair
    }

    async fn adapter(&self) -> Duration {
        let began = Instant::now();
        let reply = self.model.complete(&self.request, &|_| {}).await;
        let time = began.elapsed();
        assert!(reply.unwrap().text.starts_with("Well then."));
        time
    }

    /// The same request, whose body is ready, and the same bytes.
    async fn plain(&self) -> Duration {
        let body = self.server.body.lock().unwrap().clone();
        let began = Instant::now();
        let mut response = self.plain.post(&self.endpoint).body(body).send().await.unwrap();
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await.unwrap() {
            bytes += chunk.len();
        }
        let time = began.elapsed();
        assert_eq!(bytes, self.bytes);
        time
    }

    /// What both kinds of client take.
    fn times(&self, runtime: &Runtime) -> (Times, Times) {
        let (mut adapter, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            adapter.push(runtime.block_on(self.adapter()));
            plain.push(runtime.block_on(self.plain()));
        }
        (Times::of(adapter), Times::of(plain))
    }
}

/// Microseconds: the median, and the least, which other programs disturb the least.
#[derive(Clone, Copy)]
struct Times {
    p50: f64,
    least: f64,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        Self { p50: us(times[times.len() / 2]), least: us(times[0]) }
    }

    fn over(self, other: Self) -> Self {
        Self { p50: self.p50 - other.p50, least: self.least - other.least }
    }

    fn of_each(self, count: usize) -> Self {
        Self { p50: self.p50 / count as f64, least: self.least / count as f64 }
    }
}

fn per_call_and_event(runtime: &Runtime, wire: Wire) {
    let (few, many) = (stream(wire, FEW), stream(wire, MANY));
    let short = Pair::new(runtime, wire, &few);
    let (adapter, plain) = short.times(runtime);
    let above = adapter.over(plain);
    println!(
        "bench models/{}/call: {:.0} us above the plain client's {:.0} us, p50 of {ROUNDS} ({:.0} above {:.0} at the least); {} connections; load {}",
        wire.api(),
        above.p50,
        plain.p50,
        above.least,
        plain.least,
        short.server.connections.load(Ordering::SeqCst),
        load()
    );
    let long = Pair::new(runtime, wire, &many);
    let (long_adapter, long_plain) = long.times(runtime);
    let more = events(wire, &many) - events(wire, &few);
    let plain = long_plain.over(plain).of_each(more);
    let above = long_adapter.over(adapter).of_each(more).over(plain);
    println!(
        "bench models/{}/event: {:.2} us above the plain client's {:.2} us, {more} events, p50 of {ROUNDS} ({:.2} above {:.2} at the least); load {}",
        wire.api(),
        above.p50,
        plain.p50,
        above.least,
        plain.least,
        load()
    );
}

/// The most memory that a call with a long reply takes beside what the process had before, in a
/// process of its own, where nothing lies about that could be used again.
fn memory(wire: Wire) {
    let of_many = stream(wire, MANY).len();
    // The frame of an event is many times larger than its text.
    let streamed = stream(wire, TEN_MEGABYTES / of_many * MANY);
    let (short, long) = (Server::start(wire, &stream(wire, FEW)), Server::start(wire, &streamed));
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([MEMORY, wire.api(), &short.url, &long.url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!(
        "bench models/{}/memory: {}, streamed as {:.1} MiB; load {}",
        wire.api(),
        String::from_utf8_lossy(&output.stdout).trim(),
        mebibytes(streamed.len()),
        load()
    );
}

fn measure_memory(runtime: &Runtime, wire: Wire, short: &str, long: &str) {
    let http = http_client(&NetworkConfig::default()).unwrap();
    let request = request();
    // What stays with the client and its runtime is there after this.
    runtime.block_on(model(wire, &http, short).complete(&request, &|_| {})).unwrap();
    let before = memory_kib("VmRSS:");
    let reply = runtime.block_on(model(wire, &http, long).complete(&request, &|_| {})).unwrap();
    let more = memory_kib("VmHWM:").saturating_sub(before) * 1024;
    println!(
        "{:.1} MiB at the most, a reply of {:.1} MiB included",
        mebibytes(more),
        mebibytes(reply.text.len())
    );
}

fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn memory_kib(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("?").to_owned()
}
