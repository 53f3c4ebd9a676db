//! What models there are, whether they can be reached, and what to type where they cannot.

use super::paint;
use crate::config::{CommandLineTool, Facts, KeySource, ModelConfig, UserConfig, UserDirs, dollars};
use crate::limits::PING_OUTPUT_TOKENS_MAX;
use crate::models::{self, Look};
use futures::StreamExt as _;
use openexec_engine::budget::Price;
use openexec_engine::ids::{ModelName, StepId};
use openexec_engine::model::{Message, ModelRequest};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Instant;

/// Models that are looked at at the same time.
const LOOKS_CONCURRENT_MAX: usize = 16;

#[derive(Debug, clap::Args)]
pub(super) struct ModelsArguments {
    /// Send one tiny request to each model, and say what it cost.
    #[arg(long)]
    ping: bool,
    /// Look at this model only; any name that `openexec run --model` takes.
    #[arg(long)]
    model: Option<ModelName>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Whether a model's key is where it is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    /// It takes none.
    None,
    /// It is there.
    There { place: String },
    /// It is not.
    Missing { place: String, remedy: String },
}

/// Everything about one model.
struct Line {
    name: ModelName,
    api: &'static str,
    model: String,
    address: Option<String>,
    is_local: bool,
    facts: Facts,
    roles: Vec<&'static str>,
    key: KeyState,
    look: Result<Option<bool>, String>,
    looked: String,
    ping: Option<Result<String, String>>,
}

