//! Workspace configuration that is read: `load_config`. It is a thing that happens to the
//! runtime, not an action of a model, so each sort of it goes its own real way.

use super::carry_out::{Looked, look, scripted_model};
use super::checks::{at_most, on_disk, within};
use super::corpus::{Case, Defaults, Outcome};
use super::layout::Laid;
use super::loopback::BytesServer;
use super::outcome::Came;
use super::told::{Told, listen};
use crate::client::PATIENCE;
use openexec_engine::policy::PolicySnapshot;
use openexec_engine::run::Event;
use serde_json::{Map, Value, json};
use std::io::{BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Carries out the reading of a configuration.
pub fn load(
    case: &Case,
    defaults: &Defaults,
    action: &Map<String, Value>,
    laid: &Laid,
    violations: &mut Vec<String>,
) -> Result<Came, String> {
    let mut before = Looked::at(laid);
    let text = |key: &str| action.get(key).and_then(Value::as_str);
    let came = match (text("path"), text("source")) {
        (Some(path), _) if path.starts_with(".openexec/blueprints/") => {
            blueprint(case, path, laid, violations)
        }
        (Some(".openexec/policy.yaml"), _) => policy(case, laid, violations),
        (Some(path), _) => foreign(case, defaults, path, laid, &mut before, violations),
        (None, Some("lsp:initializationOptions")) => {
            let value = action.get("value").cloned().unwrap_or_default();
            initialization_options(value, laid, &mut before, violations)
        }
        (None, other) => Err(format!("the source {other:?} is unknown to the test")),
    }?;
    look(case, laid, &before, Outcome::Block, violations);
    for (fact, wanted) in &case.check_after {
        let known = ["max_ms", "max_rss_mb", "effective_capabilities_subset_of", "no_request_to"];
        if !known.contains(&fact.as_str()) {
            violations.extend(on_disk(fact, wanted, laid, &before).err());
        }
    }
    Ok(came)
}

fn came(outcome: Outcome, rule: &str, reason: impl Into<String>) -> Came {
    Came { outcome, rules: vec![rule.to_owned()], reason: reason.into() }
}

/// A blueprint goes through the checker of the program.
fn blueprint(case: &Case, path: &str, laid: &Laid, violations: &mut Vec<String>) -> Result<Came, String> {
    let begun = Instant::now();
    let mut command = laid.openexec(&["blueprint", "check", path]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The high water mark only rises: its last value before the end is the one that counts.
    let code = loop {
        let seen = std::fs::read_to_string(&status).unwrap_or_default();
        let line = seen.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or_default() * 1024);
        if let Some(code) = child.try_wait().map_err(|error| error.to_string())? {
            break code;
        }
        std::thread::yield_now();
    };
    let took = begun.elapsed();
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    for (fact, wanted) in &case.check_after {
        let found = match fact.as_str() {
            "max_ms" => within(Some(took), wanted),
            "max_rss_mb" => at_most("bytes of memory", peak, wanted, 1024 * 1024),
            _ => Ok(()),
        };
        violations.extend(found.err().map(|reason| format!("{fact}: {reason}")));
    }
    let said = crate::project::said(&output);
    Ok(match code.code() {
        Some(0) => came(Outcome::Allow, "blueprint", said),
        _ => came(Outcome::Block, "blueprint", said),
    })
}

/// A policy is read when a run starts.
fn policy(case: &Case, laid: &Laid, violations: &mut Vec<String>) -> Result<Came, String> {
    let text = json!({ "actions": [{ "id": "z", "kind": "finish", "summary": "done" }] }).to_string();
    let model = scripted_model(laid, "review", &text);
    let told = listen(
        laid.openexec(&[
            "run",
            "review",
            "--json",
            "--step",
            "--instruction",
            "x",
            "--model",
            &model,
            "--at-place",
            "README.md:1",
        ]),
        |_| (),
    )?;
    for (fact, wanted) in &case.check_after {
        if fact == "effective_capabilities_subset_of" {
            violations.extend(capabilities(&told, laid, wanted)?.map(|reason| format!("{fact}: {reason}")));
        }
    }
    Ok(match snapshot(&told) {
        None => came(Outcome::Block, "start", told.said),
        Some(_) => came(Outcome::Allow, "policy", told.said),
    })
}

/// The capabilities of a run that may edit, held against a list; what is wrong with them.
fn capabilities(told: &Told, laid: &Laid, wanted: &Value) -> Result<Option<String>, String> {
    if snapshot(told).is_none() {
        // A run that was not started has none.
        return Ok(None);
    }
    let text = json!({ "actions": [{ "id": "z", "kind": "finish", "summary": "done" }] }).to_string();
    let model = scripted_model(laid, "implement", &text);
    let editing = listen(
        laid.openexec(&["run", "implement", "--json", "--step", "--instruction", "x", "--model", &model]),
        |_| (),
    )?;
    let wanted: Vec<&str> = wanted.as_array().ok_or("no list")?.iter().filter_map(Value::as_str).collect();
    let Some(policy) = snapshot(&editing) else { return Ok(None) };
    let more: Vec<String> = policy
        .capabilities
        .iter()
        .map(|it| serde_json::to_value(it).unwrap().as_str().unwrap().to_owned())
        .filter(|name| !wanted.contains(&name.as_str()))
        .collect();
    Ok((!more.is_empty()).then(|| format!("the run has {more:?} beside {wanted:?}")))
}

fn snapshot(told: &Told) -> Option<&PolicySnapshot> {
    told.events.iter().find_map(|it| match &it.event {
        Event::RunStarted(start) => Some(&start.policy),
        _ => None,
    })
}

/// A file that is none of the runtime's: it must make no difference. The user's own model is
/// asked, and the run has the policy that it has without the file.
fn foreign(
    case: &Case,
    defaults: &Defaults,
    path: &str,
    laid: &Laid,
    before: &mut Looked,
    violations: &mut Vec<String>,
) -> Result<Came, String> {
    let with = asked(laid, Some(before))?;
    let mut without = case.clone();
    without.workspace_setup.files.retain(|file| file.get("path").and_then(Value::as_str) != Some(path));
    let control = asked(&Laid::of(&without, defaults)?, None)?;
    if case.check_after.contains_key("no_request_to") && with.requests == 0 {
        violations.push("no_request_to: the user's own model was not asked".to_owned());
    }
    if with.refused {
        return Ok(came(Outcome::Block, "start", with.said));
    }
    if with.policy != control.policy || with.requests != control.requests {
        return Ok(came(Outcome::Allow, "config", format!("`{path}` makes a difference: {}", with.said)));
    }
    Ok(came(Outcome::Block, "ignored", format!("`{path}` makes no difference")))
}

/// What a run with the user's own model led to.
struct Asked {
    refused: bool,
    policy: Option<PolicySnapshot>,
    requests: usize,
    said: String,
}

/// The user's configuration is written first; `before` is how things stand then.
fn asked(laid: &Laid, before: Option<&mut Looked>) -> Result<Asked, String> {
    let finish = br#"{"actions":[{"id":"z","kind":"finish","summary":"done"}]}"#;
    let server = BytesServer::start(finish.to_vec());
    laid.configure_model(&server.base_url());
    if let Some(before) = before {
        *before = Looked::at(laid);
    }
    let arguments = ["run", "review", "--json", "--step", "--instruction", "x", "--at-place", "README.md:1"];
    let told = listen(laid.openexec(&arguments), |_| ())?;
    Ok(Asked {
        refused: told.events.is_empty(),
        policy: snapshot(&told).cloned(),
        requests: server.requests(),
        said: told.said,
    })
}

/// What an editor sends at the start may have come from a file of the workspace.
fn initialization_options(
    value: Value,
    laid: &Laid,
    before: &mut Looked,
    violations: &mut Vec<String>,
) -> Result<Came, String> {
    let finish = br#"{"actions":[{"id":"z","kind":"finish","summary":"done"}]}"#;
    let server = BytesServer::start(finish.to_vec());
    laid.configure_model(&server.base_url());
    *before = Looked::at(laid);
    let uri = crate::client::uri(&laid.root());
    let mut child = laid
        .openexec(&["lsp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let (sender, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Some(message) = message_of(&mut stdout) {
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    let mut say = |message: Value| {
        let body = message.to_string();
        write!(stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).and_then(|()| stdin.flush())
    };
    let talk = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "processId": null, "rootUri": uri, "capabilities": {},
            "workspaceFolders": [{ "uri": uri, "name": "proj" }], "initializationOptions": value } }),
        json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "workspace/executeCommand", "params": {
            "command": "openexec.run", "arguments": [{ "blueprint": "implement", "instruction": "x" }] } }),
    ];
    let mut messages = Vec::new();
    for (at, message) in talk.into_iter().enumerate() {
        say(message).map_err(|error| error.to_string())?;
        if at == 0 {
            // Nothing is understood before this is answered.
            messages.push(heard.recv_timeout(PATIENCE).map_err(|error| error.to_string())?);
        }
    }
    // The user's own model is asked, whatever the options say.
    let deadline = Instant::now() + PATIENCE;
    while server.requests() == 0 && Instant::now() < deadline {
        messages.extend(heard.recv_timeout(Duration::from_millis(50)).ok());
    }
    for message in [
        json!({ "jsonrpc": "2.0", "id": 3, "method": "shutdown" }),
        json!({ "jsonrpc": "2.0", "method": "exit" }),
    ] {
        say(message).map_err(|error| error.to_string())?;
    }
    messages.extend(heard.iter());
    child.wait().map_err(|error| error.to_string())?;
    if server.requests() == 0 {
        return Ok(came(
            Outcome::Allow,
            "config",
            format!(
                "the user's model was not asked: {:?}",
                messages.iter().rev().take(3).map(Value::to_string).collect::<Vec<_>>()
            ),
        ));
    }
    let told = messages.iter().any(|message| {
        let said = message["params"]["message"].as_str().unwrap_or_default();
        message["method"].as_str().is_some_and(|method| method.starts_with("window/"))
            && said.to_ascii_lowercase().contains("initializationoptions")
    });
    if !told {
        violations.push("the client was not told that its options have no effect".to_owned());
    }
    Ok(came(Outcome::Block, "ignored", "the options make no difference"))
}

fn message_of(reader: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", bytes)) => length = bytes.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
