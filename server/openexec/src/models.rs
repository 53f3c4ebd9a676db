//! Model adapters: one per wire API, behind one trait. Switching changes nothing else.
//!
//! An adapter translates; it does not decide, does not log prompts, and keeps no key longer
//! than its configuration lives. Dropping the future of a call closes the socket.

mod anthropic_messages;
mod call;
mod certificate;
mod command_line;
mod conversation;
mod document;
mod explanation;
mod framing;
mod gemini;
mod http_model;
mod keys;
mod network;
mod ollama;
mod openai_chat;
mod openai_responses;
mod presence;
mod refusal;
mod retry_after;
mod scripted;
#[cfg(test)]
mod tests;

pub use keys::{KeyringError, key_in_keyring, key_names, key_source, remove_key, store_key};
pub use network::{NetworkError, http_client};
pub use presence::{AtHand, Look, address, look, model_at_hand};
pub use scripted::{connect_recorded, connect_scripted, connect_scripted_text};

use crate::config::{HttpModelConfig, KeySource, ModelConfig};
use crate::limits::{
    MODEL_FIRST_BYTE_TIMEOUT_MS, MODEL_IDLE_TIMEOUT_MS, MODEL_RETRY_DELAY_MS, MODEL_RETRY_DELAY_MS_MAX,
    MODEL_TOTAL_TIMEOUT_MS,
};
use async_trait::async_trait;
use call::Key;
use http_model::{HttpModel, Provider, WireApi};
use openexec_engine::ids::ModelName;
use openexec_engine::model::{ModelError, ModelReply, ModelRequest};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// What arrives while a reply is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelProgress {
    /// Bytes of reply received so far.
    Received {
        /// In total.
        bytes: usize,
    },
    /// The call is tried again.
    Retrying {
        /// Which attempt comes next, counted from 1.
        attempt: usize,
        /// Why.
        reason: String,
        /// After how many milliseconds.
        wait_ms: u64,
    },
}

/// A model.
#[async_trait]
pub trait Model: Send + Sync {
    /// For people: `claude-… through Anthropic Messages`, `scripted replies from demo.yaml`.
    fn describe(&self) -> String;

    /// What would be sent, without the key: the body as it goes over the wire, or the prompt of
    /// a command-line tool. What sends nothing shows the request in our own terms.
    fn preview(&self, request: &ModelRequest) -> String {
        serde_json::to_string_pretty(request).unwrap_or_else(|error| format!("it cannot be shown: {error}"))
    }

    /// One reply. Dropping the future cancels the call at once.
    async fn complete(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError>;
}

/// How long a call waits, and between attempts. The time to connect belongs to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the first byte of a reply.
    pub first_byte: Duration,
    /// Between two bytes of a reply.
    pub idle: Duration,
    /// For the whole call, all attempts and the waits between them included.
    pub total: Duration,
    /// Before the second attempt; doubled for each further one.
    pub retry_delay: Duration,
    /// The longest wait between two attempts that the server did not ask for.
    pub retry_delay_max: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_millis(MODEL_FIRST_BYTE_TIMEOUT_MS),
            idle: Duration::from_millis(MODEL_IDLE_TIMEOUT_MS),
            total: Duration::from_millis(MODEL_TOTAL_TIMEOUT_MS),
            retry_delay: Duration::from_millis(MODEL_RETRY_DELAY_MS),
            retry_delay_max: Duration::from_millis(MODEL_RETRY_DELAY_MS_MAX),
        }
    }
}

/// Connects a configured model. Reads its key from the environment or the keyring.
///
/// # Errors
/// When the key is not there, or the script cannot be read.
pub fn connect(
    name: &ModelName,
    config: &ModelConfig,
    http: &reqwest::Client,
) -> Result<Arc<dyn Model>, ModelError> {
    connect_with(name, config, http, Timeouts::default(), &|variable| std::env::var(variable).ok())
}

