//! What is there: the model at hand where none is configured, and whether a model's server
//! answers. Nothing here is paid for.
//!
//! It must not send a prompt, or a key to anybody but the server that it belongs to.

use super::{Provider as WireProvider, call, key, provider};
use crate::config::{self, HttpModelConfig, LocalServers, ModelConfig};
use crate::limits::{
    MODEL_AT_HAND_TIMEOUT_MS, MODEL_LIST_BYTES_MAX, MODEL_LIST_TIMEOUT_MS, MODELS_LISTED_MAX,
};
use futures::StreamExt as _;
use openexec_engine::ids::ModelName;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::time::Duration;

/// The model that is taken where none is configured and none is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtHand {
    /// Its name, which needs no entry.
    pub name: ModelName,
    /// Why it was taken.
    pub because: String,
}

impl std::fmt::Display for AtHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, because } = self;
        write!(
            f,
            "no model is configured: {name} is taken, as {because}; `--model` or `default_model` in config.yaml name another, and `openexec models` shows it"
        )
    }
}

/// The first model that is at hand: one whose key is in the environment, else one that a server
/// of this machine has. Waits for such servers a moment only.
pub async fn model_at_hand(
    servers: &LocalServers,
    http: &reqwest::Client,
    variable: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Option<AtHand> {
    for provider in config::Provider::ALL {
        let Some(name) = provider.key_variable() else { continue };
        let is_set = variable(name).is_some_and(|key| !key.trim().is_empty());
        if let Some(model) = provider.default_model().filter(|_| is_set) {
            return Some(AtHand {
                name: ModelName::new(format!("{}:{model}", provider.prefix())),
                because: format!("`{name}` is set"),
            });
        }
    }
    let (ollama, llama_cpp) = tokio::join!(
        served(servers, config::Provider::Ollama, "/api/tags", http),
        served(servers, config::Provider::LlamaCpp, "/v1/models", http),
    );
    ollama.or(llama_cpp)
}

async fn served(
    servers: &LocalServers,
    provider: config::Provider,
    path: &str,
    http: &reqwest::Client,
) -> Option<AtHand> {
    let address = servers.on_this_machine(provider)?;
    let asked = list(http.get(format!("{address}{path}")), None);
    let limit = Duration::from_millis(MODEL_AT_HAND_TIMEOUT_MS);
    let (_, listed) = tokio::time::timeout(limit, asked).await.ok()?.ok()?;
    let listed = listed?;
    // Many a program listens at 8080 and lists something.
    let is_its_own = provider == config::Provider::Ollama || listed.owner.as_deref() == Some("llamacpp");
    let model = best(&listed.names).filter(|_| is_its_own)?;
    let server = if provider == config::Provider::Ollama { "Ollama" } else { "llama.cpp" };
    Some(AtHand {
        name: ModelName::new(format!("{}:{model}", provider.prefix())),
        because: format!("{server} serves it at {address}"),
    })
}

/// One made for code before others, as they are listed: Ollama lists the latest first.
fn best(names: &[String]) -> Option<&String> {
    let embeds = |name: &&String| ["embed", "bge-", "minilm", "rerank"].iter().any(|it| name.contains(it));
    let codes = |name: &&String| ["code", "coder", "devstral"].iter().any(|it| name.contains(it));
    let mut talking = names.iter().filter(|name| !embeds(name));
    talking.clone().find(codes).or_else(|| talking.next())
}

/// What a look at a model's server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// There is no server.
    NoServer,
    /// It answers.
    Answers {
        /// Whether it lists the model; unknown where it lists nothing.
        lists_model: Option<bool>,
        /// Some of what it lists, where that is not the model.
        listed: Vec<String>,
    },
    /// It answers, and wants a key, or another one.
    WantsKey,
    /// It does not answer as a model's server does.
    Odd {
        /// What it said.
        reason: String,
    },
    /// It cannot be reached.
    Unreachable {
        /// Why.
        reason: String,
    },
    /// It was not asked: its key cannot be read.
    NoKey {
        /// Why, and what to do.
        remedy: String,
    },
}

