//! Ollama's own API, `POST /api/chat`, streamed as JSON lines.
//! Source: the types of the official Python client, version 0.6.3.

mod stream;

use super::call::Wire;
use super::conversation::{Call, Turn, turns};
use super::framing::Framing;
use super::{Model, ModelProgress, Provider, openai_chat};
use crate::config::{HttpModelConfig, OLLAMA_ADDRESS};
use async_trait::async_trait;
use openexec_engine::action::{ActionSchema, schemas_for};
use openexec_engine::model::{ModelError, ModelReply, ModelRequest};
use serde_json::{Map, Value, json};

pub(super) const PROVIDER: Provider = Provider {
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

pub(super) struct Ollama {
    model: String,
    own_address: bool,
    limits: Limits,
    wire: Wire,
}

/// What a model may read and write, in tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub output_tokens_max: u32,
    /// Ollama cuts the beginning off what does not fit, without a word.
    pub num_ctx: Option<u32>,
}

impl Ollama {
    pub(super) fn new(config: &HttpModelConfig, num_ctx: Option<u32>, wire: Wire) -> Self {
        let output_tokens_max = config.output_tokens_max.unwrap_or(u32::MAX);
        Self {
            model: config.model.clone(),
            own_address: config.base_url.is_none(),
            limits: Limits { output_tokens_max, num_ctx },
            wire,
        }
    }
}

#[async_trait]
impl Model for Ollama {
    fn describe(&self) -> String {
        self.wire.describe(&self.model, self.own_address)
    }

    async fn complete(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError> {
        let output_tokens_max = request.output_tokens_max.min(self.limits.output_tokens_max);
        let limits = Limits { output_tokens_max, ..self.limits };
        let body = body(&self.model, limits, request, &schemas_for(&request.actions));
        let decoder = || stream::Decoder::new(request.turn);
        self.wire.call(request, body.to_string().into_bytes(), decoder, progress).await
    }
}

/// The request as it goes over the wire.
pub(super) fn body(model: &str, limits: Limits, request: &ModelRequest, schemas: &[ActionSchema]) -> Value {
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    messages.extend(turns(&request.messages).iter().flat_map(messages_of));
    let mut options = Map::new();
    options.insert("num_predict".into(), json!(limits.output_tokens_max));
    if let Some(num_ctx) = limits.num_ctx {
        options.insert("num_ctx".into(), json!(num_ctx));
    }
    let mut body = Map::new();
    body.insert("model".into(), json!(model));
    body.insert("messages".into(), messages.into());
    if !schemas.is_empty() {
        // A call cannot be demanded here: a reply without one is a turn like any other.
        body.insert("tools".into(), schemas.iter().map(openai_chat::tool).collect());
    }
    body.insert("stream".into(), json!(true));
    body.insert("options".into(), options.into());
    body.into()
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
