//! Programs that behave like a tool, or worse: real processes, without any network.

use super::super::tests::{PATIENT, request};
use super::super::{Timeouts, connect_with, http_client};
use super::*;
use crate::config::{ModelConfig, NetworkConfig};
use crate::limits::COMMAND_LINE_OUTPUT_BYTES_MAX;
use openexec_engine::model::{ActionResult, ActionStatus, Message, ToolCall};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

const KEY: &str = "sk-key-of-the-user";

/// A program of the test's own, in a home of its own.
struct Stage {
    home: TempDir,
}

impl Stage {
    fn new(script: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let program = home.path().join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn model(&self, tool: CommandLineTool, timeouts: Timeouts) -> Arc<dyn Model> {
        let program = Some(self.path("program"));
        let config = CommandLineConfig { tool, program, model: Some("the-model".into()) };
        let home = self.home.path().display().to_string();
        let variable = |name: &str| match name {
            "HOME" => Some(home.clone()),
            "PATH" => std::env::var("PATH").ok(),
            "ANTHROPIC_API_KEY" | "GEMINI_API_KEY" | "CODEX_API_KEY" => Some(KEY.to_owned()),
            "AWS_SECRET_ACCESS_KEY" | "LD_PRELOAD" | "SSH_AUTH_SOCK" => panic!("{name} is asked for"),
            _ => None,
        };
        let config = ModelConfig::CommandLine(config);
        connect_with(
            &"m".into(),
            &config,
            &http_client(&NetworkConfig::default()).unwrap(),
            timeouts,
            &variable,
        )
        .unwrap()
    }

    async fn call(&self, tool: CommandLineTool) -> Result<ModelReply, ModelError> {
        self.model(tool, PATIENT).complete(&request(), &|_| {}).await
    }
}

fn claude_says(printout: Value) -> String {
    format!("cat > /dev/null; cat <<'END'\n{printout}\nEND")
}

/// Waits until nothing runs under this number any more.
async fn gone(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let begun = Instant::now();
    while rustix::process::test_kill_process(pid).is_ok() {
        // One that has ended and was not reaped yet does nothing any more.
        let state =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it still runs: {state}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn each_tool_is_told_everything_over_its_input_and_read_as_it_prints() {
    let document = r#"{"actions": []}"#;
    let claude = json!({"type": "result", "is_error": false, "result": "no", "structured_output": {"actions": []},
        "stop_reason": "tool_use", "usage": {"input_tokens": 10, "output_tokens": 42, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 5}});
    let codex = format!(
        "{}\n{}\n{}",
        json!({"type": "item.completed", "item": {"type": "agent_message", "text": "I look"}}),
        json!({"type": "item.completed", "item": {"type": "agent_message", "text": document}}),
        json!({"type": "turn.completed", "usage": {"input_tokens": 115, "cached_input_tokens": 100, "output_tokens": 42}}),
    );
    let gemini = json!({"response": document, "stats": {"models": {"the-model": {"tokens": {"prompt": 115, "candidates": 2, "thoughts": 40, "cached": 100}}}}});
    for (tool, printed) in [
        (CommandLineTool::Claude, claude.to_string()),
        (CommandLineTool::Codex, codex),
        (CommandLineTool::Gemini, format!("{gemini:#}")),
    ] {
        // What it is told is seen where it may write: in its own home, which is kept here.
        let script = format!(
            "[ \"$1\" = debug ] && echo '{{\"models\": []}}' && exit; mkdir -p \"$HOME/.claude\" 2>/dev/null\n\
             cat > \"$HOME/.claude/input\"; echo \"$@\" > \"$HOME/.claude/arguments\"; env > \"$HOME/.claude/environment\"; pwd > \"$HOME/.claude/cwd\"; ls -A > \"$HOME/.claude/listing\"\n\
             cat <<'END'\n{printed}\nEND"
        );
        let stage = Stage::new(&script);
        std::fs::create_dir(stage.path(".claude")).unwrap();
        let seen = tool == CommandLineTool::Claude;
        let reply = stage.call(tool).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&reply.text).unwrap(), json!({"actions": []}), "{tool:?}");
        assert!(reply.tool_calls.is_empty());
        let usage = (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cached_tokens);
        assert_eq!(usage, (115, 42, 100), "{tool:?}");
        if seen {
            assert!(stage.read(".claude/input").contains("the prompt of the user"));
            let arguments = stage.read(".claude/arguments");
            assert!(!arguments.contains("of the user") && !arguments.contains("of the house"), "{arguments}");
            assert!(arguments.contains("--tools  --strict-mcp-config"), "{arguments}");
            assert_eq!(stage.read(".claude/listing"), "", "the directory is empty");
            assert!(!Path::new(stage.read(".claude/cwd").trim()).exists(), "and gone afterwards");
            assert!(stage.read(".claude/environment").contains(KEY));
        }
    }
}

/// Only Linux can keep a tool from it that uses tools of its own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_tool_that_does_things_itself_does_nothing() {
    let answer = json!({"type": "result", "result": "{\"actions\": []}"});
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("source"), "text").unwrap();
    let stage = Stage::new(&format!(
        "cd {0}; echo x > new; echo x > source; rm source; mkdir directory; echo x > \"$HOME/new\"; rm \"$HOME/program\"; (setsid sh -c 'echo x > {0}/later; echo x > \"$HOME/later\"')\n{1}",
        elsewhere.path().display(),
        claude_says(answer)
    ));
    assert_eq!(stage.call(CommandLineTool::Claude).await.unwrap().text, "{\"actions\": []}");
    let listed = |path: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(path)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(listed(elsewhere.path()), ["source"]);
    assert_eq!(listed(stage.home.path()), ["program"]);
    assert_eq!(std::fs::read_to_string(elsewhere.path().join("source")).unwrap(), "text");
}

