//! Reads `config.yaml`. The wire types keep positions, so that every error can name its place.

use super::limits::{BudgetEntry, PriceEntry, budget, every_price_is_known};
use super::network::{NetworkEntry, network};
use super::roles::{RolesEntry, resolvable, roles};
use super::{
    AZURE_VERSION, CommandLineConfig, CommandLineTool, HttpModelConfig, KeySource, LocalServers, ModelConfig,
    OutputForm, UserConfig,
};
use anyhow::{Context as _, anyhow, bail};
use openexec_engine::ids::ModelName;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// `~/.config/openexec/config.yaml`: the user's models and defaults.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfigFile {
    /// The model where nothing else is said.
    #[schemars(with = "Option<String>")]
    default_model: Option<Spanned<String>>,
    /// The models, by names of your own.
    #[schemars(with = "BTreeMap<String, ModelEntry>")]
    models: BTreeMap<ModelName, ModelEntry>,
    /// Which model does what, where it is not the default model.
    roles: RolesEntry,
    /// What models may cost.
    budget: BudgetEntry,
    /// Wait for a yes before each request to a model.
    approve_requests: bool,
    /// Show in editors, at symbols, what is known about them: which run changed them, and why.
    annotations: Option<bool>,
    /// How models are reached that are not on this machine.
    network: NetworkEntry,
    /// The most tokens of one context pack.
    #[schemars(with = "Option<usize>", range(min = 1))]
    context_tokens: Option<Spanned<usize>>,
    /// Run tasks although no sandbox can be built here.
    allow_unsandboxed_tasks: bool,
}

/// One model.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    /// What is spoken with it.
    #[schemars(with = "Api")]
    api: Spanned<Api>,
    /// The provider's name of the model.
    #[schemars(with = "Option<String>")]
    model: Option<Spanned<String>>,
    /// Where it is, if not at the provider's own address.
    #[schemars(with = "Option<String>")]
    base_url: Option<Spanned<String>>,
    /// The environment variable that holds its key. The key itself never stands in a file.
    #[schemars(with = "Option<String>", regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    key_env: Option<Spanned<String>>,
    /// The name of its key in the system's keyring: `openexec key set NAME`.
    #[schemars(with = "Option<String>", regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    key_keyring: Option<Spanned<String>>,
    /// The most tokens of one reply.
    #[schemars(with = "Option<u32>", range(min = 1))]
    output_tokens_max: Option<Spanned<u32>>,
    /// Tokens that a request and its reply may have together, where that is not known or wrong.
    #[schemars(with = "Option<u64>", range(min = 1))]
    window_tokens: Option<Spanned<u64>>,
    /// What its tokens cost, where that is not known or wrong.
    price: Option<PriceEntry>,
    /// Ollama only: the context window that it is asked for, in tokens.
    #[schemars(with = "Option<u32>", range(min = 1))]
    num_ctx: Option<Spanned<u32>>,
    /// Scripted only: the YAML file of replies.
    #[schemars(with = "Option<String>")]
    file: Option<Spanned<PathBuf>>,
    /// How it is asked for actions.
    #[schemars(with = "Option<Output>")]
    output: Option<Spanned<Output>>,
    /// Command-line tools only: the program, if not the tool's usual name.
    #[schemars(with = "Option<String>")]
    program: Option<Spanned<PathBuf>>,
}

/// How a model is asked for actions.
#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Output {
    /// As tool calls.
    ToolCalls,
    /// As one JSON document, which the server keeps to a schema.
    JsonSchema,
}

/// What is spoken with a model.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Api {
    AnthropicMessages,
    OpenaiChat,
    OpenaiResponses,
    Gemini,
    Ollama,
    ClaudeCli,
    CodexCli,
    GeminiCli,
    Scripted,
}

/// What is wrong, where, and what to write instead.
pub(super) struct Fault {
    at: Location,
    what: String,
}

