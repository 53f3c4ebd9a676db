use super::*;

fn chunk(delta: Value, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "the-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": null}]
    })
}

fn usage() -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "the-model", "choices": [],
        "usage": {"prompt_tokens": 115, "completion_tokens": 42, "total_tokens": 157, "prompt_tokens_details": {"cached_tokens": 100}}
    })
}

fn whole(mut deltas: Vec<Value>, reason: &str) -> String {
    deltas.insert(0, json!({"role": "assistant", "content": null, "refusal": null}));
    let mut chunks: Vec<Value> = deltas.into_iter().map(|delta| chunk(delta, None)).collect();
    chunks.extend([chunk(json!({}), Some(reason)), usage()]);
    format!("{}data: [DONE]\n\n", sse(&chunks))
}

pub(super) fn hello() -> String {
    whole(vec![json!({"content": "hel"}), json!({"content": "lo"})], "stop")
}

fn calls(calls: Value) -> Value {
    json!({"tool_calls": calls})
}

async fn decoded(deltas: Vec<Value>, reason: &str) -> ModelReply {
    reply(Api::Openai, whole(deltas, reason)).await.outcome.unwrap()
}

fn shape(reply: &ModelReply) -> Vec<(&str, &str, &str)> {
    reply.tool_calls.iter().map(|it| (it.id.as_str(), it.name.as_str(), it.arguments.as_str())).collect()
}

#[tokio::test]
async fn one_tool_call() {
    let reply = decoded(
        vec![
            calls(json!([{"index": 0, "id": "call_1", "type": "function", "function": {"name": "read_file", "arguments": ""}}])),
            calls(json!([{"index": 0, "function": {"arguments": "{\"path\": \"src/"}}])),
            calls(json!([{"index": 0, "function": {"arguments": "lib.rs\"}"}}])),
        ],
        "tool_calls",
    )
    .await;
    assert_eq!(reply.stop, StopReason::ToolUse);
    assert_eq!(shape(&reply), [("call_1", "read_file", "{\"path\": \"src/lib.rs\"}")]);
}

#[tokio::test]
async fn three_calls_at_once_keep_their_order_and_their_own_arguments() {
    let begin = |index: u32, id: &str| json!({"index": index, "id": id, "type": "function", "function": {"name": "search", "arguments": ""}});
    let more = |index: u32, text: &str| json!({"index": index, "function": {"arguments": text}});
    let reply = decoded(
        vec![
            calls(json!([begin(0, "a"), begin(1, "b")])),
            calls(json!([more(1, "{\"text\":"), more(0, "{\"text\":\"0\"}")])),
            calls(json!([begin(2, "c")])),
            calls(json!([more(1, "\"1\"}")])),
        ],
        "tool_calls",
    )
    .await;
    // A call without any argument has none.
    assert_eq!(
        shape(&reply),
        [("a", "search", "{\"text\":\"0\"}"), ("b", "search", "{\"text\":\"1\"}"), ("c", "search", "{}")]
    );
}

#[tokio::test]
async fn other_servers_ways_of_telling_calls_apart() {
    let function = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
    // One index for all; arguments as an object.
    let reply = decoded(
        vec![
            calls(json!([{"index": 0, "id": "a", "function": function("search", json!({"text": "0"}))}])),
            calls(json!([{"index": 0, "id": "b", "function": function("search", json!({"text": "1"}))}])),
        ],
        "tool_calls",
    )
    .await;
    assert_eq!(shape(&reply), [("a", "search", "{\"text\":\"0\"}"), ("b", "search", "{\"text\":\"1\"}")]);
    // No index and no id: each name begins a call.
    let reply = decoded(
        vec![
            calls(json!([{"function": function("search", json!("{\"text\":"))}])),
            calls(json!([{"function": {"arguments": "\"0\"}"}}])),
            calls(json!([{"function": function("finish", json!("{}"))}])),
        ],
        "stop",
    )
    .await;
    assert_eq!(shape(&reply), [("call_1", "search", "{\"text\":\"0\"}"), ("call_2", "finish", "{}")]);
    // `stop` after calls that were demanded is no end.
    assert_eq!(reply.stop, StopReason::ToolUse);
    // The id and the name in every chunk.
    let again = |text: &str| {
        calls(json!([{"index": 0, "id": "a", "function": {"name": "search", "arguments": text}}]))
    };
    let reply = decoded(vec![again("{\"text\":"), again("\"0\"}")], "tool_calls").await;
    assert_eq!(shape(&reply), [("a", "search", "{\"text\":\"0\"}")]);
}

#[tokio::test]
async fn finish_reasons() {
    for (reason, wanted) in [
        ("stop", StopReason::End),
        ("length", StopReason::Length),
        ("content_filter", StopReason::Refusal),
        ("invented_yesterday", StopReason::End),
    ] {
        assert_eq!(decoded(vec![json!({"content": "x"})], reason).await.stop, wanted, "{reason}");
    }
    let refused = decoded(vec![json!({"refusal": "I can"}), json!({"refusal": "not"})], "stop").await;
    assert_eq!((refused.text.as_str(), refused.stop), ("I cannot", StopReason::Refusal));
}

#[tokio::test]
async fn what_is_unknown_is_left_out() {
    let other =
        json!({"choices": [{"index": 1, "delta": {"content": "another choice"}, "finish_reason": "stop"}]});
    let mut stream = ": a comment\n\nevent: invented\ndata: {\"choices\": []}\n\n".to_owned();
    stream.push_str(&sse(&[
        other,
        json!({"invented": true}),
        chunk(json!({"reasoning_content": "hm", "content": "hello"}), None),
    ]));
    stream.push_str(&sse(&[chunk(json!({"content": ""}), Some("stop"))]));
    // No usage and no [DONE]: what counts is the finish reason.
    assert_eq!(reply(Api::Openai, stream).await.outcome.unwrap().text, "hello");
}

#[tokio::test]
async fn what_contradicts_itself_is_malformed() {
    for (delta, reason) in [
        (calls(json!([{"index": 0, "function": {"arguments": "{}"}}])), "before its name"),
        (
            calls(json!([{"index": 0, "id": "a", "function": {"name": "x", "arguments": [1]}}])),
            "neither a text nor",
        ),
        (json!({"content": 3}), "could not be read"),
        (json!("text"), "could not be read"),
    ] {
        Api::Openai.misspoken(whole(vec![delta], "stop"), reason).await;
    }
}

#[tokio::test]
async fn an_announced_error_is_what_it_says() {
    let outcome = async |error: Value| {
        let stream = sse(&[json!({"error": error})]);
        bare(Api::Openai.announced(stream).await)
    };
    let said = || "said".to_owned();
    let error = |code: Value| json!({"message": "said", "type": "server_error", "code": code});
    assert_eq!(outcome(error(json!(500))).await, (ModelError::Server { reason: said() }, 4));
    assert_eq!(
        outcome(error(json!("rate_limit_exceeded"))).await,
        (ModelError::RateLimited { reason: said() }, 4)
    );
    assert_eq!(
        outcome(error(json!("insufficient_quota"))).await,
        (ModelError::Rejected { reason: said() }, 1)
    );
    assert_eq!(outcome(json!("said")).await, (ModelError::Server { reason: said() }, 4));
}

#[tokio::test]
async fn done_without_a_finish_reason_is_no_reply() {
    let stream = format!("{}data: [DONE]\n\n", sse(&[chunk(json!({"content": "hel"}), None)]));
    assert!(matches!(reply(Api::Openai, stream).await.error(), ModelError::BrokenOff { .. }));
}
