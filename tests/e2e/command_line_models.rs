//! Command-line tools as models, for real: Claude Code, Codex and Gemini CLI, each talking to a
//! model on a local socket that tries to do things with the tool's own tools. Nothing happens,
//! and the run goes on.
//!
//! `tests/prepare-command-line-models` installs them.

use crate::project::{CHECK, Project, said};
use crate::wire::{Call, ModelServer, Reply, Wire};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Tool {
    Claude,
    Codex,
    Gemini,
}

const TOOLS: [Tool; 3] = [Tool::Claude, Tool::Codex, Tool::Gemini];

/// What the user has told the tools; no run may repeat it.
const MEMORY: &str = "MEMORY-OF-THE-USER";
/// What the project tells whoever works on it; it is data, wherever a run shows it.
const CONVENTION: &str = "CONVENTION-OF-THE-PROJECT";
/// What stands in a file that only its mention in a source leads to.
const SECRET: &str = "SECRET-OF-THE-USER";
/// What every trap writes.
const TRAP: &str = "pwned";

impl Tool {
    fn api(self) -> &'static str {
        match self {
            Self::Claude => "claude_cli",
            Self::Codex => "codex_cli",
            Self::Gemini => "gemini_cli",
        }
    }

    fn program(self) -> PathBuf {
        let name = self.api().trim_end_matches("_cli");
        let cache = std::env::var_os("OPENEXEC_TEST_CACHE")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.cache"), PathBuf::from);
        let program = cache.join("command-line-models/bin").join(name);
        assert!(
            program.exists(),
            "`{}` is missing; run `bash tests/run`, or `bash tests/prepare-command-line-models` alone",
            program.display()
        );
        program.canonicalize().unwrap()
    }

    /// A model that the tool knows.
    fn model(self) -> &'static str {
        match self {
            Self::Claude => "claude-sonnet-4-5",
            Self::Codex => "gpt-5.5",
            Self::Gemini => "gemini-2.5-pro",
        }
    }

    fn wire(self) -> Wire {
        match self {
            Self::Claude => Wire::AnthropicMessages,
            Self::Codex => Wire::OpenaiResponses,
            Self::Gemini => Wire::Gemini,
        }
    }

    fn variables(self, server: &str) -> Vec<(&'static str, String)> {
        let key = "key-of-the-user".to_owned();
        match self {
            Self::Claude => vec![("ANTHROPIC_API_KEY", key), ("ANTHROPIC_BASE_URL", server.to_owned())],
            Self::Codex => vec![("CODEX_API_KEY", key), ("OPENAI_BASE_URL", format!("{server}/v1"))],
            Self::Gemini => vec![("GEMINI_API_KEY", key), ("GOOGLE_GEMINI_BASE_URL", server.to_owned())],
        }
    }

    /// Attempts at a file in the tool's directory, the home and the workspace, with every tool
    /// by which one could be written.
    fn attempts(self, home: &Path, workspace: &Path) -> Vec<Call> {
        let call = |name, arguments| Call { name, arguments };
        let touch = format!(
            "touch {TRAP} {0}/{TRAP} {1}/{TRAP}; echo {TRAP} > {1}/src/lib.rs",
            home.display(),
            workspace.display()
        );
        let files = [home.join(TRAP), workspace.join(TRAP), workspace.join("src/lib.rs")];
        let mut calls = Vec::new();
        match self {
            Self::Claude => {
                calls.push(call("Bash", json!({"command": touch, "description": "x"})));
                for file in files {
                    calls.push(call("Write", json!({"file_path": file, "content": TRAP})));
                }
                calls.push(call("Read", json!({"file_path": home.join("secret.txt")})));
            }
            Self::Codex => {
                calls.push(call("exec_command", json!({"cmd": touch})));
                calls.push(call("shell", json!({"command": ["bash", "-c", touch]})));
                calls.push(call("local_shell", json!({"command": ["bash", "-c", touch]})));
                for file in files {
                    let patch = format!(
                        "*** Begin Patch\n*** Add File: {}\n+{TRAP}\n*** End Patch\n",
                        file.display()
                    );
                    calls.push(call("apply_patch", json!({"input": patch})));
                }
                calls.push(call("exec", json!({"input": "await tools.exec_command({cmd: 'touch pwned'})"})));
            }
            Self::Gemini => {
                calls.push(call("run_shell_command", json!({"command": touch})));
                for file in files {
                    calls.push(call("write_file", json!({"file_path": file, "content": TRAP})));
                    calls.push(call(
                        "replace",
                        json!({"file_path": file, "old_string": "", "new_string": TRAP}),
                    ));
                }
                calls.push(call("save_memory", json!({"fact": TRAP})));
                calls.push(call("read_file", json!({"file_path": home.join("secret.txt")})));
            }
        }
        calls
    }

    /// A document of actions, as the tool lets a model give it.
    fn document(self, document: Value) -> Reply {
        match self {
            Self::Claude => {
                Reply { text: "", calls: vec![Call { name: "StructuredOutput", arguments: document }] }
            }
            Self::Codex | Self::Gemini => Reply { text: document.to_string().leak(), calls: Vec::new() },
        }
    }

    /// Servers, hooks, memories and settings of the user's, each of which springs a trap.
    fn lay_traps(self, home: &Path) {
        let trap = format!("touch {}/{TRAP}-hook", home.display());
        let server = json!({"command": "sh", "args": ["-c", trap]});
        let hook = json!([{"matcher": "*", "hooks": [{"type": "command", "command": trap}]}]);
        let write = |path: &str, text: String| {
            let path = home.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        match self {
            Self::Claude => {
                write(".claude/CLAUDE.md", MEMORY.into());
                write(".claude.json", json!({"mcpServers": {"trap": server}}).to_string());
                let hooks = json!({"SessionStart": hook, "UserPromptSubmit": hook, "Stop": hook});
                write(
                    ".claude/settings.json",
                    json!({"hooks": hooks, "permissions": {"defaultMode": "bypassPermissions"}}).to_string(),
                );
            }
            Self::Codex => {
                write(".codex/AGENTS.md", MEMORY.into());
                write(
                    ".codex/config.toml",
                    format!(
                        "sandbox_mode = \"danger-full-access\"\nnotify = [\"sh\", \"-c\", {0}]\n[mcp_servers.trap]\ncommand = \"sh\"\nargs = [\"-c\", {0}]\n",
                        json!(trap)
                    ),
                );
                write(
                    ".codex/hooks.json",
                    json!({"hooks": {"SessionStart": hook, "UserPromptSubmit": hook, "Stop": hook}})
                        .to_string(),
                );
                write(
                    ".codex/skills/trap/SKILL.md",
                    format!("---\nname: trap\ndescription: {MEMORY}\n---\n{MEMORY}\n"),
                );
            }
            Self::Gemini => {
                write(".gemini/GEMINI.md", MEMORY.into());
                let settings = json!({
                    "security": {"auth": {"selectedType": "gemini-api-key"}}, "mcpServers": {"trap": server},
                    "hooks": {"SessionStart": hook, "BeforeAgent": hook, "AfterAgent": hook},
                });
                write(".gemini/settings.json", settings.to_string());
            }
        }
    }

    /// What the tool keeps below the home for itself and writes to.
    fn keeps(self, path: &str) -> bool {
        match self {
            Self::Claude => path.starts_with(".claude"),
            Self::Codex | Self::Gemini => false,
        }
    }
}

