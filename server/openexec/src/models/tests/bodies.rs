//! What is sent: checked against closed schemas of the parts of each API that we use.

use super::*;
use crate::models::{anthropic_messages, openai_chat};
use openexec_engine::action::{ActionKind, ActionSchema};
use openexec_engine::model::{ActionResult, ActionStatus};

fn schemas() -> Vec<ActionSchema> {
    let schema = |kind, arguments| ActionSchema { kind, description: "what it does".into(), arguments };
    let object = json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": false});
    vec![schema(ActionKind::Search, object.clone()), schema(ActionKind::Finish, object)]
}

/// A conversation with every kind of message.
fn conversation(opaque: Vec<Value>) -> ModelRequest {
    let tool_call = |id: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: "search".into(),
        arguments: arguments.into(),
    };
    let reply = |text: &str, tool_calls, opaque| Message::Model {
        reply: ModelReply {
            text: text.into(),
            tool_calls,
            stop: StopReason::ToolUse,
            usage: Usage::default(),
            opaque,
        },
    };
    let result = |id: &str, status, text: &str| ActionResult { id: id.into(), status, text: text.into() };
    let mut request = request();
    request.messages.extend([
        reply("I look", vec![tool_call("a", "{\"text\":\"x\"}"), tool_call("b", "{\"te")], opaque),
        Message::Results {
            results: vec![
                result("a", ActionStatus::Done, "found"),
                result("b", ActionStatus::Refused, "no JSON"),
            ],
        },
        reply("", Vec::new(), Vec::new()),
        Message::User { text: "answer with actions".into() },
        reply("", vec![tool_call("c", "{}")], Vec::new()),
        Message::User { text: "that was no action".into() },
    ]);
    request
}

fn check(schema: &Value, body: &Value) {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{body:#}");
}

fn closed(properties: Value, required: Value) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn anthropic_schema() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let cache = closed(json!({"type": {"const": "ephemeral"}}), json!(["type"]));
    let block = |kind: &str, mut properties: Value, required: Value| {
        properties["type"] = json!({"const": kind});
        closed(properties, required)
    };
    let text_block = block("text", json!({"text": text, "cache_control": cache}), json!(["type", "text"]));
    let id = json!({"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"});
    let user = json!({"anyOf": [
        text_block,
        block("tool_result", json!({"tool_use_id": id, "content": {"type": "string"}, "is_error": {"type": "boolean"}}), json!(["type", "tool_use_id"])),
    ]});
    let assistant = json!({"anyOf": [
        text_block,
        block("tool_use", json!({"id": id, "name": id, "input": {"type": "object"}}), json!(["type", "id", "name", "input"])),
        block("thinking", json!({"thinking": {"type": "string"}, "signature": {"type": "string"}}), json!(["type", "thinking", "signature"])),
        block("redacted_thinking", json!({"data": {"type": "string"}}), json!(["type", "data"])),
    ]});
    let message = |role: &str, block: Value| {
        closed(
            json!({"role": {"const": role}, "content": {"type": "array", "minItems": 1, "items": block}}),
            json!(["role", "content"]),
        )
    };
    closed(
        json!({
            "model": text,
            "max_tokens": {"type": "integer", "minimum": 1},
            "stream": {"const": true},
            "system": {"type": "array", "items": text_block},
            "tools": {"type": "array", "items": closed(json!({"name": id, "description": text, "input_schema": {"type": "object", "required": ["type"]}}), json!(["name", "input_schema"]))},
            "tool_choice": closed(json!({"type": {"enum": ["any", "auto"]}}), json!(["type"])),
            "messages": {"type": "array", "minItems": 1, "items": {"anyOf": [message("user", user), message("assistant", assistant)]}},
        }),
        json!(["model", "max_tokens", "stream", "messages"]),
    )
}

