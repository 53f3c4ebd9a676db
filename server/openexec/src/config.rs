//! User scope: where files lie, which models there are. Nothing of this comes from a repository.
//!
//! It must not open a database, call a model or read a key: it only says where they are.

mod known;
mod limits;
mod money;
mod network;
mod read;
mod roles;
mod unconfigured;

pub use known::{FREE, Facts};
pub use money::dollars;
pub use read::is_keyring_name;
pub use unconfigured::{LocalServers, Provider};

use openexec_engine::budget::{Budget, Price};
use openexec_engine::digest::Digest;
use openexec_engine::ids::ModelName;
use openexec_engine::model::ChosenModel;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The prefix of a model's name that needs no configuration: `scripted:FILE`.
pub const SCRIPTED_PREFIX: &str = "scripted:";

/// The prefix of a model's name that answers from the journal of the same workspace:
/// `recorded:RUN`.
pub const RECORDED_PREFIX: &str = "recorded:";

/// Where Ollama listens unless it is told otherwise.
pub const OLLAMA_ADDRESS: &str = "http://127.0.0.1:11434";

/// The one parameter that an address may carry: Azure names the version of its API in it.
pub const AZURE_VERSION: &str = "api-version";

/// Hexadecimal digits of a workspace's directory name.
const WORKSPACE_NAME_DIGITS: usize = 16;

/// Where user scope lies.
#[derive(Debug, Clone)]
pub struct UserDirs {
    /// `$XDG_CONFIG_HOME/openexec`.
    pub config: PathBuf,
    /// `$XDG_STATE_HOME/openexec`.
    pub state: PathBuf,
}

/// The user's configuration.
#[derive(Debug, Clone, Default)]
pub struct UserConfig {
    /// The model where nothing else is said.
    pub default_model: Option<ModelName>,
    /// The models, by the user's own names.
    pub models: BTreeMap<ModelName, ModelConfig>,
    /// The most tokens of one context pack.
    pub context_tokens: Option<usize>,
    /// Run tasks although no sandbox can be built here.
    pub allow_unsandboxed_tasks: bool,
    /// Which model does what.
    pub roles: Roles,
    /// What models may cost.
    pub budget: Budget,
    /// Wait for a yes before each request to a model.
    pub approve_requests: bool,
    /// Whether editors show at symbols what is known about them; they do when it is absent.
    pub annotations: Option<bool>,
    /// How models are reached.
    pub network: NetworkConfig,
    /// Where the servers of this machine are that need no entry.
    pub local_servers: LocalServers,
}

/// Which model does what, where it is not the default model.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// Stages that may edit.
    pub implement: Option<ModelName>,
    /// Stages that may only read.
    pub review: Option<ModelName>,
    /// Refines what a request is about; on this machine.
    pub router: Option<ModelName>,
    /// Everything of a run that touches what may only go to a local model; on this machine.
    pub sensitive: Option<ModelName>,
}

/// How models are reached, where the environment does not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkConfig {
    /// The proxy for all models that are not on this machine.
    pub proxy: Option<String>,
    /// A PEM file of certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// One model.
#[derive(Debug, Clone)]
pub enum ModelConfig {
    /// Anthropic's Messages API.
    AnthropicMessages(HttpModelConfig),
    /// OpenAI's Chat Completions API and everything compatible with it: Ollama, llama.cpp, vLLM.
    OpenaiChat(HttpModelConfig),
    /// OpenAI's Responses API.
    OpenaiResponses(HttpModelConfig),
    /// Google's Gemini API.
    Gemini(HttpModelConfig),
    /// Ollama's own API.
    Ollama {
        /// Where and which.
        http: HttpModelConfig,
        /// The context window in tokens; the server's own default when absent.
        num_ctx: Option<u32>,
    },
    /// A command-line tool with a login of its own.
    CommandLine(CommandLineConfig),
    /// Typed replies from a file. Not a model: for demonstrations and tests.
    Scripted {
        /// The file.
        file: PathBuf,
    },
}

/// A model behind HTTP.
#[derive(Debug, Clone, Default)]
pub struct HttpModelConfig {
    /// The provider's name of the model.
    pub model: String,
    /// Where; the provider's own address when absent.
    pub base_url: Option<String>,
    /// Where the key is. The key itself never stands in a file.
    pub key: Option<KeySource>,
    /// The most tokens of one reply.
    pub output_tokens_max: Option<u32>,
    /// How actions are asked for.
    pub output: OutputForm,
    /// Tokens that a request and its reply may have together, where ours is not known or wrong.
    pub window_tokens: Option<u64>,
    /// What its tokens cost, where ours is not known or wrong.
    pub price: Option<Price>,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In an environment variable of this name.
    Variable(String),
    /// In the system's keyring, under this name.
    Keyring(String),
}