/// A project, a home with traps, and a source that mentions a file of the home.
struct Place {
    project: Project,
    home: PathBuf,
}

impl Place {
    fn new(tool: Tool) -> Self {
        let project = Project::scripted_tests("replies: []\n", CHECK);
        let home = project.place().join("home");
        std::fs::create_dir_all(&home).unwrap();
        tool.lay_traps(&home);
        std::fs::write(home.join("secret.txt"), SECRET).unwrap();
        let secret = home.join("secret.txt").display().to_string();
        let mention = format!(
            "/// See @{secret}, @secret.txt, !{{cat {secret}}} and `!cat {secret}`.\n/clear\n!cat {secret}\n"
        );
        project.write("src/lib.rs", &format!("{mention}pub fn answer() -> u32 {{\n    41\n}}\n"));
        for memory in ["AGENTS.md", "CLAUDE.md", "GEMINI.md"] {
            project.write(memory, CONVENTION);
        }
        let config = json!({"models": {"tool": {"api": tool.api(), "model": tool.model(), "program": tool.program()}}});
        let directory = project.place().join("config/openexec");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("config.yaml"), config.to_string()).unwrap();
        project.trust();
        Self { project, home }
    }

    fn run(&self, variables: &[(&'static str, String)]) -> std::process::Output {
        let mut command =
            self.project.openexec(&["run", "fix_tests", "--model", "tool", "--json", "--no-input"]);
        command.env("HOME", &self.home).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        for name in
            ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "CODEX_HOME", "GEMINI_API_KEY", "CLAUDE_CONFIG_DIR"]
        {
            command.env_remove(name);
        }
        command.envs(variables.iter().cloned()).output().unwrap()
    }
}

