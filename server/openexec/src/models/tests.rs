//! Every wire API against a real local server that speaks it, and misspeaks it.

mod anthropic_messages;
mod bodies;
mod caching;
mod failures;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;
mod peer;
mod remedies;

use super::*;
use crate::config::NetworkConfig;
use crate::limits::MODEL_ATTEMPTS_MAX;
use openexec_engine::ids::StepId;
use openexec_engine::model::{Message, StopReason, ToolCall, Usage};
use parking_lot::Mutex;
use peer::Peer;
use serde_json::{Value, json};

/// A key that must never be seen outside its header.
pub(super) const KEY: &str = "sk-test-0123456789-never-seen";

/// A request without actions, so that no other module is needed to send it.
pub(super) fn request() -> ModelRequest {
    ModelRequest {
        model: "m".into(),
        stage: "fix".into(),
        step: StepId(4),
        attempt: 1,
        turn: 1,
        system: "the rules of the house, which nobody repeats".into(),
        messages: vec![Message::User { text: "the prompt of the user, which nobody repeats either".into() }],
        actions: Vec::new(),
        output_tokens_max: 1000,
    }
}

/// Long enough for a noisy machine where nothing should time out; no waiting between attempts.
pub(super) const PATIENT: Timeouts = Timeouts {
    first_byte: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    total: Duration::from_secs(60),
    retry_delay: Duration::from_millis(1),
    retry_delay_max: Duration::from_millis(2),
};

/// The wire APIs.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Api {
    Anthropic,
    Openai,
    Responses,
    Gemini,
    Ollama,
}

const APIS: [Api; 5] = [Api::Anthropic, Api::Openai, Api::Responses, Api::Gemini, Api::Ollama];

impl Api {
    fn config(self, http: HttpModelConfig) -> ModelConfig {
        match self {
            Self::Anthropic => ModelConfig::AnthropicMessages(http),
            Self::Openai => ModelConfig::OpenaiChat(http),
            Self::Responses => ModelConfig::OpenaiResponses(http),
            Self::Gemini => ModelConfig::Gemini(http),
            Self::Ollama => ModelConfig::Ollama { http, num_ctx: None },
        }
    }

    fn model(self, base_url: &str, timeouts: Timeouts) -> Arc<dyn Model> {
        let http = HttpModelConfig {
            model: "the-model".into(),
            base_url: Some(base_url.into()),
            key: Some(KeySource::Variable("KEY".into())),
            ..HttpModelConfig::default()
        };
        let variable = |name: &str| (name == "KEY").then(|| KEY.to_owned());
        connect_with(
            &"m".into(),
            &self.config(http),
            &http_client(&NetworkConfig::default()).unwrap(),
            timeouts,
            &variable,
        )
        .unwrap()
    }

    /// A whole stream that says `hello`.
    fn hello(self) -> String {
        match self {
            Self::Anthropic => anthropic_messages::hello(),
            Self::Openai => openai_chat::hello(),
            Self::Responses => openai_responses::hello(),
            Self::Gemini => gemini::hello(),
            Self::Ollama => ollama::hello(),
        }
    }

    /// The beginning of a stream, with some content in it.
    fn beginning(self) -> String {
        let whole = self.hello();
        let end = whole.find("\"lo\"").unwrap();
        let event_end = self.event("");
        let event_end = event_end.trim_start_matches("data: ");
        whole[..end + whole[end..].find(event_end).unwrap() + event_end.len()].to_owned()
    }

    /// An event as it goes over the wire.
    fn event(self, data: &str) -> String {
        match self {
            Self::Anthropic | Self::Openai | Self::Responses | Self::Gemini => format!("data: {data}\n\n"),
            Self::Ollama => format!("{data}\n"),
        }
    }

    /// What a server that streams this is told apart by: the error, after so many requests.
    async fn announced(self, stream: String) -> (ModelError, usize) {
        let peer = Peer::start((0..MODEL_ATTEMPTS_MAX).map(|_| peer::stream(stream.clone()))).await;
        let called = call(&*self.model(&peer.url, PATIENT), &request()).await;
        (called.error().clone(), peer.seen().len())
    }

    /// Checks that a server which streams this is said not to keep to the wire format.
    async fn misspoken(self, stream: String, reason: &str) {
        let called = reply(self, stream).await;
        let error = called.error();
        assert!(matches!(error, ModelError::Malformed { reason: it } if it.contains(reason)), "{error}");
    }