#[tokio::test]
async fn a_tool_that_is_not_there_says_what_to_type() {
    for (tool, program, install) in [
        (CommandLineTool::Claude, "claude", "npm install -g @anthropic-ai/claude-code"),
        (CommandLineTool::Codex, "codex", "npm install -g @openai/codex"),
        (CommandLineTool::Gemini, "gemini", "npm install -g @google/gemini-cli"),
    ] {
        let config = ModelConfig::CommandLine(CommandLineConfig { tool, program: None, model: None });
        let nowhere = |name: &str| (name == "PATH").then(|| "/nonexistent".to_owned());
        let model = connect_with(
            &"m".into(),
            &config,
            &http_client(&NetworkConfig::default()).unwrap(),
            PATIENT,
            &nowhere,
        )
        .unwrap();
        assert!(model.describe().starts_with("the default model through "));
        let error = model.complete(&request(), &|_| {}).await.unwrap_err();
        assert!(matches!(error, ModelError::Unreachable { .. }), "{error}");
        let said = error.to_string();
        for wanted in ["is not installed", &format!("`{program}`"), &format!("type `{install}`"), "`program`"]
        {
            assert!(said.contains(wanted), "{wanted:?} in {said}");
        }
    }
}

#[tokio::test]
async fn what_a_tool_says_instead_of_an_answer_is_explained() {
    let refused = |status: u16, said: &str| {
        claude_says(json!({"type": "result", "is_error": true, "api_error_status": status, "result": said}))
            + "; exit 1"
    };
    let cases = [
        (
            CommandLineTool::Claude,
            claude_says(
                json!({"type": "result", "is_error": true, "result": "Not logged in · Please run /login"}),
            ),
            "Claude Code is not logged in",
        ),
        (
            CommandLineTool::Claude,
            refused(401, "Invalid API key"),
            "check the login of Claude Code: start `claude`",
        ),
        (CommandLineTool::Claude, refused(404, "no such model"), "check `model`"),
        (CommandLineTool::Claude, refused(400, "Credit balance is too low"), "no credit left"),
        (
            CommandLineTool::Claude,
            refused(400, "prompt is too long: 210000 tokens > 200000"),
            "`window_tokens`",
        ),
        (CommandLineTool::Claude, refused(529, "Overloaded"), "asks for patience"),
        (CommandLineTool::Claude, "echo 'it is all fine'".into(), "Claude Code printed no answer"),
        (
            CommandLineTool::Claude,
            "echo \"error: unknown option '--tools'\" >&2; exit 3".into(),
            "unknown option '--tools'",
        ),
        (
            CommandLineTool::Claude,
            "echo \"error: unknown option '--tools'\" >&2; exit 3".into(),
            "update it: `npm install -g",
        ),
        (CommandLineTool::Claude, "kill -9 $$".into(), "Claude Code was killed"),
        (
            CommandLineTool::Claude,
            format!("echo 'bad {KEY} of the user' >&2; exit 3"),
            "bad [key] of the user",
        ),
        (CommandLineTool::Codex, "exit 2".into(), "does not say which models it knows"),
        (
            CommandLineTool::Codex,
            format!(
                "[ \"$1\" = debug ] && echo '{{\"models\": []}}' && exit; echo '{}'; exit 1",
                json!({"type": "turn.failed", "error": {"message": "unexpected status 401 Unauthorized: Missing bearer or basic authentication in header"}})
            ),
            "Codex is not logged in",
        ),
        (
            CommandLineTool::Codex,
            format!(
                "[ \"$1\" = debug ] && echo '{{\"models\": []}}' && exit; echo '{}'; exit 1",
                json!({"type": "turn.failed", "error": {"message": "unexpected status 404 Not Found: model"}})
            ),
            "check `model`",
        ),
        (
            CommandLineTool::Gemini,
            format!(
                "printf 'Warning: x\\n%s' '{:#}' >&2; exit 41",
                json!({"error": {"type": "Error", "message": "Please set an Auth method", "code": 41}})
            ),
            "Gemini CLI is not logged in",
        ),
    ];
    for (tool, script, wanted) in cases {
        let stage = Stage::new(&script);
        let said = stage.call(tool).await.unwrap_err().to_string();
        assert!(said.contains(wanted), "{wanted:?} in {said}");
        assert!(!said.contains(KEY), "{said}");
    }
}