/// How actions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputForm {
    /// As tool calls.
    #[default]
    ToolCalls,
    /// As one JSON document, which the server keeps to a schema. For local models, whose tool
    /// calls are often malformed.
    JsonSchema,
}

/// A command-line tool that answers one prompt. Its own tools are switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLineConfig {
    /// Which.
    pub tool: CommandLineTool,
    /// The program; looked for by its usual name when absent.
    pub program: Option<PathBuf>,
    /// The tool's name of the model; its own default when absent.
    pub model: Option<String>,
}

/// The command-line tools that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandLineTool {
    /// `claude -p`.
    Claude,
    /// `codex exec`.
    Codex,
    /// `gemini -p`.
    Gemini,
}

impl UserDirs {
    /// From `XDG_CONFIG_HOME`, `XDG_STATE_HOME` and `HOME`, as the XDG Base Directory
    /// Specification 0.8 has it: a relative path in the first two is ignored.
    ///
    /// # Errors
    /// When none of them is set.
    pub fn from_environment() -> anyhow::Result<Self> {
        Self::from_variables(|name| std::env::var_os(name), std::env::home_dir())
    }

    fn from_variables(
        variable: impl Fn(&str) -> Option<OsString>,
        home: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let home = home.filter(|home| home.is_absolute());
        let base = |name: &str, below_home: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .or_else(|| home.as_ref().map(|home| home.join(below_home)))
                .map(|base| base.join("openexec"))
                .ok_or_else(|| {
                    anyhow::anyhow!(
                        "there is no place for OpenExec's own files: set `HOME`, or `{name}` to an absolute path"
                    )
                })
        };
        Ok(Self {
            config: base("XDG_CONFIG_HOME", ".config")?,
            state: base("XDG_STATE_HOME", ".local/state")?,
        })
    }

    /// The user's configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.config.join("config.yaml")
    }

    /// The user's own policy file.
    pub fn policy_path(&self) -> PathBuf {
        self.config.join("policy.yaml")
    }

    /// The database of what the user has trusted. One for all workspaces.
    pub fn trust_path(&self) -> PathBuf {
        self.state.join("trust.db")
    }

    /// The database of what calls to models have taken. One for all workspaces.
    pub fn spending_path(&self) -> PathBuf {
        self.state.join("spending.db")
    }

    /// The directory that holds all state of one workspace. It is named by the workspace's
    /// canonical root, so that two spellings of one root share their state.
    pub fn workspace_path(&self, root: &Path) -> PathBuf {
        // A root that does not exist (any more) cannot be made canonical; its own spelling names it.
        let canonical = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        let digest = Digest::of(canonical.as_os_str().as_encoded_bytes()).to_hex();
        let name: String = digest.chars().take(WORKSPACE_NAME_DIGITS).collect();
        self.state.join("workspaces").join(name)
    }

    /// The workspace's database: journal and memory.
    pub fn store_path(&self, root: &Path) -> PathBuf {
        self.workspace_path(root).join("state.db")
    }

    /// The database of what is known of the workspace's files. It can be deleted at any time.
    pub fn index_path(&self, root: &Path) -> PathBuf {
        self.workspace_path(root).join("index.db")
    }

    /// The directory below which the workspace's shadows are prepared.
    pub fn shadow_path(&self, root: &Path) -> PathBuf {
        self.workspace_path(root).join("shadow")
    }
}

impl ModelConfig {
    /// True when what is sent to the model stays on this machine: scripted replies, and servers
    /// on the loopback interface. Where such a server sends it on to is the user's business.
    pub fn is_local(&self) -> bool {
        match self {
            Self::AnthropicMessages(http)
            | Self::OpenaiChat(http)
            | Self::OpenaiResponses(http)
            | Self::Gemini(http) => http.base_url.as_deref().is_some_and(read::leads_to_loopback),
            Self::Ollama { http, .. } => {
                read::leads_to_loopback(http.base_url.as_deref().unwrap_or(OLLAMA_ADDRESS))
            }
            Self::CommandLine(_) => false,
            Self::Scripted { .. } => true,
        }
    }
}