impl Fault {
    pub(super) fn new(at: Location, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

pub(super) fn config(path: &Path, local_servers: LocalServers) -> anyhow::Result<UserConfig> {
    let Some(text) = text(path)? else {
        return Ok(UserConfig { local_servers, ..UserConfig::default() });
    };
    of_text(path, &text, local_servers)
}

/// The configuration that this text is, as if it stood in the file.
pub(super) fn of_text(path: &Path, text: &str, local_servers: LocalServers) -> anyhow::Result<UserConfig> {
    let file: ConfigFile = serde_saphyr::from_str(text).map_err(|error| {
        let at = error.location().unwrap_or(Location::UNKNOWN);
        // The parser's own text ends with the position, which stands in front of ours.
        let said = error.without_snippet().to_string();
        let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
        placed(path, &Fault::new(at, with_remedy(what)))
    })?;
    // What a relative `file` means must not depend on where the editor was started.
    let base = path.parent().unwrap_or(Path::new(""));
    checked(file, base, local_servers).map_err(|fault| placed(path, &fault))
}

fn text(path: &Path) -> anyhow::Result<Option<String>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("could not read `{}`", path.display()));
        }
    };
    let mut text = String::new();
    let read = file.take(CONFIG_BYTES_MAX as u64 + 1).read_to_string(&mut text);
    read.with_context(|| format!("could not read `{}`; it must be UTF-8 text", path.display()))?;
    if text.len() > CONFIG_BYTES_MAX {
        bail!(
            "`{}` is larger than {CONFIG_BYTES_MAX} bytes; it holds models and defaults only",
            path.display()
        );
    }
    Ok(Some(text))
}

fn placed(path: &Path, fault: &Fault) -> anyhow::Error {
    anyhow!("{}:{}:{}: {}", path.display(), fault.at.line().max(1), fault.at.column().max(1), fault.what)
}

fn with_remedy(what: &str) -> String {
    const KEY_FIELDS: [&str; 7] = ["key", "api_key", "apikey", "apiKey", "token", "secret", "password"];
    if KEY_FIELDS.iter().any(|field| what.starts_with(&format!("unknown field `{field}`"))) {
        return format!(
            "{what}; a key never stands in a file: put it into an environment variable and write that variable's name as `key_env`, or into the keyring with `openexec key set NAME` and write that name as `key_keyring`"
        );
    }
    what.to_owned()
}

fn checked(file: ConfigFile, base: &Path, local_servers: LocalServers) -> Result<UserConfig, Fault> {
    let mut models = BTreeMap::new();
    for (name, entry) in file.models {
        models.insert(name, model(entry, base)?);
    }
    let default_model = file.default_model.map(|name| resolvable(name, &models)).transpose()?;
    if let Some(tokens) = file.context_tokens.as_ref().filter(|tokens| tokens.value == 0) {
        return Err(Fault::new(
            tokens.referenced,
            "`context_tokens` must be at least 1; remove it for the default",
        ));
    }
    every_price_is_known(&file.budget, &models)?;
    Ok(UserConfig {
        default_model,
        roles: roles(file.roles, &models, &local_servers)?,
        budget: budget(&file.budget)?,
        approve_requests: file.approve_requests,
        annotations: file.annotations,
        network: network(file.network, base)?,
        models,
        context_tokens: file.context_tokens.map(|tokens| tokens.value),
        allow_unsandboxed_tasks: file.allow_unsandboxed_tasks,
        local_servers,
    })
}

fn model(entry: ModelEntry, base: &Path) -> Result<ModelConfig, Fault> {
    let at = entry.api.referenced;
    match entry.api.value {
        Api::Scripted => scripted(entry, base),
        Api::AnthropicMessages => Ok(ModelConfig::AnthropicMessages(http(entry, at)?)),
        Api::OpenaiChat => Ok(ModelConfig::OpenaiChat(http(entry, at)?)),
        Api::OpenaiResponses => Ok(ModelConfig::OpenaiResponses(http(entry, at)?)),
        Api::Gemini => Ok(ModelConfig::Gemini(http(entry, at)?)),
        Api::Ollama => ollama(entry, at),
        Api::ClaudeCli => command_line(CommandLineTool::Claude, entry, base),
        Api::CodexCli => command_line(CommandLineTool::Codex, entry, base),
        Api::GeminiCli => command_line(CommandLineTool::Gemini, entry, base),
    }
}

