use super::*;

fn chunk(parts: Value, finish_reason: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = json!(reason);
    }
    json!({"candidates": [candidate], "modelVersion": "the-model", "responseId": "r"})
}

fn whole(parts: Vec<Value>, reason: &str) -> String {
    let mut chunks: Vec<Value> = parts.into_iter().map(|part| chunk(json!([part]), None)).collect();
    let mut last = chunk(json!([{"text": ""}]), Some(reason));
    last["usageMetadata"] = json!({
        "promptTokenCount": 115, "candidatesTokenCount": 2, "thoughtsTokenCount": 40,
        "cachedContentTokenCount": 100, "totalTokenCount": 157
    });
    chunks.push(last);
    sse(&chunks)
}

pub(super) fn hello() -> String {
    whole(vec![json!({"text": "hel"}), json!({"text": "lo"})], "STOP")
}

async fn decoded(parts: Vec<Value>, reason: &str) -> ModelReply {
    reply(Api::Gemini, whole(parts, reason)).await.outcome.unwrap()
}

fn function(id: Option<&str>, args: Value) -> Value {
    json!({"functionCall": {"id": id, "name": "search", "args": args}})
}

#[tokio::test]
async fn calls_have_ids_that_do_not_change() {
    let parts = || {
        vec![
            function(None, json!({"text": "0"})),
            function(Some("given"), json!({"text": "1", "below": null})),
            json!({"functionCall": {"name": "finish"}}),
        ]
    };
    let wanted =
        [("call_1_1", "{\"text\":\"0\"}"), ("given", "{\"text\":\"1\",\"below\":null}"), ("call_1_3", "{}")];
    for reason in ["STOP", "FUNCTION_CALL", "INVENTED_YESTERDAY"] {
        let reply = decoded(parts(), reason).await;
        assert_eq!((shape(&reply), reply.stop), (wanted.to_vec(), StopReason::ToolUse), "{reason}");
    }
    // All in one chunk, and in a later turn.
    let peer = Peer::start([peer::stream(sse(&[chunk(json!(parts()), Some("STOP"))]))]).await;
    let mut request = request();
    request.turn = 7;
    let called = call(&*Api::Gemini.model(&peer.url, PATIENT), &request).await;
    assert_eq!(called.outcome.unwrap().tool_calls[2].id.as_str(), "call_7_3");
}

#[tokio::test]
async fn signatures_are_kept_with_their_places_and_thoughts_are_not_text() {
    let signed = |mut part: Value| {
        part["thoughtSignature"] = json!("cw==");
        part
    };
    let reply = decoded(
        vec![
            json!({"text": "{\"actions\": []}", "thought": true}),
            signed(json!({"text": "hm", "thought": true})),
            json!({"text": "hel"}),
            signed(json!({"text": "lo"})),
            signed(function(None, json!({}))),
            function(None, json!({})),
            signed(json!({"text": ""})),
        ],
        "STOP",
    )
    .await;
    assert_eq!(reply.text, "hello");
    assert_eq!(
        reply.opaque,
        [
            json!({"part": "thought", "text": "hm", "signature": "cw=="}),
            json!({"part": "text", "begin": 3, "end": 5, "signature": "cw=="}),
            json!({"part": "call", "index": 0, "signature": "cw=="}),
            json!({"part": "text", "begin": 5, "end": 5, "signature": "cw=="}),
        ]
    );
}

#[tokio::test]
async fn finish_reasons() {
    for (reason, wanted) in [
        ("STOP", StopReason::End),
        ("MAX_TOKENS", StopReason::Length),
        ("SAFETY", StopReason::Refusal),
        ("PROHIBITED_CONTENT", StopReason::Refusal),
        ("MALFORMED_FUNCTION_CALL", StopReason::End),
        ("INVENTED_YESTERDAY", StopReason::End),
    ] {
        assert_eq!(decoded(vec![json!({"text": "x"})], reason).await.stop, wanted, "{reason}");
    }
    // What is cut or refused is so although calls came before.
    let call = || vec![function(None, json!({}))];
    assert_eq!(decoded(call(), "MAX_TOKENS").await.stop, StopReason::Length);
    assert_eq!(decoded(call(), "SAFETY").await.stop, StopReason::Refusal);
    // Neither content nor candidates.
    let empty = sse(&[json!({"candidates": [{"finishReason": "SAFETY", "index": 0}]})]);
    assert_eq!(reply(Api::Gemini, empty).await.outcome.unwrap().stop, StopReason::Refusal);
    let blocked = sse(&[json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})]);
    assert_eq!(reply(Api::Gemini, blocked).await.outcome.unwrap().stop, StopReason::Refusal);
}

#[tokio::test]
async fn what_is_unknown_is_left_out() {
    let other = json!({"candidates": [{"index": 1, "content": {"parts": [{"text": "another"}]}, "finishReason": "STOP"}]});
    let stream = sse(&[
        other,
        json!({"invented": true}),
        chunk(json!([{"executableCode": {"code": "rm"}}, {"inlineData": {}}]), None),
        // Older models give a reason in every chunk.
        chunk(json!([{"text": "hel"}]), Some("STOP")),
        chunk(json!([{"text": "lo"}]), Some("STOP")),
    ]);
    assert_eq!(reply(Api::Gemini, stream).await.outcome.unwrap().text, "hello");
}

#[tokio::test]
async fn what_contradicts_itself_is_malformed() {
    for (part, reason) in [
        (json!({"functionCall": {"args": {}}}), "could not be read"),
        (json!({"functionCall": {"name": "x", "args": [1]}}), "neither a text nor"),
        (json!({"text": 3}), "could not be read"),
        (json!("text"), "could not be read"),
    ] {
        Api::Gemini.misspoken(whole(vec![part], "STOP"), reason).await;
    }
}

#[tokio::test]
async fn an_announced_error_is_what_it_says() {
    let outcome = async |status: &str| {
        let stream = sse(&[json!({"error": {"code": 1, "message": "said", "status": status}})]);
        bare(Api::Gemini.announced(stream).await)
    };
    let said = || "said".to_owned();
    assert_eq!(outcome("UNAVAILABLE").await, (ModelError::Server { reason: said() }, 4));
    assert_eq!(outcome("RESOURCE_EXHAUSTED").await, (ModelError::RateLimited { reason: said() }, 4));
    assert_eq!(outcome("PERMISSION_DENIED").await, (ModelError::Unauthorized { reason: said() }, 1));
    assert_eq!(outcome("INVALID_ARGUMENT").await, (ModelError::Rejected { reason: said() }, 1));
}

#[tokio::test]
async fn an_end_without_a_finish_reason_is_no_reply() {
    let stream = sse(&[chunk(json!([{"text": "hel"}]), None)]);
    assert!(matches!(reply(Api::Gemini, stream).await.error(), ModelError::BrokenOff { .. }));
}
