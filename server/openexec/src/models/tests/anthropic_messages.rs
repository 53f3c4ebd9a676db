use super::*;

fn start() -> Value {
    json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "the-model", "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 1}
    }})
}

fn block(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn text(index: u64, text: &str) -> Value {
    delta(index, json!({"type": "text_delta", "text": text}))
}

fn arguments(index: u64, json: &str) -> Value {
    delta(index, json!({"type": "input_json_delta", "partial_json": json}))
}

fn end(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn stop(reason: &str) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 42}}),
        json!({"type": "message_stop"}),
    ]
}

fn whole(blocks: Vec<Value>, reason: &str) -> String {
    sse(&[vec![start()], blocks, stop(reason).to_vec()].concat())
}

pub(super) fn hello() -> String {
    whole(
        vec![block(0, json!({"type": "text", "text": ""})), text(0, "hel"), text(0, "lo"), end(0)],
        "end_turn",
    )
}

async fn decoded(blocks: Vec<Value>, reason: &str) -> ModelReply {
    reply(Api::Anthropic, whole(blocks, reason)).await.outcome.unwrap()
}

#[tokio::test]
async fn one_tool_call_beside_text() {
    let reply = decoded(
        vec![
            block(0, json!({"type": "text", "text": "I "})),
            text(0, "look"),
            end(0),
            block(1, json!({"type": "tool_use", "id": "toolu_1", "name": "read_file", "input": {}})),
            arguments(1, ""),
            arguments(1, "{\"path\": \"src/"),
            arguments(1, "lib.rs\"}"),
            end(1),
        ],
        "tool_use",
    )
    .await;
    assert_eq!((reply.text.as_str(), reply.stop), ("I look", StopReason::ToolUse));
    let call = ToolCall {
        id: "toolu_1".into(),
        name: "read_file".into(),
        arguments: "{\"path\": \"src/lib.rs\"}".into(),
    };
    assert_eq!(reply.tool_calls, [call]);
}

#[tokio::test]
async fn three_calls_at_once_keep_their_order_and_their_own_arguments() {
    let tool = |index, id: &str| block(index, json!({"type": "tool_use", "id": id, "name": "search"}));
    let reply = decoded(
        vec![
            tool(0, "a"),
            tool(1, "b"),
            arguments(1, "{\"text\":"),
            arguments(0, "{\"text\":\"0\"}"),
            tool(2, "c"),
            arguments(1, "\"1\"}"),
            end(0),
            end(1),
            end(2),
        ],
        "tool_use",
    )
    .await;
    // Without any argument, as llama.cpp starts its calls, the object is empty.
    assert_eq!(shape(&reply), [("a", "{\"text\":\"0\"}"), ("b", "{\"text\":\"1\"}"), ("c", "{}")]);
}

#[tokio::test]
async fn arguments_may_arrive_with_the_beginning() {
    let tool = json!({"type": "tool_use", "id": "a", "name": "search", "input": {"text": "x"}});
    let reply = decoded(vec![block(0, tool), end(0)], "tool_use").await;
    assert_eq!(reply.tool_calls[0].arguments, "{\"text\":\"x\"}");
}

#[tokio::test]
async fn thinking_is_kept_as_it_came_and_is_no_text() {
    let reply = decoded(
        vec![
            block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
            delta(0, json!({"type": "thinking_delta", "thinking": "let me "})),
            delta(0, json!({"type": "thinking_delta", "thinking": "see"})),
            delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
            end(0),
            block(1, json!({"type": "redacted_thinking", "data": "b3BhcXVl"})),
            end(1),
            block(2, json!({"type": "text", "text": ""})),
            text(2, "42"),
            end(2),
        ],
        "end_turn",
    )
    .await;
    assert_eq!(reply.text, "42");
    let wanted = [
        json!({"type": "thinking", "thinking": "let me see", "signature": "c2ln"}),
        json!({"type": "redacted_thinking", "data": "b3BhcXVl"}),
    ];
    assert_eq!(reply.opaque, wanted);
}

#[tokio::test]
async fn stop_reasons() {
    let text = || vec![block(0, json!({"type": "text", "text": "x"})), end(0)];
    for (reason, wanted) in [
        ("end_turn", StopReason::End),
        ("stop_sequence", StopReason::End),
        ("max_tokens", StopReason::Length),
        ("model_context_window_exceeded", StopReason::Length),
        ("refusal", StopReason::Refusal),
        ("invented_yesterday", StopReason::End),
    ] {
        assert_eq!(decoded(text(), reason).await.stop, wanted, "{reason}");
    }
}

#[tokio::test]
async fn what_is_unknown_is_left_out() {
    let stream = sse(&[
        json!({"type": "ping"}),
        start(),
        json!({"type": "invented", "index": "x"}),
        block(0, json!({"type": "invented_tool_use", "input": 3})),
        delta(0, json!({"type": "invented_delta", "x": 1})),
        delta(0, json!({"type": "text_delta", "text": "not text"})),
        end(0),
        block(1, json!({"type": "text", "text": "", "citations": null})),
        delta(1, json!({"type": "citations_delta", "citation": {}})),
        text(1, "hello"),
        json!({"type": "ping"}),
        end(1),
    ]);
    let stream = format!(": a comment\n\n{stream}{}", sse(&stop("end_turn")));
    assert_eq!(reply(Api::Anthropic, stream).await.outcome.unwrap().text, "hello");
}

#[tokio::test]
async fn what_contradicts_itself_is_malformed() {
    let tool = json!({"type": "tool_use", "id": "a", "name": "search"});
    for (blocks, reason) in [
        (vec![text(0, "x")], "without having begun"),
        (vec![block(0, tool.clone()), text(0, "x")], "another kind"),
        (vec![block(0, tool.clone()), block(0, tool)], "begins twice"),
        (vec![json!({"type": "content_block_start", "index": 0})], "could not be read"),
        (vec![json!({"no": "type"})], "could not be read"),
    ] {
        Api::Anthropic.misspoken(whole(blocks, "end_turn"), reason).await;
    }
}

#[tokio::test]
async fn an_announced_error_is_what_it_says() {
    let error =
        |kind: &str| sse(&[start(), json!({"type": "error", "error": {"type": kind, "message": "said"}})]);
    let outcome = async |kind: &str| bare(Api::Anthropic.announced(error(kind)).await);
    let said = || "said".to_owned();
    // Nothing was received yet, so what may pass is tried again.
    assert_eq!(outcome("overloaded_error").await, (ModelError::RateLimited { reason: said() }, 4));
    assert_eq!(outcome("api_error").await, (ModelError::Server { reason: said() }, 4));
    assert_eq!(outcome("authentication_error").await, (ModelError::Unauthorized { reason: said() }, 1));
    assert_eq!(outcome("invalid_request_error").await, (ModelError::Rejected { reason: said() }, 1));
}
