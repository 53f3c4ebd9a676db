//! What models may cost, and what may be sent to them: with the real program, and a model's
//! server on a real socket that counts 1,000 tokens read and 100 written for each reply.

use crate::client::{Abilities, Client};
use crate::project::{CHECK, FIXED, LIB, Project, said};
use crate::wire::{Call, ModelServer, Reply, Wire};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

/// Dollars for a million tokens: a reply of the server's costs 0.002.
const PRICE: &str = r#"{"input": 1, "output": 10}"#;

/// One that reads, so that the conversation goes on.
fn reading() -> Reply {
    let arguments = json!({ "path": "src/lib.rs" });
    Reply { text: "I look first.", calls: vec![Call { name: "read_file", arguments }] }
}

fn fixing() -> Reply {
    let edit = json!({ "path": "src/lib.rs", "old": "    41\n", "new": "    42\n" });
    let finish = Call { name: "finish", arguments: json!({ "summary": "done" }) };
    Reply { text: "Here it is.", calls: vec![Call { name: "replace_text", arguments: edit }, finish] }
}

struct Scene {
    project: Project,
    server: ModelServer,
}

impl Scene {
    fn new(replies: Vec<Reply>, settings: Value) -> Self {
        let scene = Self {
            project: Project::scripted_tests("replies: []\n", CHECK),
            server: ModelServer::start(Wire::OpenaiChat, replies),
        };
        scene.configure(settings);
        scene.project.trust();
        scene
    }

    /// Writes the user's configuration anew.
    fn configure(&self, mut settings: Value) {
        let price: Value = serde_json::from_str(PRICE).unwrap();
        settings["default_model"] = json!("wire");
        settings["models"] = json!({ "wire": {
            "api": "openai_chat", "model": "served", "base_url": self.server.base_url(), "price": price,
        } });
        let place = self.project.place().join("config/openexec");
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("config.yaml"), settings.to_string()).unwrap();
    }

    fn expect(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "openexec {}\n{text}", arguments.join(" "));
        text
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.project.openexec(arguments);
        command.env("NO_PROXY", "127.0.0.1");
        command
    }

    fn fix(&self, code: i32) -> String {
        self.expect(code, &["run", "fix_tests", "--no-input"])
    }

    fn received(&self) -> usize {
        self.server.received().len()
    }

    fn is_fixed(&self) -> bool {
        self.project.read("src/lib.rs") == FIXED
    }

    /// What the smallest first call takes: its request, and the shortest reply.
    fn smallest_call(&self) -> u64 {
        self.configure(json!({ "budget": { "call": { "tokens": 1 } } }));
        let text = self.fix(3);
        assert_eq!(self.received(), 0, "{text}");
        let (_, rest) = text.split_once("the next call to `wire` would take about ").expect(&text);
        let number = rest.split_whitespace().next().unwrap().replace(',', "");
        let run = self.project.only_run();
        self.expect(0, &["discard", &run]);
        number.parse().unwrap()
    }

    fn newest_run(&self) -> String {
        let text = self.expect(0, &["runs"]);
        text.split_whitespace().next().unwrap().to_owned()
    }
}

#[test]
fn a_run_pauses_at_its_budget_and_a_resume_goes_on_where_it_stood() {
    let scene = Scene::new(vec![reading(), fixing()], json!({}));
    // The first call fits, and the second, after 1,100 tokens of the first, does not.
    let tokens = scene.smallest_call() + 600;
    scene.configure(json!({ "budget": { "run": { "tokens": tokens } } }));
    let text = scene.fix(3);
    assert_eq!(scene.received(), 1, "{text}");
    assert!(
        text.contains("`budget.run`, the limit of this run since its start or its last resume"),
        "{text}"
    );
    assert!(text.contains("1,100 of ") && text.contains("tokens are spent"), "{text}");
    let run = scene.newest_run();
    assert!(text.contains(&format!("`openexec resume {run}` grants the same again")), "{text}");
    let runs = scene.expect(0, &["runs"]);
    assert!(runs.contains("(1,000 tokens read, 100 written, 0.002 USD)"), "{runs}");
    // What the second call takes fits into what is granted again with a little more of it.
    scene.configure(json!({ "budget": { "run": { "tokens": tokens + 2_000 } } }));
    scene.expect(0, &["resume", &run, "--no-input"]);
    let received = scene.server.received();
    assert_eq!(received.len(), 2);
    assert!(
        received[1]["messages"].as_array().unwrap().len() > received[0]["messages"].as_array().unwrap().len()
    );
    assert!(scene.is_fixed());
    let shown = scene.expect(0, &["show", &run]);
    assert!(shown.contains("models: 2,000 tokens read, 200 written, 0.004 USD"), "{shown}");
}

