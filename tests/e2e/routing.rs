//! Requests that name no blueprint, models by role, and what may only go to a model on this
//! machine: with the real program and models on sockets.

use crate::project::{CHECK, FIXED, LIB, Project, said};
use crate::wire::{Call, ModelServer, Reply, Wire};
use serde_json::{Value, json};

/// A linter that finds nothing, as a workflow wants one to judge.
const TASKS: &str = "version: 1
tasks:
  - {name: test, kind: test, argv: [python3, check.py], report: tap}
  - {name: lint, kind: lint, argv: [python3, --version]}
";

/// Nobody is there: a request that gets this far fails.
const FAR: &str = "http://far.invalid";

fn project(config: &Value, policy: Option<&str>) -> Project {
    let project = Project::scripted_tests("replies: []\n", CHECK);
    let place = project.place().join("config/openexec");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("config.yaml"), config.to_string()).unwrap();
    if let Some(policy) = policy {
        std::fs::write(place.join("policy.yaml"), policy).unwrap();
    }
    project.write("src/other.rs", "pub fn other() {}\n");
    project.write(".openexec/tasks.yaml", TASKS);
    project.trust();
    project
}

fn model(server: &ModelServer) -> Value {
    json!({ "api": "openai_chat", "model": "scripted", "base_url": server.base_url() })
}

fn far() -> Value {
    json!({ "api": "openai_chat", "model": "scripted", "base_url": FAR })
}

fn finish(summary: &str) -> Reply {
    Reply { text: "", calls: vec![Call { name: "finish", arguments: json!({ "summary": summary }) }] }
}

fn repair() -> Reply {
    let edit = json!({ "path": "src/lib.rs", "old": "    41\n", "new": "    42\n" });
    let mut reply = finish("done");
    reply.calls.insert(0, Call { name: "replace_text", arguments: edit });
    reply
}

