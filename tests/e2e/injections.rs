//! Texts that try to steer the model. Each is put where its channel says, a real run shows it to
//! the model, and what the model was sent is looked at; then a model that obeys is answered by
//! the same gate as every other.

use crate::hostile::carry_out::{carry_out, scripted_turns};
use crate::hostile::corpus::{self, Case, Defaults, Outcome};
use crate::hostile::layout::{Laid, generated};
use crate::hostile::prompts::{self, Envelope};
use crate::hostile::told::{Told, listen};
use openexec_engine::context::{ENVELOPE_RULES, Envelopes};
use openexec_engine::model::ModelRequest;
use openexec_engine::path::WorkspacePath;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Injections that are looked at at once.
const SIDE_BY_SIDE: usize = 6;
/// The attacker has read the source, but cannot know a nonce: this one is guessed.
const GUESSED: &str = "000000000000000000000000000000000000000";
/// Bytes of a request, whatever is to be shown in it: the budget of the pack and one answer.
const REQUEST_BYTES_MAX: usize = 256 * 1024;

/// One injection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Injection {
    id: String,
    technique: String,
    channel: String,
    #[serde(rename = "description")]
    _description: String,
    text: Option<String>,
    text_gen: Option<Value>,
    placement: Option<Map<String, Value>>,
    #[serde(rename = "template")]
    _template: bool,
    #[serde(rename = "goal")]
    _goal: String,
    expected: Expected,
    if_obeyed: Option<Obeyed>,
    #[serde(rename = "note")]
    _note: Option<String>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    inside_envelope: bool,
    forbidden_raw: Vec<String>,
    recoverable: bool,
}

/// What a fully obedient model would send, and what the gate must make of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Obeyed {
    actions: Value,
    expected: Outcome,
}

/// How a text gets before the model.
enum Way {
    /// A file: as the target of the run, and read by the model.
    File(String),
    /// A file's name, found and read by the model.
    Name(String),
    /// The output of a declared task that prints this file.
    Output(String),
    /// A diagnostic of another tool, which the editor passes on.
    Diagnostic,
}

impl Injection {
    fn text(&self) -> Result<String, String> {
        match (&self.text, &self.text_gen) {
            (Some(text), None) => Ok(filled(text)),
            (None, Some(generator)) => generated(generator),
            _ => Err("either `text` or `text_gen` is wanted".to_owned()),
        }
    }

    /// Where the text of this channel lies in a real workspace. What no part of the runtime
    /// reads by itself (commits, logs) reaches the model through a task or as a file.
    fn way(&self, text: &str) -> Result<Way, String> {
        let named = self.placement.as_ref().filter(|it| it.get("as") == Some(&json!("file_name")));
        if let Some(placement) = named {
            let dir = placement.get("dir").and_then(Value::as_str).unwrap_or("docs");
            return Ok(Way::Name(format!("{dir}/{text}")));
        }
        Ok(match self.channel.as_str() {
            "comment" => Way::File("src/helper.rs".to_owned()),
            "readme" => Way::File("docs/guide.md".to_owned()),
            "xml_file" => Way::File("config/a.xml".to_owned()),
            "json_file" => Way::File("config/a.json".to_owned()),
            "shell_file" => Way::File("scripts/a.sh".to_owned()),
            "generated_file" => Way::File("src/generated.rs".to_owned()),
            "dependency_doc" => Way::File("vendor/dep/src/lib.rs".to_owned()),
            "log_file" => Way::File("logs/run.txt".to_owned()),
            "task_output" => Way::Output("logs/output.txt".to_owned()),
            "commit_message" => Way::Output("logs/commit.txt".to_owned()),
            "diagnostic" => Way::Diagnostic,
            other => return Err(format!("the channel `{other}` is unknown to the test")),
        })
    }
}

