//! Every request body is what the provider's own package would take: validated against JSON
//! Schemas made from its types, closed, so that a field too many is an error.

use super::client::{KEY, PATIENT, call, connect, entry, request};
use super::conversations::any_request;
use super::peer::{sdk_python, told};
use super::recorder::{Received, Recorder};
use crate::wire::Wire;
use crate::wires::WIRES;
use jsonschema::Validator;
use openexec_engine::action::ActionKind;
use openexec_engine::model::ModelRequest;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestError, TestRunner};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Conversations for each wire.
const CASES: u32 = 96;

/// The schemas of all wires, made once for each run of the tests.
fn schema(wire: Wire) -> &'static Value {
    static SCHEMAS: OnceLock<Value> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(|| {
        let output = sdk_python().arg(told("schemas.py")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    });
    &schemas[wire.api()]
}

fn validator(wire: Wire) -> Validator {
    jsonschema::draft202012::new(schema(wire)).unwrap()
}

/// What is wrong with a body, briefly.
fn faults(validator: &Validator, body: &Value) -> Vec<String> {
    let fault = |fault: jsonschema::ValidationError<'_>| -> String {
        format!("{}: {fault}", fault.instance_path()).chars().take(2000).collect()
    };
    validator.iter_errors(body).map(fault).collect()
}

fn endpoint(wire: Wire) -> &'static str {
    match wire {
        Wire::AnthropicMessages => "POST /v1/messages",
        Wire::OpenaiChat => "POST /v1/chat/completions",
        Wire::OpenaiResponses => "POST /v1/responses",
        Wire::Gemini => "POST /v1beta/models/the-model:streamGenerateContent?alt=sse",
        Wire::Ollama => "POST /api/chat",
    }
}

fn key_header(wire: Wire) -> (&'static str, String) {
    match wire {
        Wire::AnthropicMessages => ("x-api-key", KEY.to_owned()),
        Wire::Gemini => ("x-goog-api-key", KEY.to_owned()),
        Wire::OpenaiChat | Wire::OpenaiResponses | Wire::Ollama => ("authorization", format!("Bearer {KEY}")),
    }
}

/// The schemas of the tools that a body declares.
fn tool_schemas(wire: Wire, body: &Value) -> Vec<&Value> {
    let tools = match wire {
        Wire::Gemini => &body["tools"][0]["functionDeclarations"],
        Wire::AnthropicMessages | Wire::OpenaiChat | Wire::OpenaiResponses | Wire::Ollama => &body["tools"],
    };
    let schema = match wire {
        Wire::AnthropicMessages => "/input_schema",
        Wire::OpenaiChat | Wire::Ollama => "/function/parameters",
        Wire::OpenaiResponses => "/parameters",
        Wire::Gemini => "/parametersJsonSchema",
    };
    tools.as_array().into_iter().flatten().map(|tool| tool.pointer(schema).unwrap()).collect()
}

/// Says what does not hold of a request that was sent for a conversation.
fn examine(
    wire: Wire,
    validator: &Validator,
    request: &ModelRequest,
    received: &Received,
) -> Result<(), String> {
    let demand = |holds: bool, what: &str| match holds {
        true => Ok(()),
        false => Err(format!("{what}: {} {:?} {:#}", received.line, received.headers, received.body)),
    };
    let found = faults(validator, &received.body);
    demand(found.is_empty(), &found.join("\n"))?;
    demand(received.line == endpoint(wire), "another endpoint")?;
    let (name, value) = key_header(wire);
    let key = received.headers.get(name).and_then(|it| it.to_str().ok());
    demand(key == Some(&value), "no key in its header")?;
    let elsewhere = received.headers.iter().filter(|(other, _)| *other != name);
    let leaked = elsewhere.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
    demand(!leaked.chain([received.body.to_string()]).any(|text| text.contains(KEY)), "a leaked key")?;
    let schemas = tool_schemas(wire, &received.body);
    demand(schemas.len() == request.actions.len(), "other tools than the toolset")?;
    demand(schemas.into_iter().all(|schema| jsonschema::draft202012::meta::is_valid(schema)), "no schema")
}

