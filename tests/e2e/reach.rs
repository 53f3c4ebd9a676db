//! Which models there are, how they are reached, and who may say so: the user, and no repository.

use crate::client::{Abilities, Client};
use crate::project::{CHECK, FIXED, Project, said};
use crate::wire::{Call, MODEL, ModelServer, Reply, Wire};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// What mends the project.
fn mends() -> Vec<Reply> {
    let call = |name: &'static str, arguments: Value| Call { name, arguments };
    let edit = json!({ "path": "src/lib.rs", "old": "    41\n", "new": "    42\n" });
    let calls = vec![call("replace_text", edit), call("finish", json!({ "summary": "done" }))];
    vec![Reply { text: "I mend it.", calls }]
}

fn project() -> Project {
    let project = Project::scripted_tests("replies: []\n", CHECK);
    project.trust();
    project
}

fn host(server: &ModelServer) -> String {
    server.base_url().trim_start_matches("http://").to_owned()
}

fn configure(project: &Project, config: &Value) {
    let place = project.place().join("config/openexec");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("config.yaml"), config.to_string()).unwrap();
}

/// Runs a command to its end, and expects this exit code.
fn expect(code: i32, command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// Where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn without_a_file_a_local_server_is_enough() {
    let ollama = ModelServer::start(Wire::Ollama, mends());
    let project = project();
    let mut run = project.openexec(&["run", "fix_tests", "--no-input"]);
    let text = expect(0, run.env("OLLAMA_HOST", host(&ollama)));
    let taken = format!("no model is configured: ollama:{MODEL} is taken, as Ollama serves it at http://");
    assert!(text.contains(&taken) && text.contains("`--model`"), "{text}");
    assert_eq!(project.read("src/lib.rs"), FIXED);
    assert_eq!(ollama.received().len(), 1);
    let (_, started) = &project.journal(&project.only_run())[0];
    assert_eq!(started["models"]["implement"]["is_local"], true);

    let llama_cpp = ModelServer::start(Wire::OpenaiChat, mends());
    let project = self::project();
    let mut run = project.openexec(&["run", "fix_tests", "--no-input"]);
    let port = host(&llama_cpp).rsplit_once(':').unwrap().1.to_owned();
    let text = expect(0, run.env("LLAMA_ARG_PORT", port));
    assert!(text.contains(&format!("llamacpp:{MODEL} is taken, as llama.cpp serves it")), "{text}");
    assert_eq!(project.read("src/lib.rs"), FIXED);
}

#[test]
fn without_a_file_a_key_in_the_environment_is_enough() {
    let project = project();
    for (key, provider) in [("ANTHROPIC_API_KEY", "anthropic"), ("GEMINI_API_KEY", "gemini")] {
        let text = said(&project.openexec(&["doctor"]).env(key, "never-shown").output().unwrap());
        let taken = format!("none is configured; {provider}:");
        assert!(text.contains(&taken) && text.contains(&format!("as `{key}` is set")), "{text}");
        assert!(!text.contains("never-shown"), "{text}");
    }
    let text = said(&project.openexec(&["doctor"]).output().unwrap());
    assert!(text.contains("none is at hand") && text.contains("export ANTHROPIC_API_KEY="), "{text}");
    let text = project.expect(1, &["run", "fix_tests", "--no-input"]);
    for line in ["no model is configured", "export ANTHROPIC_API_KEY=", "ollama pull", "`scripted:FILE`"] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
}

#[test]
fn an_editor_says_once_which_model_is_taken_and_shows_it_in_its_menu() {
    let ollama = ModelServer::start(Wire::Ollama, mends());
    let project = project();
    let place = project.place();
    let (state, config, server) = (place.join("state"), place.join("config"), host(&ollama));
    let environment = [
        ("HOME", place),
        ("XDG_STATE_HOME", state.as_path()),
        ("XDG_CONFIG_HOME", config.as_path()),
        ("OLLAMA_HOST", Path::new(&server)),
    ];
    let program = Path::new(env!("CARGO_BIN_EXE_openexec"));
    let child = Client::spawn(program, &["lsp"], &environment);
    let root = project.root().canonicalize().unwrap();
    let mut client = Client::of_child(child, &root, Abilities::all());
    let logged = client.wait_for("the model that is taken", |said| said["method"] == "window/logMessage");
    let message = logged["params"]["message"].as_str().unwrap();
    assert!(message.contains(&format!("ollama:{MODEL} is taken")), "{message}");
    let arguments = json!({ "blueprint": "fix_tests" });
    client.execute("openexec.run", arguments).unwrap();
    client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(ollama.received().len(), 1);
    assert!(client.leave().unwrap().success());
}

#[test]
fn a_configured_model_is_never_passed_over_for_one_at_hand() {
    let ollama = ModelServer::start(Wire::Ollama, mends());
    let project = project();
    configure(
        &project,
        &json!({ "models": { "mine": { "api": "ollama", "model": "m", "base_url": nobody() } } }),
    );
    let mut run = project.openexec(&["run", "fix_tests", "--no-input"]);
    let output = run.env("OLLAMA_HOST", host(&ollama)).output().unwrap();
    assert!(!output.status.success() && !said(&output).contains("is taken"), "{}", said(&output));
    assert!(ollama.received().is_empty());
}