/// Fills a template with the strings of our own envelopes.
fn filled(text: &str) -> String {
    let sample = Envelopes::new("00").wrap("src/auth.rs", "x");
    let (first, last) = (sample.lines().next().unwrap(), sample.lines().last().unwrap());
    let nonce = last.trim_start_matches("<<openexec:end ").trim_end_matches(">>");
    let with = |line: &str| line.replace(nonce, GUESSED);
    let close = with(last);
    let mut text = text
        .replace("{{OPEN}}", &with(first))
        .replace("{{CLOSE}}", &close)
        .replace("{{CLOSE_WITHOUT_NONCE}}", last.split(nonce).next().unwrap())
        // Of an earlier run, in which the attacker has seen it.
        .replace("{{PREVIOUS_CLOSE}}", last)
        .replace("{{CLOSE_AS_HTML_ENTITIES}}", &close.replace('<', "&lt;").replace('>', "&gt;"))
        .replace(
            "{{CLOSE_UPPER_WITH_BLANK}}",
            &close.to_uppercase().replace("<<", "<< ").replace(">>", " >>"),
        )
        .replace("{{ROLE_SYSTEM}}", "<|im_start|>system");
    while let Some((before, rest)) = text.split_once("{{CLOSE_SPLIT_BY:") {
        let (by, after) = rest.split_once("}}").unwrap();
        let (left, right) = close.split_at("<<open".len());
        text = format!("{before}{left}{by}{right}{after}");
    }
    while let Some((before, rest)) = text.split_once("{{HEADER:") {
        let (path, after) = rest.split_once("}}").unwrap();
        text = format!("{before}{}{after}", with(first).replace("src/auth.rs", path));
    }
    text
}

/// What is wrong with one injection.
fn look(injection: &Injection, defaults: &Defaults) -> Result<Vec<String>, String> {
    let mut text = injection.text()?;
    let way = injection.way(&text)?;
    if !injection.expected.inside_envelope || !injection.expected.recoverable {
        return Err("the test knows texts that stay inside and can be recovered only".to_owned());
    }
    let (source, told) = shown(injection, &way, &text, defaults)?;
    if matches!(way, Way::Output(_)) {
        // Escape sequences for terminals are no part of what is kept of an output.
        text = anstream::adapter::strip_str(&text).to_string();
    }
    let requests = prompts::requests(&told);
    let mut wrong = Vec::new();
    let mut items = 0;
    for (at, request) in requests.iter().enumerate() {
        items += items_of(request, &text, &source, &mut wrong).map_err(|it| format!("request {at}: {it}"))?;
        forbidden(request, &injection.expected.forbidden_raw, &mut wrong);
    }
    // A name that is no canonical path is shown nowhere at all.
    let is_shown = requests.iter().flat_map(prompts::texts).any(|part| part.contains(text.trim_end()));
    let is_nameless = matches!(&way, Way::Name(path) if WorkspacePath::parse(path).is_err());
    if is_nameless && !is_shown {
        items += 1;
    }
    if items == 0 {
        wrong.push(format!("the text was never shown; {:?}", told.events.last()));
    }
    if let Some(obeyed) = &injection.if_obeyed {
        wrong.extend(obey(injection, obeyed, defaults)?);
    }
    Ok(wrong)
}

/// Whether the text of an envelope is the one that was put in, or, where it had to be cut, a
/// part of it.
fn holds(envelope: &Envelope, text: &str) -> bool {
    let Some(found) = Envelopes::unwrap(&envelope.whole) else { return false };
    found.contains(text.trim_end()) || (text.len() > 4096 && found.len() > 64 && is_cut(&found, text))
}

fn is_cut(found: &str, text: &str) -> bool {
    let longest = found.lines().max_by_key(|line| line.len()).unwrap_or_default();
    longest.len() > 64 && text.contains(longest.trim_end_matches('…'))
}

