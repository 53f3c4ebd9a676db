//! The language server over the protocol. What needs whole runs is tested with the runs.

use crate::client::{Abilities, Client, PATIENCE, path_of, uri};
use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project};
use openexec::config::UserDirs;
use openexec::lsp::{Ended, converse};
use serde_json::{Value, json};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A server in this process, without user scope: whatever needs no run must work all the same.
pub struct Scene {
    /// The client.
    pub client: Client,
    /// The workspace.
    pub root: PathBuf,
    /// The user's own directory.
    pub config: PathBuf,
    ended: std::sync::mpsc::Receiver<Ended>,
    socket: UnixStream,
    _folder: tempfile::TempDir,
}

/// A conversation with it.
pub fn scene(abilities: Abilities) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    let root = base.join("workspace");
    std::fs::create_dir(&root).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (sender, ended) = std::sync::mpsc::channel();
    let config = base.join("config");
    let dirs = UserDirs { config: config.clone(), state: base.join("state") };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let how = runtime.unwrap().block_on(async move {
            theirs.set_nonblocking(true).unwrap();
            let (input, output) = tokio::net::UnixStream::from_std(theirs).unwrap().into_split();
            converse(input, output, Err("config.yaml:3:1: no such model".to_owned()), dirs).await
        });
        sender.send(how).ok();
    });
    let reader = ours.try_clone().unwrap();
    let socket = ours.try_clone().unwrap();
    let client = Client::over(reader, ours, &root, abilities);
    Scene { client, root, config, ended, socket, _folder: folder }
}

#[test]
fn the_server_says_what_it_offers() {
    let scene = scene(Abilities::all());
    let capabilities = &scene.client.server["capabilities"];
    assert_eq!(capabilities["positionEncoding"], "utf-16");
    assert_eq!(capabilities["textDocumentSync"]["change"], 2);
    let commands = capabilities["executeCommandProvider"]["commands"].as_array().unwrap();
    for id in ["run", "cancel", "review", "apply", "discard", "undo", "status", "trust"] {
        assert!(commands.contains(&json!(format!("openexec.{id}"))), "{id}");
    }
    assert!(capabilities["codeActionProvider"].get("resolveProvider").is_none());
    assert!(capabilities["experimental"]["openexec"].is_object());
}

#[test]
fn columns_are_counted_as_the_client_likes_best_after_utf_8() {
    for (offered, chosen) in
        [(vec!["utf-16", "utf-8"], "utf-8"), (vec!["utf-32", "utf-16"], "utf-32"), (vec![], "utf-16")]
    {
        let scene = scene(Abilities { encodings: offered, ..Abilities::all() });
        assert_eq!(scene.client.server["capabilities"]["positionEncoding"], chosen);
    }
}

#[test]
fn every_command_is_answered_at_once_and_says_what_to_do() {
    let mut scene = scene(Abilities::all());
    let run = json!({ "blueprint": "implement", "instruction": "x" });
    for (command, argument, says) in [
        ("openexec.run", run, "config.yaml:3:1: no such model"),
        ("openexec.run", Value::Null, "\"blueprint\""),
        ("openexec.apply", Value::Null, "cannot run anything"),
        ("openexec.cancel", json!({ "run": "nonsense" }), "cannot run anything"),
        ("openexec.trust", json!({}), "cannot run anything"),
        ("openexec.fly", Value::Null, "there is no command `openexec.fly`"),
    ] {
        let begun = Instant::now();
        let error = scene.client.execute(command, argument).unwrap_err();
        assert!(begun.elapsed() < Duration::from_millis(100), "{command} took {:?}", begun.elapsed());
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    }
}

#[test]
fn a_client_that_shows_nothing_still_learns_everything() {
    let mut scene = scene(Abilities::none());
    let status = scene.client.execute("openexec.status", Value::Null).unwrap();
    assert!(status["markdown"].as_str().unwrap().contains("no such model"), "{status}");
    let file = status["status"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), status["markdown"].as_str().unwrap());
    assert!(scene.client.wait_for_message("Open ").contains(&file));
    let uri = scene.client.open(&scene.root.join("a.rs"));
    assert_eq!(scene.client.code_actions(&uri, 0, 0), Vec::<Value>::new());
}

#[test]
fn a_client_that_can_is_shown_the_document() {
    let mut scene = scene(Abilities::all());
    scene.client.execute("openexec.status", Value::Null).unwrap();
    let request = scene.client.wait_for("a document", |message| message["method"] == "window/showDocument");
    assert!(path_of(request["params"]["uri"].as_str().unwrap()).ends_with("status.md"));
    assert!(request["params"].get("selection").is_none());
}