    /// What comes where nothing is said.
    fn nothing(self) -> &'static str {
        match self {
            Self::Anthropic | Self::Openai | Self::Responses | Self::Gemini => ": nothing\n",
            Self::Ollama => "\n",
        }
    }
}

/// Events as they go over the wire.
fn sse(events: &[Value]) -> String {
    let line = |event: &Value| match event.get("type").and_then(Value::as_str) {
        Some(name) => format!("event: {name}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    };
    events.iter().map(line).collect()
}

/// What a call gave, and what was told on the way.
struct Called {
    outcome: Result<ModelReply, ModelError>,
    progress: Vec<ModelProgress>,
}

impl Called {
    /// The error; its texts must hold neither key nor prompt.
    fn error(&self) -> &ModelError {
        let error = self.outcome.as_ref().unwrap_err();
        let said = format!("{error} {error:?} {:?} {}", self.progress, json!(error));
        for secret in [KEY, "of the house", "of the user"] {
            assert!(!said.contains(secret), "{said}");
        }
        error
    }

    fn retries(&self) -> Vec<usize> {
        let retry = |progress: &ModelProgress| match progress {
            ModelProgress::Retrying { attempt, .. } => Some(*attempt),
            ModelProgress::Received { .. } => None,
        };
        self.progress.iter().filter_map(retry).collect()
    }
}

async fn call(model: &dyn Model, request: &ModelRequest) -> Called {
    let progress = Mutex::new(Vec::new());
    let outcome = model.complete(request, &|it| progress.lock().push(it)).await;
    Called { outcome, progress: progress.into_inner() }
}

/// The reply of a server that streams exactly this.
async fn reply(api: Api, stream: String) -> Called {
    let peer = Peer::start([peer::stream(stream)]).await;
    call(&*api.model(&peer.url, PATIENT), &request()).await
}

/// An announced error with what the server said, and without the remedy.
fn bare((error, asked): (ModelError, usize)) -> (ModelError, usize) {
    let cut = |reason: String| reason.split("; ").next().unwrap().to_owned();
    let error = match error {
        ModelError::Unauthorized { reason } => ModelError::Unauthorized { reason: cut(reason) },
        ModelError::Rejected { reason } => ModelError::Rejected { reason: cut(reason) },
        other => other,
    };
    (error, asked)
}

/// The calls of a reply: ids and arguments.
fn shape(reply: &ModelReply) -> Vec<(&str, &str)> {
    reply.tool_calls.iter().map(|it| (it.id.as_str(), it.arguments.as_str())).collect()
}

#[tokio::test]
async fn every_wire_carries_text_and_usage() {
    for api in APIS {
        let called = reply(api, api.hello()).await;
        // Not every server says what it had in its cache, or put there.
        let (cached_tokens, cache_write_tokens) = match api {
            Api::Anthropic => (100, 5),
            Api::Openai | Api::Responses | Api::Gemini => (100, 0),
            Api::Ollama => (0, 0),
        };
        let wanted = ModelReply {
            text: "hello".into(),
            tool_calls: Vec::new(),
            stop: StopReason::End,
            usage: Usage { input_tokens: 115, output_tokens: 42, cached_tokens, cache_write_tokens },
            opaque: Vec::new(),
        };
        assert_eq!(called.outcome, Ok(wanted));
        let received = [3, 5].map(|bytes| ModelProgress::Received { bytes });
        assert_eq!(called.progress, received);
    }
}

#[test]
fn keys_come_from_the_variable_that_belongs_to_the_address() {
    let http = http_client(&NetworkConfig::default()).unwrap();
    let config = |base_url: Option<&str>, key_env: Option<&str>| HttpModelConfig {
        model: "the-model".into(),
        base_url: base_url.map(str::to_owned),
        key: key_env.map(|name| KeySource::Variable(name.to_owned())),
        ..HttpModelConfig::default()
    };
    let connected = |config: ModelConfig, variables: &[(&str, &str)]| {
        let variable =
            |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        connect_with(&"m".into(), &config, &http, PATIENT, &variable).map(|model| model.describe())
    };
    let own = config(None, None);
    for (config, name, described) in [
        (
            ModelConfig::AnthropicMessages(own.clone()),
            "ANTHROPIC_API_KEY",
            "the-model through Anthropic Messages",
        ),
        (ModelConfig::OpenaiChat(own.clone()), "OPENAI_API_KEY", "the-model through OpenAI Chat Completions"),
        (ModelConfig::OpenaiResponses(own.clone()), "OPENAI_API_KEY", "the-model through OpenAI Responses"),
        (ModelConfig::Gemini(own.clone()), "GEMINI_API_KEY", "the-model through Gemini"),
    ] {
        assert_eq!(connected(config.clone(), &[(name, "k")]).unwrap(), described);
        for variables in [&[][..], &[(name, " \n")]] {
            let error = connected(config.clone(), variables).unwrap_err().to_string();
            assert!(error.contains(&format!("set the environment variable `{name}`")), "{error}");
        }
        let error = connected(config, &[(name, "sk-never\nseen")]).unwrap_err().to_string();
        assert!(error.contains("copy the key again") && !error.contains("never"), "{error}");
    }
    // Ollama takes no key where none is named.
    let ollama = |config| ModelConfig::Ollama { http: config, num_ctx: None };
    assert_eq!(connected(ollama(own), &[]).unwrap(), "the-model through Ollama");
    let named = ollama(config(None, Some("MINE")));
    assert!(connected(named, &[]).unwrap_err().to_string().contains("`MINE`"));
    // A server of the user's own needs no key, and is not sent the provider's.
    let local = ModelConfig::OpenaiChat(config(Some("http://localhost:1/v1"), None));
    assert_eq!(
        connected(local, &[]).unwrap(),
        "the-model through OpenAI Chat Completions at http://localhost:1"
    );
    let named = ModelConfig::OpenaiChat(config(Some("http://localhost:1/v1"), Some("MINE")));
    assert!(connected(named, &[("OPENAI_API_KEY", "k")]).unwrap_err().to_string().contains("`MINE`"));
    let wrong = ModelConfig::OpenaiChat(config(Some("http://u:never@h"), None));
    let error = connected(wrong, &[]).unwrap_err().to_string();
    assert!(error.contains("base_url") && !error.contains("never"), "{error}");
}

#[tokio::test]
async fn without_a_key_no_header_is_sent() {
    let peer = Peer::start([peer::stream(Api::Openai.hello())]).await;
    let http = HttpModelConfig {
        model: "the-model".into(),
        base_url: Some(peer.url.clone()),
        output_tokens_max: Some(7),
        ..HttpModelConfig::default()
    };
    let variable = |_: &str| Some(KEY.to_owned());
    let config = ModelConfig::OpenaiChat(http);
    let model = connect_with(
        &"m".into(),
        &config,
        &http_client(&NetworkConfig::default()).unwrap(),
        PATIENT,
        &variable,
    )
    .unwrap();
    call(&*model, &request()).await.outcome.unwrap();
    let seen = peer.seen();
    assert!(!format!("{:?}", seen[0].headers).contains(KEY));
    assert!(seen[0].headers.get("authorization").is_none());
    assert_eq!(seen[0].body["max_tokens"], 7, "the smaller of the two limits");
}

#[tokio::test]
async fn azure_takes_its_key_in_a_header_of_its_own() {
    let header = |address: &str| {
        let url = reqwest::Url::parse(address).unwrap();
        super::openai_chat::key_header(&url, "k")
    };
    assert_eq!(header("https://r.openai.azure.com/openai/v1"), ("api-key", "k".to_owned()));
    assert_eq!(header("https://azure.com.example.com"), ("authorization", "Bearer k".to_owned()));
    assert_eq!(header("https://api.openai.com"), ("authorization", "Bearer k".to_owned()));
    // The version of the API goes along, and the path is taken as it is.
    let peer = Peer::start([peer::stream(Api::Openai.hello())]).await;
    let base_url = format!("{}/openai/deployments/d?api-version=2024-10-21", peer.url);
    call(&*Api::Openai.model(&base_url, PATIENT), &request()).await.outcome.unwrap();
    let seen = peer.seen().remove(0);
    assert_eq!(seen.path, "/openai/deployments/d/chat/completions");
    assert_eq!(seen.query.as_deref(), Some("api-version=2024-10-21"));
}
