use super::*;

fn added(index: u64, item: Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

fn done(index: u64, item: Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

fn text(index: u64, delta: &str) -> Value {
    json!({"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": delta})
}

fn arguments(index: u64, delta: &str) -> Value {
    json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": delta})
}

fn message(text: &str) -> Value {
    let content = match text {
        "" => json!([]),
        text => json!([{"type": "output_text", "text": text, "annotations": []}]),
    };
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content})
}

fn function(id: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": "search", "arguments": arguments})
}

fn response(status: &str) -> Value {
    json!({"id": "resp_1", "object": "response", "status": status, "output": [], "error": null, "incomplete_details": null})
}

fn end(status: &str, incomplete: Value) -> Value {
    let mut response = response(status);
    response["incomplete_details"] = incomplete;
    response["usage"] = json!({
        "input_tokens": 115, "input_tokens_details": {"cached_tokens": 100},
        "output_tokens": 42, "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 157
    });
    json!({"type": format!("response.{status}"), "response": response})
}

fn completed() -> Value {
    end("completed", Value::Null)
}

fn whole(events: Vec<Value>, end: Value) -> String {
    let begin = ["created", "in_progress"]
        .map(|name| json!({"type": format!("response.{name}"), "response": response("in_progress")}));
    sse(&[begin.to_vec(), events, vec![end]].concat())
}

pub(super) fn hello() -> String {
    whole(vec![added(0, message("")), text(0, "hel"), text(0, "lo")], completed())
}

async fn decoded(events: Vec<Value>, end: Value) -> ModelReply {
    reply(Api::Responses, whole(events, end)).await.outcome.unwrap()
}

#[tokio::test]
async fn three_calls_at_once_keep_their_order_and_their_own_arguments() {
    let reply = decoded(
        vec![
            added(0, function("a", "")),
            added(1, function("b", "")),
            arguments(1, "{\"text\":"),
            arguments(0, "{\"text\":\"0\"}"),
            added(2, function("", "")),
            arguments(1, "\"1\"}"),
            json!({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": "{\"text\":\"1\"}"}),
            done(0, function("a", "{\"text\":\"0\"}")),
        ],
        completed(),
    )
    .await;
    assert_eq!(reply.stop, StopReason::ToolUse);
    // A call without an id gets one from its place, one without any argument has none.
    assert_eq!(shape(&reply), [("a", "{\"text\":\"0\"}"), ("b", "{\"text\":\"1\"}"), ("call_1_3", "{}")]);
}

#[tokio::test]
async fn a_server_may_send_pieces_only_or_items_only_or_everything_at_the_end() {
    let call = || function("a", "{\"text\":\"0\"}");
    let pieces = vec![
        added(0, function("a", "")),
        arguments(0, "{\"text\":\"0\"}"),
        added(1, message("")),
        text(1, "x"),
    ];
    let items = vec![done(0, call()), done(1, message("x"))];
    let pieces = decoded(pieces, completed()).await;
    assert_eq!((shape(&pieces), pieces.text.as_str()), (vec![("a", "{\"text\":\"0\"}")], "x"));
    assert_eq!(decoded(items, completed()).await, pieces);
    let mut at_the_end = completed();
    at_the_end["response"]["output"] = json!([call(), message("x")]);
    assert_eq!(decoded(Vec::new(), at_the_end).await, pieces);
}

#[tokio::test]
async fn encrypted_reasoning_is_kept_as_it_is_and_nothing_of_it_is_read() {
    let reasoning = json!({
        "type": "reasoning", "id": "rs_1", "encrypted_content": "e==",
        "summary": [{"type": "summary_text", "text": "{\"actions\": []}"}], "invented": {"z": 1, "a": [2]}
    });
    let unreadable = json!({"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": null});
    let thought = json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "hm"});
    let events = vec![
        added(0, json!({"type": "reasoning", "id": "rs_1", "summary": []})),
        thought,
        done(0, reasoning.clone()),
        done(1, unreadable),
        done(2, message("x")),
        done(3, function("a", "{}")),
        done(4, reasoning.clone()),
    ];
    let reply = decoded(events, completed()).await;
    assert_eq!(reply.text, "x");
    let kept = |text_before: bool, calls_before: u32| json!({"text_before": text_before, "calls_before": calls_before, "item": reasoning});
    assert_eq!(reply.opaque, [kept(false, 0), kept(true, 1)]);
}