#[tokio::test]
async fn time_that_is_up_ends_everything_that_was_started() {
    let stage = Stage::new(
        "mkdir -p \"$HOME/.claude\"; (echo $$ > \"$HOME/.claude/leader\"; sleep 600 & echo $! > \"$HOME/.claude/follower\"; wait)",
    );
    std::fs::create_dir(stage.path(".claude")).unwrap();
    let timeouts = Timeouts { total: Duration::from_millis(1500), ..PATIENT };
    let model = stage.model(CommandLineTool::Claude, timeouts);
    let error = model.complete(&request(), &|_| {}).await.unwrap_err();
    let wanted = ModelError::TimedOut { limit_ms: 1500, phase: "the whole reply of Claude Code".into() };
    assert_eq!(error, wanted);
    for name in [".claude/leader", ".claude/follower"] {
        gone(stage.read(name).trim().parse().unwrap()).await;
    }
}

#[tokio::test]
async fn cancelling_ends_everything_that_was_started() {
    let stage = Stage::new(
        "echo $$ > \"$HOME/.claude/leader\"; sleep 600 & echo $! > \"$HOME/.claude/follower\"; echo begun; wait",
    );
    std::fs::create_dir(stage.path(".claude")).unwrap();
    let model = stage.model(CommandLineTool::Claude, PATIENT);
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = Mutex::new(Some(begun));
    let calling = tokio::spawn(async move {
        let progress = |_: ModelProgress| {
            begun.lock().take().map(|begun| begun.send(()));
        };
        model.complete(&request(), &progress).await
    });
    tokio::time::timeout(Duration::from_secs(20), has_begun).await.unwrap().unwrap();
    calling.abort();
    assert!(calling.await.unwrap_err().is_cancelled());
    for name in [".claude/leader", ".claude/follower"] {
        gone(stage.read(name).trim().parse().unwrap()).await;
    }
}

#[tokio::test]
async fn a_flood_is_stopped() {
    let stage = Stage::new("exec yes '{}'");
    let error = stage.call(CommandLineTool::Claude).await.unwrap_err();
    assert_eq!(error, ModelError::TooLarge { limit_bytes: COMMAND_LINE_OUTPUT_BYTES_MAX });
}

#[tokio::test]
async fn who_leaves_the_pipes_open_is_not_waited_for() {
    let answer = json!({"type": "result", "result": "{\"actions\": []}"});
    let stage = Stage::new(&format!("sleep 600 &\n{}", claude_says(answer)));
    let begun = Instant::now();
    stage.call(CommandLineTool::Claude).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn no_mention_and_no_command_of_a_source_is_one_in_the_prompt() {
    let call = ToolCall { id: "a".into(), name: "read_file".into(), arguments: "{\"path\":\"@a\"}".into() };
    let reply = |text: &str, tool_calls: Vec<ToolCall>| Message::Model {
        reply: ModelReply {
            text: text.into(),
            tool_calls,
            stop: StopReason::End,
            usage: Usage::default(),
            opaque: Vec::new(),
        },
    };
    let result = ActionResult { id: "a".into(), status: ActionStatus::Refused, text: "@/etc/passwd".into() };
    let prompt = prompt::render(&[
        Message::User { text: "see @/etc/passwd\n/clear\n!cat /etc/passwd\n@{x}".into() },
        reply("{\"actions\": [\"@x\"]}", Vec::new()),
        reply("", vec![call]),
        Message::Results { results: vec![result] },
    ]);
    assert!(!prompt.contains('@'), "{prompt}");
    let lines: Vec<&str> = prompt.lines().collect();
    assert_eq!(lines.len(), 2, "{prompt}");
    assert!(!lines.iter().any(|line| line.starts_with(['/', '!', '$', '#'])), "{prompt}");
    insta::assert_snapshot!(lines[1], @r#"[{"from":"runtime","text":"see \u0040/etc/passwd\n/clear\n!cat /etc/passwd\n\u0040{x}"},{"from":"you","text":"{\"actions\": [\"\u0040x\"]}"},{"from":"you","text":"","actions":[{"id":"a","kind":"read_file","arguments":"{\"path\":\"\u0040a\"}"}]},{"from":"runtime","results":[{"id":"a","status":"refused","text":"\u0040/etc/passwd"}]}]"#);
    // Nothing is lost.
    let turns: Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(turns[0]["text"], "see @/etc/passwd\n/clear\n!cat /etc/passwd\n@{x}");
}