fn scripted(entry: ModelEntry, base: &Path) -> Result<ModelConfig, Fault> {
    let foreign = [
        ("model", entry.model.map(|it| it.referenced)),
        ("base_url", entry.base_url.map(|it| it.referenced)),
        ("key_env", entry.key_env.map(|it| it.referenced)),
        ("key_keyring", entry.key_keyring.map(|it| it.referenced)),
        ("window_tokens", entry.window_tokens.map(|it| it.referenced)),
        ("price", entry.price.map(|price| price.at())),
        ("output_tokens_max", entry.output_tokens_max.map(|it| it.referenced)),
        ("num_ctx", entry.num_ctx.map(|it| it.referenced)),
        ("output", entry.output.map(|it| it.referenced)),
        ("program", entry.program.map(|it| it.referenced)),
    ];
    if let Some((name, at)) = foreign.into_iter().find_map(|(name, at)| Some((name, at?))) {
        return Err(Fault::new(at, format!("a scripted model has no `{name}`; it takes `file` only")));
    }
    let file = entry.file.ok_or_else(|| {
        Fault::new(entry.api.referenced, "a scripted model needs `file`, the YAML file of replies")
    })?;
    Ok(ModelConfig::Scripted { file: base.join(file.value) })
}

fn command_line(tool: CommandLineTool, entry: ModelEntry, base: &Path) -> Result<ModelConfig, Fault> {
    let foreign = [
        ("base_url", entry.base_url.map(|it| it.referenced)),
        ("key_env", entry.key_env.map(|it| it.referenced)),
        ("output_tokens_max", entry.output_tokens_max.map(|it| it.referenced)),
        ("num_ctx", entry.num_ctx.map(|it| it.referenced)),
        ("file", entry.file.map(|it| it.referenced)),
        ("output", entry.output.map(|it| it.referenced)),
    ];
    if let Some((name, at)) = foreign.into_iter().find_map(|(name, at)| Some((name, at?))) {
        return Err(Fault::new(
            at,
            format!(
                "a command-line model has no `{name}`: it has a login and settings of its own; it takes `model` and `program` only"
            ),
        ));
    }
    // A bare name is looked for on `PATH`; anything longer lies where it says.
    let program = entry.program.map(|program| match program.value.components().count() {
        0 | 1 => program.value,
        _ => base.join(program.value),
    });
    Ok(ModelConfig::CommandLine(CommandLineConfig { tool, program, model: entry.model.map(|it| it.value) }))
}

fn ollama(mut entry: ModelEntry, at: Location) -> Result<ModelConfig, Fault> {
    let num_ctx = entry.num_ctx.take();
    if let Some(num_ctx) = num_ctx.as_ref().filter(|num_ctx| num_ctx.value == 0) {
        return Err(Fault::new(
            num_ctx.referenced,
            "`num_ctx` must be at least 1; remove it for the server's default",
        ));
    }
    // The address that Ollama's imitation of another API has; its own is found elsewhere.
    let imitates = |base_url: &Spanned<String>| base_url.value.trim_end_matches('/').ends_with("/v1");
    if let Some(base_url) = entry.base_url.as_ref().filter(|base_url| imitates(base_url)) {
        return Err(Fault::new(
            base_url.referenced,
            "Ollama's own API has no `/v1`; remove it from `base_url`, or write `api: openai_chat`",
        ));
    }
    Ok(ModelConfig::Ollama { http: http(entry, at)?, num_ctx: num_ctx.map(|it| it.value) })
}

fn http(entry: ModelEntry, at: Location) -> Result<HttpModelConfig, Fault> {
    if let Some(file) = entry.file {
        return Err(Fault::new(
            file.referenced,
            "only a scripted model has `file`; remove it, or write `api: scripted`",
        ));
    }
    if let Some(program) = entry.program {
        return Err(Fault::new(
            program.referenced,
            "only a command-line model has `program`; remove it, or write `api: claude_cli`, `codex_cli` or `gemini_cli`",
        ));
    }
    if let Some(num_ctx) = entry.num_ctx {
        return Err(Fault::new(
            num_ctx.referenced,
            "only Ollama's own API takes `num_ctx`; remove it, or write `api: ollama`",
        ));
    }
    let model = entry.model.filter(|model| !model.value.trim().is_empty()).ok_or_else(|| {
        Fault::new(at, "`model` is missing: write the provider's name of the model, such as `model: gpt-5`")
    })?;
    if let Some(tokens) = entry.output_tokens_max.as_ref().filter(|tokens| tokens.value == 0) {
        return Err(Fault::new(
            tokens.referenced,
            "`output_tokens_max` must be at least 1; remove it for the default",
        ));
    }
    if let Some(tokens) = entry.window_tokens.as_ref().filter(|tokens| tokens.value == 0) {
        return Err(Fault::new(
            tokens.referenced,
            "`window_tokens` must be at least 1; remove it for what is known of the model",
        ));
    }
    let key = key(entry.key_env, entry.key_keyring)?;
    if let Some(base_url) = &entry.base_url {
        address(&base_url.value, key.is_some()).map_err(|what| Fault::new(base_url.referenced, what))?;
    }
    Ok(HttpModelConfig {
        model: model.value,
        base_url: entry.base_url.map(|it| it.value),
        key,
        output_tokens_max: entry.output_tokens_max.map(|it| it.value),
        window_tokens: entry.window_tokens.map(|it| it.value),
        price: entry.price.map(|price| price.price()).transpose()?,
        output: match entry.output.map(|it| it.value) {
            None | Some(Output::ToolCalls) => OutputForm::ToolCalls,
            Some(Output::JsonSchema) => OutputForm::JsonSchema,
        },
    })
}

