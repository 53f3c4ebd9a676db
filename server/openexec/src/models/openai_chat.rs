//! OpenAI's Chat Completions API, `POST /v1/chat/completions`, streamed, and everything
//! compatible with it. Source: the types of the official Python SDK, version 3.54.

mod stream;

use super::call::{Wire, is_of};
use super::conversation::{Call, Turn, turns};
use super::framing::Framing;
use super::{Model, ModelProgress, Provider};
use crate::config::HttpModelConfig;
use async_trait::async_trait;
use openexec_engine::action::{ActionSchema, schemas_for};
use openexec_engine::model::{ModelError, ModelReply, ModelRequest};
use reqwest::Url;
use serde_json::{Map, Value, json};

pub(super) const PROVIDER: Provider = Provider {
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

/// Azure takes keys in a header of its own, whatever the API; `Bearer` means a login there.
pub(super) fn key_header(url: &Url, key: &str) -> (&'static str, String) {
    match is_of(url, "azure.com") {
        true => ("api-key", key.to_owned()),
        false => ("authorization", format!("Bearer {key}")),
    }
}

/// Who wants the limit as `max_completion_tokens`. OpenAI's reasoning models reject
/// `max_tokens`; Ollama and older builds of llama.cpp ignore anything else, and a limit that
/// is ignored is worse than none.
const NEW_LIMIT_DOMAINS: [&str; 2] = ["openai.com", "openai.azure.com"];

pub(super) struct OpenaiChat {
    model: String,
    own_address: bool,
    output_tokens_max: u32,
    limit_field: &'static str,
    wire: Wire,
}

impl OpenaiChat {
    pub(super) fn new(config: &HttpModelConfig, wire: Wire) -> Self {
        let new_limit = NEW_LIMIT_DOMAINS.iter().any(|domain| wire.is_of(domain));
        Self {
            model: config.model.clone(),
            own_address: config.base_url.is_none(),
            output_tokens_max: config.output_tokens_max.unwrap_or(u32::MAX),
            limit_field: if new_limit { "max_completion_tokens" } else { "max_tokens" },
            wire,
        }
    }
}

#[async_trait]
impl Model for OpenaiChat {
    fn describe(&self) -> String {
        self.wire.describe(&self.model, self.own_address)
    }

    async fn complete(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError> {
        let tokens = request.output_tokens_max.min(self.output_tokens_max);
        let body = body(&self.model, (self.limit_field, tokens), request, &schemas_for(&request.actions));
        self.wire.call(request, body.to_string().into_bytes(), stream::Decoder::default, progress).await
    }
}

/// The request as it goes over the wire.
pub(super) fn body(
    model: &str,
    (limit_field, tokens): (&str, u32),
    request: &ModelRequest,
    schemas: &[ActionSchema],
) -> Value {
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    for turn in turns(&request.messages) {
        append(&mut messages, turn);
    }
    let mut body = Map::new();
    body.insert("model".into(), json!(model));
    body.insert("messages".into(), messages.into());
    body.insert(limit_field.into(), json!(tokens));
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({"include_usage": true}));
    if !schemas.is_empty() {
        body.insert("tools".into(), schemas.iter().map(tool).collect());
        body.insert("tool_choice".into(), json!("required"));
    }
    body.into()
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
