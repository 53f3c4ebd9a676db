//! What goes wrong between us and a server, whatever wire API it speaks.

use super::peer::{Piece, cutting, never, pieces, status, stream};
use super::*;
use crate::limits::{
    MODEL_ATTEMPTS_MAX, MODEL_ERROR_CHARS_MAX, MODEL_EVENT_BYTES_MAX, MODEL_REPLY_BYTES_MAX,
};
use std::time::Instant;

fn bytes(text: &str) -> Piece {
    Piece::Bytes(text.as_bytes().to_vec())
}

/// One call to a server with these answers, and how many requests it saw.
async fn called(api: Api, answers: Vec<peer::Answer>, timeouts: Timeouts) -> (Called, usize) {
    let peer = Peer::start(answers).await;
    let called = call(&*api.model(&peer.url, timeouts), &request()).await;
    let seen = peer.seen().len();
    (called, seen)
}

#[tokio::test]
async fn a_busy_server_is_asked_again_after_as_long_as_it_says() {
    // All at once, for each of them waits.
    futures::future::join_all(APIS.map(|api| async move {
        let busy = status(429, &[("retry-after", "1")], r#"{"error": {"message": "slow down"}}"#);
        let begun = Instant::now();
        let (called, seen) = called(api, vec![busy, stream(api.hello())], PATIENT).await;
        assert_eq!(called.outcome.as_ref().unwrap().text, "hello");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!((seen, called.retries()), (2, vec![2]));
        assert!(
            matches!(&called.progress[0], ModelProgress::Retrying { reason, .. }
            if reason.contains("429 Too Many Requests: slow down; it asks to wait 1 s")),
            "{:?}",
            called.progress
        );
    }))
    .await;
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_left_to_the_user() {
    for header in ["3600", "Fri, 31 Dec 2399 23:59:59 GMT"] {
        let busy = status(429, &[("retry-after", header)], "");
        let (called, seen) = called(Api::Anthropic, vec![busy], PATIENT).await;
        assert!(
            matches!(called.error(), ModelError::RateLimited { reason } if reason.contains("it asks to wait"))
        );
        assert_eq!(seen, 1, "{header}");
    }
}

#[tokio::test]
async fn time_that_runs_out_while_waiting_is_the_servers_doing() {
    let timeouts = Timeouts { total: Duration::from_secs(3), ..PATIENT };
    futures::future::join_all(APIS.map(|api| async move {
        let busy = status(429, &[("retry-after", "30")], "no more today");
        let (called, seen) = called(api, vec![busy], timeouts).await;
        assert!(
            matches!(called.error(), ModelError::RateLimited { reason } if reason.contains("no more today"))
        );
        assert_eq!(seen, 1);
    }))
    .await;
}

#[tokio::test]
async fn what_may_pass_is_tried_a_few_times_and_what_may_not_once() {
    type Kind = fn(&ModelError) -> bool;
    let cases: [(u16, usize, Kind); 14] = [
        (408, MODEL_ATTEMPTS_MAX, |it| matches!(it, ModelError::Server { .. })),
        (409, MODEL_ATTEMPTS_MAX, |it| matches!(it, ModelError::Server { .. })),
        (429, MODEL_ATTEMPTS_MAX, |it| matches!(it, ModelError::RateLimited { .. })),
        (500, MODEL_ATTEMPTS_MAX, |it| matches!(it, ModelError::Server { .. })),
        (502, MODEL_ATTEMPTS_MAX, |it| matches!(it, ModelError::Server { .. })),
        (503, MODEL_ATTEMPTS_MAX, |it| matches!(it, ModelError::Server { .. })),
        (529, MODEL_ATTEMPTS_MAX, |it| matches!(it, ModelError::RateLimited { .. })),
        (400, 1, |it| matches!(it, ModelError::Rejected { .. })),
        (401, 1, |it| matches!(it, ModelError::Unauthorized { .. })),
        (403, 1, |it| matches!(it, ModelError::Unauthorized { .. })),
        (404, 1, |it| matches!(it, ModelError::Rejected { .. })),
        (413, 1, |it| matches!(it, ModelError::Rejected { .. })),
        (422, 1, |it| matches!(it, ModelError::Rejected { .. })),
        (304, 1, |it| matches!(it, ModelError::Rejected { .. })),
    ];
    for api in APIS {
        for (code, attempts, is_kind) in cases {
            let answers =
                (0..attempts).map(|_| status(code, &[], r#"{"error": {"message": "no"}}"#)).collect();
            let (called, seen) = called(api, answers, PATIENT).await;
            assert!(is_kind(called.error()), "{code}: {}", called.error());
            assert_eq!(seen, attempts, "{code}");
            assert_eq!(called.retries(), (2..=attempts).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_server_that_knows_better_is_not_asked_again() {
    let (called, seen) =
        called(Api::Openai, vec![status(429, &[("x-should-retry", "false")], "")], PATIENT).await;
    assert!(matches!(called.error(), ModelError::RateLimited { .. }));
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn errors_repeat_neither_key_nor_prompt_nor_much() {
    let long = "y".repeat(5000);
    for (code, body) in [
        (401, format!(r#"{{"error": {{"message": "bad key {KEY}, really {KEY}"}}}}"#)),
        (403, format!("x-api-key: {KEY}")),
        (400, format!("{}{KEY}{long}", "-".repeat(MODEL_ERROR_CHARS_MAX - 9))),
        (400, format!(r#"{{"error": "in {}"}}"#, request().messages_text())),
        (422, json!({"detail": [{"input": [request().system], "msg": long}]}).to_string()),
        (418, long.clone()),
    ] {
        for api in APIS {
            let (called, _) = called(api, vec![status(code, &[], &body)], PATIENT).await;
            let text = called.error().to_string();
            assert!(text.chars().count() < MODEL_ERROR_CHARS_MAX + 150, "{text}");
            assert!(!text.contains(&KEY[..12]), "{text}");
        }
    }
}

trait MessagesText {
    fn messages_text(&self) -> String;
}

impl MessagesText for ModelRequest {
    fn messages_text(&self) -> String {
        match &self.messages[0] {
            Message::User { text } => text.clone(),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_login_page_is_not_taken_for_a_reply() {
    for api in APIS {
        let page = || {
            status(
                200,
                &[("content-type", "text/html; charset=utf-8")],
                "<html><body>Please log in</body></html>",
            )
        };
        let (called, seen) = called(api, vec![page()], PATIENT).await;
        let error = called.error().to_string();
        assert!(error.contains("`text/html; charset=utf-8`") && error.contains("login page"), "{error}");
        assert!(matches!(called.error(), ModelError::Malformed { .. }));
        assert_eq!(seen, 1);
    }
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_key_away() {
    for api in APIS {
        let target = Peer::start([stream(api.hello())]).await;
        let away = status(307, &[("location", &target.url)], "");
        let (called, _) = called(api, vec![away], PATIENT).await;
        assert!(matches!(called.error(), ModelError::Rejected { reason } if reason.contains(&target.url)));
        assert!(target.seen().is_empty());
    }
}

#[tokio::test]
async fn a_slow_first_byte() {
    let timeouts = Timeouts { first_byte: Duration::from_millis(200), ..PATIENT };
    for api in APIS {
        for answer in [never(), pieces([Piece::Silence])] {
            let (called, seen) = called(api, vec![answer], timeouts).await;
            assert!(
                matches!(called.error(), ModelError::TimedOut { limit_ms: 200, phase } if phase == "the first byte")
            );
            assert_eq!(seen, 1, "what was paid for is not asked for twice");
        }
    }
}

#[tokio::test]
async fn silence_in_the_midst() {
    let timeouts = Timeouts { idle: Duration::from_millis(200), ..PATIENT };
    for api in APIS {
        let (called, seen) =
            called(api, vec![pieces([bytes(&api.beginning()), Piece::Silence])], timeouts).await;
        assert!(
            matches!(called.error(), ModelError::TimedOut { limit_ms: 200, phase } if phase == "between two bytes")
        );
        assert_eq!(seen, 1);
    }
}

#[tokio::test]
async fn a_stream_that_never_ends() {
    let timeouts = Timeouts { total: Duration::from_millis(500), ..PATIENT };
    for api in APIS {
        let (called, seen) = called(
            api,
            vec![pieces([
                bytes(&api.beginning()),
                Piece::Forever(format!("{}{}", api.nothing(), api.event("{\"type\":\"ping\"}")).into_bytes()),
            ])],
            timeouts,
        )
        .await;
        assert!(
            matches!(called.error(), ModelError::TimedOut { limit_ms: 500, phase } if phase == "the whole reply"),
            "{}",
            called.error()
        );
        assert_eq!(seen, 1);
    }
}

/// One call to a server that cuts its connections after these bodies; all must be asked for.
async fn cut(api: Api, bodies: Vec<Option<String>>) -> Called {
    let (url, serving) = cutting(bodies).await;
    let called = call(&*api.model(&url, PATIENT), &request()).await;
    serving.await.unwrap();
    called
}

#[tokio::test]
async fn a_stream_that_breaks_off() {
    for api in APIS {
        // With content: never again. The end may be proper on the wire, or not.
        let broken = api.event("{\"ty").trim_end().to_owned();
        for end in ["", &broken] {
            let text = format!("{}{end}", api.beginning());
            let (ended, seen) = called(api, vec![stream(text.clone())], PATIENT).await;
            assert!(matches!(ended.error(), ModelError::BrokenOff { .. }), "{}", ended.error());
            assert_eq!(seen, 1);
            let cut = cut(api, vec![Some(text)]).await;
            assert!(matches!(cut.error(), ModelError::BrokenOff { .. }), "{}", cut.error());
            assert!(cut.retries().is_empty());
        }
        // Without any: nothing was received, so nothing is lost by asking again.
        for beginning in ["", api.nothing(), &broken] {
            let cut = cut(api, vec![Some(beginning.to_owned()), Some(api.hello())]).await;
            assert_eq!(cut.retries(), [2]);
            assert_eq!(cut.outcome.unwrap().text, "hello");
        }
    }
}

#[tokio::test]
async fn a_cut_after_the_whole_reply_changes_nothing() {
    for api in APIS {
        let cut = cut(api, vec![Some(api.hello())]).await;
        assert!(cut.retries().is_empty());
        assert_eq!(cut.outcome.unwrap().text, "hello");
    }
    // The finish reason is what counts; usage and [DONE] may be lost.
    let hello = Api::Openai.hello();
    let end = hello.find("\"usage\"").unwrap();
    assert_eq!(cut(Api::Openai, vec![Some(hello[..end].to_owned())]).await.outcome.unwrap().text, "hello");
}

#[tokio::test]
async fn a_server_that_hangs_up_without_an_answer() {
    for api in APIS {
        let cut = cut(api, vec![None; MODEL_ATTEMPTS_MAX]).await;
        let error = cut.error();
        assert!(
            matches!(error, ModelError::Unreachable { reason } if reason.starts_with("http://127.0.0.1:")),
            "{error}"
        );
        assert_eq!(cut.retries(), [2, 3, 4]);
    }
}

#[tokio::test]
async fn nobody_there() {
    for api in APIS {
        let url = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            format!("http://{}", listener.local_addr().unwrap())
        };
        let called = call(&*api.model(&url, PATIENT), &request()).await;
        let error = called.error();
        assert!(
            matches!(error, ModelError::Unreachable { reason }
            if reason.contains("refused") && reason.contains("see whether the server runs")),
            "{error}"
        );
        assert_eq!(called.retries(), [2, 3, 4]);
    }
}

fn not_utf8(api: Api) -> Vec<u8> {
    let text = api.event("??").into_bytes();
    text.into_iter().map(|byte| if byte == b'?' { 0xff } else { byte }).collect()
}

#[tokio::test]
async fn what_is_no_stream_of_events_is_malformed() {
    for api in APIS {
        for body in ["{\"type\": ", "<html>", "[]"] {
            let (called, seen) = called(api, vec![stream(api.event(body))], PATIENT).await;
            assert!(matches!(called.error(), ModelError::Malformed { .. }), "{body}: {}", called.error());
            assert_eq!(seen, 1);
        }
        let (called, _) = called(api, vec![pieces([Piece::Bytes(not_utf8(api))])], PATIENT).await;
        assert!(
            matches!(called.error(), ModelError::Malformed { reason } if reason.contains("UTF-8")),
            "{}",
            called.error()
        );
    }
}

#[tokio::test]
async fn a_flood_is_stopped() {
    let line = "x".repeat(64 * 1024);
    let text = |api: Api| match api {
        Api::Anthropic => sse(&[
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": line}}),
        ]),
        Api::Openai => sse(&[json!({"choices": [{"index": 0, "delta": {"content": line}}]})]),
        Api::Responses => {
            sse(&[json!({"type": "response.output_text.delta", "output_index": 0, "delta": line})])
        }
        Api::Gemini => sse(&[json!({"candidates": [{"content": {"parts": [{"text": line}]}}]})]),
        Api::Ollama => api.event(&json!({"message": {"content": line}}).to_string()),
    };
    for api in APIS {
        // As content, as one line that never ends, and as comments.
        let floods = [
            (text(api), MODEL_REPLY_BYTES_MAX),
            (line.clone(), MODEL_EVENT_BYTES_MAX),
            (api.nothing().repeat(9999), MODEL_EVENT_BYTES_MAX),
        ];
        for (flood, limit_bytes) in floods {
            let mut peer =
                Peer::start([pieces([bytes(&api.beginning()), Piece::Forever(flood.into_bytes())])]).await;
            let called = call(&*api.model(&peer.url, PATIENT), &request()).await;
            assert_eq!(called.error(), &ModelError::TooLarge { limit_bytes });
            assert_eq!(peer.seen().len(), 1);
            peer.gone().await;
        }
    }
}

#[tokio::test]
async fn cancelling_closes_the_socket() {
    for api in APIS {
        for answer in [never(), pieces([bytes(&api.beginning()), Piece::Silence])] {
            let mut peer = Peer::start([answer]).await;
            let model = api.model(&peer.url, PATIENT);
            let calling = tokio::spawn(async move { call(&*model, &request()).await.outcome });
            peer.asked().await;
            calling.abort();
            assert!(calling.await.unwrap_err().is_cancelled());
            peer.gone().await;
        }
    }
}

#[tokio::test]
async fn it_does_not_matter_how_a_stream_is_cut_into_pieces() {
    for api in APIS {
        let text = api.hello().replace("\"lo\"", "\"l\u{f6}\u{1F600}\"");
        for (line_end, size) in [("\n", 1), ("\n", 2), ("\n", 3), ("\n", 7), ("\r\n", 5), ("\n", 100_000)] {
            let bytes = text.replace('\n', line_end).into_bytes();
            let answer = pieces(bytes.chunks(size).map(|piece| Piece::Bytes(piece.to_vec())));
            let (called, _) = called(api, vec![answer], PATIENT).await;
            assert_eq!(called.outcome.unwrap().text, "hell\u{f6}\u{1F600}", "{size}");
        }
    }
}