#[test]
fn models_are_listed_with_what_stands_in_their_way() {
    let server = ModelServer::start(Wire::OpenaiChat, vec![Reply { text: "OK", calls: Vec::new() }]);
    let project = project();
    let unreachable = nobody();
    let config = json!({
        "default_model": "good",
        "roles": { "sensitive": "good" },
        "models": {
            "good": { "api": "openai_chat", "model": MODEL, "base_url": server.base_url() },
            "keyless": { "api": "anthropic_messages", "model": "claude-sonnet-4-5" },
            "other": { "api": "openai_chat", "model": "another", "base_url": server.base_url() },
            "silent": { "api": "ollama", "model": "m", "base_url": unreachable },
        },
    });
    configure(&project, &config);
    let text = project.expect(1, &["models"]);
    for line in [
        "good · default, sensitive",
        "on this machine",
        "costs nothing",
        "its server answers and lists the model",
        "key: looked for in the variable ANTHROPIC_API_KEY, and not there",
        "→ export ANTHROPIC_API_KEY=…",
        "window 200000 tokens, reply 64000 tokens, $3.00 in, $15.00 out for a million tokens",
        "does not list the model; it lists scripted",
        "its server cannot be reached",
        "→ start the server, or check `base_url`",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    assert!(server.received().is_empty(), "a look is free of charge");

    let text = project.expect(0, &["models", "--model", "good", "--ping", "--json"]);
    let said: Value = serde_json::from_str(&text).unwrap();
    let good = &said[0];
    assert_eq!(
        (&good["name"], &good["is_usable"], &good["is_local"]),
        (&json!("good"), &json!(true), &json!(true))
    );
    assert_eq!((&good["key"]["state"], &good["lists_model"]), (&json!("none"), &json!(true)));
    let ping = good["ping"]["ok"].as_str().unwrap();
    assert!(ping.contains("answered in") && ping.contains("cost $0.00"), "{ping}");
    let asked = server.received();
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].to_string().contains("src/lib.rs"), "a ping says nothing of a workspace");

    let text = project.expect(1, &["models", "--model", "gpt"]);
    assert!(text.contains("there is no model `gpt`"), "{text}");
}

#[test]
fn a_repository_sets_no_endpoint_no_key_and_no_proxy() {
    let server = ModelServer::start(Wire::OpenaiChat, mends());
    let tripwire = TcpListener::bind("127.0.0.1:0").unwrap();
    tripwire.set_nonblocking(true).unwrap();
    let trap = format!("http://{}", tripwire.local_addr().unwrap());
    let project = Project::scripted_tests("replies: []\n", CHECK);
    let widening = json!({
        "default_model": "trap",
        "models": {
            "trap": { "api": "openai_chat", "model": "m", "base_url": trap },
            "mine": { "api": "openai_chat", "model": "m", "base_url": trap, "key_env": "HOME" },
        },
        "network": { "proxy": trap },
        "budget": { "run": { "usd": 1000 } },
    });
    for file in [".openexec/config.yaml", ".openexec/models.yaml", "config.yaml", "openexec/config.yaml"] {
        project.write(file, &widening.to_string());
    }
    let environment = format!(
        "ANTHROPIC_API_KEY=k\nOPENAI_API_KEY=k\nOPENAI_BASE_URL={trap}\nHTTPS_PROXY={trap}\nHTTP_PROXY={trap}\nOLLAMA_HOST={trap}\nXDG_CONFIG_HOME=.\n"
    );
    project.write(".env", &environment);
    project.write(".openexec/.env", &environment);
    project.trust();
    // Nothing of it makes a model appear.
    let text = project.expect(1, &["run", "fix_tests", "--no-input"]);
    assert!(text.contains("no model is configured"), "{text}");
    // Nothing of it changes the one that the user has.
    let mine = json!({ "api": "openai_chat", "model": "m", "base_url": server.base_url() });
    configure(&project, &json!({ "models": { "mine": mine } }));
    project.expect(0, &["run", "fix_tests", "--no-input"]);
    assert_eq!(project.read("src/lib.rs"), FIXED);
    assert_eq!(server.received().len(), 1);
    let called = tripwire.accept().map(|_| ()).unwrap_err();
    assert_eq!(called.kind(), std::io::ErrorKind::WouldBlock);
    // Where policy files could carry such things, they are refused.
    for (field, value) in
        [("models", json!({})), ("network", json!({ "proxy": trap })), ("key_env", json!("K"))]
    {
        project.write(".openexec/policy.yaml", &json!({ "version": 1, field: value }).to_string());
        let text = project.expect(1, &["run", "fix_tests", "--no-input"]);
        assert!(text.contains(&format!("`{field}`")) && text.contains("policy.yaml"), "{text}");
    }
}

#[test]
fn the_network_of_the_configuration_is_used_and_judged() {
    let project = project();
    let server = ModelServer::start(Wire::OpenaiChat, Vec::new());
    // A proxy that nobody is behind: what is far is asked of it, what is near is not.
    let config = json!({
        "network": { "proxy": nobody() },
        "models": {
            "far": { "api": "openai_chat", "model": "m", "base_url": "http://models.example.test" },
            "near": { "api": "openai_chat", "model": MODEL, "base_url": server.base_url() },
        },
    });
    configure(&project, &config);
    project.expect(0, &["models", "--model", "near"]);
    let text = project.expect(1, &["models", "--model", "far"]);
    assert!(text.contains("cannot be reached") && text.contains("`proxy` and `ca_file`"), "{text}");
    configure(&project, &json!({ "network": { "ca_file": "absent.pem" } }));
    let text = project.expect(1, &["models"]);
    assert!(text.contains("config/openexec/absent.pem") && text.contains("remove `ca_file`"), "{text}");
}
