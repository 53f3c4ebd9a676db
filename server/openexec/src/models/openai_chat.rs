//! OpenAI's Chat Completions API, `POST /v1/chat/completions`, streamed, and everything
//! compatible with it. Source: the types of the official Python SDK, version 3.54.

mod stream;

use super::call::is_of;
use super::conversation::{Call, Turn, turns};
use super::document;
use super::framing::Framing;
use super::http_model::{Asked, AskedActions, Provider, WireApi};
use openexec_engine::action::ActionSchema;
use openexec_engine::digest::Digest;
use openexec_engine::model::ModelRequest;
use reqwest::Url;
use serde_json::{Map, Value, json};

/// Hexadecimal digits of the key under which OpenAI caches a conversation.
const CACHE_KEY_DIGITS: usize = 32;

/// OpenAI's own servers, at its own address and at Microsoft's. They want the limit as
/// `max_completion_tokens`, because their reasoning models reject `max_tokens`; Ollama and older
/// builds of llama.cpp ignore anything else, and a limit that is ignored is worse than none.
/// They take strict tools, where others may reject what they do not know.
const OWN_DOMAINS: [&str; 2] = [OPENAI, "openai.azure.com"];

const OPENAI: &str = "openai.com";

pub(super) struct OpenaiChat;

impl WireApi for OpenaiChat {
    const PROVIDER: Provider = Provider {
        api: "OpenAI Chat Completions",
        base_url: "https://api.openai.com",
        key_env: Some("OPENAI_API_KEY"),
        version: "/v1",
        endpoint: |_| "/chat/completions".to_owned(),
        query: None,
        key_header,
        headers: &[],
        framing: Framing::EventStream,
    };

    type Decoder = stream::Decoder;

    fn body(asked: &Asked<'_>) -> Value {
        let is_own = is_own(asked.server);
        let limit = if is_own { "max_completion_tokens" } else { "max_tokens" };
        let mut body = Map::new();
        body.insert("model".into(), json!(asked.model));
        body.insert(limit.into(), json!(asked.output_tokens_max));
        body.insert("stream".into(), json!(true));
        body.insert("stream_options".into(), json!({"include_usage": true}));
        body.extend(cache_key(asked));
        match &asked.actions {
            AskedActions::None => {}
            AskedActions::Tools(schemas) => {
                let tools =
                    schemas.iter().map(|schema| if is_own { strict_tool(schema) } else { tool(schema) });
                body.insert("tools".into(), tools.collect());
                body.insert("tool_choice".into(), json!("required"));
            }
            AskedActions::Document(schema) => {
                let format = json!({"type": "json_schema", "json_schema": named_schema(schema)});
                body.insert("response_format".into(), format);
            }
        }
        let mut messages = Vec::new();
        let system = asked.system();
        if !system.is_empty() {
            messages.push(json!({"role": "system", "content": system}));
        }
        for turn in turns(&asked.request.messages) {
            append(&mut messages, turn);
        }
        body.insert("messages".into(), messages.into());
        body.into()
    }

    fn decoder(_turn: u32) -> stream::Decoder {
        stream::Decoder::default()
    }
}

/// Azure takes keys in a header of its own, whatever the API; `Bearer` means a login there.
pub(super) fn key_header(url: &Url, key: &str) -> (&'static str, String) {
    match is_of(url, "azure.com") {
        true => ("api-key", key.to_owned()),
        false => ("authorization", format!("Bearer {key}")),
    }
}

/// True for OpenAI's own servers.
pub(super) fn is_own(server: &Url) -> bool {
    OWN_DOMAINS.iter().any(|domain| is_of(server, domain))
}

/// Leads the requests of one conversation to the machine that has read its beginning. A digest
/// of what the conversation begins with: the same in every turn, and it says nothing.
pub(super) fn cache_key(asked: &Asked<'_>) -> Option<(String, Value)> {
    let ModelRequest { system, messages, .. } = asked.request;
    let digest = Digest::of_json(&(system, messages.first()));
    let key: String = digest.to_hex().chars().take(CACHE_KEY_DIGITS).collect();
    is_of(asked.server, OPENAI).then(|| ("prompt_cache_key".to_owned(), json!(key)))
}

/// A document's schema, as both of OpenAI's APIs and their imitations take it.
pub(super) fn named_schema(schema: &Value) -> Map<String, Value> {
    let strict = document::strict(schema);
    let mut named = Map::new();
    named.insert("name".into(), json!(document::NAME));
    named.insert("strict".into(), json!(strict.is_some()));
    named.insert("schema".into(), strict.unwrap_or_else(|| schema.clone()));
    named
}

/// A tool whose arguments the server keeps to its schema.
fn strict_tool(schema: &ActionSchema) -> Value {
    let mut tool = tool(schema);
    let strict = document::strict(&schema.arguments);
    if let (Some(strict), Some(function)) = (strict, tool.get_mut("function").and_then(Value::as_object_mut))
    {
        function.insert("parameters".into(), strict);
        function.insert("strict".into(), json!(true));
    }
    tool
}

pub(super) fn tool(schema: &ActionSchema) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": schema.kind.name(),
            "description": schema.description,
            "parameters": schema.arguments,
        },
    })
}

fn append(messages: &mut Vec<Value>, turn: Turn<'_>) {
    match turn {
        Turn::Runtime { results, texts } => {
            for result in results {
                messages.push(json!({"role": "tool", "tool_call_id": result.id, "content": result.text}));
            }
            for text in texts {
                messages.push(json!({"role": "user", "content": text}));
            }
        }
        Turn::Model { reply, calls } if calls.is_empty() => {
            messages.push(json!({"role": "assistant", "content": reply.text}));
        }
        Turn::Model { reply, calls } => {
            let content = (!reply.text.is_empty()).then_some(&reply.text);
            let calls: Vec<Value> = calls.iter().map(call).collect();
            messages.push(json!({"role": "assistant", "content": content, "tool_calls": calls}));
        }
    }
}

fn call(call: &Call) -> Value {
    let arguments = Value::Object(call.arguments.clone()).to_string();
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
}
