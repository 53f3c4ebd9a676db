use super::*;

fn line(message: Value) -> Value {
    json!({"model": "the-model", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false})
}

fn last(reason: &str) -> Value {
    json!({
        "model": "the-model", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": ""},
        "done": true, "done_reason": reason, "prompt_eval_count": 115, "eval_count": 42
    })
}

fn lines(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn whole(messages: Vec<Value>, reason: &str) -> String {
    lines(&[messages.into_iter().map(line).collect(), vec![last(reason)]].concat())
}

pub(super) fn hello() -> String {
    whole(
        vec![json!({"role": "assistant", "content": "hel"}), json!({"role": "assistant", "content": "lo"})],
        "stop",
    )
}

async fn decoded(messages: Vec<Value>, reason: &str) -> ModelReply {
    reply(Api::Ollama, whole(messages, reason)).await.outcome.unwrap()
}

fn calls(calls: &[Value]) -> Value {
    json!({"role": "assistant", "content": "", "tool_calls": calls})
}

fn function(arguments: Value) -> Value {
    json!({"function": {"name": "search", "arguments": arguments}})
}

#[tokio::test]
async fn calls_have_ids_that_do_not_change() {
    let given =
        json!({"id": "given", "function": {"index": 1, "name": "search", "arguments": "{\"text\":\"1\"}"}});
    let messages = vec![calls(&[function(json!({"text": "0"})), given]), calls(&[function(Value::Null)])];
    for reason in ["stop", "tool_calls", "invented_yesterday"] {
        let reply = decoded(messages.clone(), reason).await;
        let shape: Vec<_> =
            reply.tool_calls.iter().map(|it| (it.id.as_str(), it.arguments.as_str())).collect();
        assert_eq!(
            shape,
            [("call_1_1", "{\"text\":\"0\"}"), ("given", "{\"text\":\"1\"}"), ("call_1_3", "{}")]
        );
        assert_eq!(reply.stop, StopReason::ToolUse);
    }
}

#[tokio::test]
async fn thinking_is_neither_text_nor_action() {
    let thought = |thinking: &str| json!({"role": "assistant", "content": "", "thinking": thinking});
    let messages = vec![thought("{\"actions\""), thought(": []}"), json!({"content": "x"})];
    let reply = decoded(messages, "stop").await;
    assert_eq!((reply.text.as_str(), reply.tool_calls.len(), reply.stop), ("x", 0, StopReason::End));
    assert_eq!(reply.opaque, [json!({"thinking": "{\"actions\": []}"})]);
}

#[tokio::test]
async fn done_reasons() {
    for (reason, wanted) in
        [("stop", StopReason::End), ("length", StopReason::Length), ("load", StopReason::End)]
    {
        assert_eq!(decoded(vec![json!({"content": "x"})], reason).await.stop, wanted, "{reason}");
    }
    assert_eq!(decoded(vec![calls(&[function(json!({}))])], "length").await.stop, StopReason::Length);
}

#[tokio::test]
async fn the_last_line_needs_no_end() {
    let stream = hello();
    assert_eq!(reply(Api::Ollama, stream.trim_end().to_owned()).await.outcome.unwrap().text, "hello");
    let stream = format!("\n \r\n{}", lines(&[json!({"invented": 1})]) + &stream);
    assert_eq!(reply(Api::Ollama, stream).await.outcome.unwrap().text, "hello");
}

#[tokio::test]
async fn a_stream_in_one_document_is_one_line() {
    let mut whole = last("stop");
    whole["message"]["content"] = json!("hello");
    let answer =
        peer::status(200, &[("content-type", "application/json; charset=utf-8")], &whole.to_string());
    let peer = Peer::start([answer]).await;
    let called = call(&*Api::Ollama.model(&peer.url, PATIENT), &request()).await;
    assert_eq!(called.outcome.unwrap().text, "hello");
}

#[tokio::test]
async fn an_announced_error_is_the_servers_and_is_tried_again() {
    let stream = lines(&[json!({"error": "said"})]);
    assert_eq!(Api::Ollama.announced(stream).await, (ModelError::Server { reason: "said".into() }, 4));
}

#[tokio::test]
async fn what_contradicts_itself_is_malformed() {
    for (message, reason) in [
        (calls(&[function(json!([1]))]), "neither a text nor"),
        (calls(&[json!({"function": {}})]), "could not be read"),
        (json!({"content": 3}), "could not be read"),
        (json!("text"), "could not be read"),
    ] {
        Api::Ollama.misspoken(whole(vec![message], "stop"), reason).await;
    }
}

#[tokio::test]
async fn a_last_line_that_is_no_document_is_malformed_and_not_cut() {
    for body in ["{malformed json: <<<chaos>>>", "<html>"] {
        let called = reply(Api::Ollama, body.to_owned()).await;
        assert!(matches!(called.error(), ModelError::Malformed { .. }), "{}", called.error());
    }
}
