//! Claude Code, `claude -p`. Options and output as version 2.1.330 has them.

use super::child::Printed;
use super::{Answered, Call, Complaint, Invocation, Tool, own_directory};
use openexec_engine::model::{StopReason, Usage};
use serde::Deserialize;
use serde_json::Value;
use std::ffi::OsString;
use std::io;
use std::path::Path;

pub(super) const TOOL: Tool = Tool {
    name: "Claude Code",
    program: "claude",
    install: "npm install -g @anthropic-ai/claude-code",
    login: "start `claude` once and log in, or set `ANTHROPIC_API_KEY`",
    variables: &[
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CONFIG_DIR",
    ],
    keys: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"],
    first: None,
    prepare,
    read,
};

/// No tool, no server, no settings, no memory, no skill, no hook, no session, no question.
const OPTIONS: [&str; 17] = [
    "--print",
    "--tools",
    "",
    "--strict-mcp-config",
    "--setting-sources",
    "",
    "--safe-mode",
    "--disable-slash-commands",
    "--no-session-persistence",
    "--no-chrome",
    "--permission-mode",
    "dontAsk",
    "--permission-prompts",
    "none",
    "--output-format",
    "json",
    "--json-schema",
];

/// What has no option. The first two keep it from attaching files that a prompt mentions.
const SWITCHES: [(&str, &str); 9] = [
    ("CLAUDE_CODE_DISABLE_FILE_MENTIONS", "1"),
    ("CLAUDE_CODE_DISABLE_ATTACHMENTS", "1"),
    ("CLAUDE_CODE_DISABLE_CLAUDE_MDS", "1"),
    ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"),
    ("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_SKIP_PROMPT_HISTORY", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", "3"),
    ("DISABLE_AUTOUPDATER", "1"),
];

fn prepare(call: &Call<'_>) -> io::Result<Invocation> {
    let mut arguments: Vec<OsString> = OPTIONS.iter().map(OsString::from).collect();
    arguments.push(call.schema.to_string().into());
    let system = call.scratch.give("system.md", &call.system)?;
    arguments.extend(["--system-prompt-file".into(), system.into_os_string()]);
    if let Some(model) = call.model {
        arguments.extend(["--model".into(), model.into()]);
    }
    let mut invocation = Invocation { arguments, input: call.prompt.clone(), ..Invocation::default() };
    invocation.variables.extend(SWITCHES.map(|(name, value)| (name, value.into())));
    match own_directory(call.session, "CLAUDE_CONFIG_DIR", ".claude") {
        Some(directory) => {
            invocation.written.push(directory);
            // Beside the directory lies a file with the account.
            let home = call.session.get("HOME").map(|home| Path::new(home).join(".claude.json"));
            invocation.written.extend(home.filter(|path| path.is_file()));
        }
        None => {
            invocation.variables.insert("CLAUDE_CONFIG_DIR", call.scratch.home().into());
        }
    }
    Ok(invocation)
}

#[derive(Deserialize)]
struct Printout {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    is_error: bool,
    api_error_status: Option<u16>,
    stop_reason: Option<String>,
    structured_output: Option<Value>,
    result: Option<String>,
    #[serde(default)]
    usage: Tokens,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
}

fn read(printed: &Printed) -> Result<Answered, Complaint> {
    let printout = printed.documents().into_iter().rev().find_map(|document| {
        serde_json::from_value::<Printout>(document).ok().filter(|printout| printout.kind == "result")
    });
    let printout = printout.ok_or(Complaint::Garbage)?;
    if printout.is_error {
        let said = printout.result.unwrap_or_default();
        return Err(match printout.api_error_status {
            None if said.contains("/login") => Complaint::NotLoggedIn { said },
            status => Complaint::Refused { status, said },
        });
    }
    let text = match (printout.structured_output, printout.result) {
        (Some(document), _) => document.to_string(),
        (None, Some(text)) => text,
        (None, None) => return Err(Complaint::Garbage),
    };
    let stop = match printout.stop_reason.as_deref() {
        Some("max_tokens" | "model_context_window_exceeded") => StopReason::Length,
        Some("refusal") => StopReason::Refusal,
        _ => StopReason::End,
    };
    let Tokens { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } =
        printout.usage;
    let usage = Usage {
        input_tokens: input_tokens + cache_read_input_tokens + cache_creation_input_tokens,
        output_tokens,
        cached_tokens: cache_read_input_tokens,
        cache_write_tokens: cache_creation_input_tokens,
    };
    Ok(Answered { text, stop, usage })
}