async fn sent(wire: Wire, requests: impl IntoIterator<Item = ModelRequest>) -> Vec<Received> {
    let recorder = Recorder::start().await;
    let model = connect(&entry(wire.api(), "the-model", &recorder.url), PATIENT);
    let mut sent = Vec::new();
    for request in requests {
        call(&*model, &request).await.error();
        let mut received = recorder.take();
        assert_eq!(received.len(), 1, "what was refused is not sent again");
        sent.append(&mut received);
    }
    sent
}

/// Bodies for generated conversations, always the same ones.
pub async fn generated_bodies(wire: Wire, count: usize) -> Vec<Value> {
    let mut runner = TestRunner::deterministic();
    let strategy = any_request(wire);
    let requests = (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    sent(wire, requests).await.into_iter().map(|received| received.body).collect()
}

fn holds_for_any_conversation(wire: Wire) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let validator = validator(wire);
    let (recorder, model) = runtime.block_on(async {
        let recorder = Recorder::start().await;
        let model = connect(&entry(wire.api(), "the-model", &recorder.url), PATIENT);
        (recorder, model)
    });
    // What fails is told here; nothing is written next to the sources.
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&any_request(wire), |request| {
        runtime.block_on(call(&*model, &request)).error();
        let received = recorder.take();
        assert_eq!(received.len(), 1, "what was refused is not sent again");
        examine(wire, &validator, &request, &received[0]).map_err(proptest::test_runner::TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, request)) => panic!("{wire:?}: {reason}\nfor {request:#?}"),
        Err(error) => panic!("{wire:?}: {error}"),
    }
}

#[test]
fn anthropic_takes_every_request() {
    holds_for_any_conversation(Wire::AnthropicMessages);
}

#[test]
fn openai_chat_takes_every_request() {
    holds_for_any_conversation(Wire::OpenaiChat);
}

#[test]
fn openai_responses_takes_every_request() {
    holds_for_any_conversation(Wire::OpenaiResponses);
}

#[test]
fn gemini_takes_every_request() {
    holds_for_any_conversation(Wire::Gemini);
}

#[test]
fn ollama_takes_every_request() {
    holds_for_any_conversation(Wire::Ollama);
}

/// The schemas reject what the providers reject: a validation that passes everything would
/// prove nothing.
#[tokio::test]
async fn the_schemas_are_strict() {
    for wire in WIRES {
        let validator = validator(wire);
        let body = sent(wire, [request(&ActionKind::ALL)]).await.remove(0).body;
        assert_eq!(faults(&validator, &body), Vec::<String>::new());
        let (messages, tools) = match wire {
            Wire::AnthropicMessages | Wire::OpenaiChat | Wire::Ollama => ("/messages", "/tools"),
            Wire::OpenaiResponses => ("/input", "/tools"),
            Wire::Gemini => ("/contents", "/tools/0/functionDeclarations"),
        };
        let spoiled = |pointer: &str, field: &str, value: Value| {
            let mut body = body.clone();
            body.pointer_mut(pointer).unwrap()[field] = value;
            assert_ne!(faults(&validator, &body), Vec::<String>::new(), "{wire:?} {pointer} {field}");
        };
        spoiled("", "max_token", json!(3));
        spoiled("", messages.trim_start_matches('/'), json!(7));
        spoiled(&format!("{messages}/0"), "role", json!(7));
        spoiled(&format!("{messages}/0"), "invented", json!("x"));
        spoiled(&format!("{tools}/0"), "invented", json!("x"));
    }
    let ollama = sent(Wire::Ollama, [request(&[ActionKind::Finish])]).await.remove(0).body;
    let mut spoiled = ollama.clone();
    spoiled["tools"][0]["function"]["parameters"]["properties"] = json!({ "a": { "type": "inteher" } });
    assert_ne!(faults(&validator(Wire::Ollama), &spoiled), Vec::<String>::new());
}