pub(super) async fn models(arguments: ModelsArguments) -> anyhow::Result<ExitCode> {
    let dirs = UserDirs::from_environment()?;
    let config = UserConfig::load(&dirs)?;
    let http = models::http_client(&config.network)?;
    let mut names: Vec<ModelName> = match &arguments.model {
        Some(name) => vec![name.clone()],
        None => config.models.keys().cloned().collect(),
    };
    let mut at_hand = None;
    if names.is_empty() {
        at_hand = models::model_at_hand(&config.local_servers, &http, &variable).await;
        names.extend(at_hand.iter().map(|found| found.name.clone()));
    }
    if names.is_empty() {
        anyhow::bail!(
            "no model is configured and none is at hand; `export ANTHROPIC_API_KEY=…`, start Ollama, or describe a model in {}",
            dirs.config_path().display()
        );
    }
    let mut lines: Vec<Line> = futures::stream::iter(names)
        .map(|name| line(name, &config, &http, arguments.ping))
        .buffer_unordered(LOOKS_CONCURRENT_MAX)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<anyhow::Result<_>>()?;
    lines.sort_by(|a, b| a.name.cmp(&b.name));
    if arguments.json {
        let lines: Vec<Value> = lines.iter().map(Line::json).collect();
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        if let Some(found) = at_hand {
            println!("no model is configured; {} is taken, as {}", found.name, found.because);
        }
        lines.iter().for_each(Line::print);
    }
    Ok(if lines.iter().all(Line::is_usable) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn line(
    name: ModelName,
    config: &UserConfig,
    http: &reqwest::Client,
    pings: bool,
) -> anyhow::Result<Line> {
    let Some(model) = config.model(&name) else {
        anyhow::bail!("there is no model `{name}`; `openexec models` lists those that are configured");
    };
    let key = key_state(&model);
    let (look, looked) = match &key {
        KeyState::Missing { .. } => (Err(String::new()), "not asked, as its key is missing".to_owned()),
        KeyState::None | KeyState::There { .. } => told(&model, models::look(&model, http, &variable).await),
    };
    let facts = model.facts();
    let ping = match (pings, &key) {
        (false, _) | (true, KeyState::Missing { .. }) => None,
        (true, _) => Some(ping(&name, &model, http, facts.price).await),
    };
    Ok(Line {
        api: api(&model),
        model: provider_name(&model),
        address: models::address(&model),
        is_local: model.is_local(),
        roles: roles(config, &name),
        facts,
        key,
        look,
        looked,
        ping,
        name,
    })
}

/// Where a model's key is, and whether it is there. Asks the keyring where that holds it.
pub(super) fn key_state(model: &ModelConfig) -> KeyState {
    match models::key_source(model) {
        None => KeyState::None,
        Some(KeySource::Variable(name)) => {
            let place = format!("the variable {name}");
            match variable(&name).is_some_and(|key| !key.trim().is_empty()) {
                true => KeyState::There { place },
                false => KeyState::Missing { place, remedy: format!("export {name}=…") },
            }
        }
        Some(KeySource::Keyring(name)) => {
            let place = format!("the keyring, as {name}");
            match models::key_in_keyring(&name) {
                Ok(_) => KeyState::There { place },
                Err(error) => KeyState::Missing { place, remedy: error.to_string() },
            }
        }
    }
}

/// The program that a command-line model is.
pub(super) fn program(tool: CommandLineTool) -> &'static str {
    match tool {
        CommandLineTool::Claude => "claude",
        CommandLineTool::Codex => "codex",
        CommandLineTool::Gemini => "gemini",
    }
}

/// Where a program is found: at its path, or on `PATH`.
pub(super) fn installed(program: &std::path::Path) -> bool {
    if program.components().count() > 1 {
        return program.is_file();
    }
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// What a look showed: whether the server answers and lists the model, and that in words.
fn told(model: &ModelConfig, look: Look) -> (Result<Option<bool>, String>, String) {
    let bad = |said: String, remedy: &str| (Err(remedy.to_owned()), said);
    match look {
        Look::NoServer => match model {
            ModelConfig::CommandLine(tool) => {
                let usual = std::path::PathBuf::from(program(tool.tool));
                let program = tool.program.clone().unwrap_or(usual);
                match installed(&program) {
                    true => (Ok(None), format!("{} is installed", program.display())),
                    false => bad(
                        format!("{} is not installed", program.display()),
                        "install it and log in with it once, or name its path as `program`",
                    ),
                }
            }
            ModelConfig::Scripted { file } if file.is_file() => (Ok(None), "the file is there".to_owned()),
            _ => bad("its file is not there".to_owned(), "write the path of a file of replies as `file`"),
        },
        Look::Answers { lists_model: Some(true), .. } => {
            (Ok(Some(true)), "its server answers and lists the model".to_owned())
        }
        Look::Answers { lists_model: None, .. } => {
            (Ok(None), "its server answers; it does not say which models it has".to_owned())
        }
        Look::Answers { lists_model: Some(false), listed } => (
            Ok(Some(false)),
            format!("its server answers, but does not list the model; it lists {}", listed.join(", ")),
        ),
        Look::WantsKey => bad(
            "its server answers, and refuses the key or wants one".to_owned(),
            "copy the key again, or name where it is with `key_env` or `key_keyring`",
        ),
        Look::Odd { reason } => {
            bad(format!("its server answers oddly: {reason}"), "check `base_url` and `api`")
        }
        Look::Unreachable { reason } => bad(
            format!("its server cannot be reached: {reason}"),
            match model.is_local() {
                true => "start the server, or check `base_url`",
                false => "check `base_url`, and `proxy` and `ca_file` under `network`",
            },
        ),
        Look::NoKey { remedy } => bad("not asked, as its key cannot be read".to_owned(), &remedy),
    }
}

/// One request with as few tokens as can be; what it said about itself, and what it cost.
async fn ping(
    name: &ModelName,
    model: &ModelConfig,
    http: &reqwest::Client,
    price: Option<Price>,
) -> Result<String, String> {
    let connected = models::connect(name, model, http).map_err(|error| error.to_string())?;
    let request = ModelRequest {
        model: name.clone(),
        stage: "ping".into(),
        step: StepId(0),
        attempt: 1,
        turn: 1,
        system: "You are asked whether you can be reached.".to_owned(),
        messages: vec![Message::User { text: "Answer with the word OK.".to_owned() }],
        actions: Vec::new(),
        output_tokens_max: PING_OUTPUT_TOKENS_MAX,
    };
    let began = Instant::now();
    let reply = connected.complete(&request, &|_| {}).await.map_err(|error| error.to_string())?;
    let cost = match price {
        Some(price) => format!("cost {}", dollars(price.of(&reply.usage))),
        None => "what it cost is not known".to_owned(),
    };
    Ok(format!(
        "answered in {} ms; {} tokens read, {} written, {cost}",
        began.elapsed().as_millis(),
        reply.usage.input_tokens,
        reply.usage.output_tokens
    ))
}

fn api(model: &ModelConfig) -> &'static str {
    match model {
        ModelConfig::AnthropicMessages(_) => "anthropic_messages",
        ModelConfig::OpenaiChat(_) => "openai_chat",
        ModelConfig::OpenaiResponses(_) => "openai_responses",
        ModelConfig::Gemini(_) => "gemini",
        ModelConfig::Ollama { .. } => "ollama",
        ModelConfig::CommandLine(tool) => match tool.tool {
            CommandLineTool::Claude => "claude_cli",
            CommandLineTool::Codex => "codex_cli",
            CommandLineTool::Gemini => "gemini_cli",
        },
        ModelConfig::Scripted { .. } => "scripted",
    }
}

fn provider_name(model: &ModelConfig) -> String {
    match model {
        ModelConfig::AnthropicMessages(http)
        | ModelConfig::OpenaiChat(http)
        | ModelConfig::OpenaiResponses(http)
        | ModelConfig::Gemini(http)
        | ModelConfig::Ollama { http, .. } => http.model.clone(),
        ModelConfig::CommandLine(tool) => tool.model.clone().unwrap_or_else(|| "its own default".to_owned()),
        ModelConfig::Scripted { file } => file.display().to_string(),
    }
}

fn roles(config: &UserConfig, name: &ModelName) -> Vec<&'static str> {
    let of = &config.roles;
    let default = config.default_model.as_ref().or_else(|| config.models.keys().next());
    [
        ("default", default),
        ("implement", of.implement.as_ref()),
        ("review", of.review.as_ref()),
        ("router", of.router.as_ref()),
        ("sensitive", of.sensitive.as_ref()),
    ]
    .into_iter()
    .filter_map(|(role, model)| (model == Some(name)).then_some(role))
    .collect()
}