impl UserConfig {
    /// The model of this name: a configured one, or one whose name says all that is needed,
    /// such as `ollama:qwen3` or `anthropic:claude-sonnet-5`.
    pub fn model(&self, name: &ModelName) -> Option<Cow<'_, ModelConfig>> {
        let configured = self.models.get(name).map(Cow::Borrowed);
        configured.or_else(|| unconfigured::named(name.as_str(), &self.local_servers).map(Cow::Owned))
    }

    /// True when the model of this name runs on this machine.
    pub fn is_local(&self, model: &ModelName) -> bool {
        is_told(model.as_str()) || self.model(model).is_some_and(|model| model.is_local())
    }

    /// What is known of the model of this name.
    pub fn facts(&self, model: &ModelName) -> Facts {
        match is_told(model.as_str()) {
            true => Facts { price: Some(FREE), ..Facts::default() },
            false => self.model(model).map(|model| model.facts()).unwrap_or_default(),
        }
    }

    /// The model of this name, as a run freezes it.
    ///
    /// # Errors
    /// When a limit in money is set and nobody knows what the model costs.
    pub fn chosen(&self, name: ModelName) -> anyhow::Result<ChosenModel> {
        let facts = self.facts(&name);
        if facts.price.is_none() && limits::is_of_money(&self.budget) && self.model(&name).is_some() {
            anyhow::bail!(
                "the budget in US dollars cannot be kept with the model `{name}`, as its price is not known; describe it under `models` with `price: {{input: …, output: …}}`, or choose another model"
            );
        }
        Ok(ChosenModel {
            is_local: self.is_local(&name),
            window_tokens: facts.window_tokens,
            output_tokens_max: facts.output_tokens_max,
            price: facts.price,
            vocabulary: self.model(&name).map(|model| model.vocabulary()).unwrap_or_default(),
            name,
        })
    }

    /// Reads `config.yaml`; an absent file is an empty configuration.
    ///
    /// # Errors
    /// With file, line, column and remedy.
    pub fn load(dirs: &UserDirs) -> anyhow::Result<Self> {
        let local_servers = LocalServers::from_variables(|name| std::env::var(name).ok());
        read::config(&dirs.config_path(), local_servers)
    }

    /// Reads a text as if it stood in `path`: what somebody writes and has not saved.
    ///
    /// # Errors
    /// With file, line, column and remedy.
    pub fn of_text(path: &Path, text: &str) -> anyhow::Result<Self> {
        read::of_text(path, text, LocalServers::from_variables(|name| std::env::var(name).ok()))
    }
}

/// True for names of what answers from a file or a journal, and is sent nothing.
fn is_told(name: &str) -> bool {
    [SCRIPTED_PREFIX, RECORDED_PREFIX].iter().any(|prefix| name.starts_with(prefix))
}

/// The JSON Schema of `config.yaml`, generated from the types that parse it.
pub fn json_schema() -> serde_json::Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<read::ConfigFile>().to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs(variables: &[(&str, &str)], home: Option<&str>) -> anyhow::Result<UserDirs> {
        UserDirs::from_variables(
            |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)),
            home.map(PathBuf::from),
        )
    }

    #[test]
    fn xdg_goes_before_home() {
        let found = dirs(&[("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")], Some("/home/u")).unwrap();
        assert_eq!((found.config, found.state), ("/c/openexec".into(), "/s/openexec".into()));
        let found = dirs(&[], Some("/home/u")).unwrap();
        assert_eq!(found.config_path(), Path::new("/home/u/.config/openexec/config.yaml"));
        assert_eq!(found.trust_path(), Path::new("/home/u/.local/state/openexec/trust.db"));
    }

    #[test]
    fn a_relative_path_is_ignored_and_nothing_at_all_is_an_error() {
        let found = dirs(&[("XDG_STATE_HOME", "state")], Some("/home/u")).unwrap();
        assert_eq!(found.state, Path::new("/home/u/.local/state/openexec"));
        let error = dirs(&[("XDG_CONFIG_HOME", "c")], None).unwrap_err().to_string();
        assert!(error.contains("set `HOME`, or `XDG_CONFIG_HOME`"), "{error}");
    }

    #[test]
    fn spellings_of_one_root_share_their_state() {
        let found = dirs(&[], Some("/home/u")).unwrap();
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("a")).unwrap();
        let plain = found.workspace_path(&root.path().join("a"));
        assert_eq!(plain, found.workspace_path(&root.path().join("a/../a/.")));
        assert_ne!(plain, found.workspace_path(root.path()));
        let name = plain.file_name().unwrap().to_str().unwrap();
        assert!(name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        assert_eq!(found.store_path(&root.path().join("a")), plain.join("state.db"));
        assert_eq!(found.shadow_path(&root.path().join("a")), plain.join("shadow"));
    }
}