/// Asks a model's server for the list of its models, which costs nothing.
pub async fn look(
    config: &ModelConfig,
    http: &reqwest::Client,
    variable: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Look {
    let Some((provider, model)) = provider(config) else { return Look::NoServer };
    let key = match key(model, provider, &variable) {
        Ok(key) => key,
        Err(remedy) => return Look::NoKey { remedy },
    };
    let Some(request) = list_request(provider, model, key.value.as_ref(), http) else {
        return Look::Odd { reason: "its address cannot be used".to_owned() };
    };
    let limit = Duration::from_millis(MODEL_LIST_TIMEOUT_MS);
    match tokio::time::timeout(limit, list(request, key.value.as_ref())).await {
        Err(_) => Look::Unreachable { reason: format!("no answer within {MODEL_LIST_TIMEOUT_MS} ms") },
        Ok(Err(reason)) => Look::Unreachable { reason },
        Ok(Ok((status, listed))) => judged(status, listed, &model.model),
    }
}

/// Where the server is, for people.
pub fn address(config: &ModelConfig) -> Option<String> {
    let (provider, model) = provider(config)?;
    let base = model.base_url.as_deref().unwrap_or(provider.base_url);
    Some(reqwest::Url::parse(base).ok()?.origin().ascii_serialization())
}

fn judged(status: StatusCode, listed: Option<Listed>, model: &str) -> Look {
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Look::WantsKey;
    }
    let names = listed.map(|listed| listed.names).unwrap_or_default();
    match status.is_success() {
        // Many servers speak one endpoint and have no list.
        false if status == StatusCode::NOT_FOUND => Look::Answers { lists_model: None, listed: Vec::new() },
        false => Look::Odd { reason: format!("it says {status}") },
        true if names.is_empty() => Look::Answers { lists_model: None, listed: Vec::new() },
        true if names.iter().any(|name| is_same(name, model)) => {
            Look::Answers { lists_model: Some(true), listed: Vec::new() }
        }
        true => {
            let listed = names.into_iter().take(MODELS_LISTED_MAX).collect();
            Look::Answers { lists_model: Some(false), listed }
        }
    }
}

/// Lists name snapshots and tags where people name the model.
fn is_same(listed: &str, model: &str) -> bool {
    let listed = listed.strip_prefix("models/").unwrap_or(listed);
    let model = model.strip_prefix("models/").unwrap_or(model);
    let dated = |rest: &str| {
        rest.strip_prefix('-')
            .is_some_and(|it| it.len() >= 8 && it.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
    };
    listed == model || listed.strip_prefix(model).is_some_and(|rest| rest == ":latest" || dated(rest))
}

fn list_request(
    provider: &WireProvider,
    config: &HttpModelConfig,
    key: Option<&SecretString>,
    http: &reqwest::Client,
) -> Option<reqwest::RequestBuilder> {
    let (endpoint, query): (fn(&str) -> String, _) = match provider.api {
        "Ollama" => (|_| "/tags".to_owned(), None),
        "Gemini" => (|_| "/models".to_owned(), Some("pageSize=1000")),
        "Anthropic Messages" => (|_| "/models".to_owned(), Some("limit=1000")),
        _ => (|_| "/models".to_owned(), None),
    };
    let base = config.base_url.as_deref().unwrap_or(provider.base_url);
    let url = call::endpoint(base, &WireProvider { endpoint, query, ..*provider }, "")?;
    let mut headers = HeaderMap::new();
    for (name, value) in provider.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Some(key) = key {
        let (name, value) = (provider.key_header)(&url, key.expose_secret());
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Some(http.get(url).headers(headers))
}

/// A list of models, whichever of the three forms it has.
struct Listed {
    names: Vec<String>,
    /// Who serves them, where that is said.
    owner: Option<String>,
}

async fn list(
    request: reqwest::RequestBuilder,
    key: Option<&SecretString>,
) -> Result<(StatusCode, Option<Listed>), String> {
    let said = |error: reqwest::Error| {
        let said = super::explanation::cause(&error.without_url());
        key.map_or(said.clone(), |key| said.replace(key.expose_secret(), "[key]"))
    };
    let response = request.send().await.map_err(said)?;
    let status = response.status();
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(said)?);
        if body.len() > MODEL_LIST_BYTES_MAX {
            return Ok((status, None));
        }
    }
    Ok((status, serde_json::from_slice(&body).ok().and_then(|body| listed(&body))))
}

fn listed(body: &Value) -> Option<Listed> {
    let models = body.get("data").or_else(|| body.get("models"))?.as_array()?;
    let text = |model: &Value, names: &[&str]| {
        names.iter().find_map(|name| Some(model.get(name)?.as_str()?.to_owned()))
    };
    Some(Listed {
        names: models.iter().filter_map(|model| text(model, &["id", "name"])).collect(),
        owner: models.first().and_then(|model| text(model, &["owned_by"])),
    })
}

#[cfg(test)]
mod tests;
