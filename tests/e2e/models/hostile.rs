//! Servers that mean harm: floods, streams and lines that never end, a reply that drips, and
//! one that repeats the key. Each call ends in time with what it is.

use super::client::{Called, KEY, PATIENT, call, connect, entry, request};
use crate::wire::{self, Reply, Wire};
use crate::wires::WIRES;
use openexec::limits::{MODEL_EVENT_BYTES_MAX, MODEL_REPLY_BYTES_MAX, MODEL_WIRE_BYTES_MAX};
use openexec::models::Timeouts;
use openexec_engine::model::ModelError;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The flood: more than any limit, so that only a limit ends it.
const FLOOD_BYTES: u64 = 50 * 1024 * 1024;

/// What is sent before the client hangs up may lie in the buffers of both sockets.
const IN_FLIGHT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a server does with a connection whose request it has read.
type Deed = Arc<dyn Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync>;

/// A server that does the same to every client. Its threads end with the test's process.
pub struct Villain {
    pub url: String,
    /// Requests that it has read.
    pub asked: Arc<AtomicUsize>,
    /// Bytes that it got rid of.
    pub sent: Arc<AtomicU64>,
}

impl Villain {
    pub fn start(deed: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let deed: Deed = Arc::new(deed);
        let counted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (deed, asked) = (Arc::clone(&deed), Arc::clone(&counted));
                std::thread::spawn(move || serve(connection, &deed, &asked));
            }
        });
        Self { url, asked, sent }
    }

    /// It answers with this head, then with this piece over and over until it has sent the
    /// whole flood or nobody listens.
    fn flood(head: String, beginning: String, piece: String) -> Self {
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let villain = Self::start(move |connection| {
            connection.write_all(head.as_bytes())?;
            connection.write_all(beginning.as_bytes())?;
            let mut flood = 0;
            while flood < FLOOD_BYTES {
                connection.write_all(piece.as_bytes())?;
                flood += piece.len() as u64;
                counted.store(flood, Ordering::SeqCst);
            }
            Ok(())
        });
        Self { sent, ..villain }
    }
}

fn serve(mut connection: TcpStream, deed: &Deed, asked: &AtomicUsize) {
    // Whoever hangs up ends the deed.
    let served = read_request(&connection).and_then(|()| {
        asked.fetch_add(1, Ordering::SeqCst);
        connection.set_nodelay(true)?;
        deed(&mut connection)
    });
    let _ = served.and_then(|()| connection.shutdown(std::net::Shutdown::Write));
}

fn read_request(connection: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])
}

/// The head of a stream that ends with its connection.
fn head(wire: Wire) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\nconnection: close\r\n\r\n", wire.stream_type())
}

/// A whole reply in the wire's format.
fn whole(wire: Wire) -> String {
    wire::stream(wire, &Reply { text: "It drips \u{1f4a7}.", calls: Vec::new() }, "the-model", 1)
}

/// How a stream begins, up to and with its first text.
fn beginning(wire: Wire) -> String {
    let whole = whole(wire);
    let text = whole.find("It drips").unwrap();
    let end = if wire == Wire::Ollama { "\n" } else { "\n\n" };
    whole[..text + whole[text..].find(end).unwrap() + end.len()].to_owned()
}

/// An event that says this text.
fn text_event(wire: Wire, text: &str) -> String {
    let event = match wire {
        Wire::AnthropicMessages => json!({
            "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text },
        }),
        Wire::OpenaiChat => json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }),
        Wire::OpenaiResponses => {
            json!({ "type": "response.output_text.delta", "output_index": 0, "delta": text })
        }
        Wire::Gemini => json!({ "candidates": [{ "content": { "parts": [{ "text": text }] } }] }),
        Wire::Ollama => json!({ "message": { "role": "assistant", "content": text }, "done": false }),
    };
    match wire {
        Wire::Ollama => format!("{event}\n"),
        _ => format!("data: {event}\n\n"),
    }
}

/// A whole event that says nothing, in at least this many bytes.
fn idle_event(wire: Wire, bytes: usize) -> String {
    let padding = " ".repeat(bytes);
    let event = text_event(wire, "");
    event.replacen('{', &format!("{{{padding}"), 1)
}