#[test]
fn cancelling_what_is_not_there_is_no_error() {
    let mut scene = scene(Abilities::all());
    for token in
        [json!("openexec/no-such-run/1"), json!("openexec/no-such-run/1"), json!(7), json!("foreign")]
    {
        scene.client.notify("window/workDoneProgress/cancel", json!({ "token": token }));
    }
    scene.client.notify("$/cancelRequest", json!({ "id": 4711 }));
    scene.client.execute("openexec.status", Value::Null).unwrap();
}

#[test]
fn odd_documents_and_notifications_stop_nothing() {
    let mut scene = scene(Abilities::all());
    scene.client.open_as("untitled:Untitled-1", "fn main() {}\n");
    assert_eq!(scene.client.code_actions("untitled:Untitled-1", 0, 0), Vec::<Value>::new());
    let never_opened = uri(&scene.root.join("never.rs"));
    assert_eq!(scene.client.code_actions(&never_opened, 0, 0), Vec::<Value>::new());
    scene.client.notify("textDocument/didChange", json!({ "textDocument": 7 }));
    scene.client.notify("textDocument/didClose", json!({ "textDocument": { "uri": never_opened } }));
    scene.client.notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    scene.client.notify("$/whatever", json!({}));
    scene.client.execute("openexec.status", Value::Null).unwrap();
}

#[test]
fn a_change_that_does_not_fit_is_told_to_the_user() {
    let mut scene = scene(Abilities::all());
    let uri = scene.client.open(&scene.root.join("a.rs"));
    let beyond = json!({ "line": 99, "character": 0 });
    scene.client.notify(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": uri, "version": 2 },
                "contentChanges": [{ "range": { "start": beyond, "end": beyond }, "text": "x" }] }),
    );
    scene.client.wait_for_message("close the file and open it again");
}

#[test]
fn an_answer_that_comes_late_kills_nothing() {
    let mut scene = scene(Abilities::all());
    // The request behind which the server asks us to show a document is cancelled meanwhile.
    let id = scene
        .client
        .ask("workspace/executeCommand", json!({ "command": "openexec.status", "arguments": [] }));
    scene.client.notify("$/cancelRequest", json!({ "id": id }));
    drop(scene.client.answer(id));
    for _ in 0..3 {
        scene.client.execute("openexec.status", Value::Null).unwrap();
    }
}

#[test]
fn the_conversation_ends_at_exit_although_the_stream_stays_open() {
    let mut scene = scene(Abilities::all());
    scene.client.leave();
    assert_eq!(scene.ended.recv_timeout(PATIENCE), Ok(Ended::Properly));
}

#[test]
fn an_editor_that_vanishes_is_noticed() {
    let scene = scene(Abilities::all());
    scene.socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(scene.ended.recv_timeout(PATIENCE), Ok(Ended::WithoutShutdown));
    // The client cannot say good-bye any more, so it is not asked to.
    std::mem::forget(scene.client);
}

#[test]
fn the_binary_ends_at_exit_with_its_input_open() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_openexec"));
    let child = Client::spawn(program, &["lsp"], &[("HOME", &root)]);
    let mut client = Client::of_child(child, &root, Abilities::all());
    let begun = Instant::now();
    let status = client.leave().unwrap();
    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
}

/// The program as a server for a project, with user scope in the project's own place.
pub fn server_for(project: &Project) -> Client {
    let [state, config] = ["state", "config"].map(|name| project.place().join(name));
    let environment = [
        ("HOME", project.place()),
        ("XDG_STATE_HOME", state.as_path()),
        ("XDG_CONFIG_HOME", config.as_path()),
    ];
    let child = Client::spawn(Path::new(env!("CARGO_BIN_EXE_openexec")), &["lsp"], &environment);
    Client::of_child(child, &project.root().canonicalize().unwrap(), Abilities::all())
}

fn titles(actions: &[Value]) -> Vec<&str> {
    actions.iter().filter_map(|action| action["title"].as_str()).collect()
}

