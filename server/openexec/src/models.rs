//! Model adapters: one per wire API, behind one trait. Switching changes nothing else.
//!
//! An adapter translates; it does not decide, does not log prompts, and keeps no key longer
//! than its configuration lives. Dropping the future of a call closes the socket.

mod anthropic_messages;
mod call;
mod conversation;
mod explanation;
mod framing;
mod gemini;
mod keys;
mod network;
mod ollama;
mod openai_chat;
mod openai_responses;
mod presence;
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
    },
}

/// A model.
#[async_trait]
pub trait Model: Send + Sync {
    /// For people: `claude-… through Anthropic Messages`, `scripted replies from demo.yaml`.
    fn describe(&self) -> String;

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
    let wire = |config: &HttpModelConfig, provider: &Provider| {
        let key = key(config, provider, variable)?;
        call::Wire::new(http.clone(), config, provider, key, timeouts)
    };
    let not_configured = |remedy| ModelError::NotConfigured { model: name.clone(), remedy };
    match config {
        ModelConfig::AnthropicMessages(config) => {
            let wire = wire(config, &anthropic_messages::PROVIDER).map_err(not_configured)?;
            Ok(Arc::new(anthropic_messages::AnthropicMessages::new(config, wire)))
        }
        ModelConfig::OpenaiChat(config) => {
            let wire = wire(config, &openai_chat::PROVIDER).map_err(not_configured)?;
            Ok(Arc::new(openai_chat::OpenaiChat::new(config, wire)))
        }
        ModelConfig::OpenaiResponses(config) => {
            let wire = wire(config, &openai_responses::PROVIDER).map_err(not_configured)?;
            Ok(Arc::new(openai_responses::OpenaiResponses::new(config, wire)))
        }
        ModelConfig::Gemini(config) => {
            let wire = wire(config, &gemini::PROVIDER).map_err(not_configured)?;
            Ok(Arc::new(gemini::Gemini::new(config, wire)))
        }
        ModelConfig::Ollama { http: config, num_ctx } => {
            let wire = wire(config, &ollama::PROVIDER).map_err(not_configured)?;
            Ok(Arc::new(ollama::Ollama::new(config, *num_ctx, wire)))
        }
        ModelConfig::CommandLine(_) => {
            Err(not_configured("command-line tools are not served yet".to_owned()))
        }
        ModelConfig::Scripted { file } => connect_scripted(file),
    }
}

/// What differs between wire APIs before anything is sent.
struct Provider {
    /// The API's name, for people.
    api: &'static str,
    /// The provider's own address.
    base_url: &'static str,
    /// The variable that holds the key for the provider's own address; none when it takes none.
    key_env: Option<&'static str>,
    /// What stands before the endpoint where an address does not say it: the API's version.
    version: &'static str,
    /// The endpoint of a model, below the API's version.
    endpoint: fn(&str) -> String,
    /// What every address ends with.
    query: Option<&'static str>,
    /// Puts a key for an address into a header's name and value.
    key_header: fn(&reqwest::Url, &str) -> (&'static str, String),
    /// Headers that never change.
    headers: &'static [(&'static str, &'static str)],
    /// How its replies are cut into events.
    framing: framing::Framing,
}

/// What a model's wire API is, and where and which the model is; none where it has no server.
fn provider(config: &ModelConfig) -> Option<(&'static Provider, &HttpModelConfig)> {
    match config {
        ModelConfig::AnthropicMessages(http) => Some((&anthropic_messages::PROVIDER, http)),
        ModelConfig::OpenaiChat(http) => Some((&openai_chat::PROVIDER, http)),
        ModelConfig::OpenaiResponses(http) => Some((&openai_responses::PROVIDER, http)),
        ModelConfig::Gemini(http) => Some((&gemini::PROVIDER, http)),
        ModelConfig::Ollama { http, .. } => Some((&ollama::PROVIDER, http)),
        ModelConfig::CommandLine(_) | ModelConfig::Scripted { .. } => None,
    }
}

/// The key, or the remedy. The provider's own variable is read only for the provider's own
/// address: no other server is sent a key that the user did not name for it.
fn key(
    config: &HttpModelConfig,
    provider: &Provider,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<SecretString>, String> {
    let own = || keys::own_variable(provider, config.base_url.as_deref());
    let name = match config.key.clone().or_else(own) {
        None => return Ok(None),
        Some(KeySource::Keyring(name)) => {
            return key_in_keyring(&name).map(Some).map_err(|error| error.to_string());
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
    Ok(Some(SecretString::from(value)))
}
