//! Whole runs against servers that fail, each over another wire: the run stops with a clear
//! message, nothing of it is lost, and it goes on when the server does. The key stands nowhere.

use super::client::{KEY, KEY_VARIABLE, entry};
use super::hostile::Villain;
use super::peer::Peer;
use crate::project::{CHECK, FIXED, LIB, Project, said};
use crate::wire::Wire;
use crate::wires::WIRES;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// A run that takes longer than this hangs, on any machine.
const DEADLINE: Duration = Duration::from_secs(120);

fn project() -> Project {
    let project = Project::scripted_tests("replies: []\n", CHECK);
    project.trust();
    project
}

/// Writes the user's configuration: this model is the one of that server.
fn configure(project: &Project, wire: Wire, model: &str, url: &str) {
    let place = project.place().join("config/openexec");
    std::fs::create_dir_all(&place).unwrap();
    let config = json!({ "models": { "peer": entry(wire.api(), model, url) } });
    std::fs::write(place.join("config.yaml"), config.to_string()).unwrap();
}

/// The program with the key, and everything that it can log.
fn openexec(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.openexec(arguments);
    command.env(KEY_VARIABLE, KEY).env("OPENEXEC_LOG", "trace").env("NO_PROXY", "127.0.0.1");
    command
}

/// Runs the program to its end, which comes in time.
fn finished(mut command: Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let (ends, end) = channel();
    std::thread::spawn(move || ends.send(child.wait_with_output()));
    match end.recv_timeout(DEADLINE) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let pid = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            panic!("the run hangs");
        }
    }
}

/// Every file below a directory with its bytes.
fn files(dir: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            files(&path, found);
        } else if kind.is_file() {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The files of a project's state, once it is certain that the key is in none, nor in any other.
fn files_without_key(project: &Project) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    files(project.place(), &mut found);
    for (path, bytes) in &found {
        // Half of it would be too much as well.
        assert!(!holds(bytes, &KEY[..KEY.len() / 2]), "the key stands in {}", path.display());
    }
    let state = project.place().join("state");
    found.retain(|(path, _)| path.starts_with(&state));
    found
}

fn without_key(output: &Output) -> String {
    let said = said(output);
    assert!(!said.contains(&KEY[..KEY.len() / 2]), "{said}");
    said
}

/// The run fails over this wire in this way, and says so; then the server is well again.
fn stops_and_goes_on(wire: Wire, failure: &str, expected: &[&str]) {
    let peer = Peer::aimock();
    let project = project();
    configure(&project, wire, failure, peer.url());
    let output = finished(openexec(&project, &["run", "fix_tests", "--model", "peer", "--no-input"]));
    let told = without_key(&output);
    assert_eq!(output.status.code(), Some(3), "{wire:?}: {told}");
    // The whole log is in what was said: the client's part of it, too.
    assert!(told.contains("TRACE") && told.contains("hyper"), "{told}");
    let shown = project.expect(0, &["show", &project.only_run()]);
    for text in expected {
        assert!(told.contains(text) && shown.contains(text), "{wire:?}: {text}\n{shown}");
    }
    assert!(told.contains("openexec resume"), "{wire:?}: {shown}");
    assert_eq!(project.read("src/lib.rs"), LIB);
    let state = files_without_key(&project);
    assert!(state.iter().any(|(_, bytes)| holds(bytes, "fix_tests")), "no journal was searched");
    configure(&project, wire, "repairs", peer.url());
    let run = project.only_run();
    let output = finished(openexec(&project, &["resume", &run]));
    let told = without_key(&output);
    assert_eq!(output.status.code(), Some(0), "{wire:?}: {told}");
    assert_eq!(project.read("src/lib.rs"), FIXED);
    assert_eq!(project.only_run(), run);
    files_without_key(&project);
}

#[test]
fn anthropic_that_is_overloaded_loses_no_run() {
    stops_and_goes_on(Wire::AnthropicMessages, "overloaded", &["529: overloaded"]);
}