async fn asked(wire: Wire, villain: &Villain, timeouts: Timeouts) -> Called {
    call(&*connect(&entry(wire.api(), "the-model", &villain.url), timeouts), &request(&[])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_ends_at_its_limit() {
    for wire in WIRES {
        let line = "x".repeat(64 * 1024);
        let endless_line = match wire {
            Wire::Ollama => String::new(),
            _ => "data: ".to_owned(),
        };
        for (what, start, piece, limits) in [
            ("text", String::new(), text_event(wire, &line), vec![MODEL_REPLY_BYTES_MAX]),
            ("one line", endless_line, line.clone(), vec![MODEL_EVENT_BYTES_MAX]),
        ] {
            let start = format!("{}{start}", beginning(wire));
            let villain = Villain::flood(head(wire), start, piece);
            let begun = Instant::now();
            let called = asked(wire, &villain, PATIENT).await;
            let error = called.error();
            assert!(
                matches!(error, ModelError::TooLarge { limit_bytes } if limits.contains(limit_bytes)),
                "{wire:?} {what}: {error}"
            );
            assert_eq!(villain.asked.load(Ordering::SeqCst), 1, "{wire:?} {what}");
            let sent = villain.sent.load(Ordering::SeqCst);
            let allowed = *limits.iter().max().unwrap() as u64 * 2 + IN_FLIGHT_BYTES_MAX;
            assert!(sent < allowed.min(FLOOD_BYTES), "{wire:?} {what}: {sent}");
            assert!(begun.elapsed() < Duration::from_secs(60), "{wire:?} {what}: {:?}", begun.elapsed());
        }
    }
}

/// Events that say nothing count, too: fifty megabytes of them are heard to their end, and the
/// limit of all bytes lies above.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_nothing_is_no_reply() {
    const { assert!(MODEL_WIRE_BYTES_MAX as u64 > FLOOD_BYTES) };
    futures::future::join_all(WIRES.map(|wire| async move {
        let villain = Villain::flood(head(wire), beginning(wire), idle_event(wire, 16 * 1024));
        let called = asked(wire, &villain, PATIENT).await;
        let error = called.error();
        assert!(matches!(error, ModelError::BrokenOff { .. }), "{wire:?}: {error}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_never_ends_is_read_to_its_limit_only() {
    for wire in WIRES {
        let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
        let villain = Villain::flood(head.to_owned(), "{\"error\": \"".to_owned(), "no ".repeat(4096));
        let called = asked(wire, &villain, PATIENT).await;
        let error = called.error();
        assert!(matches!(error, ModelError::Rejected { .. }), "{wire:?}: {error}");
        assert!(error.to_string().len() < 1000, "{wire:?}: {error}");
        assert!(villain.sent.load(Ordering::SeqCst) < IN_FLIGHT_BYTES_MAX, "{wire:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_never_ends_is_left_when_the_time_is_up() {
    let total = Duration::from_secs(2);
    let timeouts = Timeouts { total, ..PATIENT };
    futures::future::join_all(WIRES.map(|wire| async move {
        let (head, beginning, idle) = (head(wire), beginning(wire), idle_event(wire, 0));
        // Until nobody listens: an event whenever one could give up for want of any.
        let villain = Villain::start(move |connection| {
            connection.write_all(format!("{head}{beginning}").as_bytes())?;
            connection.set_read_timeout(Some(Duration::from_millis(20)))?;
            loop {
                connection.write_all(idle.as_bytes())?;
                if matches!(connection.read(&mut [0]), Ok(0)) {
                    return Ok(());
                }
            }
        });
        let begun = Instant::now();
        let called = asked(wire, &villain, timeouts).await;
        let error = called.error();
        assert!(matches!(error, ModelError::TimedOut { limit_ms: 2000, .. }), "{wire:?}: {error}");
        assert!(begun.elapsed() >= total && begun.elapsed() < total * 5, "{:?}", begun.elapsed());
        assert_eq!(villain.asked.load(Ordering::SeqCst), 1, "{wire:?}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_drips_is_a_reply() {
    futures::future::join_all(WIRES.map(|wire| async move {
        let villain = Villain::start(move |connection| {
            connection.write_all(head(wire).as_bytes())?;
            whole(wire).as_bytes().chunks(1).try_for_each(|byte| connection.write_all(byte))
        });
        let called = asked(wire, &villain, PATIENT).await;
        assert_eq!(called.reply().text, "It drips \u{1f4a7}.", "{wire:?}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_the_key_is_not_quoted() {
    let body = json!({ "error": { "message": format!("`{KEY}` is no key; Bearer {KEY}"), "code": KEY } });
    for status in
        ["401 Unauthorized", "400 Bad Request", "500 Internal Server Error", "307 Temporary Redirect"]
    {
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nlocation: http://127.0.0.1:1/{KEY}\r\nconnection: close\r\n\r\n{body}"
        );
        let villain = Villain::start(move |connection| connection.write_all(answer.as_bytes()));
        for wire in WIRES {
            let called = asked(wire, &villain, PATIENT).await;
            assert!(called.error().to_string().contains("[key]"), "{wire:?}: {}", called.error());
        }
    }
    // As the reply's own type, and as an event that cannot be read.
    for wire in WIRES {
        let as_type =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/{KEY}\r\nconnection: close\r\n\r\n{KEY}");
        let as_event = match wire {
            Wire::Ollama => format!("{}{{\"error\": \"{KEY}\"}}\n", head(wire)),
            _ => format!("{}data: {{\"type\": \"{KEY}\", \"choices\": \"{KEY}\"}}\n\n", head(wire)),
        };
        for answer in [as_type, as_event] {
            let villain = Villain::start(move |connection| connection.write_all(answer.as_bytes()));
            asked(wire, &villain, PATIENT).await.error();
        }
    }
}
