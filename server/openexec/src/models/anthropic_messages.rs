//! Anthropic's Messages API, `POST /v1/messages`, streamed.
//! Source: the types of the official Python SDK, version 2.12.

mod stream;

use super::call::is_of;
use super::conversation::{Call, CallResult, EMPTY_MESSAGE, EMPTY_REPLY, Turn, turns, visible};
use super::framing::Framing;
use super::http_model::{Asked, AskedActions, Provider, WireApi};
use openexec_engine::action::ActionSchema;
use openexec_engine::model::{ActionStatus, Message, ModelRequest};
use serde_json::{Map, Value, json};

/// Models that take no strict tools, by how their names begin. Every later one does.
const UNSTRICT: [&str; 7] = [
    "claude-2",
    "claude-instant",
    "claude-3",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2025",
    "claude-opus-4-0",
    "claude-opus-4-2025",
];

/// Turns of the runtime that carry a mark: the last one, which is written to the cache, and the
/// one before, which was. Together with the system prompt's that is one less than the API takes.
const MARKED_TURNS: usize = 2;

pub(super) struct AnthropicMessages;

impl WireApi for AnthropicMessages {
    const PROVIDER: Provider = Provider {
        api: "Anthropic Messages",
        base_url: "https://api.anthropic.com",
        key_env: Some("ANTHROPIC_API_KEY"),
        version: "/v1",
        endpoint: |_| "/messages".to_owned(),
        query: None,
        key_header: |_, key| ("x-api-key", key.to_owned()),
        // Of this version since it exists; `strict` and `output_config` are parts of it.
        headers: &[("anthropic-version", "2023-06-01")],
        framing: Framing::EventStream,
    };

    type Decoder = stream::Decoder;

    fn body(asked: &Asked<'_>) -> Value {
        let mut body = Map::new();
        body.insert("model".into(), json!(asked.model));
        body.insert("max_tokens".into(), json!(asked.output_tokens_max));
        body.insert("stream".into(), json!(true));
        match &asked.actions {
            AskedActions::None => {}
            AskedActions::Tools(schemas) => {
                let strict = takes_strict(asked);
                body.insert("tools".into(), schemas.iter().map(|schema| tool(schema, strict)).collect());
                // A model that thinks rejects being forced to use a tool.
                let choice = if thinks(asked.request) { "auto" } else { "any" };
                body.insert("tool_choice".into(), json!({"type": choice}));
            }
            AskedActions::Document(schema) => {
                body.insert(
                    "output_config".into(),
                    json!({"format": {"type": "json_schema", "schema": schema}}),
                );
            }
        }
        if let Some(system) = visible(&asked.system()) {
            // Tools and system prompt come before the conversation; this mark caches both.
            body.insert("system".into(), json!([{"type": "text", "text": system, "cache_control": mark()}]));
        }
        let mut messages: Vec<Value> = turns(&asked.request.messages).iter().map(message).collect();
        mark_last_turns(&mut messages);
        body.insert("messages".into(), messages.into());
        body.into()
    }

    fn decoder(_turn: u32) -> stream::Decoder {
        stream::Decoder::default()
    }
}

fn mark() -> Value {
    json!({"type": "ephemeral"})
}

/// Servers that imitate the API may reject what they do not know.
fn takes_strict(asked: &Asked<'_>) -> bool {
    is_of(asked.server, "anthropic.com") && !UNSTRICT.iter().any(|prefix| asked.model.starts_with(prefix))
}

/// A mark is no part of what is cached: the messages before it are read from the cache, whether
/// they were marked or not. A mark where the last request had one finds what that one wrote, be
/// there ever so many results in between.
fn mark_last_turns(messages: &mut [Value]) {
    let ours = messages.iter_mut().rev().filter(|message| message["role"] == "user");
    for message in ours.take(MARKED_TURNS) {
        let last = message.get_mut("content").and_then(Value::as_array_mut).and_then(|it| it.last_mut());
        if let Some(block) = last.and_then(Value::as_object_mut) {
            block.insert("cache_control".into(), mark());
        }
    }
}

fn tool(schema: &ActionSchema, strict: bool) -> Value {
    let mut tool = json!({
        "name": schema.kind.name(),
        "description": schema.description,
        "input_schema": schema.arguments,
    });
    if let (true, Some(tool)) = (strict, tool.as_object_mut()) {
        tool.insert("strict".into(), json!(true));
    }
    tool
}

fn thinks(request: &ModelRequest) -> bool {
    request
        .messages
        .iter()
        .any(|message| matches!(message, Message::Model { reply } if !reply.opaque.is_empty()))
}

fn message(turn: &Turn<'_>) -> Value {
    match turn {
        Turn::Runtime { results, texts } => {
            let texts = texts.iter().filter_map(|text| text_block(text));
            let mut content: Vec<Value> = results.iter().map(result_block).chain(texts).collect();
            if content.is_empty() {
                content.extend(text_block(EMPTY_MESSAGE));
            }
            json!({"role": "user", "content": content})
        }
        Turn::Model { reply, calls } => {
            let mut content: Vec<Value> = reply.opaque.clone();
            content.extend(text_block(&reply.text));
            content.extend(calls.iter().map(call_block));
            if content.is_empty() {
                content.extend(text_block(EMPTY_REPLY));
            }
            json!({"role": "assistant", "content": content})
        }
    }
}

/// The API rejects text blocks without visible text.
fn text_block(text: &str) -> Option<Value> {
    visible(text).map(|text| json!({"type": "text", "text": text}))
}

fn call_block(call: &Call) -> Value {
    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments})
}

fn result_block(result: &CallResult<'_>) -> Value {
    json!({
        "type": "tool_result",
        "tool_use_id": result.id,
        "content": result.text,
        "is_error": result.status == ActionStatus::Refused,
    })
}