fn route(project: &Project, instruction: &str) -> Value {
    let output = project.run(&["route", "--json", "--instruction", instruction]);
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_request_finds_its_blueprint_its_files_and_how_far_they_travel() {
    let config = json!({ "models": { "far": far() } });
    let policy = "version: 1\negress: [{paths: ['src/other.rs'], to: local, reason: a contract}]\n";
    let project = project(&config, Some(policy));
    for (instruction, blueprint, files, sensitivity) in [
        ("why does answer return 41?", "answer", json!([]), "open"),
        ("make answer return 42", "implement", json!([]), "open"),
        ("fix the failing tests", "fix_tests", json!([]), "open"),
        ("explain lib.rs", "answer", json!(["src/lib.rs"]), "open"),
        ("rename other in src/other.rs", "implement", json!(["src/other.rs"]), "local"),
        ("document everything in src/", "implement", json!(["src/lib.rs", "src/other.rs"]), "local"),
    ] {
        let plan = route(&project, instruction)["route"]["plan"].clone();
        assert_eq!(plan["blueprint"], blueprint, "{instruction}: {plan}");
        assert_eq!(plan["zones"], files, "{instruction}: {plan}");
        assert_eq!(plan["sensitivity"], sensitivity, "{instruction}: {plan}");
    }
    let text = project.expect(0, &["route", "-i", "why is src/other.rs here?"]);
    assert!(text.contains("answer") && text.contains("because") && text.contains("a contract"), "{text}");
    let text = project.expect(1, &["route"]);
    assert!(text.contains("the request says nothing") && text.contains("as its instruction"), "{text}");
    assert!(project.expect(0, &["runs"]).contains("no run has been recorded"), "routing starts nothing");
    let text = project.expect(1, &["run", "nowhere"]);
    assert_eq!(text.matches("there is no blueprint `nowhere`").count(), 1, "an error is told once: {text}");
}

#[test]
fn a_question_is_answered_and_nothing_is_changed() {
    let server = ModelServer::start(Wire::OpenaiChat, vec![repair(), finish("it returns 41, src/lib.rs:3")]);
    let project = project(&json!({ "models": { "near": model(&server) } }), None);
    let text = project.expect(0, &["run", "--no-input", "--instruction", "what does answer return?"]);
    assert!(text.contains("it returns 41, src/lib.rs:3"), "{text}");
    assert_eq!(project.read("src/lib.rs"), LIB, "an edit is not in the toolset of a question");
    let offered = server.received()[0]["tools"].clone();
    let names: Vec<&str> =
        offered.as_array().unwrap().iter().map(|it| it["function"]["name"].as_str().unwrap()).collect();
    assert!(!names.iter().any(|name| name.starts_with("replace") || *name == "create_file"), "{names:?}");
}

#[test]
fn stages_that_edit_and_stages_that_read_ask_the_models_of_their_roles() {
    let writer = ModelServer::start(Wire::OpenaiChat, vec![repair()]);
    let reader = ModelServer::start(Wire::Ollama, vec![finish("looks right")]);
    let reading = json!({ "api": "ollama", "model": "scripted", "base_url": reader.base_url() });
    let config = json!({
        "models": { "writer": model(&writer), "reader": reading },
        "roles": { "implement": "writer", "review": "reader" },
    });
    let project = project(&config, None);
    let text = project.expect(
        3,
        &[
            "run",
            "scoped_code_change",
            "--no-input",
            "--instruction",
            "return 42",
            "--at-place",
            "src/lib.rs:2-4",
        ],
    );
    assert_eq!((writer.received().len(), reader.received().len()), (1, 1), "{text}");
    let run = project.only_run();
    let asked: Vec<Value> = project
        .journal(&run)
        .into_iter()
        .filter(|(name, _)| name == "model_requested")
        .map(|(_, event)| event["model"].clone())
        .collect();
    assert_eq!(asked, ["writer", "reader"]);
    // The user's word goes before the roles.
    let one = route(&project, "return 42");
    assert_eq!(one["models"]["review"]["name"], "reader");
    let text = project.expect(0, &["route", "-i", "return 42", "--model", "reader"]);
    assert!(text.contains("model reader"), "{text}");
}

#[test]
fn what_may_not_leave_goes_to_the_model_that_is_here() {
    let near = ModelServer::start(Wire::OpenaiChat, vec![repair()]);
    let policy = "version: 1\negress: [{paths: ['src/lib.rs'], to: local, reason: a contract}]\n";
    let models = json!({ "far": far(), "near": model(&near) });
    let config = json!({ "default_model": "far", "models": models, "roles": { "sensitive": "near" } });
    let with = project(&config, Some(policy));
    with.run(&["run", "fix_tests", "--no-input", "--at-place", "src/lib.rs:2-4"]);
    assert_eq!(near.received().len(), 1, "the far model would have failed");
    assert!(near.received()[0].to_string().contains("pub fn answer"), "nothing is withheld from it");
    // A request about other files goes where the user's requests go.
    let plan = route(&with, "rename other in src/other.rs");
    assert_eq!(plan["models"]["implement"]["name"], "far");
    // Without such a model the file is left out, and the far model is asked without it.
    let far_server = ModelServer::start(Wire::OpenaiChat, vec![finish("nothing to see")]);
    let without = json!({ "models": { "far": model(&far_server) } });
    let project = project(&without, Some(&policy.replace("to: local", "to: none")));
    project.run(&["run", "fix_tests", "--no-input", "--at-place", "src/lib.rs:2-4"]);
    let sent = far_server.received();
    assert!(!sent.is_empty() && !sent.iter().any(|body| body.to_string().contains("pub fn answer")));
}

/// Asks with a router on a socket that says this.
fn refined(said: Reply, instruction: &str) -> (Value, ModelServer) {
    let router = ModelServer::start(Wire::OpenaiChat, vec![said]);
    let models = json!({ "far": far(), "tiny": model(&router) });
    let config = json!({ "default_model": "far", "models": models, "roles": { "router": "tiny" } });
    (route(&project(&config, None), instruction), router)
}

#[test]
fn the_routers_model_narrows_and_what_else_it_says_has_no_effect() {
    let vague = "the leap days; my key is ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let (plan, router) = refined(finish(r#"{"mode":"read","sensitive":false}"#), vague);
    assert_eq!(plan["route"]["plan"]["blueprint"], "answer");
    assert_eq!(plan["route"]["plan"]["mode"], "read");
    let sent = router.received()[0].to_string();
    assert!(sent.contains("leap days") && !sent.contains("ghp_0123"), "{sent}");
    for (said, why) in [
        (finish(r#"{"mode":"change","toolset":"coding_backend"}"#), "not heeded"),
        (finish("read it is"), "not heeded"),
        (repair(), "not heeded"),
        (Reply { text: "I would read it.", calls: vec![] }, "not heeded"),
    ] {
        let (plan, _router) = refined(said, "why are there leap days?");
        assert_eq!(plan["route"]["plan"]["mode"], "read", "{plan}");
        assert_eq!(plan["route"]["plan"]["toolset"], "repo_readonly", "{plan}");
        assert!(plan["route"]["refined"]["said"]["Err"].is_string(), "{why}: {plan}");
    }
    let (plan, _router) = refined(finish(r#"{"mode":"change"}"#), "why are there leap days?");
    assert_eq!(plan["route"]["plan"]["mode"], "read", "a question does not become a change");
}

#[test]
fn what_no_model_may_see_the_routers_model_does_not_see_either() {
    let router = ModelServer::start(Wire::OpenaiChat, vec![finish(r#"{"mode":"read"}"#)]);
    let models = json!({ "far": far(), "tiny": model(&router) });
    let config = json!({ "default_model": "far", "models": models, "roles": { "router": "tiny" } });
    let project = project(&config, None);
    let records = "version: 1\nenvironments: [{id: prod, masked: [db.corp.example]}]\n";
    project.write(".openexec/memory/m.yaml", records);
    project.write(".env", "API_TOKEN=zxq-981-mfkw-77\n");
    let instruction = "the leap days of db.corp.example, by zxq-981-mfkw-77";
    route(&project, instruction);
    let sent = router.received()[0].to_string();
    assert!(sent.contains("leap days of"), "{sent}");
    assert!(!sent.contains("corp") && !sent.contains("zxq-981"), "{sent}");
    // Nor is it asked while nobody knows what that is.
    project.write(".openexec/memory/m.yaml", "environments: [{masked: [db.corp.example\n");
    let text = project.expect(1, &["route", "-i", instruction]);
    assert!(text.contains("not known what memory keeps") && text.contains("m.yaml"), "{text}");
    assert_eq!(router.received().len(), 1);
}

#[test]
fn a_request_that_is_sensitive_itself_stays_here_or_does_not_start() {
    let sensitive = || ModelServer::start(Wire::OpenaiChat, vec![finish(r#"{"sensitive":true}"#)]);
    let router = sensitive();
    let models = json!({ "far": far(), "tiny": model(&router) });
    let config = json!({ "default_model": "far", "models": models, "roles": { "router": "tiny" } });
    let refused = project(&config, None);
    let text = refused.expect(1, &["run", "--no-input", "-i", "add the customer Jo Doe, born 1 May 1970"]);
    assert!(text.contains("would leave this machine") && text.contains("`sensitive`"), "{text}");
    assert!(refused.expect(0, &["runs"]).contains("no run has been recorded"));

    let (router, near) = (sensitive(), ModelServer::start(Wire::OpenaiChat, vec![repair()]));
    let models = json!({ "far": far(), "near": model(&near), "tiny": model(&router) });
    let roles = json!({ "router": "tiny", "sensitive": "near" });
    let config = json!({ "default_model": "far", "models": models, "roles": roles });
    let project = project(&config, None);
    project.expect(0, &["run", "--no-input", "-i", "add the customer Jo Doe, born 1 May 1970"]);
    assert_eq!(near.received().len(), 1);
    assert_eq!(project.read("src/lib.rs"), FIXED);
}