/// Where the key is. No text is repeated: it may well be the key itself.
fn key(
    variable: Option<Spanned<String>>,
    keyring: Option<Spanned<String>>,
) -> Result<Option<KeySource>, Fault> {
    match (variable, keyring) {
        (None, None) => Ok(None),
        (Some(_), Some(keyring)) => {
            Err(Fault::new(keyring.referenced, "a model has one key; remove `key_env` or `key_keyring`"))
        }
        (Some(variable), None) if is_variable_name(&variable.value) => {
            Ok(Some(KeySource::Variable(variable.value)))
        }
        (Some(variable), None) => Err(Fault::new(
            variable.referenced,
            "`key_env` is not the name of an environment variable; write the variable's name, such as `key_env: ANTHROPIC_API_KEY`, never the key",
        )),
        (None, Some(keyring)) if is_keyring_name(&keyring.value) => {
            Ok(Some(KeySource::Keyring(keyring.value)))
        }
        (None, Some(keyring)) => Err(Fault::new(
            keyring.referenced,
            "`key_keyring` is not a name for a key: at most 64 letters, digits, `.`, `_` and `-`, and nothing that looks like a key; choose a name, such as `key_keyring: anthropic`, and store the key with `openexec key set anthropic`",
        )),
    }
}

/// A name under which a key can be kept. What looks like a key is none.
pub fn is_keyring_name(text: &str) -> bool {
    const NAME_CHARS_MAX: usize = 64;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.bytes().all(plain)
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.len() <= NAME_CHARS_MAX
        && !looks_like_a_key(text)
}

/// The forms that providers' keys have: a short sign of theirs, or too random to be a name.
fn looks_like_a_key(text: &str) -> bool {
    const SIGNS: [&str; 8] = ["sk-", "sk_", "AIza", "gsk_", "xai-", "ghp_", "github_pat_", "hf_"];
    const RANDOM_CHARS_MIN: usize = 20;
    let words = text.split(['.', '_', '-']);
    let is_random =
        |word: &str| word.len() >= RANDOM_CHARS_MIN && word.bytes().any(|byte| byte.is_ascii_digit());
    SIGNS.iter().any(|sign| text.starts_with(sign)) || words.into_iter().any(is_random)
}

/// POSIX: letters, digits and underscores, not beginning with a digit.
fn is_variable_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

/// Judges a `base_url`. The text is not repeated: it may hold a password.
fn address(text: &str, has_key: bool) -> Result<(), String> {
    let url = reqwest::Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or("`base_url` is not an address; write it like `https://models.example.com` or `http://localhost:11434/v1`")?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query_pairs().any(|(name, _)| name != AZURE_VERSION)
        || url.fragment().is_some()
    {
        return Err(
            "`base_url` holds a user, a password, a query or a fragment; keep the address only (and Azure's `api-version`) and name the key's variable as `key_env`, or its name in the keyring as `key_keyring`"
                .to_owned(),
        );
    }
    if has_key && url.scheme() == "http" && !is_loopback(&url) {
        return Err(
            "`base_url` would send the key unencrypted; write `https://`, or remove `key_env` or `key_keyring`".to_owned()
        );
    }
    Ok(())
}

/// True when an address leads to this machine.
pub(super) fn leads_to_loopback(address: &str) -> bool {
    reqwest::Url::parse(address).is_ok_and(|url| is_loopback(&url))
}

/// The host of an address, in small letters.
pub(super) fn host(address: &str) -> Option<String> {
    Some(reqwest::Url::parse(address).ok()?.host_str()?.to_owned())
}

pub(super) fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests;