fn openai_schema() -> Value {
    let text = json!({"type": "string"});
    let id = json!({"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"});
    let message = |role: &str, mut properties: Value, required: Value| {
        properties["role"] = json!({"const": role});
        closed(properties, required)
    };
    let call = closed(
        json!({"id": id, "type": {"const": "function"}, "function": closed(json!({"name": id, "arguments": text}), json!(["name", "arguments"]))}),
        json!(["id", "type", "function"]),
    );
    let function =
        closed(json!({"name": id, "description": text, "parameters": {"type": "object"}}), json!(["name"]));
    closed(
        json!({
            "model": text,
            "messages": {"type": "array", "minItems": 1, "items": {"anyOf": [
                message("system", json!({"content": text}), json!(["role", "content"])),
                message("user", json!({"content": text}), json!(["role", "content"])),
                message("tool", json!({"content": text, "tool_call_id": id}), json!(["role", "content", "tool_call_id"])),
                message("assistant", json!({"content": text}), json!(["role", "content"])),
                message("assistant", json!({"content": {"type": ["string", "null"]}, "tool_calls": {"type": "array", "minItems": 1, "items": call}}), json!(["role", "tool_calls"])),
            ]}},
            "max_tokens": {"type": "integer"},
            "max_completion_tokens": {"type": "integer"},
            "stream": {"const": true},
            "stream_options": closed(json!({"include_usage": {"const": true}}), json!(["include_usage"])),
            "tools": {"type": "array", "items": closed(json!({"type": {"const": "function"}, "function": function}), json!(["type", "function"]))},
            "tool_choice": {"const": "required"},
        }),
        json!(["model", "messages", "stream", "stream_options"]),
    )
}

#[test]
fn anthropic_bodies_hold_what_the_api_takes_and_nothing_else() {
    let thinking = vec![
        json!({"type": "thinking", "thinking": "hm", "signature": "s"}),
        json!({"type": "redacted_thinking", "data": "d"}),
    ];
    for opaque in [Vec::new(), thinking] {
        let thinks = !opaque.is_empty();
        let body = anthropic_messages::body("the-model", 77, &conversation(opaque.clone()), &schemas());
        check(&anthropic_schema(), &body);
        assert_eq!(body["max_tokens"], 77);
        assert_eq!(body["system"][0]["cache_control"]["type"], "ephemeral");
        assert_eq!(body["tools"][0]["name"], "search");
        // A model that thinks rejects being forced.
        assert_eq!(body["tool_choice"]["type"], if thinks { "auto" } else { "any" });
        let first = body["messages"][1]["content"].as_array().unwrap();
        assert_eq!(first[..opaque.len()], opaque, "thinking goes first, unchanged");
    }
    insta::assert_json_snapshot!(
        "anthropic_messages",
        anthropic_messages::body("the-model", 77, &conversation(Vec::new()), &schemas())
    );
}

#[test]
fn openai_bodies_hold_what_the_api_takes_and_nothing_else() {
    for limit in ["max_tokens", "max_completion_tokens"] {
        let body = openai_chat::body("the-model", (limit, 77), &conversation(Vec::new()), &schemas());
        check(&openai_schema(), &body);
        assert_eq!(body[limit], 77);
    }
    insta::assert_json_snapshot!(
        "openai_chat",
        openai_chat::body("the-model", ("max_tokens", 77), &conversation(Vec::new()), &schemas())
    );
}

#[test]
fn without_actions_no_tool_is_demanded() {
    let anthropic = anthropic_messages::body("m", 1, &request(), &[]);
    let openai = openai_chat::body("m", ("max_tokens", 1), &request(), &[]);
    for body in [&anthropic, &openai] {
        assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
    }
    check(&anthropic_schema(), &anthropic);
    check(&openai_schema(), &openai);
}

#[tokio::test]
async fn headers_and_paths() {
    for api in APIS {
        for suffix in ["", "/", "/v1", "/v1/"] {
            let peer = Peer::start([peer::stream(api.hello())]).await;
            let model = api.model(&format!("{}{suffix}", peer.url), PATIENT);
            call(&*model, &request()).await.outcome.unwrap();
            let seen = peer.seen().remove(0);
            let header = |name: &str| seen.headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("content-type"), Some("application/json"));
            match api {
                Api::Anthropic => {
                    assert_eq!(seen.path, "/v1/messages");
                    assert_eq!(header("x-api-key"), Some(KEY));
                    assert_eq!(header("anthropic-version"), Some("2023-06-01"));
                    assert_eq!(header("authorization"), None);
                    check(&anthropic_schema(), &seen.body);
                }
                Api::Openai => {
                    assert_eq!(seen.path, "/v1/chat/completions");
                    assert_eq!(header("authorization"), Some(&*format!("Bearer {KEY}")));
                    assert_eq!(header("x-api-key"), None);
                    assert_eq!(seen.body["max_tokens"], 1000);
                    check(&openai_schema(), &seen.body);
                }
            }
        }
    }
}