#[test]
fn a_run_pauses_at_its_budget_in_dollars() {
    let scene = Scene::new(vec![reading(), reading(), reading(), fixing()], json!({}));
    let smallest = scene.smallest_call();
    // The request at 1 dollar a million and 1,000 tokens of reply at 10; then what a reply cost.
    let usd = (smallest + 9_000 + 100) as f64 / 1e6;
    scene.configure(json!({ "budget": { "run": { "usd": usd } } }));
    let text = scene.fix(3);
    assert_eq!(scene.received(), 1, "{text}");
    assert!(text.contains("0.002 USD of 0.0") && text.contains("would take up to 0.0"), "{text}");
    assert!(!scene.is_fixed());
}

#[test]
fn a_call_that_is_too_large_is_not_made_until_its_limit_is_raised() {
    let scene = Scene::new(vec![fixing()], json!({ "budget": { "call": { "tokens": 1_500 } } }));
    let text = scene.fix(3);
    assert!(text.contains("raise `budget.call` in config.yaml, then `openexec resume"), "{text}");
    let run = scene.project.only_run();
    scene.expect(3, &["resume", &run, "--no-input"]);
    assert_eq!(scene.received(), 0);
    scene.configure(json!({ "budget": { "call": { "tokens": 50_000 } } }));
    scene.expect(0, &["resume", &run, "--no-input"]);
    assert!(scene.is_fixed());
    // The reply is asked to be no longer than what the limit leaves.
    assert_eq!(scene.server.received()[0]["max_tokens"], 16_000);
}

#[test]
fn a_day_is_shared_by_all_runs_and_can_be_raised() {
    let scene = Scene::new(vec![fixing(), fixing()], json!({}));
    let tokens = scene.smallest_call() + 500;
    scene.configure(json!({ "budget": { "day": { "tokens": tokens } } }));
    scene.fix(0);
    scene.project.write("src/lib.rs", LIB);
    let text = scene.fix(3);
    assert_eq!(scene.received(), 1, "{text}");
    assert!(text.contains("`budget.day`, the limit of all your runs of today (UTC)"), "{text}");
    assert!(text.contains("1,100 of ") && text.contains("after 00:00 UTC"), "{text}");
    let run = scene.newest_run();
    scene.expect(3, &["resume", &run, "--no-input"]);
    scene.configure(json!({ "budget": { "day": { "tokens": 100_000 } } }));
    scene.expect(0, &["resume", &run, "--no-input"]);
    assert!(scene.received() == 2 && scene.is_fixed());
}