impl Line {
    fn is_usable(&self) -> bool {
        let pinged = self.ping.as_ref().is_none_or(Result::is_ok);
        !matches!(self.key, KeyState::Missing { .. }) && self.look.is_ok() && pinged
    }

    fn print(&self) {
        let mark = match (self.is_usable(), &self.look) {
            (false, _) => paint::bad("missing"),
            (true, Ok(Some(false))) => paint::warn("note   "),
            (true, _) => paint::good("ok     "),
        };
        let roles =
            if self.roles.is_empty() { String::new() } else { format!(" · {}", self.roles.join(", ")) };
        anstream::println!("{mark} {}{roles}", paint::strong(self.name.as_str()));
        let at = self.address.as_ref().map(|address| format!(" at {address}")).unwrap_or_default();
        let place = if self.is_local { ", on this machine" } else { "" };
        say(&format!("{} through {}{at}{place}", self.model, self.api));
        say(&self.known());
        match &self.key {
            KeyState::None => say("key: none"),
            KeyState::There { place } => say(&format!("key: in {place}")),
            KeyState::Missing { place, remedy } => {
                say(&format!("key: looked for in {place}, and not there"));
                advise(remedy);
            }
        }
        say(&self.looked);
        if let Err(remedy) = &self.look
            && !remedy.is_empty()
        {
            advise(remedy);
        }
        match &self.ping {
            None => {}
            Some(Ok(said)) => say(&format!("ping: {said}")),
            Some(Err(error)) => say(&format!("ping: {error}")),
        }
    }

    fn known(&self) -> String {
        let tokens = |what: &str, tokens: Option<u64>| match tokens {
            Some(tokens) => format!("{what} {tokens} tokens"),
            None => format!("{what} not known"),
        };
        let price = match self.facts.price {
            Some(price) if price == crate::config::FREE => "costs nothing".to_owned(),
            Some(price) => {
                format!("{} in, {} out for a million tokens", dollars(price.input), dollars(price.output))
            }
            None => "price not known".to_owned(),
        };
        let reply = tokens("reply", self.facts.output_tokens_max.map(u64::from));
        format!("{}, {reply}, {price}", tokens("window", self.facts.window_tokens))
    }

    fn json(&self) -> Value {
        let (key, key_place, key_remedy) = match &self.key {
            KeyState::None => ("none", None, None),
            KeyState::There { place } => ("there", Some(place), None),
            KeyState::Missing { place, remedy } => ("missing", Some(place), Some(remedy)),
        };
        json!({
            "name": self.name,
            "api": self.api,
            "model": self.model,
            "address": self.address,
            "is_local": self.is_local,
            "roles": self.roles,
            "key": { "state": key, "place": key_place, "remedy": key_remedy },
            "window_tokens": self.facts.window_tokens,
            "output_tokens_max": self.facts.output_tokens_max,
            "price_micro_usd": self.facts.price,
            "is_reachable": self.look.is_ok(),
            "lists_model": self.look.as_ref().ok().copied().flatten(),
            "looked": self.looked,
            "remedy": self.look.as_ref().err().filter(|remedy| !remedy.is_empty()),
            "ping": self.ping.as_ref().map(|ping| match ping {
                Ok(said) => json!({ "ok": said }),
                Err(error) => json!({ "error": error }),
            }),
            "is_usable": self.is_usable(),
        })
    }
}

fn say(line: &str) {
    anstream::println!("        {}", paint::plain(line));
}

fn advise(remedy: &str) {
    anstream::println!("        → {}", paint::plain(remedy));
}
