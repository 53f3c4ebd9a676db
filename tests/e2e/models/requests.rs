//! Every request body is what the provider's own package would take: validated against JSON
//! Schemas made from its types, closed, so that a field too many is an error.

use super::client::{KEY, PATIENT, call, connect_through, entry, request};
use super::conversations::any_request;
use super::peer::{sdk_python, told};
use super::recorder::{Received, Recorder};
use crate::wire::Wire;
use crate::wires::WIRES;
use jsonschema::Validator;
use openexec::config::OutputForm;
use openexec::models::Model;
use openexec_engine::action::ActionKind;
use openexec_engine::model::ModelRequest;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

/// Conversations for each way of each wire.
const CASES: u32 = 32;

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

/// The schemas that a body holds the model to: those of the tools, or the document's.
fn demanded_schemas<'a>(way: &Way, body: &'a Value) -> Vec<&'a Value> {
    let (tools, schema, document) = match way.wire {
        Wire::AnthropicMessages => ("/tools", "/input_schema", "/output_config/format/schema"),
        Wire::OpenaiChat => ("/tools", "/function/parameters", "/response_format/json_schema/schema"),
        Wire::OpenaiResponses => ("/tools", "/parameters", "/text/format/schema"),
        Wire::Gemini => {
            ("/tools/0/functionDeclarations", "/parametersJsonSchema", "/generationConfig/responseJsonSchema")
        }
        Wire::Ollama => ("/tools", "/function/parameters", "/format"),
    };
    let tools = body.pointer(tools).and_then(Value::as_array).into_iter().flatten();
    tools.map(|tool| tool.pointer(schema).unwrap()).chain(body.pointer(document)).collect()
}

/// What Anthropic's API rejects although its types allow it: a text without anything to see in
/// it, and more than four marks of what is to be cached.
fn anthropic_limits(body: &Value) -> Result<(), String> {
    let messages = body["messages"].as_array().into_iter().flatten().map(|message| &message["content"]);
    let blocks = messages.chain([&body["system"]]).filter_map(Value::as_array).flatten();
    let tools = body["tools"].as_array().into_iter().flatten();
    let marked = |block: &&Value| block.get("cache_control").is_some();
    let marks = blocks.clone().chain(tools).filter(marked).count();
    let blank = |block: &Value| {
        block["type"] == "text" && block["text"].as_str().is_none_or(|it| it.trim().is_empty())
    };
    match (marks, blocks.into_iter().find(|block| blank(block))) {
        (0..=4, None) => Ok(()),
        (marks, blank) => Err(format!("{marks} marks, blank text {blank:?}: {body:#}")),
    }
}

/// One of the ways in which an adapter asks.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    pub wire: Wire,
    pub output: OutputForm,
    /// The provider's own domain, where some things are asked for that its imitations lack.
    pub own_domain: bool,
    /// The model's name, on which some things depend, too.
    pub model: &'static str,
}

impl Way {
    /// As tool calls, from a model of no known name at the provider's own domain.
    pub fn usual(wire: Wire) -> Self {
        Self { wire, output: OutputForm::ToolCalls, own_domain: true, model: "the-model" }
    }

    /// All ways of one wire.
    fn of(wire: Wire) -> Vec<Self> {
        let models: &[&str] = match wire {
            Wire::AnthropicMessages => &["claude-sonnet-4-5", "claude-3-haiku-20240307"],
            Wire::OpenaiResponses => &["gpt-5", "gpt-4.1"],
            Wire::OpenaiChat | Wire::Gemini | Wire::Ollama => &["the-model"],
        };
        let mut ways = Vec::new();
        for output in [OutputForm::ToolCalls, OutputForm::JsonSchema] {
            for own_domain in [true, false] {
                ways.extend(models.iter().map(|model| Self { wire, output, own_domain, model }));
            }
        }
        ways
    }