#[tokio::test]
async fn ends() {
    let said = || vec![done(0, message("x"))];
    let called = || vec![done(0, function("a", "{}"))];
    let incomplete = |reason: &str| end("incomplete", json!({"reason": reason}));
    for (events, end, wanted) in [
        (said(), completed(), StopReason::End),
        (called(), completed(), StopReason::ToolUse),
        (said(), incomplete("max_output_tokens"), StopReason::Length),
        (called(), incomplete("max_output_tokens"), StopReason::Length),
        (said(), incomplete("content_filter"), StopReason::Refusal),
        (said(), incomplete("invented_yesterday"), StopReason::Length),
    ] {
        assert_eq!(decoded(events, end.clone()).await.stop, wanted, "{end}");
    }
    let refusal = |delta: &str| json!({"type": "response.refusal.delta", "output_index": 0, "delta": delta});
    let refused = decoded(vec![added(0, message("")), refusal("I can"), refusal("not")], completed()).await;
    assert_eq!((refused.text.as_str(), refused.stop), ("I cannot", StopReason::Refusal));
    let mut item = message("");
    item["content"] = json!([{"type": "refusal", "refusal": "I cannot"}]);
    let refused = decoded(vec![done(0, item)], completed()).await;
    assert_eq!((refused.text.as_str(), refused.stop), ("I cannot", StopReason::Refusal));
}

#[tokio::test]
async fn what_is_unknown_is_left_out() {
    let events = vec![
        json!({"type": "response.invented", "output_index": "x"}),
        json!({"type": "response.content_part.added", "output_index": 1, "part": {"type": "output_text", "text": ""}}),
        done(0, json!({"type": "web_search_call", "id": "ws_1", "status": "completed"})),
        text(1, "hel"),
        text(1, "lo"),
        json!({"type": "response.output_text.done", "output_index": 1, "text": "hello"}),
    ];
    assert_eq!(decoded(events, completed()).await.text, "hello");
}

#[tokio::test]
async fn what_contradicts_itself_is_malformed() {
    for (events, reason) in [
        (vec![arguments(0, "{}")], "before its name"),
        (vec![added(0, message("")), added(0, message(""))], "begins twice"),
        (vec![added(0, message("x")), arguments(0, "{}")], "another kind"),
        (vec![added(0, function("a", "")), text(0, "x")], "another kind"),
        (vec![json!({"type": "response.output_text.delta", "delta": 3})], "could not be read"),
        (vec![added(0, json!({"type": "function_call"}))], "could not be read"),
    ] {
        Api::Responses.misspoken(whole(events, completed()), reason).await;
    }
}

#[tokio::test]
async fn an_announced_error_is_what_it_says() {
    let outcome = async |event: Value| {
        let stream = sse(&[event]);
        bare(Api::Responses.announced(stream).await)
    };
    let failed = |code: &str| {
        let mut response = response("failed");
        response["error"] = json!({"code": code, "message": "said"});
        json!({"type": "response.failed", "response": response})
    };
    let said = || "said".to_owned();
    assert_eq!(outcome(failed("server_error")).await, (ModelError::Server { reason: said() }, 4));
    assert_eq!(outcome(failed("rate_limit_exceeded")).await, (ModelError::RateLimited { reason: said() }, 4));
    assert_eq!(outcome(failed("invalid_prompt")).await, (ModelError::Rejected { reason: said() }, 1));
    let error = json!({"type": "error", "code": "insufficient_quota", "message": "said", "param": null});
    assert_eq!(outcome(error).await, (ModelError::Rejected { reason: said() }, 1));
    let deeper = json!({"type": "error", "error": {"code": "insufficient_quota", "message": "said"}});
    assert_eq!(outcome(deeper).await, (ModelError::Rejected { reason: said() }, 1));
}

#[tokio::test]
async fn done_without_an_end_is_no_reply() {
    let stream = format!("{}data: [DONE]\n\n", sse(&[added(0, message("hel"))]));
    assert!(matches!(reply(Api::Responses, stream).await.error(), ModelError::BrokenOff { .. }));
}

/// As llama.cpp's server has it.
#[tokio::test]
async fn items_may_have_names_instead_of_numbers() {
    let item = |id: &str, arguments: &str| json!({"type": "function_call", "id": id, "call_id": format!("call_{id}"), "name": "search", "arguments": arguments});
    let event =
        |kind: &str, item: Value| json!({"type": format!("response.output_item.{kind}"), "item": item});
    let delta = |id: &str, delta: &str| json!({"type": "response.function_call_arguments.delta", "item_id": id, "delta": delta});
    let said = json!({"type": "response.output_text.delta", "item_id": "msg_1", "content_index": 0, "delta": "I look"});
    let events = vec![
        event("added", message("")),
        said,
        event("added", item("a", "")),
        delta("a", "{\"text\":"),
        delta("a", "1}"),
        event("added", item("b", "")),
        delta("b", "{}"),
        event("done", message("I look")),
        event("done", item("a", "{\"text\":1}")),
        event("done", item("b", "{}")),
    ];
    let reply = decoded(events, completed()).await;
    assert_eq!((reply.text.as_str(), reply.stop), ("I look", StopReason::ToolUse));
    assert_eq!(shape(&reply), [("call_a", "{\"text\":1}"), ("call_b", "{}")]);
}
