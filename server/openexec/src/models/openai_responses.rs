//! OpenAI's Responses API, `POST /v1/responses`, streamed and not stored.
//! Source: the types of the official Python SDK, version 3.54.

mod stream;

use super::conversation::{Call, Turn, turns, visible};
use super::document;
use super::framing::Framing;
use super::http_model::{Asked, AskedActions, Provider, WireApi};
use super::openai_chat::{self, OpenaiChat};
use openexec_engine::action::ActionSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Models that do not reason, by how their names begin. They reject being asked for their
/// reasoning; every other one loses it between two turns if it is not asked.
const UNREASONING: [&str; 4] = ["gpt-3", "gpt-4", "chatgpt-4", "gpt-5-chat"];

pub(super) struct OpenaiResponses;

impl WireApi for OpenaiResponses {
    const PROVIDER: Provider = Provider {
        api: "OpenAI Responses",
        base_url: OpenaiChat::PROVIDER.base_url,
        key_env: OpenaiChat::PROVIDER.key_env,
        version: "/v1",
        endpoint: |_| "/responses".to_owned(),
        query: None,
        key_header: openai_chat::key_header,
        headers: &[],
        framing: Framing::EventStream,
    };

    type Decoder = stream::Decoder;

    fn body(asked: &Asked<'_>) -> Value {
        let mut body = Map::new();
        body.insert("model".into(), json!(asked.model));
        body.insert("max_output_tokens".into(), json!(asked.output_tokens_max));
        // Nothing of a conversation stays with the provider; what it would remember travels along.
        body.insert("store".into(), json!(false));
        let base_model = asked.model.strip_prefix("ft:").unwrap_or(asked.model);
        if !UNREASONING.iter().any(|prefix| base_model.starts_with(prefix)) {
            body.insert("include".into(), json!(["reasoning.encrypted_content"]));
        }
        body.insert("stream".into(), json!(true));
        body.extend(openai_chat::cache_key(asked));
        match &asked.actions {
            AskedActions::None => {}
            AskedActions::Tools(schemas) => {
                body.insert("tools".into(), schemas.iter().map(tool).collect());
                body.insert("tool_choice".into(), json!("required"));
            }
            AskedActions::Document(schema) => {
                let mut format = openai_chat::named_schema(schema);
                format.insert("type".into(), json!("json_schema"));
                body.insert("text".into(), json!({"format": format}));
            }
        }
        let system = asked.system();
        if !system.is_empty() {
            body.insert("instructions".into(), json!(system));
        }
        let input: Vec<Value> = turns(&asked.request.messages).iter().flat_map(items).collect();
        body.insert("input".into(), input.into());
        body.into()
    }

    fn decoder(turn: u32) -> stream::Decoder {
        stream::Decoder::new(turn)
    }
}

/// A reasoning item and its place in the reply. The server checks that each stands before the
/// item that it led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Reasoning {
    /// True when the reply's text came before it.
    pub text_before: bool,
    /// How many calls came before it.
    pub calls_before: usize,
    /// The item, as it was received.
    pub item: Value,
}

fn tool(schema: &ActionSchema) -> Value {
    let strict = document::strict(&schema.arguments);
    json!({
        "type": "function",
        "name": schema.kind.name(),
        "description": schema.description,
        "strict": strict.is_some(),
        "parameters": strict.as_ref().unwrap_or(&schema.arguments),
    })
}

fn items(turn: &Turn<'_>) -> Vec<Value> {
    match turn {
        Turn::Runtime { results, texts } => {
            let result = results
                .iter()
                .map(|it| json!({"type": "function_call_output", "call_id": it.id, "output": it.text}));
            let text = texts.iter().map(|text| json!({"role": "user", "content": text}));
            result.chain(text).collect()
        }
        Turn::Model { reply, calls } => {
            let mut reasoning: Vec<Reasoning> =
                reply.opaque.iter().filter_map(|it| serde_json::from_value(it.clone()).ok()).collect();
            let mut items = Vec::new();
            let mut think = |items: &mut Vec<Value>, text_before: bool, calls_before: usize| {
                let due =
                    |it: &mut Reasoning| (it.text_before <= text_before) && it.calls_before <= calls_before;
                items.extend(reasoning.extract_if(.., due).map(|it| it.item));
            };
            think(&mut items, false, 0);
            items.extend(visible(&reply.text).map(|text| json!({"role": "assistant", "content": text})));
            think(&mut items, true, 0);
            for (item, number) in calls.iter().map(call).zip(1..) {
                items.push(item);
                think(&mut items, true, number);
            }
            items
        }
    }
}

fn call(call: &Call) -> Value {
    let arguments = Value::Object(call.arguments.clone()).to_string();
    json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments})
}