#[test]
fn two_processes_do_not_spend_the_rest_of_a_day_twice() {
    let scene = Scene::new(vec![reading(), reading()], json!({}));
    let tokens = scene.smallest_call() + 500;
    scene.configure(json!({ "budget": { "day": { "tokens": tokens } } }));
    let start = || {
        let mut command = scene.command(&["run", "fix_tests", "--no-input"]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    for child in [start(), start()] {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    }
    assert_eq!(scene.received(), 1);
}

#[test]
fn a_ledger_that_cannot_be_kept_lets_nothing_pass() {
    let scene = Scene::new(vec![fixing()], json!({}));
    std::fs::write(scene.project.place().join("state/openexec/spending.db"), "no database".repeat(500))
        .unwrap();
    let text = scene.fix(3);
    assert!(text.contains("what is spent cannot be counted, so nothing is sent"), "{text}");
    assert_eq!(scene.received(), 0);
}

#[test]
fn nothing_reaches_the_socket_before_the_yes() {
    let scene = Scene::new(vec![reading(), fixing()], json!({ "approve_requests": true }));
    let text = scene.fix(3);
    assert!(text.contains("nothing of it has left") && text.contains("openexec approve"), "{text}");
    assert_eq!(scene.received(), 0);
    let run = scene.project.only_run();
    assert!(
        scene.expect(0, &["runs"]).contains("waits before it sends: request 1 to `wire` on this machine")
    );
    let shown = scene.expect(0, &["show", &run, "--request", "1"]);
    for part in [
        "waits for your yes; nothing of it has left",
        "about ",
        "up to 0.",
        "nothing in it looked like a secret",
        "--- system",
        "--- runtime",
        "src/lib.rs",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let digest = shown.lines().find_map(|line| line.strip_prefix("digest")).unwrap().trim().to_owned();
    let wire: Value =
        serde_json::from_str(&scene.expect(0, &["show", &run, "--request", "1", "--wire"])).unwrap();
    assert_eq!(scene.received(), 0, "looking sends nothing");
    // A yes is for one request: the next one waits again.
    let text = scene.expect(3, &["approve", &run, "--no-input"]);
    assert!(text.contains(&digest), "{text}");
    assert_eq!(scene.server.received(), [wire], "exactly what was shown");
    let shown = scene.expect(0, &["show", &run, "--request", "1"]);
    assert!(shown.contains("1,000 tokens read, 100 written, 0.002 USD"), "{shown}");
    assert!(shown.contains(&digest), "{shown}");
    scene.expect(0, &["approve", &run, "--no-input"]);
    assert!(scene.received() == 2 && scene.is_fixed());
    let names: Vec<String> = scene.project.journal(&run).into_iter().map(|(name, _)| name).collect();
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    assert_eq!((count("request_proposed"), count("approved"), count("model_requested")), (2, 2, 2));
}

#[test]
fn a_refused_request_ends_the_run_and_is_never_sent() {
    let scene = Scene::new(vec![fixing()], json!({ "approve_requests": true }));
    scene.fix(3);
    let run = scene.project.only_run();
    scene.expect(0, &["discard", &run]);
    assert!(scene.expect(0, &["runs"]).contains("was refused by terminal and not sent"));
    scene.expect(1, &["approve", &run, "--no-input"]);
    let shown = scene.expect(0, &["show", &run, "--request", "1"]);
    assert!(shown.contains("was never sent"), "{shown}");
    assert_eq!(scene.received(), 0);
    assert_eq!(scene.project.read("src/lib.rs"), LIB);
}

/// Secrets are counted by kind, and the place of a part that a rule keeps is said, not its text.
#[test]
fn a_request_says_what_was_kept_out_of_it() {
    let scene = Scene::new(vec![], json!({ "approve_requests": true }));
    let token = ["ghp_", "FAKEfake0123456789FAKEfake0123456789"].concat();
    scene.project.write("src/lib.rs", &LIB.replace("    41", &format!("    // {token}\n    41")));
    let place = "src/lib.rs:2";
    scene.expect(3, &["run", "fix_tests", "--no-input", "--at-place", place]);
    let run = scene.project.only_run();
    let shown = scene.expect(0, &["show", &run, "--request", "1"]);
    assert!(shown.contains("placeholders stand for 1 "), "{shown}");
    assert!(shown.contains("the target"), "{shown}");
    let wire = scene.expect(0, &["show", &run, "--request", "1", "--wire"]);
    assert!(!shown.contains(&token) && !wire.contains(&token));
    assert_eq!(scene.received(), 0);
}

/// The real program as a server.
fn editor(scene: &Scene) -> Client {
    let place = scene.project.place();
    let environment = [("XDG_STATE_HOME", place.join("state")), ("XDG_CONFIG_HOME", place.join("config"))];
    let mut environment: Vec<(&str, &Path)> =
        environment.iter().map(|(name, path)| (*name, path.as_path())).collect();
    environment.push(("NO_PROXY", Path::new("127.0.0.1")));
    let child = Client::spawn(Path::new(env!("CARGO_BIN_EXE_openexec")), &["lsp"], &environment);
    Client::of_child(child, &scene.project.root().canonicalize().unwrap(), Abilities::all())
}

#[test]
fn an_editor_shows_a_request_and_sends_it_on_a_yes() {
    let scene = Scene::new(vec![reading(), fixing()], json!({ "approve_requests": true }));
    let mut client = editor(&scene);
    let uri = client.open(&scene.project.root().canonicalize().unwrap().join("src/lib.rs"));
    client.execute("openexec.run", json!({ "blueprint": "fix_tests" })).unwrap();
    client.wait_for_message("waits before it sends request 1 to `wire`");
    let shown = client.choose(&uri, (1, 0), |title| title.contains("would send to wire")).unwrap();
    let file = shown["request"].as_str().unwrap().to_owned();
    let document = std::fs::read_to_string(&file).unwrap();
    assert!(std::fs::metadata(&file).unwrap().permissions().readonly());
    for part in
        ["# Request 1 of run", "nothing of it has left", "## Decide", "## Context, and why", "\"max_tokens\""]
    {
        assert!(document.contains(part), "{part}: {document}");
    }
    client.wait_for("the document", |message| {
        message["method"] == "window/showDocument"
            && message["params"]["uri"].as_str().is_some_and(|uri| uri.ends_with("request-1.md"))
    });
    // A yes to something else is none.
    let stale = json!({ "proposal": shown["digest"].as_str().unwrap().replace(|digit: char| digit.is_ascii_digit(), "0") });
    client.execute("openexec.apply", stale).unwrap_err();
    assert_eq!(scene.received(), 0);
    client.choose(&uri, (1, 0), |title| title.starts_with("Send run")).unwrap();
    client.wait_for_message("waits before it sends request 2 to `wire`");
    assert_eq!(scene.received(), 1);
    let status = client.execute("openexec.status", Value::Null).unwrap();
    let status = status["markdown"].as_str().unwrap();
    assert!(status.contains("(1,000 tokens read, 100 written, 0.002 USD)"), "{status}");
    let again = client.execute("openexec.request", json!({ "number": 1 })).unwrap();
    let document = std::fs::read_to_string(again["request"].as_str().unwrap()).unwrap();
    assert!(document.contains("answered in") && !document.contains("## Decide"), "{document}");
    client.choose(&uri, (1, 0), |title| title.starts_with("Send run")).unwrap();
    client.wait_for_message("undo with `openexec.undo`");
    assert_eq!((scene.received(), client.text(&uri)), (2, FIXED));
}

#[test]
fn an_editor_refuses_a_request() {
    let scene = Scene::new(vec![fixing()], json!({ "approve_requests": true }));
    let mut client = editor(&scene);
    let uri = client.open(&scene.project.root().canonicalize().unwrap().join("src/lib.rs"));
    client.execute("openexec.run", json!({ "blueprint": "fix_tests" })).unwrap();
    client.wait_for_message("waits before it sends request 1");
    client.choose(&uri, (1, 0), |title| title.starts_with("Discard run")).unwrap();
    client.wait_for_message("was refused by test client 1 and not sent");
    assert_eq!((scene.received(), client.text(&uri)), (0, LIB));
}

#[test]
fn an_editor_sees_that_a_call_is_repeated_and_the_journal_does_not() {
    let scene = Scene::new(vec![fixing()], json!({}));
    scene.server.turn_away(1);
    let mut client = editor(&scene);
    client.execute("openexec.run", json!({ "blueprint": "fix_tests" })).unwrap();
    client.wait_for("a retry in the progress", |message| {
        message["method"] == "$/progress"
            && message["params"]["value"]["message"].as_str().is_some_and(|text| {
                text.starts_with("fix, stage 3 of 8, turn 1, retrying in ")
                    && text.contains("too many requests")
            })
    });
    client.wait_for_message("undo with `openexec.undo`");
    let run = scene.newest_run();
    let journal = scene.expect(0, &["show", &run, "--json"]);
    assert!(!journal.contains("retrying"), "{journal}");
}

#[test]
fn a_terminal_says_that_a_call_is_repeated() {
    let scene = Scene::new(vec![fixing()], json!({}));
    scene.server.turn_away(1);
    let text = scene.fix(0);
    assert!(
        text.contains("fix, stage 3 of 8, turn 1, retrying in ") && text.contains("too many requests"),
        "{text}"
    );
}

/// A server that begins a reply, and ends it when it is told to.
fn slow_server() -> (String, std::sync::mpsc::Sender<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go_on, told) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        read_request(&mut connection);
        let mut send = |event: &str| {
            let event = format!("data: {event}\n\n");
            write!(connection, "{:x}\r\n{event}\r\n", event.len()).unwrap();
            connection.flush().unwrap();
        };
        let choice = |delta: Value, finish: Value| {
            json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] }).to_string()
        };
        send(&choice(json!({ "role": "assistant", "content": "x".repeat(12_000) }), Value::Null));
        told.recv().unwrap();
        send(&choice(json!({ "content": "and no action" }), json!("stop")));
        send("[DONE]");
    });
    (url, go_on)
}

/// Reads a request, and answers that a stream follows.
fn read_request(connection: &mut std::net::TcpStream) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write_all(head.as_bytes()).unwrap();
}

#[test]
fn an_editor_sees_a_reply_arrive() {
    let scene = Scene::new(vec![], json!({}));
    let (url, go_on) = slow_server();
    let config = json!({
        "models": { "slow": { "api": "openai_chat", "model": "served", "base_url": url } },
    });
    std::fs::write(scene.project.place().join("config/openexec/config.yaml"), config.to_string()).unwrap();
    let mut client = editor(&scene);
    client.execute("openexec.run", json!({ "blueprint": "fix_tests" })).unwrap();
    client.wait_for("the size of the reply in the progress", |message| {
        message["method"] == "$/progress"
            && message["params"]["value"]["message"]
                .as_str()
                .is_some_and(|text| text.starts_with("fix, stage 3 of 8, turn 1, receiving 12 kB"))
    });
    go_on.send(()).unwrap();
    client.execute("openexec.cancel", Value::Null).unwrap();
    client.wait_for_message("was cancelled");
}
