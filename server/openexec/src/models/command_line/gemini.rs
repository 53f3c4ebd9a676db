//! Gemini CLI, `gemini -p`. Options and output as version 0.61.0 has them.
//!
//! It gets a home of its own for each call, with our settings and with links to its login: what
//! the user has added to it (servers, hooks, extensions, memories) is not found there.

use super::child::Printed;
use super::{Answered, Call, Complaint, Invocation, Tool};
use openexec_engine::model::{StopReason, Usage};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

pub(super) const TOOL: Tool = Tool {
    name: "Gemini CLI",
    program: "gemini",
    install: "npm install -g @google/gemini-cli",
    login: "start `gemini` once and log in, or set `GEMINI_API_KEY`",
    variables: &[
        "GEMINI_API_KEY",
        "GEMINI_CLI_HOME",
        "GOOGLE_API_KEY",
        "GOOGLE_GEMINI_BASE_URL",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_CLOUD_LOCATION",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_GENAI_USE_VERTEXAI",
        "GOOGLE_GENAI_USE_GCA",
    ],
    keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    first: None,
    prepare,
    read,
};

/// No extension, no server, no question whether an empty directory is trusted.
const OPTIONS: [&str; 9] = [
    "--prompt",
    "",
    "--output-format",
    "json",
    "--extensions",
    "none",
    "--allowed-mcp-server-names",
    "none",
    "--skip-trust",
];

/// The directory below a home that holds everything of this tool's.
const OWN: &str = ".gemini";

/// What a login consists of.
const LOGIN: [&str; 4] =
    ["oauth_creds.json", "google_accounts.json", "gemini-credentials.json", "installation_id"];

/// The exit code that means a missing login (`ExitCodes.FATAL_AUTHENTICATION_ERROR`).
const NOT_LOGGED_IN: i64 = 41;

fn prepare(call: &Call<'_>) -> io::Result<Invocation> {
    let user = call.session.get("GEMINI_CLI_HOME").or_else(|| call.session.get("HOME"));
    let user = user.map(|home| Path::new(home).join(OWN));
    let own = call.scratch.home().join(OWN);
    std::fs::create_dir(&own)?;
    std::fs::write(own.join("settings.json"), settings(call.session, user.as_deref()).to_string())?;
    let mut written = Vec::new();
    for name in LOGIN {
        if let Some(path) = user.as_ref().map(|user| user.join(name)).filter(|path| path.is_file()) {
            call.scratch.link(&path, &Path::new(OWN).join(name))?;
            written.push(path);
        }
    }
    let mut arguments: Vec<OsString> = OPTIONS.iter().map(OsString::from).collect();
    if let Some(model) = call.model {
        arguments.extend(["--model".into(), model.into()]);
    }
    let system = call.scratch.give("system.md", &call.system)?;
    let variables = BTreeMap::from([
        ("GEMINI_CLI_HOME", call.scratch.home().into()),
        ("GEMINI_SYSTEM_MD", system.into_os_string()),
        // Else it starts itself a second time, for more memory.
        ("GEMINI_CLI_NO_RELAUNCH", "true".into()),
    ]);
    Ok(Invocation { arguments, variables, input: call.prompt.clone(), written })
}

fn settings(session: &BTreeMap<&'static str, String>, user: Option<&Path>) -> Value {
    let mut settings = json!({
        "security": {"auth": {}, "folderTrust": {"enabled": false}, "disableYoloMode": true},
        "tools": {"core": [], "shell": {"enableInteractiveShell": false}},
        "mcp": {"allowed": []},
        "mcpServers": {},
        "hooksConfig": {"enabled": false},
        "skills": {"enabled": false},
        "admin": {"extensions": {"enabled": false}, "mcp": {"enabled": false}, "skills": {"enabled": false}},
        "experimental": {"enableAgents": false},
        "context": {"fileName": "openexec-reads-no-memory", "includeDirectoryTree": false},
        "useWriteTodos": false,
        "general": {
            "enableAutoUpdate": false, "enableAutoUpdateNotification": false,
            "checkpointing": {"enabled": false}, "plan": {"enabled": false}, "topicUpdateNarration": false,
        },
        "privacy": {"usageStatisticsEnabled": false},
        "telemetry": {"enabled": false},
        "ide": {"enabled": false},
    });
    // With an address of its own and a key, it would not find out by itself that the key is meant.
    let key = session.get("GEMINI_API_KEY").map(|_| "gemini-api-key".to_owned());
    if let Some(login) = chosen_login(user).or(key)
        && let Some(auth) = settings.pointer_mut("/security/auth").and_then(Value::as_object_mut)
    {
        auth.insert("selectedType".to_owned(), json!(login));
    }
    settings
}

/// How the user has chosen to log in. Settings that are no plain JSON choose nothing.
fn chosen_login(user: Option<&Path>) -> Option<String> {
    let text = std::fs::read_to_string(user?.join("settings.json")).ok()?;
    let settings: Value = serde_json::from_str(&text).ok()?;
    settings.pointer("/security/auth/selectedType")?.as_str().map(str::to_owned)
}

#[derive(Deserialize)]
struct Printout {
    response: Option<String>,
    error: Option<Failure>,
    #[serde(default)]
    stats: Stats,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: String,
    code: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Stats {
    models: BTreeMap<String, Model>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Model {
    tokens: Tokens,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    prompt: u64,
    candidates: u64,
    thoughts: u64,
    cached: u64,
}

fn read(printed: &Printed) -> Result<Answered, Complaint> {
    // An error is printed where complaints are, after them.
    let complaints = printed.complaints();
    let error = complaints.find("\n{").map(|at| at + 1).or(complaints.starts_with('{').then_some(0));
    let printout = serde_json::from_slice(&printed.stdout)
        .ok()
        .or_else(|| serde_json::from_str::<Printout>(complaints.get(error?..)?.trim()).ok());
    let printout: Printout = printout.ok_or(Complaint::Garbage)?;
    if let Some(Failure { message: said, code }) = printout.error {
        if code == Some(NOT_LOGGED_IN) {
            return Err(Complaint::NotLoggedIn { said });
        }
        let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 400);
        return Err(Complaint::Refused { status, said });
    }
    let text = printout.response.ok_or(Complaint::Garbage)?;
    let mut usage = Usage::default();
    for Model { tokens } in printout.stats.models.values() {
        usage.input_tokens += tokens.prompt;
        usage.output_tokens += tokens.candidates + tokens.thoughts;
        usage.cached_tokens += tokens.cached;
    }
    Ok(Answered { text, stop: StopReason::End, usage })
}
