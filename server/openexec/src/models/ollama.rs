//! Ollama's own API, `POST /api/chat`, streamed as JSON lines.
//! Source: the types of the official Python client, version 0.6.3.

mod stream;

use super::conversation::{Call, Turn, turns};
use super::framing::Framing;
use super::http_model::{Asked, AskedActions, Provider, WireApi};
use super::openai_chat;
use crate::config::OLLAMA_ADDRESS;
use serde_json::{Map, Value, json};

pub(super) struct Ollama;

impl WireApi for Ollama {
    const PROVIDER: Provider = Provider {
        api: "Ollama",
        base_url: OLLAMA_ADDRESS,
        key_env: None,
        version: "/api",
        endpoint: |_| "/chat".to_owned(),
        query: None,
        key_header: |_, key| ("authorization", format!("Bearer {key}")),
        headers: &[],
        framing: Framing::JsonLines,
    };

    type Decoder = stream::Decoder;

    fn body(asked: &Asked<'_>) -> Value {
        let mut options = Map::new();
        options.insert("num_predict".into(), json!(asked.output_tokens_max));
        // Ollama cuts the beginning off what does not fit, without a word.
        if let Some(num_ctx) = asked.num_ctx {
            options.insert("num_ctx".into(), json!(num_ctx));
        }
        let mut body = Map::new();
        body.insert("model".into(), json!(asked.model));
        body.insert("stream".into(), json!(true));
        body.insert("options".into(), options.into());
        match &asked.actions {
            AskedActions::None => {}
            // A call cannot be demanded here: a reply without one is a turn like any other.
            AskedActions::Tools(schemas) => {
                body.insert("tools".into(), schemas.iter().map(openai_chat::tool).collect());
            }
            AskedActions::Document(schema) => {
                body.insert("format".into(), schema.clone());
            }
        }
        let mut messages = Vec::new();
        let system = asked.system();
        if !system.is_empty() {
            messages.push(json!({"role": "system", "content": system}));
        }
        messages.extend(turns(&asked.request.messages).iter().flat_map(messages_of));
        body.insert("messages".into(), messages.into());
        body.into()
    }

    fn decoder(turn: u32) -> stream::Decoder {
        stream::Decoder::new(turn)
    }
}

fn messages_of(turn: &Turn<'_>) -> Vec<Value> {
    match turn {
        Turn::Runtime { results, texts } => {
            let results =
                results.iter().map(|it| json!({"role": "tool", "tool_name": it.name, "content": it.text}));
            let texts = texts.iter().map(|text| json!({"role": "user", "content": text}));
            results.chain(texts).collect()
        }
        Turn::Model { reply, calls } => {
            let mut message = Map::new();
            message.insert("role".into(), json!("assistant"));
            message.insert("content".into(), json!(reply.text));
            let thinking = reply.opaque.iter().find_map(|block| block.get("thinking")?.as_str());
            if let Some(thinking) = thinking {
                message.insert("thinking".into(), json!(thinking));
            }
            if !calls.is_empty() {
                message.insert("tool_calls".into(), calls.iter().map(call).collect());
            }
            vec![message.into()]
        }
    }
}

fn call(call: &Call) -> Value {
    json!({"function": {"name": call.name, "arguments": call.arguments}})
}