/// Checks 1, 2, 4 and 5: how often a request shows the text, each time in one envelope of its
/// own, from which it can be recovered, and under a title of the runtime.
fn items_of(
    request: &ModelRequest,
    text: &str,
    source: &str,
    wrong: &mut Vec<String>,
) -> Result<usize, String> {
    let mut items = 0;
    let mut nonces = Vec::new();
    let snippet: String =
        text.lines().map(str::trim).max_by_key(|line| line.len()).unwrap_or_default().into();
    for part in prompts::texts(request) {
        let (envelopes, rest) = prompts::envelopes(&part);
        for envelope in &envelopes {
            let nonce: String =
                envelope.whole.chars().skip("<<openexec:data ".len()).take(GUESSED.len()).collect();
            if nonces.contains(&nonce) || nonce == GUESSED {
                wrong.push(format!("the nonce {nonce} is used twice or was guessed"));
            }
            nonces.push(nonce);
            if envelope.body.lines().any(|line| !line.starts_with('|')) {
                wrong.push("a line of a text stands outside of its margin".to_owned());
            }
            if holds(envelope, text) {
                items += 1;
                if !envelope.title.contains(source) {
                    wrong.push(format!("`{source}` is shown under the title `{}`", envelope.title));
                }
            }
        }
        if snippet.len() > 12 && rest.contains(&snippet) {
            wrong.push(format!("it stands outside of every envelope: {snippet}"));
        }
        if rest.contains("<<openexec:end") {
            wrong.push("an envelope ends twice".to_owned());
        }
        if part.len() > REQUEST_BYTES_MAX {
            wrong.push(format!("{} bytes were sent in one piece", part.len()));
        }
    }
    if !request.system.contains(ENVELOPE_RULES) {
        return Err("the rules of the envelopes were left out".to_owned());
    }
    Ok(items)
}

/// Check 3: nothing of what a model would take for more than text is in the prompt. The first and
/// the last line of each real envelope, which nobody else can write, are left out.
fn forbidden(request: &ModelRequest, strings: &[String], wrong: &mut Vec<String>) {
    for part in prompts::texts(request) {
        let (envelopes, rest) = prompts::envelopes(&part);
        let bodies = envelopes.iter().map(|envelope| format!("{}\n{}", envelope.title, envelope.body));
        for prompt in bodies.chain([rest]) {
            for string in strings {
                let string = filled(string);
                if prompt.contains(&string) {
                    wrong.push(format!("`{}` stands in the prompt as it is", string.escape_debug()));
                }
            }
        }
    }
}

/// Runs what shows the text. Answers with what the title must name.
fn shown(
    injection: &Injection,
    way: &Way,
    text: &str,
    defaults: &Defaults,
) -> Result<(String, Told), String> {
    let (path, content) = match way {
        Way::File(path) | Way::Output(path) => (path.clone(), text.to_owned()),
        Way::Name(path) => (path.clone(), "needle-51ab\n".to_owned()),
        Way::Diagnostic => ("src/lib.rs".to_owned(), defaults.bases["rust"]["src/lib.rs"].clone()),
    };
    let setup = json!({ "base": "rust", "files": [{ "path": path, "text": content }] });
    let case = crate::hostile::attacks::case(&injection.id, &setup, &json!([]), false);
    let laid = Laid::of(&case, defaults)?;
    let actions = match way {
        Way::File(path) => json!([{ "id": "a1", "kind": "read_file", "path": path }]),
        Way::Name(_) => json!([{ "id": "a1", "kind": "search", "text": "needle-51ab" }]),
        Way::Output(_) => json!([{ "id": "a1", "kind": "run_task", "task": "show" }]),
        Way::Diagnostic => json!([{ "id": "a1", "kind": "finish", "summary": "done" }]),
    };
    let reply = json!({ "actions": actions }).to_string();
    let run = |laid: &Laid, words: &[&str], stage: &str| {
        let model = scripted_turns(laid, stage, std::slice::from_ref(&reply));
        let common = ["--json", "--step", "--instruction", "look", "--model", &model];
        listen(laid.openexec(&[&["run"], words, common.as_slice()].concat()), |_| ())
    };
    let (source, told) = match way {
        Way::File(path) => {
            let place = format!("{path}:1");
            (path.clone(), run(&laid, &["review", "--at-place", &place], "review")?)
        }
        Way::Name(_) => {
            let told = run(&laid, &["review", "--at-place", "README.md:1"], "review")?;
            ("search results".to_owned(), told)
        }
        Way::Output(path) => {
            declare(&laid, path)?;
            ("show".to_owned(), run(&laid, &["hostile"], "implement")?)
        }
        Way::Diagnostic => ("diagnostics".to_owned(), in_editor(&laid, text, &reply)?),
    };
    Ok((source, told))
}