#[test]
fn openai_chat_that_hangs_up_loses_no_run() {
    stops_and_goes_on(
        Wire::OpenaiChat,
        "hangs-up",
        &["could not reach the model", "see whether the server runs"],
    );
}

#[test]
fn openai_responses_that_is_cut_loses_no_run() {
    stops_and_goes_on(Wire::OpenaiResponses, "cut", &["the reply broke off"]);
}

#[test]
fn gemini_that_fails_loses_no_run() {
    stops_and_goes_on(Wire::Gemini, "fails", &["500 Internal Server Error: boom"]);
}

#[test]
fn ollama_that_is_garbled_loses_no_run() {
    stops_and_goes_on(Wire::Ollama, "garbled", &["the reply is not what the wire format promises"]);
}

/// A flood, and then the server is well again.
#[test]
fn a_flood_loses_no_run() {
    let wire = Wire::OpenaiChat;
    let project = project();
    let villain = Villain::start(|connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ")?;
        loop {
            connection.write_all(&[b'x'; 64 * 1024])?;
        }
    });
    configure(&project, wire, "flood", &villain.url);
    let output = finished(openexec(&project, &["run", "fix_tests", "--model", "peer", "--no-input"]));
    let told = without_key(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("the reply is larger than"), "{told}");
    let peer = Peer::aimock();
    configure(&project, wire, "repairs", peer.url());
    let output = finished(openexec(&project, &["resume", &project.only_run()]));
    assert_eq!(output.status.code(), Some(0), "{}", without_key(&output));
    assert_eq!(project.read("src/lib.rs"), FIXED);
}

/// A server that quotes the key in its refusal: nothing of it is kept or shown.
#[test]
fn a_refusal_that_repeats_the_key_is_kept_without_it() {
    for wire in WIRES {
        let project = project();
        let body = json!({ "error": { "message": format!("`{KEY}` is no key of ours") } }).to_string();
        let head = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close";
        let answer = format!("{head}\r\ncontent-length: {}\r\nx-echo: {KEY}\r\n\r\n{body}", body.len());
        let villain = Villain::start(move |connection| connection.write_all(answer.as_bytes()));
        configure(&project, wire, "refuses", &villain.url);
        let output = finished(openexec(&project, &["run", "fix_tests", "--model", "peer", "--no-input"]));
        let told = without_key(&output);
        assert_eq!(output.status.code(), Some(3), "{wire:?}: {told}");
        assert!(
            told.contains("`[key]` is no key of ours") && told.contains(KEY_VARIABLE),
            "{wire:?}: {told}"
        );
        files_without_key(&project);
    }
}

/// A program that dies while the model thinks: its journal lies open, and nothing of the key is
/// in it; the run goes on with a call of its own.
#[test]
fn a_program_that_dies_in_a_call_loses_no_run() {
    let project = project();
    let (asks, asked) = channel();
    let villain = Villain::start(move |connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")?;
        asks.send(()).unwrap();
        // Until nobody listens.
        connection.read(&mut [0]).map(|_| ())
    });
    let wire = Wire::AnthropicMessages;
    configure(&project, wire, "thinks-forever", &villain.url);
    let mut command = openexec(&project, &["run", "fix_tests", "--model", "peer", "--no-input"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    asked.recv_timeout(DEADLINE).expect("the model is asked");
    child.kill().unwrap();
    child.wait().unwrap();
    let state = files_without_key(&project);
    assert!(
        state.iter().any(|(path, bytes)| path.to_string_lossy().ends_with("-wal") && !bytes.is_empty()),
        "{:?}",
        state.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );
    let peer = Peer::aimock();
    configure(&project, wire, "repairs", peer.url());
    let output = finished(openexec(&project, &["resume", &project.only_run()]));
    assert_eq!(output.status.code(), Some(0), "{}", without_key(&output));
    assert_eq!(project.read("src/lib.rs"), FIXED);
}