/// Connects a configured model with other timeouts and another source of keys. `variable`
/// gives the value of an environment variable.
///
/// # Errors
/// As [`connect`].
pub fn connect_with(
    name: &ModelName,
    config: &ModelConfig,
    http: &reqwest::Client,
    timeouts: Timeouts,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Arc<dyn Model>, ModelError> {
    let not_configured = |remedy| ModelError::NotConfigured { model: name.clone(), remedy };
    let way = Way { http, timeouts, variable };
    match config {
        ModelConfig::AnthropicMessages(config) => {
            way.to::<anthropic_messages::AnthropicMessages>(config, None)
        }
        ModelConfig::OpenaiChat(config) => way.to::<openai_chat::OpenaiChat>(config, None),
        ModelConfig::OpenaiResponses(config) => way.to::<openai_responses::OpenaiResponses>(config, None),
        ModelConfig::Gemini(config) => way.to::<gemini::Gemini>(config, None),
        ModelConfig::Ollama { http: config, num_ctx } => way.to::<ollama::Ollama>(config, *num_ctx),
        ModelConfig::CommandLine(config) => {
            return Ok(Arc::new(command_line::CommandLine::new(config, timeouts, variable)));
        }
        ModelConfig::Scripted { file } => return connect_scripted(file),
    }
    .map_err(not_configured)
}

/// What the way to a model's server is made of.
struct Way<'a> {
    http: &'a reqwest::Client,
    timeouts: Timeouts,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Way<'_> {
    /// The model behind a wire API, or the remedy.
    fn to<A: WireApi>(
        &self,
        config: &HttpModelConfig,
        num_ctx: Option<u32>,
    ) -> Result<Arc<dyn Model>, String> {
        let key = key(config, &A::PROVIDER, self.variable)?;
        let wire = call::Wire::new(self.http.clone(), config, &A::PROVIDER, key, self.timeouts)?;
        Ok(Arc::new(HttpModel::<A>::new(config, num_ctx, wire)))
    }
}

/// What a model's wire API is, and where and which the model is; none where it has no server.
fn provider(config: &ModelConfig) -> Option<(&'static Provider, &HttpModelConfig)> {
    match config {
        ModelConfig::AnthropicMessages(http) => {
            Some((&anthropic_messages::AnthropicMessages::PROVIDER, http))
        }
        ModelConfig::OpenaiChat(http) => Some((&openai_chat::OpenaiChat::PROVIDER, http)),
        ModelConfig::OpenaiResponses(http) => Some((&openai_responses::OpenaiResponses::PROVIDER, http)),
        ModelConfig::Gemini(http) => Some((&gemini::Gemini::PROVIDER, http)),
        ModelConfig::Ollama { http, .. } => Some((&ollama::Ollama::PROVIDER, http)),
        ModelConfig::CommandLine(_) | ModelConfig::Scripted { .. } => None,
    }
}

/// The key, or the remedy. The provider's own variable is read only for the provider's own
/// address: no other server is sent a key that the user did not name for it.
fn key(
    config: &HttpModelConfig,
    provider: &Provider,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Key, String> {
    let own = || keys::own_variable(provider, config.base_url.as_deref());
    let name = match config.key.clone().or_else(own) {
        None => {
            let name =
                "whether it wants a key: none was sent, as neither `key_env` nor `key_keyring` names one"
                    .to_owned();
            return Ok(Key { value: None, name });
        }
        Some(KeySource::Keyring(named)) => {
            let value = key_in_keyring(&named).map_err(|error| error.to_string())?;
            let name = format!("the key `{named}` in the system's keyring, and what it may be used for");
            return Ok(Key { value: Some(value), name });
        }
        Some(KeySource::Variable(name)) => name,
    };
    let value = variable(&name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| {
        format!(
            "set the environment variable `{name}` to its key, where the editor or the terminal is started"
        )
    })?;
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "the environment variable `{name}` holds characters that no key has; copy the key again"
        ));
    }
    let name = format!("the key in the environment variable `{name}`, and what it may be used for");
    Ok(Key { value: Some(SecretString::from(value)), name })
}
