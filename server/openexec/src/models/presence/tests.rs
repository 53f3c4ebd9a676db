//! Looks at real local servers.

use super::*;
use crate::config::NetworkConfig;
use crate::models::http_client;
use axum::Router;
use axum::http::{HeaderMap as Headers, StatusCode as Code, Uri};
use serde_json::json;

/// A server that answers `path` with `body`, and wants `key` in a header where there is one.
async fn server(path: &'static str, key: Option<(&'static str, &'static str)>, body: Value) -> String {
    let answer = move |uri: Uri, headers: Headers| async move {
        let has_key = key.is_none_or(|(name, key)| headers.get(name).is_some_and(|it| it == key));
        match (uri.path() == path, has_key) {
            (true, true) => (Code::OK, body.to_string()),
            (true, false) => (Code::UNAUTHORIZED, "{}".to_owned()),
            (false, _) => (Code::NOT_FOUND, String::new()),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().fallback(answer)).into_future());
    address
}

/// An address where nothing listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn client() -> reqwest::Client {
    http_client(&NetworkConfig::default()).unwrap()
}

fn none(_: &str) -> Option<String> {
    None
}

#[tokio::test]
async fn a_key_goes_before_a_server_and_a_server_before_nothing() {
    let tags = json!({ "models": [{ "name": "nomic-embed-text:latest" }, { "name": "llama3:8b" }, { "name": "qwen3-coder:30b" }] });
    let ollama = server("/api/tags", None, tags).await;
    let llama = json!({ "data": [{ "id": "small.gguf", "owned_by": "llamacpp" }] });
    let llama_cpp = server("/v1/models", None, llama).await;
    let both = LocalServers { ollama: ollama.clone(), llama_cpp: llama_cpp.clone() };
    let http = client();

    let keys = |name: &str| matches!(name, "OPENAI_API_KEY" | "GEMINI_API_KEY").then(|| "k".to_owned());
    let found = model_at_hand(&both, &http, &keys).await.unwrap();
    assert!(found.name.as_str().starts_with("openai:"), "{found:?}");
    assert_eq!(found.because, "`OPENAI_API_KEY` is set");

    let blank = |name: &str| (name == "ANTHROPIC_API_KEY").then(|| " ".to_owned());
    let found = model_at_hand(&both, &http, &blank).await.unwrap();
    assert_eq!(found.name.as_str(), "ollama:qwen3-coder:30b", "made for code, and no embedding");
    assert_eq!(found.because, format!("Ollama serves it at {ollama}"));

    let second = LocalServers { ollama: nobody(), llama_cpp };
    let found = model_at_hand(&second, &http, &none).await.unwrap();
    assert_eq!(found.name.as_str(), "llamacpp:small.gguf");

    // Something else listens at the port, and nothing does.
    let other = server("/v1/models", None, json!({ "data": [{ "id": "a", "owned_by": "me" }] })).await;
    let empty = server("/api/tags", None, json!({ "models": [] })).await;
    for servers in [
        LocalServers { ollama: nobody(), llama_cpp: other },
        LocalServers { ollama: empty, llama_cpp: nobody() },
        // Not on this machine: it is not even asked.
        LocalServers {
            ollama: "http://gpu.example.com:1".to_owned(),
            llama_cpp: "http://gpu.example.com:2".to_owned(),
        },
    ] {
        assert_eq!(model_at_hand(&servers, &http, &none).await, None, "{servers:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let servers = LocalServers { ollama: silent.clone(), llama_cpp: silent };
    let http = client();
    let found = tokio::time::timeout(Duration::from_secs(20), model_at_hand(&servers, &http, &none)).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn a_look_says_what_is_there() {
    let http = client();
    let model = |base_url: String, model: &str| HttpModelConfig {
        model: model.to_owned(),
        base_url: Some(base_url),
        key: Some(crate::config::KeySource::Variable("KEY".to_owned())),
        ..HttpModelConfig::default()
    };
    let key = |name: &str| (name == "KEY").then(|| "right".to_owned());
    let wrong = |name: &str| (name == "KEY").then(|| "wrong".to_owned());

    let list = json!({ "data": [{ "id": "claude-x-20260101" }, { "id": "other" }] });
    let anthropic = server("/v1/models", Some(("x-api-key", "right")), list).await;
    let config = ModelConfig::AnthropicMessages(model(anthropic.clone(), "claude-x"));
    let answers = Look::Answers { lists_model: Some(true), listed: Vec::new() };
    assert_eq!(look(&config, &http, &key).await, answers);
    assert_eq!(look(&config, &http, &wrong).await, Look::WantsKey);
    let Look::NoKey { remedy } = look(&config, &http, &none).await else { panic!() };
    assert!(remedy.contains("`KEY`"), "{remedy}");
    let config = ModelConfig::AnthropicMessages(model(anthropic, "claude"));
    let listed = vec!["claude-x-20260101".to_owned(), "other".to_owned()];
    assert_eq!(look(&config, &http, &key).await, Look::Answers { lists_model: Some(false), listed });

    let list = json!({ "models": [{ "name": "models/gemini-x" }] });
    let gemini = server("/v1beta/models", Some(("x-goog-api-key", "right")), list).await;
    assert_eq!(look(&ModelConfig::Gemini(model(gemini, "gemini-x")), &http, &key).await, answers);

    let ollama = server("/api/tags", None, json!({ "models": [{ "name": "qwen3:latest" }] })).await;
    let config = ModelConfig::Ollama { http: model(ollama, "qwen3"), num_ctx: None };
    assert_eq!(look(&config, &http, &key).await, answers);

    let list = json!({ "data": [{ "id": "gpt-x" }] });
    let openai = server("/v1/models", Some(("authorization", "Bearer right")), list).await;
    assert_eq!(look(&ModelConfig::OpenaiChat(model(openai, "gpt-x")), &http, &key).await, answers);
    let without_list = server("/v1/chat/completions", None, json!({})).await;
    let config = ModelConfig::OpenaiChat(model(without_list, "m"));
    assert_eq!(look(&config, &http, &key).await, Look::Answers { lists_model: None, listed: Vec::new() });
    let config = ModelConfig::OpenaiResponses(model(nobody(), "m"));
    let Look::Unreachable { reason } = look(&config, &http, &key).await else { panic!() };
    assert!(reason.contains("refused"), "{reason}");
    let scripted = ModelConfig::Scripted { file: "a.yaml".into() };
    assert_eq!(look(&scripted, &http, &key).await, Look::NoServer);
}
