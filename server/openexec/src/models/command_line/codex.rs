//! Codex, `codex exec`. Options and output as version 0.169.0 has them.
//!
//! Which tools a model is given is written in Codex's catalogue of models, and only partly in
//! its settings. So it is asked for the catalogue, and started with one in which no model has
//! any tool. It gets a home of its own for each call, with a link to its login: what the user has
//! added to it (instructions, servers, hooks, skills) is not found there.

use super::super::document;
use super::child::Printed;
use super::{Answered, Call, Complaint, First, Invocation, Tool, own_directory};
use openexec_engine::model::{StopReason, Usage};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

pub(super) const TOOL: Tool = Tool {
    name: "Codex",
    program: "codex",
    install: "npm install -g @openai/codex",
    login: "type `codex login`, or set `CODEX_API_KEY`",
    variables: &["CODEX_HOME", "CODEX_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"],
    keys: &["CODEX_API_KEY", "OPENAI_API_KEY"],
    first: Some(First { arguments: &["debug", "models", "--bundled"], convert: without_tools }),
    prepare,
    read,
};

/// What a login consists of.
const LOGIN: &str = "auth.json";

/// No session, no settings, no rules, no repository, no question.
const OPTIONS: [&str; 12] = [
    "exec",
    "--json",
    "--ephemeral",
    "--ignore-user-config",
    "--ignore-rules",
    "--skip-git-repo-check",
    // A setting that this version does not know would leave something switched on.
    "--strict-config",
    "--color",
    "never",
    "--sandbox",
    "read-only",
    "--output-schema",
];

/// What is switched off: everything by which a model could do something, or learn something
/// that is not in the prompt, and everything that would outlive the call.
const FEATURES: [&str; 22] = [
    "shell_tool",
    "unified_exec",
    "shell_snapshot",
    "code_mode_host",
    "view_image",
    "image_generation",
    "multi_agent",
    "goals",
    "hooks",
    "plugins",
    "apps",
    "memories",
    "tool_suggest",
    "skill_mcp_dependency_install",
    "browser_use",
    "computer_use",
    "in_app_browser",
    "sleep_tool",
    "daemon_auto_start",
    "enable_request_compression",
    "unbounded_connection_retries",
    "collaboration_modes",
];

const SETTINGS: [&str; 14] = [
    "approval_policy=\"never\"",
    "web_search=\"disabled\"",
    "project_doc_max_bytes=0",
    "include_environment_context=false",
    "include_permissions_instructions=false",
    "include_apps_instructions=false",
    "include_collaboration_mode_instructions=false",
    "skills.bundled.enabled=false",
    "skills.include_instructions=false",
    "history.persistence=\"none\"",
    "analytics.enabled=false",
    "check_for_update_on_startup=false",
    "allow_login_shell=false",
    "mcp_servers={}",
];

/// The catalogue without any tool.
fn without_tools(mut catalogue: Value) -> Option<Value> {
    for model in catalogue.get_mut("models")?.as_array_mut()? {
        let model = model.as_object_mut()?;
        for (field, nothing) in [
            ("apply_patch_tool_type", Value::Null),
            ("shell_type", json!("disabled")),
            ("tool_mode", Value::Null),
            ("experimental_supported_tools", json!([])),
            ("multi_agent_version", Value::Null),
            ("supports_search_tool", json!(false)),
        ] {
            model.insert(field.to_owned(), nothing);
        }
    }
    Some(catalogue)
}

fn prepare(call: &Call<'_>) -> io::Result<Invocation> {
    // OpenAI keeps the model to strict schemas only.
    let schema = document::strict(&call.schema).unwrap_or_else(|| call.schema.clone());
    let catalogue = call.first.map(Value::to_string).unwrap_or_default();
    let schema = call.scratch.give("schema.json", &schema.to_string())?;
    let mut arguments: Vec<OsString> = OPTIONS.iter().map(OsString::from).collect();
    arguments.push(schema.into_os_string());
    arguments.extend(["--cd".into(), call.scratch.work().into()]);
    for feature in FEATURES {
        arguments.extend(["--disable".into(), feature.into()]);
    }
    let mut set = |setting: String| arguments.extend(["--config".into(), OsString::from(setting)]);
    SETTINGS.iter().for_each(|setting| set((*setting).to_owned()));
    let system = call.scratch.give("system.md", &call.system)?;
    set(path_setting("model_instructions_file", &system));
    set(path_setting("model_catalog_json", &call.scratch.give("models.json", &catalogue)?));
    for name in ["sqlite_home", "log_dir"] {
        set(path_setting(name, call.scratch.home()));
    }
    if let Some(address) = call.session.get("OPENAI_BASE_URL") {
        set(format!("openai_base_url={}", json!(address)));
    }
    if let Some(model) = call.model {
        arguments.extend(["--model".into(), model.into()]);
    }
    arguments.push("-".into());
    let variables = BTreeMap::from([("CODEX_HOME", call.scratch.home().into())]);
    let mut invocation =
        Invocation { arguments, variables, input: call.prompt.clone(), ..Invocation::default() };
    // It writes a renewed login through the link, and a lock beside what the link leads to.
    if let Some(own) = own_directory(call.session, "CODEX_HOME", ".codex")
        && own.join(LOGIN).is_file()
    {
        call.scratch.link(&own.join(LOGIN), Path::new(LOGIN))?;
        invocation.written.push(own);
    }
    Ok(invocation)
}

/// A path as TOML has it, which quotes a text as JSON does.
fn path_setting(name: &str, path: &Path) -> String {
    format!("{name}={}", json!(path.to_string_lossy()))
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "item.completed")]
    ItemCompleted { item: Item },
    #[serde(rename = "turn.completed")]
    TurnCompleted {
        #[serde(default)]
        usage: Tokens,
    },
    #[serde(rename = "turn.failed")]
    TurnFailed { error: Failure },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input_tokens: u64,
    cached_input_tokens: u64,
    cache_write_input_tokens: u64,
    output_tokens: u64,
}

fn read(printed: &Printed) -> Result<Answered, Complaint> {
    let mut text = None;
    let mut ended = None;
    for document in printed.documents() {
        match serde_json::from_value(document) {
            // The last message is the answer; those before it are remarks.
            Ok(Event::ItemCompleted { item }) if item.kind == "agent_message" => text = Some(item.text),
            Ok(Event::TurnCompleted { usage }) => ended = Some(usage),
            Ok(Event::TurnFailed { error }) => return Err(complaint(error.message)),
            Ok(Event::ItemCompleted { .. } | Event::Unknown) | Err(_) => {}
        }
    }
    let (Some(text), Some(tokens)) = (text, ended) else {
        return Err(Complaint::Garbage);
    };
    let usage = Usage {
        input_tokens: tokens.input_tokens,
        output_tokens: tokens.output_tokens,
        cached_tokens: tokens.cached_input_tokens,
        cache_write_tokens: tokens.cache_write_input_tokens,
    };
    Ok(Answered { text, stop: StopReason::End, usage })
}

/// `unexpected status 401 Unauthorized: …` holds the status; a key that is missing, too.
fn complaint(said: String) -> Complaint {
    let status = said
        .split_once("unexpected status ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .and_then(|status| status.parse().ok());
    if status == Some(401) && said.contains("Missing bearer") {
        return Complaint::NotLoggedIn { said };
    }
    Complaint::Refused { status, said }
}