    fn domain(&self) -> &'static str {
        match self.wire {
            _ if !self.own_domain => "127.0.0.1",
            Wire::AnthropicMessages => "api.anthropic.com",
            Wire::OpenaiChat | Wire::OpenaiResponses => "api.openai.com",
            Wire::Gemini => "generativelanguage.googleapis.com",
            Wire::Ollama => "ollama.com",
        }
    }

    /// A model at the recorder, which answers to the provider's name where it is asked to.
    fn model(&self, recorder: &Recorder) -> Arc<dyn Model> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address: SocketAddr = recorder.url.trim_start_matches("http://").parse().unwrap();
        let http = reqwest::Client::builder().no_proxy().resolve(self.domain(), address).build().unwrap();
        connect_through(&http, &entry(self.wire.api(), self.model, &recorder.url), PATIENT, |config| {
            config.output = self.output;
            // A file may not say this: the key would go unencrypted.
            config.base_url = Some(format!("http://{}:{}", self.domain(), address.port()));
        })
    }

    /// Says what does not hold of a request that was sent for a conversation.
    fn examine(
        &self,
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
        demand(received.line == endpoint(self.wire), "another endpoint")?;
        let (name, value) = key_header(self.wire);
        let key = received.headers.get(name).and_then(|it| it.to_str().ok());
        demand(key == Some(&value), "no key in its header")?;
        let elsewhere = received.headers.iter().filter(|(other, _)| *other != name);
        let leaked = elsewhere.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
        demand(!leaked.chain([received.body.to_string()]).any(|text| text.contains(KEY)), "a leaked key")?;
        let schemas = demanded_schemas(self, &received.body);
        let wanted = match self.output {
            OutputForm::ToolCalls => request.actions.len(),
            OutputForm::JsonSchema => request.actions.len().min(1),
        };
        demand(schemas.len() == wanted, "not the toolset")?;
        let valid = schemas.into_iter().all(jsonschema::draft202012::meta::is_valid);
        demand(valid, "no schema")?;
        match self.wire {
            Wire::AnthropicMessages => anthropic_limits(&received.body),
            Wire::OpenaiChat | Wire::OpenaiResponses | Wire::Gemini | Wire::Ollama => Ok(()),
        }
    }

    async fn sent(&self, requests: impl IntoIterator<Item = ModelRequest>) -> Vec<Received> {
        let recorder = Recorder::start().await;
        let model = self.model(&recorder);
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
    pub async fn generated_bodies(&self, count: usize) -> Vec<Value> {
        let mut runner = TestRunner::deterministic();
        let strategy = any_request(self.wire);
        let requests = (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current());
        self.sent(requests).await.into_iter().map(|received| received.body).collect()
    }
}

fn holds_for_any_conversation(wire: Wire) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let validator = validator(wire);
    for way in Way::of(wire) {
        let (recorder, model) = runtime.block_on(async {
            let recorder = Recorder::start().await;
            let model = way.model(&recorder);
            (recorder, model)
        });
        // What fails is told here; nothing is written next to the sources.
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(config).run(&any_request(wire), |request| {
            runtime.block_on(call(&*model, &request)).error();
            let received = recorder.take();
            assert_eq!(received.len(), 1, "what was refused is not sent again");
            way.examine(&validator, &request, &received[0]).map_err(TestCaseError::fail)
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(reason, request)) => panic!("{way:?}: {reason}\nfor {request:#?}"),
            Err(error) => panic!("{way:?}: {error}"),
        }
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
        let way = Way::usual(wire);
        let body = way.sent([request(&ActionKind::ALL)]).await.remove(0).body;
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
    // The provider's own name leads to what only the provider is asked for.
    for own_domain in [true, false] {
        let way = Way { own_domain, ..Way::usual(Wire::OpenaiChat) };
        let body = way.sent([request(&[ActionKind::Finish])]).await.remove(0).body;
        assert_eq!(body.get("max_completion_tokens").is_some(), own_domain, "{body:#}");
    }
    let mut spoiled = Way::usual(Wire::Ollama).sent([request(&[ActionKind::Finish])]).await.remove(0).body;
    spoiled["tools"][0]["function"]["parameters"]["properties"] = json!({ "a": { "type": "inteher" } });
    assert_ne!(faults(&validator(Wire::Ollama), &spoiled), Vec::<String>::new());
}
