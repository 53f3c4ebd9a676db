//! Every adapter against a mock of the providers that others wrote: what it says is understood,
//! and what goes wrong there is told by its name, in time, and without the key.

use super::client::{Called, PATIENT, call, connect, entry, request};
use super::peer::Peer;
use crate::wire::Wire;
use crate::wires::WIRES;
use openexec::limits::MODEL_ATTEMPTS_MAX;
use openexec::models::{ModelProgress, Timeouts};
use openexec_engine::action::{ActionKind, parse_tool_calls};
use openexec_engine::model::{
    ActionResult, ActionStatus, Message, ModelError, ModelReply, StopReason, ToolCall,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TOOLS: [ActionKind; 3] = [ActionKind::ReadFile, ActionKind::Search, ActionKind::Finish];

/// One call of a model of `tests/models/peers.json`.
async fn called(peer: &Peer, wire: Wire, model: &str, timeouts: Timeouts) -> Called {
    call(&*connect(&entry(wire.api(), model, peer.url()), timeouts), &request(&TOOLS)).await
}

/// The same call over every wire, at the same time.
async fn over_every_wire(peer: &Peer, model: &str, timeouts: Timeouts) -> Vec<(Wire, Called)> {
    let calls = WIRES.map(|wire| async move { (wire, called(peer, wire, model, timeouts).await) });
    futures::future::join_all(calls).await
}

/// Names and arguments, the arguments as data.
pub fn calls(reply: &ModelReply) -> Vec<(&str, Value)> {
    let call =
        |call: &'_ ToolCall| serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
    reply.tool_calls.iter().map(|it| (it.name.as_str(), call(it))).collect()
}

fn every_attempt() -> Vec<usize> {
    (2..=MODEL_ATTEMPTS_MAX).collect()
}

#[tokio::test]
async fn text_arrives_as_it_was_said() {
    let peer = Peer::aimock();
    for (wire, called) in over_every_wire(&peer, "says", PATIENT).await {
        let reply = called.reply();
        assert_eq!(reply.text, "Gr\u{fc}\u{df}e, the caf\u{e9} is open \u{1f980}.", "{wire:?}");
        assert_eq!((reply.tool_calls.len(), reply.stop), (0, StopReason::End), "{wire:?}");
        let received = called.progress.iter().map(|progress| match progress {
            ModelProgress::Received { bytes } => *bytes,
            ModelProgress::Retrying { .. } => panic!("{wire:?}: {:?}", called.progress),
        });
        let received: Vec<usize> = received.collect();
        assert!(received.is_sorted() && received.len() > 3, "{wire:?}: {received:?}");
        assert!(*received.last().unwrap() >= reply.text.len(), "{wire:?}: {received:?}");
    }
}

#[tokio::test]
async fn calls_arrive_whole_and_in_order() {
    let peer = Peer::aimock();
    for (wire, called) in over_every_wire(&peer, "calls-once", PATIENT).await {
        let reply = called.reply();
        assert_eq!(calls(reply), [("read_file", json!({ "path": "src/lib.rs" }))], "{wire:?}");
        assert_eq!((reply.text.as_str(), reply.stop), ("I look first.", StopReason::ToolUse), "{wire:?}");
    }
    for (wire, called) in over_every_wire(&peer, "calls-thrice", PATIENT).await {
        let reply = called.reply();
        let wanted = [
            ("read_file", json!({ "path": "src/lib.rs", "first_line": 1, "last_line": 2 })),
            ("search", json!({ "text": "na\u{ef}ve \"quote\" \\ \u{1f980}" })),
            ("finish", json!({ "summary": "done" })),
        ];
        assert_eq!(calls(reply), wanted, "{wire:?}");
        assert_eq!((reply.text.as_str(), reply.stop), ("", StopReason::ToolUse), "{wire:?}");
        // The ids differ, or the actions could not be told apart.
        assert_eq!(parse_tool_calls(&reply.tool_calls).unwrap().len(), 3, "{wire:?}");
    }
}

#[tokio::test]
async fn an_answer_to_a_call_is_recognized_as_one() {
    let peer = Peer::aimock();
    futures::future::join_all(WIRES.map(|wire| {
        let model = connect(&entry(wire.api(), "continues", peer.url()), PATIENT);
        async move {
            let mut request = request(&TOOLS);
            let first = call(&*model, &request).await;
            let reply = first.reply().clone();
            assert_eq!(calls(&reply), [("read_file", json!({ "path": "src/lib.rs" }))], "{wire:?}");
            let id = reply.tool_calls[0].id.clone();
            let result = ActionResult { id, status: ActionStatus::Done, text: "pub fn answer()".into() };
            request.messages.extend([Message::Model { reply }, Message::Results { results: vec![result] }]);
            request.turn = 2;
            let second = call(&*model, &request).await;
            assert_eq!(second.reply().text, "I have read it.", "{wire:?}");
        }
    }))
    .await;
}

#[tokio::test]
async fn thoughts_are_no_text() {
    let peer = Peer::aimock();
    for (wire, called) in over_every_wire(&peer, "thinks", PATIENT).await {
        let reply = called.reply();
        assert_eq!((reply.text.as_str(), reply.tool_calls.len()), ("42", 0), "{wire:?}");
    }
}

#[tokio::test]
async fn broken_arguments_are_kept_for_the_parser_to_refuse() {
    let peer = Peer::aimock();
    for (wire, called) in over_every_wire(&peer, "broken-arguments", PATIENT).await {
        let reply = called.reply();
        let wanted = match wire {
            Wire::OpenaiChat | Wire::OpenaiResponses => "{\"path\": \"src/li",
            // Here the mock itself says an empty object instead.
            Wire::AnthropicMessages | Wire::Gemini | Wire::Ollama => "{}",
        };
        assert_eq!(reply.tool_calls[0].arguments, wanted, "{wire:?}");
        parse_tool_calls(&reply.tool_calls).unwrap_err();
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    // One for each wire, for it counts the requests of all.
    futures::future::join_all(WIRES.map(|wire| async move {
        let peer = Peer::aimock();
        let begun = Instant::now();
        let called = called(&peer, wire, "busy-once", PATIENT).await;
        assert_eq!((called.reply().text.as_str(), called.retries()), ("at last", vec![2]), "{wire:?}");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{wire:?}");
    }))
    .await;
    let peer = Peer::aimock();
    for (wire, called) in over_every_wire(&peer, "busy-for-an-hour", PATIENT).await {
        let error = called.error();
        assert!(
            matches!(error, ModelError::RateLimited { reason }
                if reason.contains("slow down") && reason.contains("it asks to wait 3600 s")),
            "{wire:?}: {error}"
        );
        assert_eq!(called.retries(), [0_usize; 0], "{wire:?}");
    }
}

#[tokio::test]
async fn a_server_that_fails_is_asked_a_few_times() {
    let peer = Peer::aimock();
    for (wire, called) in over_every_wire(&peer, "fails", PATIENT).await {
        let error = called.error();
        assert!(
            matches!(error, ModelError::Server { reason } if reason == "500 Internal Server Error: boom"),
            "{wire:?}: {error}"
        );
        assert_eq!(called.retries(), every_attempt(), "{wire:?}");
    }
    for (wire, called) in over_every_wire(&peer, "overloaded", PATIENT).await {
        let error = called.error();
        assert!(
            matches!(error, ModelError::RateLimited { reason } if reason == "529: overloaded"),
            "{wire:?}: {error}"
        );
        assert_eq!(called.retries(), every_attempt(), "{wire:?}");
    }
}

#[tokio::test]
async fn a_slow_server_is_waited_for_and_one_that_is_too_slow_is_not() {
    let peer = Peer::aimock();
    let begun = Instant::now();
    for (wire, called) in over_every_wire(&peer, "slow", PATIENT).await {
        assert_eq!(called.reply().text, "late, but whole", "{wire:?}");
    }
    assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
    let short = Duration::from_millis(400);
    let begun = Instant::now();
    let timeouts = Timeouts { first_byte: short, idle: short, ..PATIENT };
    for (wire, called) in over_every_wire(&peer, "too-slow", timeouts).await {
        let error = called.error();
        assert!(matches!(error, ModelError::TimedOut { limit_ms: 400, .. }), "{wire:?}: {error}");
        assert_eq!(called.retries(), [0_usize; 0], "{wire:?}: what was paid for is not asked for twice");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_stream_that_is_cut_is_no_reply() {
    let peer = Peer::aimock();
    for model in ["cut", "cut-by-time"] {
        for (wire, called) in over_every_wire(&peer, model, PATIENT).await {
            let error = called.error();
            assert!(matches!(error, ModelError::BrokenOff { .. }), "{wire:?}: {error}");
            assert_eq!(called.retries(), [0_usize; 0], "{wire:?}: what was paid for is not asked for twice");
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_is_unreachable() {
    let peer = Peer::aimock();
    for (wire, called) in over_every_wire(&peer, "hangs-up", PATIENT).await {
        let error = called.error();
        assert!(
            matches!(error, ModelError::Unreachable { reason } if reason.contains("see whether the server runs")),
            "{wire:?}: {error}"
        );
        assert_eq!(called.retries(), every_attempt(), "{wire:?}");
    }
}

#[tokio::test]
async fn what_is_no_reply_at_all_is_malformed() {
    let peer = Peer::aimock();
    for (wire, called) in over_every_wire(&peer, "garbled", PATIENT).await {
        let error = called.error();
        assert!(matches!(error, ModelError::Malformed { .. }), "{wire:?}: {error}");
        assert_eq!(called.retries(), [0_usize; 0], "{wire:?}");
    }
}
