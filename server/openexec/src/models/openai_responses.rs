//! OpenAI's Responses API, `POST /v1/responses`, streamed and not stored.
//! Source: the types of the official Python SDK, version 3.54.

mod stream;

use super::call::Wire;
use super::conversation::{Call, Turn, turns, visible};
use super::framing::Framing;
use super::{Model, ModelProgress, Provider, openai_chat};
use crate::config::HttpModelConfig;
use async_trait::async_trait;
use openexec_engine::action::{ActionSchema, schemas_for};
use openexec_engine::model::{ModelError, ModelReply, ModelRequest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(super) const PROVIDER: Provider = Provider {
    api: "OpenAI Responses",
    base_url: openai_chat::PROVIDER.base_url,
    key_env: openai_chat::PROVIDER.key_env,
    version: "/v1",
    endpoint: |_| "/responses".to_owned(),
    query: None,
    key_header: openai_chat::key_header,
    headers: &[],
    framing: Framing::EventStream,
};

/// Models that do not reason, by how their names begin. They reject being asked for their
/// reasoning; every other one loses it between two turns if it is not asked.
const UNREASONING: [&str; 4] = ["gpt-3", "gpt-4", "chatgpt-4", "gpt-5-chat"];

pub(super) struct OpenaiResponses {
    model: String,
    own_address: bool,
    output_tokens_max: u32,
    wire: Wire,
}

impl OpenaiResponses {
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
impl Model for OpenaiResponses {
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
        let decoder = || stream::Decoder::new(request.turn);
        self.wire.call(request, body.to_string().into_bytes(), decoder, progress).await
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

/// The request as it goes over the wire.
pub(super) fn body(model: &str, tokens: u32, request: &ModelRequest, schemas: &[ActionSchema]) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(model));
    if !request.system.is_empty() {
        body.insert("instructions".into(), json!(request.system));
    }
    let input: Vec<Value> = turns(&request.messages).iter().flat_map(items).collect();
    body.insert("input".into(), input.into());
    body.insert("max_output_tokens".into(), json!(tokens));
    // Nothing of a conversation stays with the provider; what it would remember travels along.
    body.insert("store".into(), json!(false));
    let base_model = model.strip_prefix("ft:").unwrap_or(model);
    if !UNREASONING.iter().any(|prefix| base_model.starts_with(prefix)) {
        body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    }
    body.insert("stream".into(), json!(true));
    if !schemas.is_empty() {
        body.insert("tools".into(), schemas.iter().map(tool).collect());
        body.insert("tool_choice".into(), json!("required"));
    }
    body.into()
}

fn tool(schema: &ActionSchema) -> Value {
    let strict = strict(&schema.arguments);
    json!({
        "type": "function",
        "name": schema.kind.name(),
        "description": schema.description,
        "strict": strict.is_some(),
        "parameters": strict.as_ref().unwrap_or(&schema.arguments),
    })
}

/// The schema as strict mode demands it: every object closed, every property required. An
/// optional property that may be null becomes required, because the parser of actions reads
/// null as absent. One that may not be null (`overwrite`, `args`) has no value that means
/// absent in its schema: such a tool is not strict, rather than that its contract changes.
fn strict(schema: &Value) -> Option<Value> {
    let mut strict_schema = schema.clone();
    if let Some(items) = schema.get("items") {
        *strict_schema.get_mut("items")? = strict(items)?;
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        // An object without known properties is open, whatever it says.
        return (!names_type(schema, "object")).then_some(strict_schema);
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if schema.get("additionalProperties") != Some(&json!(false)) {
        return None;
    }
    let mut all = Map::new();
    for (name, property) in properties {
        if !required.contains(&name.as_str()) && !names_type(property, "null") {
            return None;
        }
        all.insert(name.clone(), strict(property)?);
    }
    let object = strict_schema.as_object_mut()?;
    object.insert("required".into(), all.keys().map(String::as_str).collect());
    object.insert("properties".into(), all.into());
    Some(strict_schema)
}

fn names_type(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|it| it == name),
        Some(only) => only == name,
        None => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::action::{ActionKind, parse_tool_calls, schema_of};
    use openexec_engine::model::ToolCall;

    #[test]
    fn strict_schemas_demand_everything_and_the_others_are_left_alone() {
        for kind in ActionKind::ALL {
            let schema = schema_of(kind);
            let tool = tool(&schema);
            let unstrict = [ActionKind::CreateFile, ActionKind::RunTask].contains(&kind);
            assert_eq!(tool["strict"], !unstrict, "{kind:?}");
            if unstrict {
                assert_eq!(tool["parameters"], schema.arguments);
            } else {
                check_strict(&tool["parameters"]);
            }
        }
    }

    fn check_strict(schema: &Value) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            assert_eq!(schema["additionalProperties"], false);
            let names: Vec<&str> = properties.keys().map(String::as_str).collect();
            assert_eq!(schema["required"], json!(names));
            properties.values().for_each(check_strict);
        }
    }

    #[test]
    fn null_is_absent() {
        let parsed = |arguments: Value| {
            let call =
                ToolCall { id: "a".into(), name: "read_file".into(), arguments: arguments.to_string() };
            parse_tool_calls(&[call]).unwrap()
        };
        let absent = parsed(json!({"path": "a.rs"}));
        assert_eq!(parsed(json!({"path": "a.rs", "first_line": null, "last_line": null})), absent);
    }

    #[test]
    fn only_models_that_reason_are_asked_for_it() {
        let request = super::super::tests::request();
        for (model, asked) in [
            ("gpt-5", true),
            ("o4-mini", true),
            ("invented-yesterday", true),
            ("gpt-4.1", false),
            ("ft:gpt-4o:me", false),
            ("gpt-5-chat-latest", false),
        ] {
            assert_eq!(body(model, 1, &request, &[]).get("include").is_some(), asked, "{model}");
        }
    }
}