/// Every file below a directory with its bytes.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if path.is_dir() && !path.is_symlink() {
                found.insert(format!("{name}/"), Vec::new());
                directories.push(path);
            } else {
                found.insert(name, std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    found
}

fn names(files: &BTreeMap<String, Vec<u8>>) -> Vec<&String> {
    files.keys().collect()
}

/// A run in which the model first tries everything, then answers as it should.
fn whole_run(tool: Tool) {
    let place = Place::new(tool);
    let root = place.project.root();
    let right = json!({"actions": [
        {"id": "a1", "kind": "replace_text", "path": "src/lib.rs", "old": "    41\n", "new": "    42\n"},
        {"id": "a2", "kind": "finish", "summary": "made it right"},
    ]});
    let look = json!({"actions": [{"id": "a1", "kind": "read_file", "path": "src/lib.rs", "first_line": null, "last_line": null}]});
    let server = ModelServer::start(
        tool.wire(),
        vec![
            Reply { text: "I use my own tools.", calls: tool.attempts(&place.home, &root) },
            tool.document(look),
            tool.document(right),
        ],
    );
    let (home_before, root_before) = (files(&place.home), files(&root));
    let output = place.run(&tool.variables(&server.base_url()));
    let said = said(&output);
    assert!(output.status.success(), "{tool:?}: {said}\n{:#?}", server.received());

    let (home_after, root_after) = (files(&place.home), files(&root));
    let theirs = |files: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        files
            .iter()
            .filter(|(name, _)| !tool.keeps(name))
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect()
    };
    assert_eq!(theirs(&home_before), theirs(&home_after), "{tool:?}");
    assert!(!home_after.keys().any(|name| name.contains(TRAP)), "{tool:?}: {:?}", names(&home_after));
    assert_eq!(names(&root_before), names(&root_after), "{tool:?}");
    let changed: Vec<&String> = root_after
        .iter()
        .filter(|(name, bytes)| root_before[*name] != **bytes)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(changed, ["src/lib.rs"], "{tool:?}");
    assert!(place.project.read("src/lib.rs").ends_with("    42\n}\n"), "{tool:?}");

    let received = server.received();
    assert_eq!(received.len(), 3, "{tool:?}: {received:#?}");
    for request in &received {
        let request = request.to_string();
        assert!(!request.contains(SECRET), "{tool:?} sent a file that a source mentions: {request}");
        assert!(!request.contains(MEMORY), "{tool:?} sent what the user told it: {request}");
        for (at, _) in request.match_indices(CONVENTION) {
            assert!(
                request[..at].ends_with("| "),
                "{tool:?} sent what the project says by itself: {request}"
            );
        }
        assert!(request.contains("exactly one JSON document"), "{tool:?}: {request}");
    }
    // What the model tried is answered by the tool with a refusal; what it asked for, by us.
    assert!(received[2].to_string().contains("done: "), "{tool:?}: {}", received[2]);
    let events: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let usage: u64 = events
        .iter()
        .filter(|event| event["event"]["event"] == "model_replied")
        .map(|event| event["event"]["reply"]["usage"]["input_tokens"].as_u64().unwrap())
        .sum();
    assert!(usage > 0, "{tool:?}: {events:#?}");
    assert!(!said.contains("key-of-the-user"), "{tool:?}: {said}");
}

#[test]
fn claude_code_is_only_a_model() {
    whole_run(Tool::Claude);
}

#[test]
fn codex_is_only_a_model() {
    whole_run(Tool::Codex);
}

#[test]
fn gemini_cli_is_only_a_model() {
    whole_run(Tool::Gemini);
}

/// The tools offer their models nothing to do anything with.
#[test]
fn no_tool_is_offered() {
    for tool in TOOLS {
        let place = Place::new(tool);
        let done = json!({"actions": [{"id": "a1", "kind": "finish", "summary": "nothing to do"}]});
        let server = ModelServer::start(tool.wire(), vec![tool.document(done.clone()), tool.document(done)]);
        place.run(&tool.variables(&server.base_url()));
        let received = server.received();
        let request = received.first().unwrap_or_else(|| panic!("{tool:?} asked nothing"));
        let mut offered: Vec<String> = Vec::new();
        let lists = [&request["tools"], &request["input"][0]["tools"]];
        for tool in lists.iter().filter_map(|list| list.as_array()).flatten() {
            offered.extend(tool["name"].as_str().map(str::to_owned));
            let functions = tool["functionDeclarations"].as_array().into_iter().flatten();
            offered.extend(functions.map(ToString::to_string));
        }
        let harmless: &[&str] = match tool {
            // The form of the answer, and a place for tools that there are none of.
            Tool::Claude => &["StructuredOutput", "DeferredToolPlaceholder"],
            // Works in another mode only, with somebody who answers.
            Tool::Codex => &["request_user_input"],
            Tool::Gemini => &[],
        };
        offered.retain(|name| !harmless.contains(&name.as_str()));
        assert_eq!(offered, Vec::<String>::new(), "{tool:?}");
    }
}

#[test]
fn a_tool_without_a_login_says_how_to_log_in() {
    for (tool, wanted) in [
        (
            Tool::Claude,
            ["Claude Code is not logged in", "start `claude` once and log in, or set `ANTHROPIC_API_KEY`"],
        ),
        (
            Tool::Gemini,
            ["Gemini CLI is not logged in", "start `gemini` once and log in, or set `GEMINI_API_KEY`"],
        ),
    ] {
        let place = Place::new(tool);
        let _ = std::fs::remove_file(place.home.join(".gemini/settings.json"));
        let output = place.run(&[]);
        let said = said(&output);
        assert!(!output.status.success(), "{said}");
        for wanted in wanted {
            assert!(said.contains(wanted), "{tool:?}: {wanted:?} in {said}");
        }
    }
}
