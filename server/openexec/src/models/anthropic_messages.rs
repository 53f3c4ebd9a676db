//! Anthropic's Messages API, `POST /v1/messages`, streamed.
//! Source: the types of the official Python SDK, version 2.12.

mod stream;

use super::call::Wire;
use super::conversation::{Call, CallResult, EMPTY_MESSAGE, EMPTY_REPLY, Turn, turns, visible};
use super::framing::Framing;
use super::{Model, ModelProgress, Provider};
use crate::config::HttpModelConfig;
use async_trait::async_trait;
use openexec_engine::action::{ActionSchema, schemas_for};
use openexec_engine::model::{ActionStatus, Message, ModelError, ModelReply, ModelRequest};
use serde_json::{Map, Value, json};

pub(super) const PROVIDER: Provider = Provider {
    api: "Anthropic Messages",
    base_url: "https://api.anthropic.com",
    key_env: Some("ANTHROPIC_API_KEY"),
    version: "/v1",
    endpoint: |_| "/messages".to_owned(),
    query: None,
    key_header: |_, key| ("x-api-key", key.to_owned()),
    headers: &[("anthropic-version", "2023-06-01")],
    framing: Framing::EventStream,
};

pub(super) struct AnthropicMessages {
    model: String,
    own_address: bool,
    output_tokens_max: u32,
    wire: Wire,
}

impl AnthropicMessages {
    pub(super) fn new(config: &HttpModelConfig, wire: Wire) -> Self {
        Self {
            model: config.model.clone(),
            own_address: config.base_url.is_none(),
            output_tokens_max: config.output_tokens_max.unwrap_or(u32::MAX),
            wire,
        }
    }
}

#[async_trait]
impl Model for AnthropicMessages {
    fn describe(&self) -> String {
        self.wire.describe(&self.model, self.own_address)
    }

    async fn complete(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError> {
        let tokens = request.output_tokens_max.min(self.output_tokens_max);
        let body = body(&self.model, tokens, request, &schemas_for(&request.actions));
        self.wire.call(request, body.to_string().into_bytes(), stream::Decoder::default, progress).await
    }
}

/// The request as it goes over the wire.
pub(super) fn body(model: &str, tokens: u32, request: &ModelRequest, schemas: &[ActionSchema]) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(model));
    body.insert("max_tokens".into(), json!(tokens));
    body.insert("stream".into(), json!(true));
    if !request.system.is_empty() {
        // Tools and system prompt come before the conversation; this mark caches both.
        let system =
            json!([{"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}]);
        body.insert("system".into(), system);
    }
    if !schemas.is_empty() {
        body.insert("tools".into(), schemas.iter().map(tool).collect());
        // A model that thinks rejects being forced to use a tool.
        let choice = if thinks(request) { "auto" } else { "any" };
        body.insert("tool_choice".into(), json!({"type": choice}));
    }
    body.insert("messages".into(), turns(&request.messages).iter().map(message).collect());
    body.into()
}

fn tool(schema: &ActionSchema) -> Value {
    json!({
        "name": schema.kind.name(),
        "description": schema.description,
        "input_schema": schema.arguments,
    })
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
