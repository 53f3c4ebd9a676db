//! Google's Gemini API, `POST /v1beta/models/M:streamGenerateContent?alt=sse`.
//! Source: the types of the official Python SDK `google-genai`, version 3.4.

mod stream;

use super::conversation::{Call, CallResult, EMPTY_MESSAGE, EMPTY_REPLY, Turn, turns, visible};
use super::framing::Framing;
use super::http_model::{Asked, AskedActions, Provider, WireApi};
use openexec_engine::action::ActionSchema;
use openexec_engine::model::{ActionStatus, ModelReply};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A model's name as Google's own lists have it begins with `models/`.
fn endpoint(model: &str) -> String {
    format!("/models/{}:streamGenerateContent", model.strip_prefix("models/").unwrap_or(model))
}

pub(super) struct Gemini;

impl WireApi for Gemini {
    const PROVIDER: Provider = Provider {
        api: "Gemini",
        base_url: "https://generativelanguage.googleapis.com",
        key_env: Some("GEMINI_API_KEY"),
        version: "/v1beta",
        endpoint,
        query: Some("alt=sse"),
        key_header: |_, key| ("x-goog-api-key", key.to_owned()),
        headers: &[],
        framing: Framing::EventStream,
    };

    type Decoder = stream::Decoder;

    /// The model's name stands in the address.
    fn body(asked: &Asked<'_>) -> Value {
        let mut body = Map::new();
        let mut generation = Map::new();
        generation.insert("maxOutputTokens".into(), json!(asked.output_tokens_max));
        if let AskedActions::Document(schema) = &asked.actions {
            generation.insert("responseMimeType".into(), json!("application/json"));
            generation.insert("responseJsonSchema".into(), schema.clone());
        }
        body.insert("generationConfig".into(), generation.into());
        if let AskedActions::Tools(schemas) = &asked.actions {
            let functions: Vec<Value> = schemas.iter().map(function).collect();
            body.insert("tools".into(), json!([{"functionDeclarations": functions}]));
            // This mode holds the model to the functions' schemas; there is no other `strict`.
            body.insert("toolConfig".into(), json!({"functionCallingConfig": {"mode": "ANY"}}));
        }
        if let Some(system) = visible(&asked.system()) {
            body.insert("systemInstruction".into(), json!({"parts": [{"text": system}]}));
        }
        body.insert("contents".into(), turns(&asked.request.messages).iter().map(content).collect());
        body.into()
    }

    fn decoder(turn: u32) -> stream::Decoder {
        stream::Decoder::new(turn)
    }
}

/// A signature, and the part of the reply that it belongs to: it is returned with that part or
/// rejected. Text and calls stand in the reply; only thoughts stand here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub(super) enum Signed {
    /// Bytes of the reply's text.
    Text { begin: usize, end: usize, signature: String },
    /// A call, counted from 0.
    Call { index: usize, signature: String },
    /// A thought.
    Thought { text: String, signature: String },
}

fn function(schema: &ActionSchema) -> Value {
    json!({
        "name": schema.kind.name(),
        "description": schema.description,
        "parametersJsonSchema": schema.arguments,
    })
}

fn content(turn: &Turn<'_>) -> Value {
    let (role, mut parts, empty): (&str, Vec<Value>, &str) = match turn {
        Turn::Runtime { results, texts } => {
            let texts = texts.iter().filter_map(|text| visible(text)).map(|text| json!({"text": text}));
            ("user", results.iter().map(function_response).chain(texts).collect(), EMPTY_MESSAGE)
        }
        Turn::Model { reply, calls } => ("model", model_parts(reply, calls), EMPTY_REPLY),
    };
    if parts.is_empty() {
        parts.push(json!({"text": empty}));
    }
    json!({"role": role, "parts": parts})
}

fn function_response(result: &CallResult<'_>) -> Value {
    let field = match result.status {
        ActionStatus::Done => "output",
        ActionStatus::Refused => "error",
    };
    json!({"functionResponse": {"id": result.id, "name": result.name, "response": {field: result.text}}})
}

fn model_parts(reply: &ModelReply, calls: &[Call]) -> Vec<Value> {
    let signed: Vec<Signed> =
        reply.opaque.iter().filter_map(|it| serde_json::from_value(it.clone()).ok()).collect();
    let thoughts = signed.iter().filter_map(|signed| match signed {
        Signed::Thought { text, signature } => {
            Some(json!({"text": text, "thought": true, "thoughtSignature": signature}))
        }
        Signed::Text { .. } | Signed::Call { .. } => None,
    });
    let mut parts: Vec<Value> = thoughts.collect();
    parts.extend(text_parts(&reply.text, &signed));
    parts.extend(calls.iter().zip(0..).map(|(call, number)| {
        let signature = signed.iter().find_map(|signed| match signed {
            Signed::Call { index, signature } if *index == number => Some(signature),
            Signed::Call { .. } | Signed::Text { .. } | Signed::Thought { .. } => None,
        });
        let mut part = json!({"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}});
        if let (Some(signature), Some(part)) = (signature, part.as_object_mut()) {
            part.insert("thoughtSignature".into(), json!(signature));
        }
        part
    }));
    parts
}

/// The text, cut where signatures cut it.
fn text_parts(text: &str, signed: &[Signed]) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut at = 0;
    for signed in signed {
        if let Signed::Text { begin, end, signature } = signed
            && let (Some(before), Some(own)) = (text.get(at..*begin), text.get(*begin..*end))
        {
            parts.extend(visible(before).map(|text| json!({"text": text})));
            parts.push(json!({"text": own, "thoughtSignature": signature}));
            at = *end;
        }
    }
    parts.extend(text.get(at..).and_then(visible).map(|text| json!({"text": text})));
    parts
}