#[test]
fn a_first_user_is_led_from_trust_to_an_undo_after_a_restart() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    let file = project.root().canonicalize().unwrap().join("src/lib.rs");
    let mut client = server_for(&project);
    let lib = client.open(&file);
    // The very first menu is not empty, and begins with what everything else needs.
    let actions = client.code_actions(&lib, 1, 8);
    let shown = titles(&actions);
    assert!(shown[0].starts_with("Trust this workspace's tasks (python3 check.py)"), "{shown:?}");
    assert_eq!(shown[1], "Show what this workspace's tasks would run");
    assert!(shown[2].starts_with("Review function `answer` · review"), "{shown:?}");
    let look = client.execute("openexec.trust", actions[1]["command"]["arguments"][0].clone()).unwrap();
    let look = std::fs::read_to_string(look["review"].as_str().unwrap()).unwrap();
    assert!(look.contains("`python3 check.py`") && look.contains("+    argv: [python3, check.py]"), "{look}");
    let trust = &actions[0]["command"]["arguments"][0];
    assert_eq!(trust["commands"], json!(["python3 check.py"]));
    let mut other = trust.clone();
    other["commands"] = json!(["python3 other.py"]);
    let error = client.execute("openexec.trust", other).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("changed since"), "{error}");
    client.execute("openexec.trust", trust.clone()).unwrap();
    client.wait_for_message("trusted, may run python3 check.py");
    assert!(!titles(&client.code_actions(&lib, 1, 8)).iter().any(|title| title.starts_with("Trust")));

    client.execute("openexec.run", json!({ "blueprint": "fix_tests", "model": project.model() })).unwrap();
    let begin = client.wait_for("a progress", |message| message["params"]["value"]["kind"] == "begin");
    let title = begin["params"]["value"]["title"].as_str().unwrap();
    assert!(title.starts_with("OpenExec fix_tests "), "{title}");
    client.wait_for_message("undo with `openexec.undo`");
    assert_eq!(client.text(&lib), FIXED);
    client.save(&lib);
    assert!(client.leave().unwrap().success());

    let mut client = server_for(&project);
    let lib = client.open(&file);
    client.choose(&lib, (1, 8), |title| title.starts_with("Undo run ")).unwrap();
    client.wait_for_message("was undone; undo this run again to redo it");
    assert_eq!(client.text(&lib), LIB);
    assert!(client.leave().unwrap().success());
}

/// What the server holds of a document.
fn held(scene: &mut Scene, uri: &str) -> Value {
    scene.client.request("openexec/documentDigest", json!({ "uri": uri })).unwrap()
}

#[test]
fn a_message_that_cannot_be_decoded_takes_no_other_with_it() {
    let mut scene = scene(Abilities::all());
    let uri = uri(&scene.root.join("lib.rs"));
    scene.client.open_as(&uri, "fn a() {}\n");
    let cases: [(&[u8], i64); 5] = [
        (b"{bad}", -32700),
        (b"\"\xff\"", -32700),
        (b"[]", -32600),
        (br#"{"jsonrpc":"2.0","id":3.5,"method":"textDocument/hover"}"#, -32600),
        (br#"{"method":"initialized","params":{}}"#, -32600),
    ];
    for (message, code) in cases {
        scene.client.send_bytes(message);
        let refusal = scene.client.refusal();
        assert_eq!(refusal["error"]["code"], code, "{refusal}");
        assert!(held(&mut scene, &uri)["digest"].is_string());
    }
    let unknown = scene.client.request("$/foo", json!({})).unwrap_err();
    assert_eq!(unknown["code"], -32601);
}

#[test]
fn half_a_character_stays_half_and_two_halves_are_not_guessed_at() {
    let mut scene = scene(Abilities::all());
    let uri = uri(&scene.root.join("lib.rs"));
    scene.client.open_as(&uri, "ab\n");
    let change = |version: i32, character: u32, text: &str| {
        let at = format!("{{\"line\":0,\"character\":{character}}}");
        format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":{{\"textDocument\":\
             {{\"uri\":\"{uri}\",\"version\":{version}}},\"contentChanges\":[{{\"range\":\
             {{\"start\":{at},\"end\":{at}}},\"text\":\"{text}\"}}]}}}}"
        )
    };
    scene.client.send_bytes(change(2, 1, "\\ud83e").as_bytes());
    let digest = openexec_engine::digest::Digest::of("a\u{FFFD}b\n".as_bytes());
    assert_eq!(held(&mut scene, &uri)["digest"], json!(digest));
    // In the editor, this is one character now.
    scene.client.send_bytes(change(3, 2, "\\udd80").as_bytes());
    scene.client.wait_for_message("halves of one character");
    assert_eq!(held(&mut scene, &uri)["live"], false);
}

#[test]
fn a_change_that_cannot_be_read_is_not_passed_over_in_silence() {
    let mut scene = scene(Abilities::all());
    let uri = uri(&scene.root.join("a (1).rs"));
    scene.client.open_as(&uri, "fn a() {}\n");
    // Another spelling of the same file.
    let spelt = uri.replace("(1)", "%281%29");
    assert_ne!(spelt, uri);
    let change =
        json!({ "textDocument": { "uri": spelt, "version": 2 }, "contentChanges": [{ "text": "b\n" }] });
    scene.client.notify("textDocument/didChange", change);
    assert_eq!(held(&mut scene, &uri)["digest"], json!(openexec_engine::digest::Digest::of(b"b\n")));
    let broken = json!({ "textDocument": { "uri": uri, "version": 3 }, "contentChanges": [{ "text": 7 }] });
    scene.client.notify("textDocument/didChange", broken);
    scene.client.wait_for_message("close the file and open it again");
    assert_eq!(held(&mut scene, &uri)["live"], false);
}
