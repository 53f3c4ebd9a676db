//! Reads `config.yaml`. The wire types keep positions, so that every error can name its place.

use super::{
    AZURE_VERSION, CommandLineConfig, CommandLineTool, HttpModelConfig, KeySource, ModelConfig, OutputForm,
    SCRIPTED_PREFIX, UserConfig,
};
use anyhow::{Context as _, anyhow, bail};
use openexec_engine::ids::ModelName;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    default_model: Option<Spanned<String>>,
    models: BTreeMap<ModelName, ModelEntry>,
    context_tokens: Option<Spanned<usize>>,
    allow_unsandboxed_tasks: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelEntry {
    api: Spanned<Api>,
    model: Option<Spanned<String>>,
    base_url: Option<Spanned<String>>,
    key_env: Option<Spanned<String>>,
    output_tokens_max: Option<Spanned<u32>>,
    num_ctx: Option<Spanned<u32>>,
    file: Option<Spanned<PathBuf>>,
    output: Option<Spanned<Output>>,
    program: Option<Spanned<PathBuf>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Output {
    ToolCalls,
    JsonSchema,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
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
struct Fault {
    at: Location,
    what: String,
}

impl Fault {
    fn new(at: Location, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

pub(super) fn config(path: &Path) -> anyhow::Result<UserConfig> {
    let Some(text) = text(path)? else {
        return Ok(UserConfig::default());
    };
    let file: ConfigFile = serde_saphyr::from_str(&text).map_err(|error| {
        let at = error.location().unwrap_or(Location::UNKNOWN);
        // The parser's own text ends with the position, which stands in front of ours.
        let said = error.without_snippet().to_string();
        let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
        placed(path, &Fault::new(at, with_remedy(what)))
    })?;
    // What a relative `file` means must not depend on where the editor was started.
    let base = path.parent().unwrap_or(Path::new(""));
    checked(file, base).map_err(|fault| placed(path, &fault))
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
    const KEY_FIELDS: [&str; 6] = ["key", "api_key", "apikey", "apiKey", "token", "secret"];
    if KEY_FIELDS.iter().any(|field| what.starts_with(&format!("unknown field `{field}`"))) {
        return format!(
            "{what}; a key never stands in a file: put it into an environment variable and write that variable's name as `key_env`"
        );
    }
    what.to_owned()
}

fn checked(file: ConfigFile, base: &Path) -> Result<UserConfig, Fault> {
    let mut models = BTreeMap::new();
    for (name, entry) in file.models {
        models.insert(name, model(entry, base)?);
    }
    if let Some(name) = &file.default_model
        && !models.contains_key(name.value.as_str())
        && !name.value.starts_with(SCRIPTED_PREFIX)
    {
        let known: Vec<&str> = models.keys().map(ModelName::as_str).collect();
        let remedy = match known.is_empty() {
            true => "describe it under `models`".to_owned(),
            false => format!("write one of {}, or describe it under `models`", known.join(", ")),
        };
        return Err(Fault::new(name.referenced, format!("there is no model `{}`; {remedy}", name.value)));
    }
    if let Some(tokens) = file.context_tokens.as_ref().filter(|tokens| tokens.value == 0) {
        return Err(Fault::new(
            tokens.referenced,
            "`context_tokens` must be at least 1; remove it for the default",
        ));
    }
    Ok(UserConfig {
        default_model: file.default_model.map(|name| ModelName::new(name.value)),
        models,
        context_tokens: file.context_tokens.map(|tokens| tokens.value),
        allow_unsandboxed_tasks: file.allow_unsandboxed_tasks,
        ..UserConfig::default()
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
    if let Some(key_env) = entry.key_env.as_ref().filter(|key_env| !is_variable_name(&key_env.value)) {
        // The text is not repeated: it may well be the key itself.
        return Err(Fault::new(
            key_env.referenced,
            "`key_env` is not the name of an environment variable; write the variable's name, such as `key_env: ANTHROPIC_API_KEY`, never the key",
        ));
    }
    if let Some(base_url) = &entry.base_url {
        address(&base_url.value, entry.key_env.is_some())
            .map_err(|what| Fault::new(base_url.referenced, what))?;
    }
    Ok(HttpModelConfig {
        model: model.value,
        base_url: entry.base_url.map(|it| it.value),
        key: entry.key_env.map(|it| KeySource::Variable(it.value)),
        output_tokens_max: entry.output_tokens_max.map(|it| it.value),
        output: match entry.output.map(|it| it.value) {
            None | Some(Output::ToolCalls) => OutputForm::ToolCalls,
            Some(Output::JsonSchema) => OutputForm::JsonSchema,
        },
        ..HttpModelConfig::default()
    })
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
            "`base_url` holds a user, a password, a query or a fragment; keep the address only (and Azure's `api-version`) and name the key's variable as `key_env`"
                .to_owned(),
        );
    }
    if has_key && url.scheme() == "http" && !is_loopback(&url) {
        return Err(
            "`base_url` would send the key unencrypted; write `https://`, or remove `key_env`".to_owned()
        );
    }
    Ok(())
}

/// True when an address leads to this machine.
pub(super) fn leads_to_loopback(address: &str) -> bool {
    reqwest::Url::parse(address).is_ok_and(|url| is_loopback(&url))
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<UserConfig, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, text).unwrap();
        config(&path)
            .map_err(|error| format!("{error:#}").replace(&directory.path().display().to_string(), ""))
    }

    #[test]
    fn an_absent_file_is_an_empty_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let found = config(&directory.path().join("config.yaml")).unwrap();
        assert!(found.models.is_empty() && found.default_model.is_none() && !found.allow_unsandboxed_tasks);
        assert!(load("").unwrap().models.is_empty());
    }

    #[test]
    fn every_kind_of_model_is_read() {
        let found = load(
            "default_model: claude\n\
             context_tokens: 9000\n\
             allow_unsandboxed_tasks: true\n\
             models:\n\
             \x20 claude: {api: anthropic_messages, model: claude-sonnet-4-5, key_env: MY_KEY, output_tokens_max: 4000}\n\
             \x20 local: {api: openai_chat, model: qwen, base_url: 'http://localhost:11434/v1'}\n\
             \x20 demo: {api: scripted, file: demo.yaml}\n\
             \x20 gpt: {api: openai_responses, model: gpt-5}\n\
             \x20 google: {api: gemini, model: gemini-2.5-pro, key_env: MY_KEY}\n\
             \x20 llama: {api: ollama, model: qwen3, num_ctx: 32768}\n\
             \x20 far: {api: ollama, model: qwen3, base_url: 'https://ollama.example.com'}\n\
             \x20 azure: {api: openai_chat, model: d, base_url: 'https://r.openai.azure.com/openai/deployments/d?api-version=2024-10-21', key_env: K}\n",
        )
        .unwrap();
        assert!(matches!(&found.models["gpt"], ModelConfig::OpenaiResponses(it) if it.model == "gpt-5"));
        assert!(
            matches!(&found.models["google"], ModelConfig::Gemini(it) if it.key == Some(KeySource::Variable("MY_KEY".into())))
        );
        assert!(
            matches!(&found.models["llama"], ModelConfig::Ollama { http, num_ctx: Some(32768) } if http.base_url.is_none())
        );
        let local: Vec<&str> =
            found.models.iter().filter(|(_, it)| it.is_local()).map(|(name, _)| name.as_str()).collect();
        assert_eq!(local, ["demo", "llama", "local"], "Ollama's own address is on this machine");
        assert_eq!(found.default_model, Some("claude".into()));
        assert_eq!(found.context_tokens, Some(9000));
        assert!(found.allow_unsandboxed_tasks);
        assert!(matches!(&found.models["claude"], ModelConfig::AnthropicMessages(it)
            if it.model == "claude-sonnet-4-5" && it.key == Some(KeySource::Variable("MY_KEY".into())) && it.output_tokens_max == Some(4000)));
        assert!(matches!(&found.models["local"], ModelConfig::OpenaiChat(it)
            if it.base_url.as_deref() == Some("http://localhost:11434/v1") && it.key.is_none()));
        assert!(
            matches!(&found.models["demo"], ModelConfig::Scripted { file } if file.ends_with("demo.yaml") && file.is_absolute())
        );
    }

    #[test]
    fn models_behind_schemas_and_behind_command_lines_are_read() {
        let found = load(
            "models:\n\
             \x20 small: {api: ollama, model: qwen3, output: json_schema}\n\
             \x20 big: {api: ollama, model: qwen3, output: tool_calls}\n\
             \x20 claude: {api: claude_cli}\n\
             \x20 codex: {api: codex_cli, model: gpt-6-sol, program: codex-beta}\n\
             \x20 gemini: {api: gemini_cli, program: tools/gemini}\n",
        )
        .unwrap();
        let output = |name: &str| match &found.models[name] {
            ModelConfig::Ollama { http, .. } => http.output,
            other => panic!("{other:?}"),
        };
        assert_eq!((output("small"), output("big")), (OutputForm::JsonSchema, OutputForm::ToolCalls));
        let tool = |name: &str| match &found.models[name] {
            ModelConfig::CommandLine(config) => config.clone(),
            other => panic!("{other:?}"),
        };
        let claude = CommandLineConfig { tool: CommandLineTool::Claude, program: None, model: None };
        assert_eq!(tool("claude"), claude);
        assert_eq!(
            tool("codex"),
            CommandLineConfig {
                tool: CommandLineTool::Codex,
                program: Some("codex-beta".into()),
                model: Some("gpt-6-sol".into())
            }
        );
        let program = tool("gemini").program.unwrap();
        assert!(program.is_absolute() && program.ends_with("tools/gemini"), "{program:?}");
        assert!(found.models.values().filter(|it| it.is_local()).count() == 2, "a tool's model is elsewhere");
    }

    #[test]
    fn errors_name_their_place_and_the_remedy() {
        let model = |rest: &str| format!("models:\n  a:\n    api: openai_chat\n    model: m\n    {rest}\n");
        let ollama = |rest: &str| model(rest).replace("openai_chat", "ollama");
        let cases = [
            (model("key: sk-verysecret"), "/config.yaml:5:5: unknown field `key`", "`key_env`"),
            (model("api_key: sk-verysecret"), "/config.yaml:5:5: unknown field `api_key`", "`key_env`"),
            (
                model("key_env: sk-verysecret"),
                "/config.yaml:5:14: `key_env` is not the name",
                "never the key",
            ),
            (model("output_tokens_max: 0"), "/config.yaml:5:24: ", "at least 1"),
            (model("file: x"), "/config.yaml:5:11: ", "api: scripted"),
            (model("base_url: 'ftp://sk-verysecret'"), "/config.yaml:5:15: ", "is not an address"),
            (model("base_url: 'http://u:sk-verysecret@h'"), "/config.yaml:5:15: ", "a password"),
            (
                model("base_url: 'http://far.example.com'\n    key_env: K"),
                "/config.yaml:5:15: ",
                "`https://`",
            ),
            ("models:\n  a: {api: antropic, model: x}\n".into(), "/config.yaml:2:", "anthropic_messages"),
            (
                "models:\n  a:\n    api: openai_chat\n".into(),
                "/config.yaml:3:10: `model` is missing",
                "provider's name",
            ),
            ("models:\n  a:\n    api: scripted\n".into(), "/config.yaml:3:10: ", "`file`"),
            (
                "models:\n  a:\n    api: scripted\n    file: x\n    model: y\n".into(),
                "/config.yaml:5:12: ",
                "`file` only",
            ),
            ("default_model: gpt\n".into(), "/config.yaml:1:16: there is no model `gpt`", "under `models`"),
            (
                "modles: {}\n".into(),
                "/config.yaml:1:1: unknown field `modles`",
                "expected one of default_model, models",
            ),
            (model("num_ctx: 4096"), "/config.yaml:5:14: only Ollama's own API", "`api: ollama`"),
            (ollama("num_ctx: 0"), "/config.yaml:5:14: ", "at least 1"),
            (
                ollama("base_url: 'http://localhost:11434/v1/'"),
                "/config.yaml:5:15: Ollama's own API has no `/v1`",
                "`api: openai_chat`",
            ),
            (
                ollama("key_env: sk-verysecret"),
                "/config.yaml:5:14: `key_env` is not the name",
                "never the key",
            ),
            (model("base_url: 'https://h?key=sk-verysecret'"), "/config.yaml:5:15: ", "a query"),
            (
                model("base_url: 'https://h?api-version=1&key=sk-verysecret'"),
                "/config.yaml:5:15: ",
                "a query",
            ),
            ("models:\n  a: {api: olama, model: x}\n".into(), "/config.yaml:2:", "gemini"),
            ("models:\n  a:\n    api: gemini\n".into(), "/config.yaml:3:10: `model` is missing", "write"),
            (
                "models:\n  a:\n    api: scripted\n    file: x\n    num_ctx: 1\n".into(),
                "/config.yaml:5:14: ",
                "`file` only",
            ),
            (model("program: x"), "/config.yaml:5:14: only a command-line model", "`codex_cli`"),
            (model("output: json"), "/config.yaml:5:", "json_schema"),
            (
                "models:\n  a:\n    api: codex_cli\n    base_url: 'http://h'\n".into(),
                "/config.yaml:4:15: a command-line model has no `base_url`",
                "`program` only",
            ),
            ("context_tokens: 0\n".into(), "/config.yaml:1:17: ", "at least 1"),
            ("default_model: a\ndefault_model: b\n".into(), "/config.yaml:2:1: duplicate", "default_model"),
            ("models: [".into(), "/config.yaml:1:9: ", "mapping"),
        ];
        for (text, place, remedy) in cases {
            let error = load(&text).expect_err(&text);
            assert!(error.starts_with(place), "{text:?} gave {error:?}, wanted {place:?}");
            assert!(error.contains(remedy), "{text:?} gave {error:?}, wanted {remedy:?}");
            assert!(!error.contains("verysecret"), "{error}");
        }
    }

    #[test]
    fn keys_reach_local_servers_in_the_clear_and_no_others() {
        for near in ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8080/v1", "http://a.localhost"] {
            assert_eq!(address(near, true), Ok(()), "{near}");
        }
        for far in ["http://10.0.0.1", "http://localhost.example.com", "http://127.0.0.1.example.com"] {
            assert!(address(far, true).is_err(), "{far}");
            assert_eq!(address(far, false), Ok(()), "{far}");
        }
    }

    #[test]
    fn a_scripted_default_needs_no_entry() {
        assert_eq!(
            load("default_model: scripted:a.yaml\n").unwrap().default_model,
            Some("scripted:a.yaml".into())
        );
    }

    #[test]
    fn a_huge_or_binary_file_is_refused() {
        assert!(load(&"#".repeat(CONFIG_BYTES_MAX + 1)).unwrap_err().contains("larger than"));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert!(format!("{:#}", config(&path).unwrap_err()).contains("UTF-8"));
    }
}
