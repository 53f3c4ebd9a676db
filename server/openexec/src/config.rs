//! User scope: where files lie, which models there are. Nothing of this comes from a repository.

use openexec_engine::ids::ModelName;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where user scope lies.
#[derive(Debug, Clone)]
pub struct UserDirs {
    /// `$XDG_CONFIG_HOME/openexec`.
    pub config: PathBuf,
    /// `$XDG_STATE_HOME/openexec`.
    pub state: PathBuf,
}

/// The user's configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserConfig {
    /// The model where nothing else is said.
    pub default_model: Option<ModelName>,
    /// The models, by the user's own names.
    pub models: BTreeMap<ModelName, ModelConfig>,
    /// The most tokens of one context pack.
    pub context_tokens: Option<usize>,
    /// Run tasks although no sandbox can be built here.
    pub allow_unsandboxed_tasks: bool,
}

/// One model.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "api", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelConfig {
    /// Anthropic's Messages API.
    AnthropicMessages(HttpModelConfig),
    /// OpenAI's Chat Completions API and everything compatible with it: Ollama, llama.cpp, vLLM.
    OpenaiChat(HttpModelConfig),
    /// Typed replies from a file. Not a model: for demonstrations and tests.
    Scripted {
        /// The file.
        file: PathBuf,
    },
}

/// A model behind HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpModelConfig {
    /// The provider's name of the model.
    pub model: String,
    /// Where; the provider's own address when absent.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The environment variable that holds the key. The key itself never stands in a file.
    #[serde(default)]
    pub key_env: Option<String>,
    /// The most tokens of one reply.
    #[serde(default)]
    pub output_tokens_max: Option<u32>,
}

impl UserDirs {
    /// From `XDG_CONFIG_HOME`, `XDG_STATE_HOME` and `HOME`.
    ///
    /// # Errors
    /// When none of them is set.
    pub fn from_environment() -> anyhow::Result<Self> {
        todo!()
    }
}

impl UserConfig {
    /// Reads `config.yaml`; an absent file is an empty configuration.
    ///
    /// # Errors
    /// With file, line, column and remedy.
    pub fn load(_dirs: &UserDirs) -> anyhow::Result<Self> {
        todo!()
    }
}