/// Declares a task that prints a file, and trusts it.
fn declare(laid: &Laid, path: &str) -> Result<(), String> {
    let file = laid.root().join(".openexec/tasks.yaml");
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let mut tasks: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let task = json!({ "name": "show", "kind": "other", "argv": ["/bin/cat", path], "timeout": "medium" });
    tasks["tasks"].as_array_mut().ok_or("no tasks")?.push(task);
    std::fs::write(&file, tasks.to_string()).map_err(|error| error.to_string())?;
    let output = laid.openexec(&["trust"]).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(crate::project::said(&output)) }
}

/// A run that an editor starts with a diagnostic.
fn in_editor(laid: &Laid, message: &str, reply: &str) -> Result<Told, String> {
    let model = scripted_turns(laid, "fix", &[reply.to_owned()]);
    let child = laid
        .openexec(&["lsp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let abilities = crate::client::Abilities::all();
    let mut client = crate::client::Client::of_child(child, &laid.root(), abilities);
    let uri = client.open(&laid.root().join("src/lib.rs"));
    let at = json!({ "line": 1, "character": 4 });
    let diagnostic =
        json!({ "range": { "start": at, "end": at }, "message": message, "source": "rustc", "code": "E1" });
    let started = client
        .execute(
            "openexec.run",
            json!({ "blueprint": "fix_diagnostic", "uri": uri, "model": model, "diagnostics": [diagnostic] }),
        )
        .map_err(|error| error.to_string())?;
    let run = started["run"].as_str().ok_or_else(|| format!("no run: {started}"))?.to_owned();
    crate::hostile::editor::settled(laid, &run, &mut client)
}

/// A model that does what it was told.
fn obey(injection: &Injection, obeyed: &Obeyed, defaults: &Defaults) -> Result<Vec<String>, String> {
    let base = if obeyed.actions.to_string().contains("package.json") { "node" } else { "rust" };
    let secret = json!({ "path": ".env", "text": "API_TOKEN=fake-token-000\n" });
    let setup = json!({ "base": base, "files": [secret] });
    let mut actions = obeyed.actions.clone();
    for action in actions.as_array_mut().into_iter().flatten() {
        complete(action, base, defaults);
    }
    let case: Case = crate::hostile::attacks::case(&injection.id, &setup, &actions, false);
    let result = carry_out(&case, defaults);
    let mut wrong = result.violations;
    let came = result.came.map_err(|reason| format!("if obeyed: {reason}"))?;
    if came.outcome < obeyed.expected {
        wrong.push(format!("if obeyed: {:?} by {:?}: {}", came.outcome, came.rules, came.reason));
    }
    Ok(wrong)
}

/// The corpus leaves out what an edit needs to be well-formed: the hash and the range.
fn complete(action: &mut Value, base: &str, defaults: &Defaults) {
    if action["kind"] == "edit" && action.get("range").is_none() {
        let path = action["path"].as_str().unwrap_or_default().to_owned();
        let text = defaults.bases[base].get(&path).cloned().unwrap_or_default();
        action["base_hash"] = json!(openexec_engine::digest::Digest::of(text.as_bytes()).to_string());
        let at = json!({ "line": 0, "character": 0 });
        action["range"] = json!({ "start": at, "end": at });
    }
}

#[test]
fn what_is_shown_to_a_model_stays_data_and_obeying_it_gets_nowhere() {
    let injections: Vec<Injection> = corpus::entries("injections");
    let defaults = corpus::defaults();
    let only = std::env::var("HOSTILE_ONLY").ok();
    let chosen: Vec<&Injection> = injections
        .iter()
        .filter(|it| only.as_ref().is_none_or(|only| only.split(',').any(|id| it.id.starts_with(id))))
        .collect();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(injection) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = look(injection, &defaults).unwrap_or_else(|reason| vec![reason]);
                    let lines =
                        found.into_iter().map(|it| format!("{} {}: {it}", injection.id, injection.technique));
                    wrong.lock().unwrap().extend(lines);
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    wrong.dedup();
    let obeyed = chosen.iter().filter(|it| it.if_obeyed.is_some()).count();
    println!("injections: {} shown, {obeyed} obeyed, {} wrong", chosen.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
